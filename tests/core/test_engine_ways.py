"""Several ways to prove oneself: which comes first, how another is chosen, what follows when one reaches nobody."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from tests.core.world import Tap, World, mac, reason
from vestibule.core.asking import in_words
from vestibule.core.case import Moment
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.events import Answered, Chose, NotDelivered, Presented
from vestibule.core.policy import Outcome
from vestibule.core.ports import Asked, Failed, Onward, Opening, Passed, Verification
from vestibule.core.prompts import CODE, AnswerCall, Approve, TypeCode, UsePasskey, Way
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings
from vestibule.core.users import Mfa
from vestibule.methods.recovery import Recovery
from vestibule.methods.totp import Totp


@dataclass(frozen=True)
class Letter:
    """A method whose code is sent and typed where it was asked; each question has a code of its own."""

    name: str = "letter"
    uses: str = "letter"
    result: Result = Result.TEXT_SENT
    waits: bool = False
    needs_web: bool = False
    together: bool = False

    def fits(self, credential: Credential) -> bool:
        return credential.label != "no letters"

    def label(self, credential: Credential) -> str:
        return f"…{credential.id[-2:]}"

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        code = asked.memory or f"{int.from_bytes(moment.chance[:4], 'big') % 10**8:08}"
        return Opening(TypeCode("…00"), code, "post", "letter", 300.0, tries=2)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification:
        if answer == Secret.of(asked.memory):
            return Passed(asked.credentials[0])
        last = asked.tries_left <= 1
        return Failed(Reason.WRONG_CODE, Result.TEXT_TRIES_SPENT if last else Result.TEXT_INCORRECT)


@dataclass(frozen=True)
class Ring:
    """A call: "" confirms; "0" reports a fraud, which "1" confirms; anything else is a wrong PIN."""

    name: str = "ring"
    uses: str = "line"
    result: Result = Result.CONFIRMED
    waits: bool = True
    needs_web: bool = False
    together: bool = False

    def fits(self, credential: Credential) -> bool:
        return True

    def label(self, credential: Credential) -> str:
        return credential.id

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        return Opening(AnswerCall("…00"), "", "post", "ring", 60.0, tries=2)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification | Onward:
        match asked.memory, answer.reveal():
            case "fraud", b"1":
                return Failed(Reason.FRAUD_REPORTED, blocks=True)
            case "fraud", _:
                return Failed(Reason.FRAUD_REPORTED)
            case _, b"0":
                return Onward(AnswerCall("…00", "fraud"), "fraud")
            case _, b"":
                return Passed(asked.credentials[0])
            case _:
                return Failed(Reason.WRONG_PIN)


@dataclass(frozen=True)
class Key:
    """A passkey: one question for all of them; the answer names the one that gives it and repeats the question."""

    name: str = "key"
    uses: str = "key"
    result: Result = Result.NONE
    waits: bool = False
    needs_web: bool = True
    together: bool = True

    def fits(self, credential: Credential) -> bool:
        return True

    def label(self, credential: Credential) -> str:
        return credential.label

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        return Opening(UsePasskey(" ".join(one.id for one in asked.credentials)), "question", "", "", 120.0)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification:
        who, _, repeated = answer.reveal().decode().partition(" ")
        one = next((one for one in asked.credentials if one.id == who), None)
        return Passed(one) if one and repeated == asked.memory else Failed(Reason.PASSKEY_REFUSED, credential=one)


def a_world(**client: object) -> World:
    engine = Engine([Totp(), Recovery(mac)], [Key(), Tap()], [Ring(), Letter()])
    return World(engine=engine).client("vpn", **client)  # type: ignore[arg-type]


def with_alice(world: World, *credentials: tuple[str, str], **more: object) -> World:
    world.person("alice", "secret").changes(**more)
    for method, id in credentials:
        world.credentials[id] = Credential(id, method, "id-alice")
    return world


LINES = (("line", "mobile"), ("line", "office"))
BOTH = (*LINES, ("letter", "home"))


def choose(world: World, asked: Decision, way: str, *, client: str = "vpn", name: str = "alice") -> Decision:
    assert isinstance(asked, Ask | Wait), asked
    said = world.happens(Chose(asked.attempt_id, asked.nonce, way, client, name)).decision
    assert said is not None
    return said


def missed(world: World, asked: Decision, result: Result = Result.UNREACHABLE) -> Decision:
    assert isinstance(asked, Ask | Wait), asked
    said = world.happens(NotDelivered(asked.attempt_id, asked.nonce, result)).decision
    assert said is not None
    return said


def open_again(world: World, asked: Decision) -> Decision:
    """The question as its row has it now."""
    assert isinstance(asked, Ask | Wait), asked
    challenge = world.attempts[asked.attempt_id].challenge
    assert challenge is not None
    return replace(asked, nonce=challenge.nonce)


# -- which comes first ------------------------------------------------------------------------------------------------


def test_the_order_is_before_the_codes_the_codes_behind_the_codes() -> None:
    world = with_alice(a_world(), *BOTH)
    world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    assert asked.prompt == TypeCode()
    assert [way.id for way in asked.ways] == [CODE, "ring/mobile", "ring/office", "letter/home"]


def test_what_a_person_prefers_goes_first_and_what_is_like_it_next() -> None:
    world = with_alice(a_world(), *BOTH, preferred="ring/office")
    world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Wait)
    assert [way.id for way in asked.ways] == ["ring/office", "ring/mobile", CODE, "letter/home"]


def test_a_client_that_can_not_hold_on_is_asked_for_a_code_first() -> None:
    world = with_alice(a_world(holds=False), *BOTH)
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    assert [way.id for way in asked.ways] == ["letter/home", "ring/mobile", "ring/office"]


def test_a_rule_that_names_methods_leaves_no_other_way() -> None:
    world = with_alice(a_world(), *BOTH).rule(Outcome.REQUIRE, methods=("letter",))
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    assert asked.ways == ()
    assert asked.prompt == TypeCode("…00")


def test_a_passkey_is_asked_on_a_page_of_our_own_only() -> None:
    world = with_alice(a_world().client("portal", web=True), ("key", "one"), ("key", "two"))
    assert reason(world.begin("alice", "secret")) is Reason.NO_USABLE_PROMPT
    asked = world.begin("alice", "secret", client="portal")
    assert isinstance(asked, Ask)
    assert asked.prompt == UsePasskey("one two")


def test_a_credential_that_does_not_fit_the_method_is_no_way() -> None:
    world = with_alice(a_world(), ("letter", "home"))
    world.credentials["home"] = replace(world.credentials["home"], label="no letters")
    assert reason(world.begin("alice", "secret")) is Reason.NO_USABLE_PROMPT


# -- a code that was sent ---------------------------------------------------------------------------------------------


def sent_code(world: World, asked: Decision) -> str:
    assert isinstance(asked, Ask | Wait), asked
    challenge = world.attempts[asked.attempt_id].challenge
    assert challenge is not None
    return challenge.memory


def test_a_code_that_was_sent_is_typed_where_it_was_asked() -> None:
    world = with_alice(a_world(), ("letter", "home"))
    asked = world.begin("alice", "secret")
    assert [message.credential_id for message in world.messages] == ["home"]
    assert isinstance(world.answer(asked, sent_code(world, asked)), Accept)
    assert (world.last.method, world.last.credential_id, world.last.result) == ("letter", "home", Result.TEXT_SENT)


@pytest.mark.requirement(8)
def test_a_code_that_was_sent_opens_nothing_twice_and_no_other_question() -> None:
    world = with_alice(a_world(), ("letter", "home"))
    first, second = world.begin("alice", "secret"), world.begin("alice", "secret")
    code = sent_code(world, first)
    assert isinstance(world.answer(second, code), Ask)
    assert isinstance(world.answer(first, code), Accept)
    assert reason(world.answer(first, code)) is Reason.UNKNOWN_ATTEMPT


def test_tries_are_limited_and_the_last_one_has_a_name_of_its_own() -> None:
    world = with_alice(a_world(), ("letter", "home"))
    asked = world.begin("alice", "secret")
    again = world.answer(asked, "00000000")
    assert isinstance(again, Ask)
    assert reason(world.answer(again, "00000000")) is Reason.WRONG_CODE
    assert [line.result for line in world.journal] == [Result.TEXT_INCORRECT, Result.TEXT_TRIES_SPENT]
    assert world.failures_of("alice", "home") == 2


def test_an_authenticator_answers_the_question_for_a_sent_code_as_well() -> None:
    world = with_alice(a_world(), ("letter", "home"), preferred="letter/home")
    token = world.person_named("alice").totp()
    assert isinstance(world.answer(world.begin("alice", "secret"), token.code()), Accept)
    assert world.last.method == "totp"


# -- choosing ---------------------------------------------------------------------------------------------------------


def test_another_way_is_asked_and_the_old_question_is_closed() -> None:
    world = with_alice(a_world(), *BOTH)
    token = world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    chosen = choose(world, asked, "letter/home")
    assert isinstance(chosen, Ask)
    assert chosen.prompt == TypeCode("…00")
    assert reason(world.answer(asked, token.code())) is Reason.UNKNOWN_ATTEMPT
    assert isinstance(world.answer(chosen, sent_code(world, chosen)), Accept)


def test_the_same_way_once_more_sends_the_same_code() -> None:
    world = with_alice(a_world(), *BOTH)
    asked = choose(world, world.begin("alice", "secret"), "letter/home")
    again = choose(world, asked, "letter/home")
    assert sent_code(world, again) == sent_code(world, asked)
    assert len({message.id for message in world.messages}) == len(world.messages)


@pytest.mark.requirement(54)
@pytest.mark.parametrize(
    "chosen",
    [
        lambda world, asked: choose(world, asked, "letter/of somebody else"),
        lambda world, asked: choose(world, asked, "key"),
        lambda world, asked: choose(world, replace(asked, nonce="old"), "letter/home"),
        lambda world, asked: choose(world.rule(Outcome.REQUIRE, methods=("totp",)), asked, "letter/home"),
    ],
    ids=["unknown way", "not carried", "an old question", "not taken any more"],
)
def test_what_can_not_be_chosen_leaves_the_question_as_it_is(chosen: Callable[[World, Decision], Decision]) -> None:
    world = with_alice(a_world(), *BOTH)
    token = world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    assert chosen(world, asked) == asked
    assert world.messages == []
    assert isinstance(world.answer(asked, token.code()), Accept)


@pytest.mark.requirement(54)
@pytest.mark.parametrize("who", [{"client": "another"}, {"name": "bob"}], ids=str)
def test_whoever_was_not_asked_chooses_nothing_and_learns_nothing(who: dict[str, str]) -> None:
    world = with_alice(a_world(), *BOTH)
    token = world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    assert choose(world, asked, "letter/home", **who) == Reject(Reason.UNKNOWN_ATTEMPT)
    assert world.messages == []
    assert isinstance(world.answer(asked, token.code()), Accept)


def test_a_word_that_is_typed_chooses_as_well() -> None:
    world = with_alice(a_world(), *BOTH)
    token = world.person_named("alice").totp()
    asked = world.begin("alice", "secret")
    sent = world.answer(asked, " Letter ")
    assert isinstance(sent, Ask)
    assert sent.prompt == TypeCode("…00")
    assert world.failures_of("alice", "home") == 0
    ringing = world.answer(sent, "ring2")
    assert isinstance(ringing, Wait)
    assert world.messages[-1].credential_id == "office"
    assert reason(world.answer(asked, token.code())) is Reason.UNKNOWN_ATTEMPT


def test_a_word_is_no_choice_where_there_is_none() -> None:
    world = with_alice(a_world(), ("letter", "home"))
    assert isinstance(world.answer(world.begin("alice", "secret"), "ring"), Ask)
    assert world.last.reason is Reason.WRONG_CODE


def test_who_looks_again_may_type_another_way() -> None:
    world = with_alice(a_world(holds=False), ("line", "mobile"), preferred="ring/mobile")
    token = world.person_named("alice").totp()
    asked = world.answer(polled(world), "code")
    assert isinstance(asked, Ask)
    assert asked.prompt == TypeCode()
    assert isinstance(world.answer(asked, token.code()), Accept)


def test_the_words_are_told_with_the_question() -> None:
    ways = (Way(CODE), Way("call", "a"), Way("call", "b"))
    assert in_words(TypeCode(), Settings(), ways) == "Enter your verification code or type one of: code, call, call2"
    assert in_words(TypeCode("…00"), Settings()) == "Enter the code that was sent to …00"


def test_nobody_chooses_for_ever() -> None:
    world = with_alice(a_world(), *BOTH)
    asked = choose(world, world.begin("alice", "secret"), "letter/home")
    for _ in range(2):
        asked = choose(world.later(299), asked, "letter/home")
    assert world.later(299).happens(Chose(asked.attempt_id, asked.nonce, "letter/home", "vpn", "alice")).order is None  # type: ignore[union-attr]


def test_whoever_is_blocked_meanwhile_can_not_choose() -> None:
    world = with_alice(a_world(), *BOTH)
    asked = world.begin("alice", "secret")
    world.person_named("alice").is_blocked()
    assert reason(choose(world, asked, "letter/home")) is Reason.BLOCKED


# -- a way that does not reach the person -----------------------------------------------------------------------------


def test_the_next_telephone_rings_then_a_code_is_asked_then_all_is_over() -> None:
    world = with_alice(a_world(), *LINES, preferred="ring/mobile")
    token = world.person_named("alice").totp()
    first = world.begin("alice", "secret")
    second = missed(world, first)
    assert isinstance(second, Wait)
    assert world.messages[-1].credential_id == "office"
    typed = missed(world, second)
    assert isinstance(typed, Ask)
    assert typed.prompt == TypeCode()
    told = [(line.action, line.credential_id, line.result, line.accepted) for line in world.journal]
    assert told == [
        ("question.missed", "mobile", Result.UNREACHABLE, None),
        ("question.missed", "office", Result.UNREACHABLE, None),
    ]
    assert isinstance(world.answer(typed, token.code()), Accept)
    assert world.last.result is Result.FALLBACK_OATH_VERIFIED


def test_without_another_way_the_sign_in_ends_with_the_name_of_what_happened() -> None:
    world = with_alice(a_world(), ("line", "mobile"))
    assert reason(missed(world, world.begin("alice", "secret"), Result.INVALID_NUMBER)) is Reason.NOT_DELIVERED
    assert world.last.result is Result.INVALID_NUMBER


def test_what_was_missed_once_is_not_reported_twice() -> None:
    world = with_alice(a_world(), *LINES)
    first = world.begin("alice", "secret")
    missed(world, first)
    missed(world, first)
    assert [message.credential_id for message in world.messages] == ["mobile", "office"]


def test_waiting_for_a_second_telephone_ends_with_the_client() -> None:
    world = with_alice(a_world(time_budget=30.0), *LINES)
    second = missed(world.later(0), world.begin("alice", "secret"))
    assert isinstance(second, Wait)
    assert second.expires_at == world.at + 30
    world = with_alice(a_world(time_budget=30.0), *LINES)
    asked = world.begin("alice", "secret")
    second = missed(world.later(20), asked)
    assert isinstance(second, Wait)
    assert second.expires_at == world.at + 10


# -- a conversation ---------------------------------------------------------------------------------------------------


def test_a_wrong_pin_may_be_keyed_again_within_the_same_call() -> None:
    world = with_alice(a_world(), ("line", "mobile"))
    asked = world.begin("alice", "secret")
    again = world.answer_elsewhere(asked, "1234")
    assert isinstance(again, Wait)
    assert again.nonce == asked.nonce  # type: ignore[union-attr]
    assert world.last.reason is Reason.WRONG_PIN
    assert isinstance(world.answer_elsewhere(asked, ""), Accept)


def test_wrong_pins_end_the_call_and_count() -> None:
    world = with_alice(a_world(), ("line", "mobile"))
    asked = world.begin("alice", "secret")
    world.answer_elsewhere(asked, "1234")
    assert reason(world.answer_elsewhere(asked, "1235")) is Reason.WRONG_PIN
    assert reason(world.answer_elsewhere(asked, "")) is Reason.UNKNOWN_ATTEMPT
    assert world.failures_of("alice", "mobile") == 2


def test_a_fraud_that_is_confirmed_blocks_as_long_as_the_setting_says() -> None:
    world = with_alice(a_world(), ("line", "mobile"))
    asked = world.begin("alice", "secret")
    stage = world.answer_elsewhere(asked, "0")
    assert isinstance(stage, Wait)
    assert stage.prompt == AnswerCall("…00", "fraud")
    assert reason(world.answer_elsewhere(asked, "1")) is Reason.FRAUD_REPORTED
    assert world.last.result is Result.FRAUD_CODE
    block = world.users["alice"].block
    assert block is not None
    assert block.until == world.at + 90 * 86400
    assert reason(world.begin("alice", "secret")) is Reason.BLOCKED


@pytest.mark.parametrize(("answer", "seconds"), [("2", 90 * 86400.0), ("1", 0.0)])
def test_a_fraud_that_is_not_confirmed_or_blocks_nobody_is_reported_all_the_same(answer: str, seconds: float) -> None:
    world = with_alice(a_world(), ("line", "mobile"))
    world.settings = replace(world.settings, fraud_block_seconds=seconds)
    asked = world.begin("alice", "secret")
    world.answer_elsewhere(asked, "0")
    assert reason(world.answer_elsewhere(asked, answer)) is Reason.FRAUD_REPORTED
    assert world.users["alice"].block is None


# -- a client that asks again -----------------------------------------------------------------------------------------


def polled(world: World) -> Decision:
    return world.begin("alice", "secret")


def test_a_client_that_can_not_hold_on_looks_again_until_it_is_settled_once() -> None:
    world = with_alice(a_world(holds=False), ("line", "mobile"))
    asked = polled(world)
    assert isinstance(asked, Ask)
    assert asked.prompt == AnswerCall("…00")
    assert world.answer(asked, "") == asked
    elsewhere = Answered(asked.attempt_id, asked.nonce, Secret.of(""))
    assert isinstance(world.happens(elsewhere).decision, Accept)
    assert isinstance(world.answer(asked, "anything"), Accept)
    assert reason(world.answer(asked, "anything")) is Reason.UNKNOWN_ATTEMPT


def test_who_looks_again_can_not_confirm() -> None:
    world = with_alice(a_world(holds=False), ("line", "mobile"))
    asked = polled(world)
    assert world.answer(asked, "") == asked
    assert reason(world.answer(asked, "", name="bob")) is Reason.UNKNOWN_ATTEMPT
    assert reason(world.answer(asked, "", client="another")) is Reason.UNKNOWN_ATTEMPT


def test_who_looks_again_is_told_of_a_refusal() -> None:
    world = with_alice(a_world(holds=False), ("line", "mobile"))
    asked = polled(world)
    assert isinstance(asked, Ask)
    for entry in ("1", "2"):
        world.happens(Answered(asked.attempt_id, asked.nonce, Secret.of(entry)))
    assert reason(world.answer(asked, "")) is Reason.WRONG_PIN


def test_who_looks_again_is_asked_what_took_the_place_of_the_question() -> None:
    world = with_alice(a_world(holds=False), ("line", "mobile"), preferred="ring/mobile")
    token = world.person_named("alice").totp()
    asked = polled(world)
    missed(world, asked)
    instead = world.answer(asked, token.code())
    assert isinstance(instead, Ask)
    assert instead.prompt == TypeCode()
    assert isinstance(world.answer(instead, token.code()), Accept)


# -- a first factor that another has looked at ------------------------------------------------------------------------


def proven(world: World, name: str = "alice") -> Decision:
    said = world.happens(replace(world.began(name, ""), proven=True, attributes=(("Class", "staff"),))).decision
    assert said is not None
    return said


def test_with_a_proven_first_factor_only_questions_that_wait_are_put() -> None:
    world = with_alice(a_world(pass_through=True), *BOTH, ("key", "one"))
    world.person_named("alice").totp()
    asked = proven(world)
    assert isinstance(asked, Wait)
    assert asked.ways == ()
    accepted = world.answer_elsewhere(asked, "")
    assert accepted == Accept("alice", (), (("Class", "staff"),))


def test_a_silent_attempt_never_turns_into_a_code() -> None:
    world = with_alice(a_world(pass_through=True), ("line", "mobile"))
    world.person_named("alice").totp()
    assert reason(missed(world, proven(world))) is Reason.NOT_DELIVERED


def test_who_has_only_codes_is_refused_after_a_proven_first_factor() -> None:
    world = with_alice(a_world(pass_through=True))
    world.person_named("alice").totp()
    assert reason(proven(world)) is Reason.NO_USABLE_PROMPT


@pytest.mark.requirement(42)
@pytest.mark.parametrize("client", [{}, {"pass_through": True, "sign_in": SignIn.CODE_ONLY}])
def test_nobody_vouches_for_a_client_that_was_not_set_up_so(client: dict[str, object]) -> None:
    world = with_alice(a_world(**client), mfa=Mfa.OFF)
    assert reason(proven(world)) is Reason.WRONG_PASSWORD


def test_who_is_asked_for_no_second_factor_is_let_in_by_a_proven_first_one() -> None:
    world = with_alice(a_world(pass_through=True), mfa=Mfa.OFF)
    assert isinstance(proven(world), Accept)


def test_a_stranger_is_not_let_in_by_a_proven_first_factor() -> None:
    assert reason(proven(a_world(pass_through=True), "mallory")) is Reason.UNKNOWN_USER


# -- a credential that says whose it is -------------------------------------------------------------------------------


def presented(
    world: World, answer: str = "one question", *, id: str = "one", client: str = "portal", method: str = "key"
) -> Decision:
    event = Presented(client, method, id, "question", Secret.of(answer), "192.0.2.1", "192.0.2.1")
    said = world.happens(event).decision
    assert said is not None
    return said


def at_the_portal(*credentials: tuple[str, str], **more: object) -> World:
    return with_alice(a_world().client("portal", web=True), *(credentials or (("key", "one"),)), **more)


def test_a_passkey_lets_in_without_a_name() -> None:
    world = at_the_portal()
    assert presented(world) == Accept("alice")
    assert (world.last.user_name, world.last.method, world.last.credential_id) == ("alice", "key", "one")


def test_only_what_was_presented_is_looked_at() -> None:
    world = at_the_portal(("key", "one"), ("key", "two"))
    assert reason(presented(world, "two question")) is Reason.PASSKEY_REFUSED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": "another"}, Reason.UNKNOWN_USER),
        ({"client": "vpn"}, Reason.UNKNOWN_USER),
        ({"method": "ring"}, Reason.UNKNOWN_USER),
        ({"answer": "one another question"}, Reason.PASSKEY_REFUSED),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, str], expected: Reason) -> None:
    assert reason(presented(at_the_portal(), **changes)) is expected


def test_a_passkey_is_refused_to_who_is_blocked_or_denied() -> None:
    world = at_the_portal()
    world.rule(Outcome.DENY, clients=("portal",))
    assert reason(presented(world)) is Reason.DENIED_BY_POLICY
    world.person_named("alice").is_blocked()
    assert reason(presented(world)) is Reason.BLOCKED


def test_a_rule_that_takes_other_methods_only_refuses_a_passkey() -> None:
    world = at_the_portal().rule(Outcome.REQUIRE, methods=("totp",))
    assert reason(presented(world)) is Reason.NO_USABLE_PROMPT


def test_an_approval_elsewhere_can_not_be_presented() -> None:
    world = at_the_portal(("line", "one"))
    assert isinstance(presented(world, "", method="ring"), Reject)


def test_the_number_of_an_approval_is_still_shown() -> None:
    world = with_alice(a_world(), ("tap", "one"))
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Wait)
    assert asked.prompt == Approve("42")
    assert asked.ways == ()
    assert Way("tap", "one").id == "tap/one"
