"""The decision trace tells what the journal keeps, says what is only so now, and guesses nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.desks import ACTOR, VPN, Office, Template, memory_office
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.journal import Entry, EntryKind, Query
from vestibule.core.policy import DEFAULT, Outcome, Rule
from vestibule.core.ports import Record, Writing
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows import journal, policy, trace, users
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.trace import Mark, Topic, Trace
from vestibule.flows.trace_texts import MEANING, NEXT
from vestibule.wire.names import name_key

KEY = b"k" * 20


@pytest.fixture(params=["memory", "sqlite"])
async def office(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Office]:
    opened = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    yield opened
    await opened.store.close()


async def put(office: Office, *records: Record) -> None:
    def act(writing: Writing) -> None:
        for record in records:
            writing.put(record)

    await office.store.change(act)


async def person(office: Office, name: str = "alice", **more: object) -> User:
    """Somebody with an authenticator."""
    user = User(f"id-of-{name}", name, name_key(name), mfa=Mfa.ENFORCED, **more)  # type: ignore[arg-type]  # by name
    seed = Seed(f"seed-of-{name}", Secret(KEY))
    app = Credential(f"app-of-{name}", "totp", user.id, "phone", seed_id=seed.id, created_at=office.clock.at - 100)
    await put(office, user, seed, app)
    return user


async def newest(office: Office) -> Trace:
    """The story of the newest sign-in."""
    lines = [line for line in await office.lines() if line.entry.kind is EntryKind.SIGN_IN]
    return await trace.of_line(office.desk, lines[-1].chain, lines[-1].seq)


async def of(office: Office, **more: object) -> Trace:
    """The story of a line that is written for this."""
    plain = Entry(office.clock.at, EntryKind.SIGN_IN, "sign_in", client_id="vpn", accepted=False)
    await office.store.change(lambda writing: writing.note(replace(plain, **more)))  # type: ignore[arg-type]  # by name
    return await newest(office)


def text_of(story: Trace, topic: Topic | None = None) -> str:
    return " ".join(said.plain for step in story.steps if topic in (None, step.topic) for said in step.said)


def mark_of(story: Trace, topic: Topic) -> Mark:
    return next(step.mark for step in story.steps if step.topic is topic)


def test_every_reason_has_a_meaning_and_a_next_step() -> None:
    assert set(MEANING) == set(Reason)
    assert set(NEXT) == set(Reason)


async def test_a_sign_in_by_a_code_is_told_step_by_step(office: Office) -> None:
    alice = await person(office)
    await put(office, Credential("its-pin", "pin", alice.id, memory="{}"))  # no factor
    assert await office.sign_in("alice", office.code(KEY), source="192.0.2.7") == "accept"
    story = await newest(office)
    assert [step.topic for step in story.steps] == list(Topic)
    told = text_of(story)
    assert "alice asked to be let in, by way of VPN." in told
    assert "No rule of the policy matched, so a second factor was required." in told
    assert "The client checks the first factor itself" in told
    assert "totp phone: this one was proven." in told
    assert "alice was let in, by: totp." in told
    assert "pin" not in told
    assert "Nothing is to be done." in told
    assert mark_of(story, Topic.OUTCOME) is Mark.GOOD


async def test_a_wrong_code_names_what_to_do_and_what_nobody_wrote_down(office: Office) -> None:
    alice = await person(office)
    await put(office, Credential("other", "totp", alice.id, seed_id="seed-of-alice", created_at=office.clock.at - 9))
    await put(office, Credential("off", "totp", alice.id, serial="S-9", state=CredentialState.DISABLED))
    await put(office, Credential("wait", "totp", alice.id, serial="S-8", state=CredentialState.PENDING))
    assert await office.sign_in("alice", "000000") == "wrong_code"
    told = text_of(await newest(office))
    assert "Which of them the code was compared with is not recorded." in told
    assert "totp S-9: it is switched off." in told
    assert "totp S-8: it waits for its first code" in told
    assert "This is how the factors are now" in told
    assert "They were refused: the code fits no factor of this person." in told
    assert NEXT[Reason.WRONG_CODE] in told
    assert "Access-Reject with the text “Sign-in refused”" in told


async def test_a_delay_is_told_without_guessing_whose_it_was(office: Office) -> None:
    alice = await person(office)
    for _ in range(6):
        await office.sign_in("alice", "000000", source="192.0.2.7")
    assert await office.sign_in("alice", office.code(KEY), source="192.0.2.7") == "throttled"
    told = text_of(await newest(office), Topic.SECOND)
    assert "Whether the place or a factor had to wait is not recorded." in told
    assert re.search(r"The place 192\.0\.2\.7 has \d wrong tries against it now\.", told)
    await users.reset(office.desk, ACTOR, name=alice.name)
    assert "Nothing counts against the place 192.0.2.7 now." in text_of(await newest(office), Topic.SECOND)


async def test_a_known_place_and_a_stopped_factor_are_named(office: Office) -> None:
    alice = await person(office)
    at = office.clock.at
    await put(
        office,
        Failures(alice.id, FailureKind.SOURCE, "192.0.2.7", count=2, last_at=at, accepted_at=at - 50),
        Failures(alice.id, FailureKind.FACTOR, "app-of-alice", count=90, last_at=at),
    )
    told = text_of(
        await of(office, reason=Reason.TOO_MANY_FAILURES, user_id=alice.id, user_name="alice", source="192.0.2.7")
    )
    assert "had signed in from this place before" in told
    assert "it is stopped after 90 wrong tries" in told
    assert "The password was not looked at." in told


async def test_a_rule_is_told_with_why_it_matched_and_why_others_did_not(office: Office) -> None:
    await put(office, VPN)
    alice = await person(office, groups=("staff",))
    await put(
        office,
        Rule("1", 1, "guests", Outcome.DENY, groups=("guests",)),
        Rule("2", 2, "elsewhere", Outcome.ALLOW, networks=("198.51.100.0/24",)),
        Rule("3", 3, "other door", Outcome.ALLOW, clients=("wifi",)),
        Rule("4", 4, "staff at night", Outcome.DENY, ("test-vpn",), ("staff",), ("192.0.2.0/24",), ("totp",)),
    )
    story = await of(
        office,
        reason=Reason.DENIED_BY_POLICY,
        rule="staff at night",
        client_id="test-vpn",
        user_id=alice.id,
        user_name="alice",
        client_address="192.0.2.7",
    )
    told = text_of(story, Topic.POLICY)
    for sentence in (
        "The rule “staff at night” spoke. It says: nobody is let in. It takes only: totp.",
        "It matched by the client: VPN.",
        "It matched by the group: staff.",
        "It matched by the address 192.0.2.7, which lies in 192.0.2.0/24.",
        "The rule “guests” before it did not match: the person is in none of its groups.",
        "The rule “elsewhere” before it did not match: the address lies in none of its networks.",
        "The rule “other door” before it did not match: it is for other clients.",
    ):
        assert sentence in told, sentence
    assert "changed since" not in told
    assert "No second factor was asked." in text_of(story, Topic.SECOND)


async def test_what_was_changed_since_is_said_to_be_so(office: Office) -> None:
    await put(office, VPN)
    await person(office)
    await office.sign_in("alice", office.code(KEY))
    office.clock.at += 5
    await policy.add(office.desk, ACTOR, name="new", outcome="deny")
    assert "Policy or groups were changed since" in text_of(await newest(office))
    gone = await of(office, at=office.clock.at + 1, rule="old", reason=Reason.DENIED_BY_POLICY, client_id="gone")
    assert "There is no rule of this name any more" in text_of(gone, Topic.POLICY)
    assert "The client gone is not there any more." in text_of(gone)


async def test_a_directory_speaks_in_its_own_words(office: Office) -> None:
    await put(office, VPN_WITH_PASSWORD)
    story = await of(
        office,
        client_id="web",
        reason=Reason.ACCOUNT_LOCKED,
        user_id=(await person(office, directory="ad")).id,
        rule=DEFAULT.rule,
        detail={"directory": "775 (account locked)"},
    )
    told = text_of(story, Topic.FIRST)
    assert told == "The directory ad did not take the password. In its own words: 775 (account locked)"
    assert mark_of(story, Topic.FIRST) is Mark.BAD
    assert "The program that asked was told" in text_of(story, Topic.SAW)


VPN_WITH_PASSWORD = Client("web", "Web", (), (), sign_in=SignIn.PASSWORD_THEN_CODE)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reason": Reason.UNKNOWN_USER, "user_name": "mallory"}, "Somebody asked to be let in as mallory"),
        ({"reason": Reason.UNKNOWN_ATTEMPT, "attempt_id": "a"}, "belongs to no open question"),
        ({"reason": Reason.WRONG_CODE, "source": "laptop"}, "named their place as laptop"),
        ({"reason": Reason.WRONG_CODE, "source": "client:web"}, "did not say where they sat"),
        ({"accepted": True, "rule": "passed without a second factor"}, "lets people without a second factor pass"),
        ({"accepted": True, "result": Result.USED_CACHE, "method": "totp"}, "accepted a moment before"),
        ({"accepted": True, "rule": DEFAULT.rule}, "No second factor was asked."),
        ({"reason": Reason.WRONG_CODE, "client_id": "one"}, "the password is looked at only when it is right"),
        ({"reason": Reason.NO_ANSWER, "attempt_id": "a"}, "The first factor had been proven before"),
        ({"reason": Reason.BLOCKED}, "The policy was not asked"),
        ({"accepted": True, "client_id": "portal"}, "The page they had asked for opened."),
        ({"reason": Reason.WRONG_CODE, "client_id": "portal"}, "The page said that it did not work"),
    ],
)
async def test_each_kind_of_line_has_its_sentence(office: Office, more: dict[str, object], said: str) -> None:
    await put(
        office,
        VPN_WITH_PASSWORD,
        replace(VPN, id="one", sign_in=SignIn.PASSWORD_AND_CODE),
        Client("portal", "Portal", (), ()),
    )
    assert said in text_of(await of(office, **{"client_id": "web", **more}))


async def test_an_attempt_is_found_by_its_id_with_all_its_lines(office: Office) -> None:
    await put(office, VPN_WITH_PASSWORD)
    alice = await person(office)
    same = {"user_id": alice.id, "user_name": "alice", "attempt_id": "0af3", "client_id": "web"}
    await of(office, reason=Reason.WRONG_CODE, **same)
    office.clock.at += 2
    await of(office, reason=None, accepted=True, method="totp", credential_id="app-of-alice", **same)
    story = await trace.of_attempt(office.desk, "0af3")
    assert story.line.entry.accepted
    assert [line.entry.reason for line in story.others] == [Reason.WRONG_CODE]
    assert "a wrong answer was typed, and the question was put once more" in text_of(story)
    first = await trace.of_line(office.desk, story.others[0].chain, story.others[0].seq)
    assert text_of(first, Topic.SAW) == "The question was put once more."
    office.clock.at += 40 * 86400
    assert (await trace.of_attempt(office.desk, "0af3")).line == story.line


async def test_what_is_not_there_is_refused(office: Office) -> None:
    await person(office)
    await office.sign_in("alice", office.code(KEY))
    [chain, *_] = [line.chain for line in await office.lines()]
    for asked in (trace.of_line(office.desk, chain, 99), trace.of_line(office.desk, "none", 1)):
        with pytest.raises(Missing):
            await asked
    for attempt in ("nothing", ""):
        with pytest.raises(Missing):
            await trace.of_attempt(office.desk, attempt)


async def test_a_line_that_is_no_sign_in_has_no_story(office: Office) -> None:
    await policy.add(office.desk, ACTOR, name="new", outcome="deny")
    [line] = await office.lines()
    assert (await trace.of_line(office.desk, line.chain, line.seq)).steps == ()


async def test_an_erased_line_names_nobody(office: Office) -> None:
    alice = await person(office)
    await office.sign_in("alice", office.code(KEY))
    await office.store.change(lambda writing: writing.erase(alice.id, 10))
    told = text_of(await newest(office), Topic.WHO)
    assert told.startswith("Somebody whose name was erased")
    assert "alice" not in told


# -- the newest lines ------------------------------------------------------------------------------------------------


async def test_the_newest_lines_come_first_with_the_names_of_who_acted(office: Office) -> None:
    alice = await person(office)
    for number in range(7):
        office.clock.at += 1
        await policy.add(office.desk, f"user {alice.id}" if number % 2 else ACTOR, name=f"r{number}", outcome="deny")
    seen: list[str] = []
    before, more = "", True
    while more:
        page = await journal.newest(office.desk, Query(), before, 3)
        seen += [line.entry.detail["rule"] for line in page.lines]
        assert set(page.names.values()) <= {"alice"}
        before, more = page.next, bool(page.next)
    assert seen == [f"r{number}" for number in reversed(range(7))]
    with pytest.raises(Refused):
        await journal.newest(office.desk, Query(), "no place")


async def test_who_hung_up_after_a_wrong_pin_is_advised_on_the_pin(office: Office) -> None:
    user = await person(office)
    same = {"user_id": user.id, "user_name": "alice", "attempt_id": "attempt-7", "method": "call"}
    alone = await of(office, reason=Reason.NO_ANSWER, result=Result.HUNG_UP, **{**same, "attempt_id": "attempt-6"})
    assert text_of(alone, Topic.NEXT) == NEXT[Reason.NO_ANSWER]
    await of(office, reason=Reason.WRONG_PIN, result=Result.PIN_ENTERED, **same)
    story = await of(office, reason=Reason.NO_ANSWER, result=Result.HUNG_UP, **same)
    assert text_of(story, Topic.NEXT) == NEXT[Reason.WRONG_PIN]
