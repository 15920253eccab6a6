"""A directory of others says more than right or wrong: each word has its reason, its count, its way to the reply."""

from dataclasses import replace

import pytest

from tests.core.world import HOME, World, decided, reason
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept, Account, Ask, CheckPassword, Reject
from vestibule.core.events import PasswordChecked
from vestibule.core.reasons import PASSWORD_WAS_RIGHT, Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa

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
