"""What the journal says: exactly who, from where, under which rule, by what, and why not."""

from dataclasses import replace

import pytest

from tests.core.world import HOME, NOON, Person, World
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept, Ask, Reject
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.policy import DEFAULT, Outcome
from vestibule.core.reasons import RESULT_OF_REASON, Reason, Result
from vestibule.core.snapshot import Settings

ALICE = Entry(
    at=NOON,
    kind=EntryKind.SIGN_IN,
    action="sign_in",
    user_id="id-alice",
    user_name="alice",
    full_name="Alice Adams",
    email="alice@example.org",
    phone="+1 555 0100",
    client_address=HOME,
    source=HOME,
    client_id="vpn",
    accepted=False,
    rule=DEFAULT.rule,
)


def journal_of(world: World) -> list[Entry]:
    """The journal without the names of attempts, which are drawn."""
    return [replace(entry, attempt_id="") for entry in world.journal]


def alice_of(world: World) -> Person:
    alice = world.person("alice", "secret")
    alice.changes(first_name="Alice", last_name="Adams", email="alice@example.org", phone="+1 555 0100")
    return alice


@pytest.mark.parametrize("sign_in", SignIn)
def test_an_accept_names_the_method_the_credential_and_the_rule(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = alice_of(world).totp()
    code = token.code()
    typed = {SignIn.CODE_AND_PASSWORD: f"{code}secret", SignIn.PASSWORD_AND_CODE: f"secret{code}"}.get(
        sign_in, "" if sign_in is SignIn.CODE_ONLY else "secret"
    )
    world.sign_in("alice", typed, code)
    assert journal_of(world) == [
        replace(ALICE, accepted=True, method="totp", credential_id=token.id, result=Result.OATH_VERIFIED)
    ]


def test_an_accept_by_password_alone_names_the_rule_that_said_so() -> None:
    world = World().rule(Outcome.ALLOW)
    alice_of(world)
    world.begin("alice", "secret")
    assert journal_of(world) == [replace(ALICE, accepted=True, rule="0: allow")]


def test_an_accept_through_another_door_names_the_attempt() -> None:
    world = World()
    alice_of(world).tap()
    waiting = world.begin("alice", "secret")
    world.answer_elsewhere(waiting, "yes")
    assert world.last == replace(
        ALICE, accepted=True, method="tap", credential_id="tap-0", attempt_id=getattr(waiting, "attempt_id", "")
    )


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("wrong", replace(ALICE, reason=Reason.WRONG_PASSWORD, rule="")),
        ("", replace(ALICE, reason=Reason.WRONG_PASSWORD)),
        ("secret", replace(ALICE, reason=Reason.NOT_ENROLLED)),
    ],
)
def test_a_refusal_tells_why(typed: str, expected: Entry) -> None:
    world = World()
    alice_of(world)
    world.begin("alice", typed)
    assert journal_of(world) == [expected]


def test_a_wrong_code_tells_of_each_try() -> None:
    world = World(settings=Settings(challenge_tries=2))
    token = alice_of(world).totp()
    asked = world.begin("alice", "secret")
    world.answer(world.answer(asked, token.wrong()), token.wrong())
    wrong = replace(ALICE, reason=Reason.WRONG_CODE, result=Result.OATH_INCORRECT)
    assert journal_of(world) == [wrong, wrong]
    assert {entry.attempt_id for entry in world.journal} == {getattr(asked, "attempt_id", "")}


@pytest.mark.parametrize(
    ("reason", "result"),
    [
        (Reason.CODE_REUSED, Result.OATH_DUPLICATE),
        (Reason.CODE_OLD, Result.OATH_OLD),
        (Reason.CLOCK, Result.OATH_OLD),
    ],
)
def test_a_replay_tells_which(reason: Reason, result: Result) -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    token = alice_of(world).totp()
    newest = {Reason.CODE_REUSED: 0, Reason.CODE_OLD: 1, Reason.CLOCK: 2}[reason]
    code = token.code()
    step = int(world.at) // 30
    world.seeds[token.seed.id] = replace(token.seed, last_step=step + newest)
    world.begin("alice", code)
    assert journal_of(world) == [replace(ALICE, reason=reason, result=result)]


def test_a_block_and_haste_are_told_before_any_rule() -> None:
    world = World().client("vpn", SignIn.CODE_ONLY)
    alice = alice_of(world)
    token = alice.totp()
    for _ in range(5):
        world.begin("alice", token.wrong())
    world.begin("alice", token.code())
    alice.is_blocked()
    world.begin("alice", token.code())
    assert journal_of(world)[5:] == [
        replace(ALICE, rule="", reason=Reason.THROTTLED, result=Result.THROTTLED),
        replace(ALICE, rule="", reason=Reason.BLOCKED, result=Result.USER_BLOCKED),
    ]


def test_a_denial_names_the_rule() -> None:
    world = World().rule(Outcome.ALLOW, groups=("staff",)).rule(Outcome.DENY, clients=("vpn",))
    alice_of(world).totp()
    world.begin("alice", "secret")
    assert journal_of(world) == [replace(ALICE, reason=Reason.DENIED_BY_POLICY, rule="1: deny")]


def test_an_unknown_name_is_written_as_it_was_typed() -> None:
    world = World()
    world.begin("Nobody ", "secret")
    assert journal_of(world) == [
        Entry(NOON, EntryKind.SIGN_IN, "sign_in", user_name="Nobody ", client_address=HOME, source=HOME,
              client_id="vpn", accepted=False, reason=Reason.UNKNOWN_USER)
    ]  # fmt: skip


def test_an_answer_to_nothing_names_nobody() -> None:
    world = World()
    token = alice_of(world).totp()
    asked = world.begin("alice", "secret")
    assert isinstance(asked, Ask)
    world.answer(asked, token.code(), name="mallory")
    assert world.journal == [
        Entry(NOON, EntryKind.SIGN_IN, "sign_in", client_id="vpn", accepted=False,
              reason=Reason.UNKNOWN_ATTEMPT, result=Result.OATH_TIMEOUT, attempt_id=asked.attempt_id)
    ]  # fmt: skip


@pytest.mark.parametrize("holds", [True, False])
def test_silence_is_told_as_prompted_without_an_answer(*, holds: bool) -> None:
    world = World().client("vpn", holds=holds)
    alice = alice_of(world)
    alice.totp()
    alice.tap()
    asked = world.begin("alice", "secret")
    world.later(120).expire(asked)
    result, by = (Result.AUTH_TIMEOUT, "tap") if holds else (Result.OATH_PENDING, "")
    (entry,) = journal_of(world)
    assert (entry.method, bool(entry.credential_id)) == (by, holds)
    expected = replace(ALICE, at=NOON + 120, reason=Reason.NO_ANSWER, result=result)
    assert replace(entry, method="", credential_id="") == expected


def test_a_question_and_an_order_are_no_news() -> None:
    world = World()
    alice_of(world).totp()
    assert isinstance(world.begin("alice", "secret"), Ask)
    assert world.journal == []


def test_every_decision_that_ends_an_attempt_has_exactly_one_entry() -> None:
    world = World()
    token = alice_of(world).totp()
    decisions = [
        world.sign_in("alice", "secret", token.code()),
        world.sign_in("alice", "secret", token.code()),
        world.sign_in("alice", "secret", token.wrong()),
        world.sign_in("alice", "wrong", ""),
        world.sign_in("nobody", "wrong", ""),
    ]
    assert [entry.accepted for entry in world.journal] == [isinstance(one, Accept) for one in decisions]
    assert [entry.reason for entry in world.journal] == [
        one.reason if isinstance(one, Reject) else None for one in decisions
    ]


def test_every_reason_has_a_result() -> None:
    assert set(RESULT_OF_REASON) == set(Reason)


def test_no_entry_holds_what_was_typed() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    token = alice_of(world).totp()
    for password in ("canary-password", "secret"):
        world.begin("alice", password + token.code())
        world.begin("alice", password + token.wrong())
    assert "canary" not in repr(world.journal)
    assert "secret" not in repr(world.journal)
    assert token.code() not in repr(world.journal)
