"""Questions that are answered elsewhere: waiting, approving, declining, and what happens when the message is lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.core.world import CAFE, Person, Tap, Token, World, reason
from vestibule.core.clients import SignIn
from vestibule.core.credentials import CredentialState
from vestibule.core.decisions import Accept, Ask, Reject, Wait
from vestibule.core.engine import Engine
from vestibule.core.events import Expired, NotDelivered
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.messages import Message
from vestibule.core.policy import Outcome
from vestibule.core.prompts import Approve, TypeCode
from vestibule.core.reasons import Reason, Result
from vestibule.core.steps import outcome
from vestibule.methods.totp import Totp


def world_with_tap(**client: object) -> tuple[World, Wait, Token]:
    """Somebody with a tap and a token, who typed the password and is waited for."""
    world = World().client("vpn", **client)  # type: ignore[arg-type]
    alice = world.person("alice", "secret")
    token, _ = alice.totp(), alice.tap()
    waiting = world.begin("alice", "secret")
    assert isinstance(waiting, Wait)
    return world, waiting, token


def test_a_message_goes_out_and_the_client_holds_on() -> None:
    world, waiting, _ = world_with_tap()
    assert waiting.prompt == Approve("42")
    assert waiting.expires_at == world.at + 30
    assert world.messages == [
        Message(waiting.nonce, "post", "tap-1", waiting.attempt_id, "tap", waiting.expires_at),
    ]


def test_a_method_without_a_message_waits_as_well() -> None:
    world = World(engine=Engine([], [Tap(channel="")]))
    world.person("alice", "secret").tap()
    assert isinstance(world.begin("alice", "secret"), Wait)
    assert world.messages == []


@pytest.mark.parametrize(("budget", "method", "expected"), [(10.0, 60.0, 10.0), (90.0, 60.0, 60.0)])
def test_waiting_ends_with_the_client_or_the_method_whichever_is_sooner(
    budget: float, method: float, expected: float
) -> None:
    world = World(engine=Engine([], [Tap(seconds=method)])).client("vpn", time_budget=budget)
    world.person("alice", "secret").tap()
    waiting = world.begin("alice", "secret")
    assert isinstance(waiting, Wait)
    assert waiting.expires_at == world.at + expected


def test_an_approval_from_elsewhere_lets_the_waiting_party_in() -> None:
    world, waiting, _ = world_with_tap()
    assert world.answer_elsewhere(waiting, "yes") == Accept("alice")
    assert outcome(world.attempts[waiting.attempt_id]) == Accept("alice")
    assert (world.last.accepted, world.last.method, world.last.credential_id) == (True, "tap", "tap-1")


def test_a_refusal_from_elsewhere_is_no_guess() -> None:
    world, waiting, _ = world_with_tap()
    assert reason(world.answer_elsewhere(waiting, "no")) is Reason.DECLINED
    assert outcome(world.attempts[waiting.attempt_id]) == Reject(Reason.DECLINED)
    assert world.failures_of("alice", "tap-1") == 0


def test_a_wrong_number_from_elsewhere_is_a_guess() -> None:
    world, waiting, _ = world_with_tap()
    assert reason(world.answer_elsewhere(waiting, "41")) is Reason.WRONG_CODE
    assert world.failures_of("alice", "tap-1") == 1


@pytest.mark.requirement(54)
@pytest.mark.parametrize("said", ["yes", "no", "41"])
def test_whoever_asks_to_be_let_in_cannot_approve_himself(said: str) -> None:
    world, waiting, token = world_with_tap()
    assert reason(world.answer(waiting, said)) is Reason.UNKNOWN_ATTEMPT
    assert reason(world.answer(waiting, token.code())) is Reason.UNKNOWN_ATTEMPT
    assert world.failures_of("alice", "tap-1") == 0
    assert world.answer_elsewhere(waiting, "yes") == Accept("alice"), "the question is still open"


@pytest.mark.requirement(54)
@pytest.mark.parametrize("first", ["yes", "no", "41"])
def test_an_approval_is_given_once(first: str) -> None:
    world, waiting, _ = world_with_tap()
    world.answer_elsewhere(waiting, first)
    assert reason(world.answer_elsewhere(waiting, "yes")) is Reason.UNKNOWN_ATTEMPT
    settled = world.attempts[waiting.attempt_id].settled
    assert settled is not None
    assert (settled.reason is None) == (first == "yes")


def test_a_late_approval_is_refused() -> None:
    world, waiting, _ = world_with_tap()
    assert reason(world.later(30).answer_elsewhere(waiting, "yes")) is Reason.UNKNOWN_ATTEMPT


def test_an_approval_after_the_client_stopped_waiting_is_refused() -> None:
    world, waiting, _ = world_with_tap()
    assert reason(world.later(20).expire(waiting)) is Reason.NO_ANSWER
    assert world.last.result is Result.AUTH_TIMEOUT
    assert reason(world.answer_elsewhere(waiting, "yes")) is Reason.UNKNOWN_ATTEMPT
    assert outcome(world.attempts[waiting.attempt_id]) == Reject(Reason.NO_ANSWER)


def test_the_end_of_the_time_does_not_undo_an_approval() -> None:
    world, waiting, _ = world_with_tap()
    world.answer_elsewhere(waiting, "yes")
    assert world.later(30).expire(waiting) == Accept("alice")
    assert world.attempts == {}
    assert len(world.journal) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda world: world.users.pop("alice"), Reason.UNKNOWN_USER),
        (lambda world: Person(world, "alice").is_blocked(), Reason.BLOCKED),
        (lambda world: world.rule(Outcome.DENY), Reason.DENIED_BY_POLICY),
        (lambda world: world.rule(Outcome.REQUIRE, methods=("totp",)), Reason.NO_USABLE_PROMPT),
    ],
)
def test_what_changes_meanwhile_is_obeyed_in_spite_of_the_approval(
    change: Callable[[World], object], expected: Reason
) -> None:
    world, waiting, _ = world_with_tap()
    change(world)
    assert reason(world.answer_elsewhere(waiting, "yes")) is expected
    assert outcome(world.attempts[waiting.attempt_id]) == Reject(expected)


def test_a_credential_that_is_disabled_meanwhile_approves_nothing() -> None:
    world, waiting, _ = world_with_tap()
    world.credentials["tap-1"] = replace(world.credentials["tap-1"], state=CredentialState.DISABLED)
    assert reason(world.answer_elsewhere(waiting, "yes")) is Reason.NO_USABLE_PROMPT


def test_a_method_that_is_not_there_any_more_approves_nothing() -> None:
    world, waiting, _ = world_with_tap()
    world.engine = Engine([Totp()])
    assert reason(world.answer_elsewhere(waiting, "yes")) is Reason.NO_USABLE_PROMPT


@pytest.mark.requirement(18)
def test_wrong_numbers_stop_the_method_like_wrong_codes() -> None:
    world, _, token = world_with_tap()
    for _ in range(200):
        waiting = world.later(7200).begin("alice", "secret")
        if isinstance(waiting, Wait):
            world.answer_elsewhere(waiting, "41")
    assert world.failures_of("alice", "tap-1") <= 100
    assert isinstance(world.later(7200).begin("alice", "secret"), Ask), "the token is asked for instead"
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")


@pytest.mark.requirement(18)
@pytest.mark.parametrize(("count", "expected"), [(20, Reason.THROTTLED), (100, Reason.TOO_MANY_FAILURES)])
def test_a_credential_that_is_stopped_meanwhile_approves_nothing(count: int, expected: Reason) -> None:
    world, waiting, _ = world_with_tap()
    row = Failures("id-alice", FailureKind.FACTOR, "tap-1", count, world.at)
    world.failures["id-alice"][FailureKind.FACTOR, "tap-1"] = row
    assert reason(world.answer_elsewhere(waiting, "yes")) is expected
    assert outcome(world.attempts[waiting.attempt_id]) == Reject(expected)


@pytest.mark.requirement(54)
def test_many_questions_at_once_give_no_more_guesses_than_one_after_the_other() -> None:
    world, _, _ = world_with_tap()
    waiting = [world.begin("alice", "secret") for _ in range(50)]
    reasons = [reason(world.answer_elsewhere(one, "41")) for one in waiting]
    assert reasons.count(Reason.WRONG_CODE) == world.limits.source_tries
    assert reasons.count(Reason.THROTTLED) == 50 - world.limits.source_tries


# -- a message that is lost -------------------------------------------------------------------------------------


def test_a_lost_message_falls_back_to_a_typed_code() -> None:
    world, waiting, token = world_with_tap()
    asked = world.lose_message(waiting)
    assert isinstance(asked, Ask)
    assert asked.prompt == TypeCode()
    assert asked.nonce != waiting.nonce
    assert reason(world.answer_elsewhere(waiting, "yes")) is Reason.UNKNOWN_ATTEMPT
    assert world.answer(asked, token.code()) == Accept("alice")


def test_losing_a_message_twice_asks_the_same_question() -> None:
    world, waiting, token = world_with_tap()
    asked = world.lose_message(waiting)
    assert world.lose_message(waiting) == asked
    assert world.expire(waiting) == asked, "the end of the first question does not close the second"
    assert world.answer(asked, token.code()) == Accept("alice")


@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_AND_CODE, SignIn.CODE_AND_PASSWORD])
def test_a_lost_message_refuses_where_nothing_else_can_be_asked(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    world.person("alice", "secret").tap()
    waiting = world.begin("alice", "secret")
    assert reason(world.lose_message(waiting)) is Reason.NOT_DELIVERED
    assert (world.last.reason, world.last.result) == (Reason.NOT_DELIVERED, Result.NOT_DELIVERED)


def test_a_lost_message_refuses_a_person_who_has_nothing_to_type() -> None:
    world = World()
    world.person("alice", "secret").tap()
    assert reason(world.lose_message(world.begin("alice", "secret"))) is Reason.NOT_DELIVERED


def test_a_lost_message_does_not_undo_an_approval() -> None:
    world, waiting, _ = world_with_tap()
    world.answer_elsewhere(waiting, "yes")
    assert world.lose_message(waiting) == Accept("alice")


def test_a_message_that_nobody_asked_for_changes_nothing() -> None:
    world, waiting, _ = world_with_tap()
    step = world.happens(NotDelivered(waiting.attempt_id, "another nonce"))
    assert step.decision == waiting
    assert world.happens(NotDelivered("nothing", "nonce")).decision == Reject(Reason.NO_ANSWER)
    assert world.happens(Expired(waiting.attempt_id, "another nonce")).decision == waiting
    assert world.journal == []


# -- choosing ---------------------------------------------------------------------------------------------------


def test_a_client_that_does_not_hold_on_is_asked_for_a_code() -> None:
    world = World().client("vpn", holds=False)
    alice = world.person("alice", "secret")
    alice.tap()
    alice.totp()
    assert isinstance(world.begin("alice", "secret"), Ask)


def test_the_methods_that_were_handed_in_first_are_preferred() -> None:
    world = World(engine=Engine([], [Tap(name="tap"), Tap(name="wave")]))
    alice = world.person("alice", "secret")
    world.credentials["w"] = replace(alice.tap(), id="w", method="wave")
    world.begin("alice", "secret")
    world.rule(Outcome.REQUIRE, methods=("wave",))
    world.begin("alice", "secret")
    assert [message.credential_id for message in world.messages] == ["tap-0", "w"]


def test_people_do_not_see_each_others_questions() -> None:
    world, waiting, _ = world_with_tap()
    world.person("bob", "other").totp(b"the secret of Bob, twenty")
    asked = world.begin("bob", "other", CAFE)
    assert isinstance(asked, Ask)
    assert asked.attempt_id != waiting.attempt_id
    assert world.answer_elsewhere(waiting, "yes") == Accept("alice")
