"""A question is bound to who was asked, is answered once and in time, and cannot be skipped or overtaken."""

from dataclasses import replace

import pytest

from tests.core.world import CAFE, HOME, World, decided, reason
from vestibule.core.attempts import Attempt
from vestibule.core.clients import SignIn
from vestibule.core.credentials import CredentialState
from vestibule.core.decisions import Accept, Ask, CheckPassword, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.events import Answered, Expired, NotDelivered, PasswordChecked, PasswordUnchecked
from vestibule.core.policy import Outcome
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings
from vestibule.core.users import Mfa


def asked(world: World) -> Ask:
    decision = world.begin("alice", "secret")
    assert isinstance(decision, Ask)
    return decision


# -- bound ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(8)
@pytest.mark.requirement(54)
@pytest.mark.parametrize(
    ("name", "client"), [("bob", "vpn"), ("alice", "mail"), ("", "vpn"), ("alice", ""), ("", ""), ("ALICE", "vpn")]
)
def test_a_question_is_answered_by_the_person_and_client_that_were_asked(name: str, client: str) -> None:
    world = World().client("vpn").client("mail")
    token = world.person("alice", "secret").totp()
    world.person("bob", "secret").totp(b"the secret of Bob, twenty")
    question = asked(world)
    assert reason(world.answer(question, token.code(), name=name, client=client)) is Reason.UNKNOWN_ATTEMPT
    assert token.seed.last_step == -1
    assert world.answer(question, token.code()) == Accept("alice"), "a stray answer does not close the question"


def test_the_state_of_one_person_does_not_let_another_in() -> None:
    world = World()
    world.person("alice", "secret").totp()
    bob = world.person("bob", "secret").totp(b"the secret of Bob, twenty")
    assert reason(world.answer(asked(world), bob.code(), name="bob")) is Reason.UNKNOWN_ATTEMPT
    assert reason(world.answer(asked(world), bob.code())) is Reason.WRONG_CODE


def test_a_state_that_was_never_given_out_opens_nothing() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    for forged in (replace(question, nonce="00" * 16), replace(question, nonce=""), replace(question, attempt_id="x")):
        assert reason(world.answer(forged, token.code())) is Reason.UNKNOWN_ATTEMPT


def test_no_two_questions_have_the_same_name() -> None:
    world = World()
    world.person("alice", "secret").totp()
    questions = [asked(world) for _ in range(4)]
    assert len({one.nonce for one in questions} | {one.attempt_id for one in questions}) == 8
    assert all(len(one.nonce) >= 16 for one in questions), "at least 64 bits"


# -- once -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(8)
@pytest.mark.parametrize("first_is_right", [True, False])
def test_a_question_is_answered_once(*, first_is_right: bool) -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    world.answer(question, token.code() if first_is_right else token.wrong())
    world.later(30)
    assert reason(world.answer(question, token.code())) is Reason.UNKNOWN_ATTEMPT
    assert world.attempts == {}


def test_a_person_may_try_as_often_as_the_settings_say() -> None:
    world = World(settings=Settings(challenge_tries=3))
    token = world.person("alice", "secret").totp()
    question = asked(world)
    second = world.answer(question, token.wrong())
    third = world.answer(second, token.wrong())
    assert isinstance(third, Ask)
    assert len({question.nonce, getattr(second, "nonce", ""), third.nonce}) == 3
    assert reason(world.answer(third, token.wrong())) is Reason.WRONG_CODE
    assert world.failures_of("alice", token.id) == 3
    assert world.attempts == {}


def test_the_last_of_several_tries_can_be_right() -> None:
    world = World(settings=Settings(challenge_tries=2))
    token = world.person("alice", "secret").totp()
    second = world.answer(asked(world), token.wrong())
    assert world.answer(second, token.code()) == Accept("alice")


@pytest.mark.requirement(54)
def test_an_old_nonce_is_worth_nothing_once_the_question_was_put_again() -> None:
    world = World(settings=Settings(challenge_tries=9))
    token = world.person("alice", "secret").totp()
    question = asked(world)
    again = world.answer(question, token.wrong())
    assert reason(world.answer(question, token.code())) is Reason.UNKNOWN_ATTEMPT
    assert world.answer(again, token.code()) == Accept("alice")


def test_a_question_put_again_lives_no_longer_than_the_first() -> None:
    world = World(settings=Settings(challenge_tries=9, challenge_seconds=100))
    token = world.person("alice", "secret").totp()
    question = asked(world)
    again = world.later(99).answer(question, token.wrong())
    assert reason(world.later(1).answer(again, token.code())) is Reason.UNKNOWN_ATTEMPT


# -- in time ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(8)
@pytest.mark.parametrize(("seconds", "in_time"), [(0, True), (119.9, True), (120, False), (10_000, False)])
def test_a_late_answer_is_refused(seconds: float, *, in_time: bool) -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    decision = world.later(seconds).answer(question, token.code())
    assert decision == (Accept("alice") if in_time else Reject(Reason.UNKNOWN_ATTEMPT))


def test_nobody_answers_and_the_journal_says_so_once() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    assert reason(world.later(120).expire(question)) is Reason.NO_ANSWER
    assert (world.last.reason, world.last.result) == (Reason.NO_ANSWER, Result.OATH_PENDING)
    assert world.attempts == {}
    assert reason(world.expire(question)) is Reason.NO_ANSWER
    assert len(world.journal) == 1
    assert reason(world.answer(question, token.code())) is Reason.UNKNOWN_ATTEMPT


def test_a_question_that_was_put_again_is_not_closed_by_the_old_ones_end() -> None:
    world = World(settings=Settings(challenge_tries=2))
    token = world.person("alice", "secret").totp()
    question = asked(world)
    again = world.answer(question, token.wrong())
    assert world.expire(question) == again
    assert world.answer(again, token.code()) == Accept("alice")


# -- what changes meanwhile -------------------------------------------------------------------------------------


def test_a_person_who_is_blocked_meanwhile_is_refused() -> None:
    world = World()
    alice = world.person("alice", "secret")
    token = alice.totp()
    question = asked(world)
    alice.is_blocked()
    assert reason(world.answer(question, token.code())) is Reason.BLOCKED
    assert world.attempts == {}
    assert token.seed.last_step == -1


def test_a_person_who_is_removed_meanwhile_is_refused() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    del world.users["alice"]
    assert reason(world.answer(question, token.code())) is Reason.UNKNOWN_USER


def test_a_person_with_the_name_of_a_removed_one_does_not_inherit_the_question() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    world.users["alice"] = replace(world.users["alice"], id="another alice")
    assert reason(world.answer(question, token.code())) is Reason.UNKNOWN_USER


@pytest.mark.requirement(54)
@pytest.mark.parametrize("conditions", [{}, {"clients": ("vpn",)}, {"groups": ("out",)}, {"networks": (HOME,)}])
def test_a_rule_that_denies_meanwhile_is_obeyed(conditions: dict[str, tuple[str, ...]]) -> None:
    world = World()
    alice = world.person("alice", "secret")
    token = alice.totp()
    question = asked(world)
    alice.changes(groups=("out",))
    world.rule(Outcome.DENY, **conditions)
    assert reason(world.answer(question, token.code())) is Reason.DENIED_BY_POLICY
    assert world.last.rule == "0: deny"
    assert token.seed.last_step == -1


def test_a_method_that_is_taken_away_meanwhile_opens_nothing() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    world.rule(Outcome.REQUIRE, methods=("hotp",))
    assert reason(world.answer(question, token.code())) is Reason.NO_USABLE_PROMPT


def test_a_credential_that_is_disabled_meanwhile_opens_nothing() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    world.credentials[token.id] = replace(token.credential, state=CredentialState.DISABLED)
    assert reason(world.answer(question, token.code())) is Reason.NOT_ENROLLED


def test_a_rule_that_allows_meanwhile_does_not_answer_an_open_question() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    world.rule(Outcome.ALLOW)
    assert reason(world.answer(question, token.wrong())) is Reason.WRONG_CODE


def test_a_client_that_is_removed_meanwhile_gets_no_decision() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    question = asked(world)
    began = world.began("alice", "secret")
    del world.clients["vpn"]
    for event in (
        began,
        PasswordChecked(began, right=True),
        Answered(question.attempt_id, question.nonce, Secret.of(token.code()), "vpn", "alice"),
    ):
        with pytest.raises(Unavailable, match="client"):
            world.happens(event)


# -- skipped and overtaken --------------------------------------------------------------------------------------


@pytest.mark.requirement(54)
@pytest.mark.parametrize("sign_in", SignIn)
def test_a_right_password_that_nobody_ordered_to_be_checked_skips_no_code(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    world.person("alice", "secret").totp()
    step = world.happens(PasswordChecked(world.began("alice", "secret"), right=True))
    assert not isinstance(step.decision, Accept)
    assert not any(row.count < 0 for row in step.case.failures.values())


@pytest.mark.requirement(54)
@pytest.mark.parametrize("mfa", Mfa)
def test_a_block_a_removal_or_a_denial_while_the_password_is_checked_is_obeyed(mfa: Mfa) -> None:
    for undo in ("block", "remove", "deny"):
        world = World()
        alice = world.person("alice", "secret", mfa)
        alice.totp()
        began = world.began("alice", "secret")
        assert isinstance(world.happens(began).order, CheckPassword)
        match undo:
            case "block":
                alice.is_blocked()
            case "remove":
                del world.users["alice"]
            case _:
                world.rule(Outcome.DENY)
        assert isinstance(decided(world.happens(PasswordChecked(began, right=True))), Reject)


def test_an_unknown_name_is_not_let_in_even_if_its_password_were_right() -> None:
    world = World().rule(Outcome.ALLOW)
    step = world.happens(PasswordChecked(world.began("nobody", "secret"), right=True))
    assert step.decision == Reject(Reason.UNKNOWN_USER)


@pytest.mark.parametrize("before", SignIn)
@pytest.mark.parametrize("after", SignIn)
def test_a_client_that_changes_its_mode_while_the_password_is_checked_lets_nobody_in_without_a_code(
    before: SignIn, after: SignIn
) -> None:
    world = World().client("vpn", before)
    token = world.person("alice", "secret").totp()
    typed = token.code() + "secret" if before is SignIn.CODE_AND_PASSWORD else "secret"
    began = world.began("alice", typed)
    world.happens(began)
    world.client("vpn", after)
    step = world.happens(PasswordChecked(began, right=True))
    assert isinstance(step.decision, Accept) == (token.seed.last_step >= 0)


def test_a_token_that_is_given_while_the_password_is_checked_must_be_shown() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    alice = world.person("alice", "secret")
    began = world.began("alice", "secret")
    world.happens(began)
    alice.totp()
    assert isinstance(decided(world.happens(PasswordChecked(began, right=True))), Reject)


@pytest.mark.requirement(54)
def test_of_two_equal_one_field_sign_ins_at_the_same_time_one_is_let_in() -> None:
    world = World().client("vpn", SignIn.PASSWORD_AND_CODE)
    token = world.person("alice", "secret").totp()
    began = world.began("alice", "secret" + token.code())
    orders = [world.happens(began).order, world.happens(began).order]
    assert all(isinstance(order, CheckPassword) for order in orders)
    decisions = [decided(world.happens(PasswordChecked(began, right=True))) for _ in orders]
    assert decisions == [Accept("alice"), Reject(Reason.CODE_REUSED)]


def test_a_directory_that_is_away_gives_the_try_back() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    for _ in range(30):
        began = world.began("alice", "secret")
        assert isinstance(world.happens(began).order, CheckPassword)
        step = world.happens(PasswordUnchecked(began))
        assert (step.decision, step.order, step.entry) == (None, None, None)
    assert world.failures_of("alice", "password") == 0
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")


def test_answers_to_an_attempt_without_a_question_are_strays() -> None:
    world = World()
    world.person("alice", "secret").totp()
    world.attempts["a"] = Attempt("a", "vpn", "id-alice", "alice", "alice", CAFE, CAFE, world.at, world.at + 60)
    assert reason(world.answer(Ask("a", "", asked(world).prompt), "123456")) is Reason.UNKNOWN_ATTEMPT
    assert world.happens(NotDelivered("a", "")).decision == Reject(Reason.NO_ANSWER)
    assert world.happens(Expired("a", "")).decision == Reject(Reason.NO_ANSWER)
