"""A one-time bypass passes one sign-in by the first factor alone; a pass is a second factor and registers nobody."""

import hmac
from dataclasses import replace

import pytest

from tests.core.test_engine_sign_in import ONE_FIELD
from tests.core.world import NOON, Person, World, reason
from vestibule.core.clients import SignIn
from vestibule.core.credentials import ACCESS_PASS, BYPASS, Credential, CredentialState
from vestibule.core.decisions import Accept, Ask
from vestibule.core.engine import Engine
from vestibule.core.policy import Outcome
from vestibule.core.reasons import Reason, Result
from vestibule.core.steps import PASSED_ONCE
from vestibule.core.users import Mfa
from vestibule.methods.access_pass import AccessPass
from vestibule.methods.totp import Totp

PASSES = AccessPass(lambda octets: hmac.digest(b"key", octets, "sha256"))


def bypassed(person: Person, seconds: float = 300.0) -> Person:
    """Grant this person a bypass, as the flow does."""
    state, end = CredentialState.PENDING, person.world.at + seconds
    one = Credential("bypass-1", BYPASS, person.user.id, state=state, expires_at=end)
    person.world.credentials[one.id] = one
    return person


@pytest.mark.parametrize("enrolled", [True, False])
def test_a_bypass_lets_one_sign_in_pass_and_the_journal_says_so(enrolled: bool) -> None:
    world = World()
    alice = bypassed(world.person("alice"))
    if enrolled:
        alice.totp()
    assert isinstance(world.begin("alice", "secret"), Accept)
    entry = world.last
    assert (entry.method, entry.credential_id, entry.rule) == (BYPASS, "bypass-1", PASSED_ONCE)
    assert (entry.accepted, entry.result) == (True, Result.BYPASSED)
    second = world.begin("alice", "secret")
    assert isinstance(second, Ask) if enrolled else reason(second) is Reason.NOT_ENROLLED


def test_a_bypass_passes_nobody_before_the_password_was_right() -> None:
    world = World()
    bypassed(world.person("alice")).totp()
    assert reason(world.begin("alice", "wrong")) is Reason.WRONG_PASSWORD
    assert isinstance(world.begin("alice", "secret"), Accept)


def test_a_bypass_ends_by_itself() -> None:
    world = World()
    bypassed(world.person("alice"), 60.0).totp()
    world.later(60.0)
    assert isinstance(world.begin("alice", "secret"), Ask)


def test_a_bypass_is_somebody_elses_never() -> None:
    world = World()
    bypassed(world.person("alice"))
    world.person("bob").totp()
    assert isinstance(world.begin("bob", "secret"), Ask)


def test_a_block_and_a_rule_that_denies_go_before_a_bypass() -> None:
    world = World()
    alice = bypassed(world.person("alice"))
    alice.is_blocked()
    assert reason(world.begin("alice", "secret")) is Reason.BLOCKED
    alice.changes(block=None)
    world.rule(Outcome.DENY)
    assert reason(world.begin("alice", "secret")) is Reason.DENIED_BY_POLICY
    world.rules.clear()
    assert isinstance(world.begin("alice", "secret"), Accept)


@pytest.mark.parametrize("outcome", ["no second factor asked", "rule that allows"])
def test_a_bypass_that_is_not_needed_is_not_spent(outcome: str) -> None:
    world = World()
    alice = bypassed(world.person("alice"))
    if outcome == "rule that allows":
        world.rule(Outcome.ALLOW)
    else:
        alice.changes(mfa=Mfa.OFF)
    assert isinstance(world.begin("alice", "secret"), Accept)
    assert world.last.method == ""
    assert world.credentials["bypass-1"].expires_at == NOON + 300


@pytest.mark.parametrize("sign_in", ONE_FIELD)
def test_in_one_field_the_password_stands_alone_while_a_bypass_is_open(sign_in: SignIn) -> None:
    world = World(clients={})
    world.client("vpn", sign_in)
    alice = bypassed(world.person("alice"))
    token = alice.totp()
    assert isinstance(world.begin("alice", "secret"), Accept)
    both = f"secret{token.code()}" if sign_in is SignIn.PASSWORD_AND_CODE else f"{token.code()}secret"
    assert isinstance(world.begin("alice", both), Accept)
    assert world.last.method == "totp"


def test_where_nobody_sees_a_first_factor_a_bypass_passes_nobody() -> None:
    world = World(clients={})
    world.client("vpn", SignIn.CODE_ONLY)
    bypassed(world.person("alice")).totp()
    assert isinstance(world.begin("alice", ""), Ask)
    assert world.credentials["bypass-1"].expires_at == NOON + 300


def test_a_bypass_registers_nobody_and_looks_like_no_factor() -> None:
    world = World()
    world.client("staged", pass_until=NOON + 86_400)
    bypassed(world.person("alice", mfa=Mfa.ENABLED))
    assert isinstance(world.begin("alice", "secret", client="staged"), Accept)
    assert isinstance(world.begin("alice", "secret", client="staged"), Accept)
    assert world.users["alice"].mfa is Mfa.ENABLED


def test_a_pass_counts_as_a_second_factor_once_and_registers_nobody() -> None:
    world = World(engine=Engine([Totp(), PASSES]))
    alice = world.person("alice", mfa=Mfa.ENABLED)
    fresh = Credential("pass-1", ACCESS_PASS, alice.user.id, expires_at=NOON + 600)
    one, code = PASSES.issue(fresh, bytes(range(10)), once=True)
    world.credentials[one.id] = one
    assert isinstance(world.sign_in("alice", "secret", code), Accept)
    assert (world.last.method, world.last.credential_id) == (ACCESS_PASS, "pass-1")
    assert world.users["alice"].mfa is Mfa.ENABLED
    assert reason(world.sign_in("alice", "secret", code)) is Reason.CODE_REUSED
    world.credentials[one.id] = replace(one, expires_at=NOON)
    assert reason(world.begin("alice", "secret")) is Reason.NOT_ENROLLED


def test_a_rule_that_wants_a_token_takes_no_pass() -> None:
    world = World(engine=Engine([Totp(), PASSES]))
    world.rule(Outcome.REQUIRE, methods=("totp",))
    alice = world.person("alice")
    alice.totp()
    fresh = Credential("pass-1", ACCESS_PASS, alice.user.id, expires_at=NOON + 600)
    one, code = PASSES.issue(fresh, bytes(range(10)), once=True)
    world.credentials[one.id] = one
    assert reason(world.sign_in("alice", "secret", code)) is Reason.WRONG_CODE
