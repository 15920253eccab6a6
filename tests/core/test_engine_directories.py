"""A directory of others says more than right or wrong: each word has its reason, its count, its way to the reply."""

from dataclasses import replace

import pytest

from tests.core.test_engine_sign_in import ONE_FIELD
from tests.core.world import HOME, NOON, World, decided, reason
from vestibule.core.clients import SignIn
from vestibule.core.credentials import CredentialState
from vestibule.core.decisions import Accept, Account, Ask, CheckPassword, Decision, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.events import PasswordChecked
from vestibule.core.policy import Outcome
from vestibule.core.reasons import PASSWORD_WAS_RIGHT, Reason
from vestibule.core.secret import Secret
from vestibule.core.steps import PASSED, PASSED_UNKNOWN
from vestibule.core.users import Block, Mfa

ACCOUNT = Account("corp", "guid", "alice")
SAID = (("Class", "staff"), ("Filter-Id", "vpn"))
FROM_DIRECTORIES = sorted({*PASSWORD_WAS_RIGHT, Reason.WRONG_PASSWORD, Reason.ACCOUNT_LOCKED})


def with_alice(world: World, mfa: Mfa = Mfa.ENFORCED) -> World:
    world.person("alice", "secret", mfa)
    world.users["alice"] = replace(world.users["alice"], directory="corp", external_id="guid")
    return world


def test_the_order_names_the_account_in_the_directory() -> None:
    world = with_alice(World())
    step = world.happens(world.began("alice", "secret"))
    assert step.order == CheckPassword("id-alice", Secret.of("secret"), HOME, ACCOUNT)


@pytest.mark.parametrize("refusal", FROM_DIRECTORIES)
def test_a_refusal_of_the_directory_is_told_apart_in_the_journal_and_alike_outside(refusal: Reason) -> None:
    world = with_alice(World())
    began = world.began("alice", "secret")
    world.happens(began)
    step = world.happens(PasswordChecked(began, right=False, refusal=refusal, detail="data 532"))
    assert step.decision == Reject(refusal)
    assert (world.last.reason, world.last.detail) == (refusal, {"directory": "data 532"})


@pytest.mark.parametrize("refusal", FROM_DIRECTORIES)
def test_only_what_may_have_been_a_guess_is_counted(refusal: Reason) -> None:
    world = with_alice(World())
    began = world.began("alice", "secret")
    world.happens(began)
    assert world.failures_of("alice", "password") == 1
    world.happens(PasswordChecked(began, right=False, refusal=refusal))
    assert world.failures_of("alice", "password") == (0 if refusal in PASSWORD_WAS_RIGHT else 1)


def test_what_the_directory_says_with_a_right_password_reaches_the_reply_at_once() -> None:
    world = with_alice(World(), Mfa.OFF)
    began = world.began("alice", "secret")
    world.happens(began)
    step = world.happens(PasswordChecked(began, right=True, attributes=SAID))
    assert step.decision == Accept("alice", (), SAID)


def test_what_the_directory_says_outlives_the_question_for_the_code() -> None:
    world = with_alice(World())
    token = world.person("alice").totp()
    world.users["alice"] = replace(world.users["alice"], directory="corp", external_id="guid")
    began = world.began("alice", "secret")
    world.happens(began)
    asked = decided(world.happens(PasswordChecked(began, right=True, attributes=SAID)))
    assert isinstance(asked, Ask)
    assert reason(world.answer(asked, token.wrong())) is Reason.WRONG_CODE
    asked = decided(world.happens(PasswordChecked(began, right=True, attributes=SAID)))
    assert world.later(60).answer(asked, token.code()) == Accept("alice", (), SAID)


def test_in_one_field_the_directory_is_given_the_password_alone() -> None:
    world = with_alice(World().client("vpn", SignIn.PASSWORD_AND_CODE))
    token = world.person("alice", "secret").totp()
    world.users["alice"] = replace(world.users["alice"], directory="corp", external_id="guid")
    began = world.began("alice", f"secret{token.code()}")
    assert world.happens(began).order == CheckPassword("id-alice", Secret.of("secret"), HOME, ACCOUNT)
    assert decided(world.happens(PasswordChecked(began, right=True, attributes=SAID))) == Accept("alice", (), SAID)


# -- a client that asks one directory for everybody -----------------------------------------------------------------


def test_a_client_may_have_everybodys_password_checked_by_one_directory() -> None:
    world = with_alice(World().client("vpn", first_factor="nps"))
    world.person("bob")
    orders = [world.happens(world.began(name, "secret")).order for name in ("alice", "bob")]
    accounts = [order.account for order in orders if isinstance(order, CheckPassword)]
    assert accounts == [Account("nps", "", "alice"), Account("nps", "", "bob", local=True)]
    world.client("vpn", first_factor="corp")
    assert world.happens(world.began("alice", "secret")).order == CheckPassword(
        "id-alice", Secret.of("secret"), HOME, ACCOUNT
    )


def test_a_password_proves_nothing_for_whoever_has_the_name_by_now() -> None:
    world = with_alice(open_to_strangers(), Mfa.ENABLED)
    began = world.began("alice", "secret")
    world.happens(began)
    for user_id in ("another", ""):
        with pytest.raises(Unavailable, match="another person"):
            world.happens(PasswordChecked(began, right=True, user_id=user_id))
    assert decided(world.happens(PasswordChecked(began, right=True, user_id="id-alice"))) == Accept("alice")
    del world.users["alice"]
    with pytest.raises(Unavailable, match="another person"):
        world.happens(PasswordChecked(began, right=True, user_id="id-alice"))


# -- the first factor alone -----------------------------------------------------------------------------------------

UNTIL = NOON + 60


def checked(world: World, name: str, *, right: bool = True, refusal: Reason = Reason.WRONG_PASSWORD) -> Decision:
    began = world.began(name, "secret")
    step = world.happens(began)
    if not isinstance(step.order, CheckPassword):
        return decided(step)
    return decided(world.happens(PasswordChecked(began, right, refusal, SAID)))


@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_THEN_CODE, *ONE_FIELD])
def test_people_without_a_second_factor_pass_until_a_date_and_the_journal_says_so(sign_in: SignIn) -> None:
    world = with_alice(World().client("vpn", sign_in, pass_until=UNTIL), Mfa.ENABLED)
    assert checked(world, "alice") == Accept("alice", (), SAID)
    assert (world.last.accepted, world.last.rule) == (True, PASSED)
    assert world.failures_of("alice", "password") == 0
    assert world.users["alice"].mfa is Mfa.ENABLED
    assert isinstance(checked(world.later(60), "alice"), Reject)


@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_THEN_CODE, *ONE_FIELD])
def test_people_with_a_second_factor_never_pass_without_it(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in, pass_until=UNTIL, first_factor="corp", require_user_match=False)
    token = with_alice(world).person("alice", "secret").totp()
    assert not isinstance(checked(world, "alice"), Accept)
    for gone in ({"method": "gone"}, {"state": CredentialState.DISABLED}):
        world.credentials[token.id] = replace(token.credential, **gone)
        assert not isinstance(checked(world, "alice"), Accept)


def test_whose_factor_was_taken_away_does_not_pass_either() -> None:
    world = with_alice(World().client("vpn", pass_until=UNTIL), Mfa.ENFORCED)
    assert checked(world, "alice") == Reject(Reason.NOT_ENROLLED)


def test_a_factor_that_was_never_proven_is_none_yet() -> None:
    world = World().client("vpn", pass_until=UNTIL)
    token = with_alice(world, Mfa.ENABLED).person("alice", "secret", Mfa.ENABLED).totp()
    world.credentials[token.id] = replace(token.credential, state=CredentialState.PENDING)
    assert checked(world, "alice") == Accept("alice", (), SAID)


def test_a_code_is_never_waived_where_nobody_here_sees_a_first_factor() -> None:
    world = with_alice(World().client("vpn", SignIn.CODE_ONLY, pass_until=UNTIL))
    assert world.begin("alice", "123456") == Reject(Reason.NOT_ENROLLED)


def test_who_is_blocked_or_denied_does_not_pass() -> None:
    world = with_alice(World().client("vpn", pass_until=UNTIL))
    world.users["alice"] = replace(world.users["alice"], block=Block(NOON, NOON + 60, "admin", "left"))
    assert checked(world, "alice") == Reject(Reason.BLOCKED)
    world.users["alice"] = replace(world.users["alice"], block=None)
    world.rule(Outcome.DENY)
    assert checked(world, "alice") == Reject(Reason.DENIED_BY_POLICY)


def open_to_strangers() -> World:
    return World().client("vpn", first_factor="corp", require_user_match=False, pass_until=UNTIL)


def test_people_whom_we_do_not_know_pass_where_that_is_allowed() -> None:
    world = open_to_strangers()
    step = world.happens(world.began("stranger", "secret"))
    assert step.order == CheckPassword("", Secret.of("secret"), HOME, Account("corp", "", "stranger"))
    assert checked(world, "stranger") == Accept("stranger", (), SAID)
    assert (world.last.accepted, world.last.rule, world.last.user_name) == (True, PASSED_UNKNOWN, "stranger")


@pytest.mark.parametrize("refusal", FROM_DIRECTORIES)
def test_they_are_refused_in_the_directorys_words(refusal: Reason) -> None:
    world = open_to_strangers()
    assert checked(world, "stranger", right=False, refusal=refusal) == Reject(refusal)


@pytest.mark.parametrize(
    "closed",
    [{"first_factor": ""}, {"require_user_match": True}, {"pass_until": 0.0}, {"pass_until": NOON}],
    ids=["no directory", "known people only", "never", "not any more"],
)
def test_and_nowhere_else(closed: dict[str, object]) -> None:
    world = open_to_strangers()
    world.clients["vpn"] = replace(world.clients["vpn"], **closed)  # type: ignore[arg-type]  # as listed
    assert checked(world, "stranger") == Reject(Reason.UNKNOWN_USER)


def test_a_rule_can_refuse_people_whom_we_do_not_know() -> None:
    world = open_to_strangers().rule(Outcome.DENY)
    assert checked(world, "stranger") == Reject(Reason.DENIED_BY_POLICY)


def test_an_empty_name_or_password_is_not_sent_to_a_directory() -> None:
    world = open_to_strangers()
    assert checked(world, "") == Reject(Reason.UNKNOWN_USER)
    assert world.begin("stranger", "") == Reject(Reason.UNKNOWN_USER)
    assert all(order.account is None for order in world.checked)
