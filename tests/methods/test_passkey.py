"""Passkeys: what is taken and what is refused, from the octets of an authenticator that is put together here."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import passkeys as fuzz
from tests.methods.authenticator import (
    BACKED,
    DOMAIN,
    EC_P256,
    ED25519,
    ELIGIBLE,
    ORIGIN,
    PRESENT,
    RSA,
    VERIFIED,
    Authenticator,
    cose,
    made_key,
    web,
)
from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.passkeys import NotTaken, Wanted, Why
from vestibule.core.ports import Asked, Failed, Passed
from vestibule.core.prompts import UsePasskey
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.kept import MOST_REMEMBERED, QUESTION_SECONDS, Kept
from vestibule.methods.passkey.method import HERE, credential_id
from vestibule.methods.passkey.registering import Registering

NOON = 1_800_000_000.0
ALICE = User("a" * 32, "alice", "alice", first_name="Alice", last_name="Liddell")
METHOD = Passkey(DOMAIN, (ORIGIN,))
TAKING = Registering(METHOD)
REFUSED = Failed(Reason.PASSKEY_REFUSED)


@dataclass
class World:
    """One person with passkeys, and a clock; no two moments have the same chance."""

    at: float = NOON
    drawn: int = 0
    held: list[Credential] = field(default_factory=list)

    def moment(self) -> Moment:
        self.drawn += 1
        return Moment(self.at, self.drawn.to_bytes(32, "big"))

    def register(self, device: Authenticator, **wrong: object) -> Credential:
        options, memory = TAKING.options(ALICE, tuple(self.held), Wanted(), self.moment())
        id, kept = TAKING.taken(device.make(options, **wrong), memory, Wanted(), lambda _: None)
        self.held.append(Credential(id, "passkey", ALICE.id, memory=kept))
        return self.held[-1]

    def asked(self) -> tuple[str, Asked]:
        """A question as the second factor."""
        opening = METHOD.begin(Asked(tuple(self.held), tuple(self.held)), self.moment())
        assert isinstance(opening.prompt, UsePasskey)
        return opening.prompt.options, Asked(tuple(self.held), tuple(self.held), opening.memory)

    def asked_anyone(self) -> tuple[str, str]:
        """A question to somebody who has typed no name."""
        return METHOD.question(self.moment())

    def check(self, answer: Secret, asked: Asked) -> Passed | Failed:
        found = METHOD.check(answer, asked, self.moment())
        changed = found.credential
        if changed is not None:
            self.held = [changed if one.id == changed.id else one for one in self.held]
        return found

    def check_free(self, answer: Secret, memory: str) -> Passed | Failed:
        return self.check(answer, Asked(tuple(self.held), tuple(self.held), memory))


@pytest.fixture
def world() -> World:
    return World()


# -- registering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [EC_P256, ED25519, RSA])
def test_a_passkey_is_registered_and_signs_in(world: World, algorithm: int) -> None:
    device = Authenticator(algorithm)
    one = world.register(device)
    assert one.id == credential_id(device.id)
    assert Kept.of(one).transports == ("usb",)
    options, asked = world.asked()
    assert [allowed["id"] for allowed in json.loads(options)["allowCredentials"]] == [web(device.id)]
    assert isinstance(world.check(device.sign(options), asked), Passed)


def test_options_ask_for_a_discoverable_passkey_and_leave_out_those_that_are_there(world: World) -> None:
    device = Authenticator()
    world.register(device)
    options = json.loads(TAKING.options(ALICE, tuple(world.held), Wanted(), world.moment())[0])
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert [one["id"] for one in options["excludeCredentials"]] == [web(device.id)]
    assert options["user"] == {"id": web(ALICE.id.encode()), "name": "alice", "displayName": "Alice Liddell"}
    assert options["attestation"] == "none"


def why(world: World, device: Authenticator, **wrong: object) -> Why:
    with pytest.raises(NotTaken) as raised:
        world.register(device, **wrong)
    return raised.value.why


@pytest.mark.requirement(35)
@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://mfa.test.evil.example"},
        {"origin": "http://mfa.test"},
        {"origin": "https://mfa.test:8443"},
        {"origin": HERE},
        {"domain": "evil.example"},
        {"challenge": web(b"x" * 32)},
        {"type": "webauthn.get"},
        {"framed": True},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | BACKED},
        {"id": b"another"},
        {"cose": cose(made_key(EC_P256)) | {3: -65535}},
        {"cose": cose(made_key(RSA)) | {3: -65535}},
    ],
    ids=map(str, itertools.count()),  # by number: some values are drawn
)
def test_what_is_wrong_with_a_new_passkey_is_refused(world: World, wrong: dict[str, Any]) -> None:
    assert why(world, Authenticator(), **wrong) is Why.UNREADABLE


@pytest.mark.requirement(35)
def test_a_device_that_did_not_verify_the_person_is_refused_in_words_of_its_own(world: World) -> None:
    assert why(world, Authenticator(), flags=PRESENT) is Why.UNVERIFIED


# -- signing in ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(35)
@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://mfa.test.evil.example"},
        {"origin": "https://evil.mfa.test"},
        {"origin": "http://mfa.test"},
        {"domain": "evil.example"},
        {"challenge": web(b"x" * 32)},
        {"type": "webauthn.create"},
        {"framed": True},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": PRESENT | VERIFIED | ELIGIBLE},
        {"flags": PRESENT | VERIFIED | BACKED},
        {"key": made_key(EC_P256)},
        {"user": b"somebody else"},
        {"id": b"somebody else's"},
    ],
    ids=map(str, itertools.count()),  # by number: some values are drawn
)
def test_what_is_wrong_with_an_answer_is_refused_and_changes_nothing(world: World, wrong: dict[str, Any]) -> None:
    device = Authenticator()
    world.register(device)
    before = list(world.held)
    options, asked = world.asked()
    assert world.check(device.sign(options, **wrong), asked) == REFUSED
    free, memory = world.asked_anyone()
    assert world.check_free(device.sign(free, **wrong), memory) == REFUSED
    assert world.held == before


def test_an_answer_to_another_question_is_refused(world: World) -> None:
    device = Authenticator()
    world.register(device)
    options, _ = world.asked()
    _, asked = world.asked()
    assert world.check(device.sign(options), asked) == REFUSED


def test_several_passkeys_are_asked_together_and_each_answers(world: World) -> None:
    first, second = Authenticator(), Authenticator(ED25519)
    world.register(first)
    world.register(second)
    for device in (second, first):
        options, asked = world.asked()
        found = world.check(device.sign(options), asked)
        assert isinstance(found, Passed)
        assert found.credential.id == credential_id(device.id)


def test_without_a_name_the_device_has_to_say_whose_passkey_it_is(world: World) -> None:
    device = Authenticator()
    world.register(device)
    options, memory = world.asked_anyone()
    assert "allowCredentials" not in json.loads(options) or not json.loads(options)["allowCredentials"]
    assert METHOD.whose(device.sign(options)) == world.held[0].id
    assert world.check_free(device.sign(options, user=b""), memory) == REFUSED
    assert isinstance(world.check_free(device.sign(options), memory), Passed)


def test_a_passkey_of_another_domain_is_not_asked_for(world: World) -> None:
    one = world.register(Authenticator())
    assert METHOD.fits(one)
    assert not Passkey("other.test", ("https://other.test",)).fits(one)


def test_the_machine_that_the_browser_runs_on_is_taken_on_any_port() -> None:
    here = Passkey("localhost", (HERE,))
    assert here.ours("http://localhost:19464")
    assert not here.ours("http://localhost.evil.example")
    assert not here.ours("http://evil.example:80")
    assert not METHOD.ours("http://localhost:19464")


# -- the counter -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(35)
@pytest.mark.parametrize("back", [0, 1, 5])
def test_a_counter_that_does_not_rise_switches_the_passkey_off(world: World, back: int) -> None:
    device = Authenticator(counter=7)
    world.register(device)
    options, asked = world.asked()
    assert isinstance(world.check(device.sign(options), asked), Passed)
    options, asked = world.asked()
    found = world.check(device.sign(options, counter=8 - back), asked)
    assert isinstance(found, Failed)
    assert found.reason is Reason.PASSKEY_COPIED
    assert world.held[0].state is CredentialState.DISABLED


def test_a_copy_switches_off_without_harming_another_passkey(world: World) -> None:
    device, other = Authenticator(counter=3), Authenticator()
    world.register(device)
    world.register(other)
    options, asked = world.asked()
    world.check(device.sign(options, counter=3), asked)
    assert [one.state for one in world.held] == [CredentialState.DISABLED, CredentialState.ACTIVE]


def test_a_passkey_that_never_counts_is_taken_again_and_again(world: World) -> None:
    device = Authenticator(counts=False, flags=PRESENT | VERIFIED | ELIGIBLE)
    world.register(device)
    for backed in (0, BACKED, 0):
        options, asked = world.asked()
        assert isinstance(world.check(device.sign(options, flags=device.flags | backed), asked), Passed)
        assert Kept.of(world.held[0]).backed == bool(backed)
    assert METHOD.told(world.held[0]).synced


def test_only_a_right_signature_can_switch_a_passkey_off(world: World) -> None:
    device = Authenticator(counter=7)
    world.register(device)
    options, asked = world.asked()
    assert world.check(device.sign(options, counter=1, key=made_key(EC_P256)), asked) == REFUSED


# -- once ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(35)
def test_an_answer_without_a_name_counts_once_and_not_for_ever(world: World) -> None:
    device = Authenticator(counts=False)
    world.register(device)
    options, memory = world.asked_anyone()
    answer = device.sign(options)
    assert isinstance(world.check_free(answer, memory), Passed)
    assert isinstance(world.check_free(answer, memory), Failed)
    options, memory = world.asked_anyone()
    world.at += QUESTION_SECONDS + 1
    assert isinstance(world.check_free(device.sign(options), memory), Failed)


def test_two_browsers_that_were_asked_at_once_both_get_in_in_any_order(world: World) -> None:
    device = Authenticator(counts=False)
    world.register(device)
    first, second = world.asked_anyone(), world.asked_anyone()
    for options, memory in (second, first):
        assert isinstance(world.check_free(device.sign(options), memory), Passed)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "answer", "again", "wait"]), st.integers(0, 40), st.floats(0, 200)),
        max_size=60,
    )
)
@pytest.mark.requirement(35)
def test_no_answer_is_taken_twice(acts: list[tuple[str, int, float]]) -> None:
    world, device = World(), Authenticator(counts=False)
    world.register(device)
    questions: list[tuple[str, str]] = []
    answered: list[tuple[int, Secret, str]] = []
    passed: list[int] = []
    for act, which, seconds in acts:
        if act == "ask" or not questions:
            questions.append(world.asked_anyone())
        elif act == "wait":
            world.at += seconds
        else:
            number = which % len(questions)
            options, memory = questions[number]
            answer = device.sign(options)
            if act == "again" and answered:
                number, answer, memory = answered[which % len(answered)]
            answered.append((number, answer, memory))
            if isinstance(world.check_free(answer, memory), Passed):
                passed.append(number)
    assert len(passed) == len(set(passed))
    assert len(Kept.of(world.held[0]).answered) <= MOST_REMEMBERED


def test_no_answer_is_taken_twice_however_many_there_are(world: World) -> None:
    device = Authenticator(counts=False)
    world.register(device)
    questions = []
    for _ in range(3 * MOST_REMEMBERED):
        world.at += 0.001
        questions.append(world.asked_anyone())
    answers = [(device.sign(options), memory) for options, memory in questions]
    assert all(isinstance(world.check_free(*one), Passed) for one in answers)
    assert all(isinstance(world.check_free(*one), Failed) for one in answers)


# -- nonsense --------------------------------------------------------------------------------------------------------


NEEDED = ("type", "rawId", "response")
OF_RESPONSE = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")


def broken(whole: str) -> Iterator[Secret]:
    """Texts that are no answer: cut, of another kind, without something that is needed, or too long."""
    told = json.loads(whole)
    for text in ("", "[]", "{}", "null", "[" * 10_000, whole + " " * 20_000, whole[:-1]):
        yield Secret.of(text)
    yield Secret(b"\xff")
    name: str
    other: object
    for name in NEEDED:
        yield Secret.of(json.dumps({key: value for key, value in told.items() if key != name}))
        for other in (None, 7, [], {}, "", "!!", "AAAA"):
            yield Secret.of(json.dumps({**told, name: other}))
    for name in set(OF_RESPONSE) & set(told["response"]):
        for other in (None, 7, [], {}, "", "!!", "AAAA", told["response"][name][:-4]):
            yield Secret.of(json.dumps({**told, "response": {**told["response"], name: other}}))


def test_nonsense_is_refused_and_never_an_error(world: World) -> None:
    device = Authenticator()
    options, memory = TAKING.options(ALICE, (), Wanted(), world.moment())
    for one in broken(device.make(options).reveal().decode()):
        with pytest.raises(NotTaken):
            TAKING.taken(one, memory, Wanted(), lambda _: None)
    world.register(device)
    options, asked = world.asked()
    for one in broken(device.sign(options).reveal().decode()):
        assert METHOD.check(one, asked, world.moment()) == REFUSED
        METHOD.whose(one)


def test_a_memory_that_was_kept_by_a_program_is_read_as_it_was_written(world: World) -> None:
    one = world.register(Authenticator())
    kept = replace(Kept.of(one), answered=((NOON, "x"), (NOON + 1, "y")), floor=NOON - 1, counter=9, backed=True)
    assert Kept.of(replace(one, memory=kept.text)) == kept


def test_broken_answers_and_broken_metadata_are_refused_and_never_an_error() -> None:
    met = fuzz.run(600, 7)
    assert met["sign Failed"] > 90
    assert met["make unreadable"] > 90
    assert met["metadata refused"] > 90
