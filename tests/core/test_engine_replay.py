"""A code that was right once is never right again, whoever sends it, through whatever door."""

from dataclasses import replace

import pytest

from tests.core.world import CAFE, HOME, World, decided, reason
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept
from vestibule.core.events import PasswordChecked
from vestibule.core.reasons import Reason, Result

SHARED = b"a secret of two tokens"


@pytest.mark.requirement(4)
@pytest.mark.parametrize("sign_in", SignIn)
def test_the_same_code_is_refused_the_second_time(sign_in: SignIn) -> None:
    world = World().client("vpn", sign_in)
    token = world.person("alice", "secret").totp()
    code = token.code()
    typed = {SignIn.CODE_AND_PASSWORD: f"{code}secret", SignIn.PASSWORD_AND_CODE: f"secret{code}"}.get(
        sign_in, "" if sign_in is SignIn.CODE_ONLY else "secret"
    )
    assert world.sign_in("alice", typed, code) == Accept("alice")
    assert reason(world.sign_in("alice", typed, code)) is Reason.CODE_REUSED
    assert world.last.result is Result.OATH_DUPLICATE


@pytest.mark.requirement(4)
def test_a_code_is_spent_for_every_client() -> None:
    world = World().client("vpn").client("mail", SignIn.CODE_ONLY)
    token = world.person("alice", "secret").totp()
    world.sign_in("alice", "secret", token.code())
    assert reason(world.begin("alice", token.code(), CAFE, client="mail")) is Reason.CODE_REUSED


@pytest.mark.requirement(4)
def test_two_people_with_the_same_secret_share_what_is_spent() -> None:
    world = World()
    alice, bob = world.person("alice", "secret").totp(SHARED), world.person("bob", "other").totp(SHARED)
    assert world.sign_in("alice", "secret", alice.code()) == Accept("alice")
    assert reason(world.sign_in("bob", "other", bob.code())) is Reason.CODE_REUSED
    world.later(30)
    assert world.sign_in("bob", "other", bob.code()) == Accept("bob")
    assert reason(world.sign_in("alice", "secret", alice.code())) is Reason.CODE_REUSED


@pytest.mark.requirement(4)
def test_two_credentials_of_one_secret_share_what_is_spent() -> None:
    world = World()
    alice = world.person("alice", "secret")
    first, second = alice.totp(SHARED), alice.totp(SHARED, digits=8)
    assert world.sign_in("alice", "secret", first.code()) == Accept("alice")
    assert reason(world.sign_in("alice", "secret", second.code())) is Reason.CODE_REUSED
    assert reason(world.sign_in("alice", "secret", first.code())) is Reason.CODE_REUSED


@pytest.mark.requirement(4)
def test_two_counting_credentials_of_one_secret_share_their_counter() -> None:
    world = World()
    alice, bob = world.person("alice", "secret").hotp(SHARED), world.person("bob", "other").hotp(SHARED)
    assert world.sign_in("alice", "secret", alice.press(3)) == Accept("alice")
    assert reason(world.sign_in("bob", "other", bob.press(3))) is Reason.CODE_REUSED
    assert reason(world.sign_in("bob", "other", bob.press(2))) is Reason.CODE_OLD
    assert world.sign_in("bob", "other", bob.press(4)) == Accept("bob")


def test_a_code_from_before_the_last_one_is_old() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    before = token.code(-1)
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")
    assert reason(world.sign_in("alice", "secret", before)) is Reason.CODE_OLD
    assert world.last.result is Result.OATH_OLD


def test_a_code_after_the_clock_was_turned_back_tells_of_the_clock() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    world.sign_in("alice", "secret", token.code())
    assert reason(world.later(-3600).sign_in("alice", "secret", token.code())) is Reason.CLOCK


def test_a_replay_is_no_guess_and_counts_against_nobody() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    code = token.code()
    for _ in range(30):
        world.sign_in("alice", "secret", code)
    assert world.failures_of("alice", token.id) == 0
    assert world.later(30).sign_in("alice", "secret", token.code()) == Accept("alice")


@pytest.mark.requirement(7)
def test_a_recovery_code_works_once_and_leaves_the_others() -> None:
    world = World()
    codes = world.person("alice", "secret").recovery_codes()
    assert world.sign_in("alice", "secret", codes[3]) == Accept("alice")
    assert reason(world.sign_in("alice", "secret", codes[3])) is Reason.CODE_REUSED
    assert world.sign_in("alice", "secret", codes[4]) == Accept("alice")


@pytest.mark.requirement(6)
def test_a_counting_token_from_a_backup_is_let_in_by_a_resync_only_and_is_no_free_guess_meanwhile() -> None:
    world = World()
    alice = world.person("alice", "secret")
    restored, other = alice.hotp(), alice.totp()
    world.seeds[restored.seed.id] = replace(restored.seed, resync=True)
    assert reason(world.sign_in("alice", "secret", restored.press(5))) is Reason.CLOCK
    assert world.failures_of("alice", other.id) == 0
    assert reason(world.sign_in("alice", "secret", other.wrong())) is Reason.WRONG_CODE
    assert world.failures_of("alice", other.id) == 1


# -- a request that is repeated as a fresh packet ---------------------------------------------------------------


def rejoin(seconds: int) -> World:
    return World().client("vpn", SignIn.PASSWORD_AND_CODE, rejoin_seconds=seconds)


def test_the_same_request_is_let_in_again_for_as_long_as_the_client_allows() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    typed = "secret" + token.code()
    assert world.begin("alice", typed, proof="p") == Accept("alice")
    spent = token.seed
    assert world.later(9).begin("alice", typed, proof="p") == Accept("alice")
    assert world.last.result is Result.USED_CACHE
    assert token.seed == spent
    assert reason(world.later(1).begin("alice", typed, proof="p")) is Reason.CODE_REUSED


def test_rejoining_does_not_prolong_itself() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    typed = "secret" + token.code()
    decisions = [world.later(4).begin("alice", typed, proof="p") for _ in range(4)]
    assert [reason(one) for one in decisions] == [None, None, None, Reason.CODE_REUSED]


@pytest.mark.requirement(4)
@pytest.mark.parametrize(
    ("seconds", "source", "proof", "typed"),
    [(0, HOME, "p", "secret"), (10, CAFE, "p", "secret"), (10, HOME, "q", "secret"), (10, HOME, "", "secret")],
)
def test_nothing_else_lets_a_spent_code_in_again(seconds: int, source: str, proof: str, typed: str) -> None:
    world = rejoin(seconds)
    token = world.person("alice", "secret").totp()
    world.begin("alice", "secret" + token.code(), proof="p")
    assert reason(world.begin("alice", typed + token.code(), source, proof=proof)) is Reason.CODE_REUSED


def test_requests_without_a_proof_are_never_the_same() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    world.begin("alice", "secret" + token.code())
    assert reason(world.begin("alice", "secret" + token.code())) is Reason.CODE_REUSED


def test_a_clock_that_was_turned_back_does_not_prolong_rejoining() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    typed = "secret" + token.code()
    world.begin("alice", typed, proof="p")
    assert reason(world.later(-1).begin("alice", typed, proof="p")) is Reason.CODE_REUSED


def test_an_accept_of_another_request_ends_rejoining() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    world.begin("alice", "secret" + token.code(), proof="p")
    world.begin("alice", "secret" + token.code(1), proof="q")
    assert reason(world.begin("alice", "secret" + token.code(1), proof="p")) is Reason.CODE_REUSED
    assert world.begin("alice", "secret" + token.code(1), proof="q") == Accept("alice")


def test_two_equal_requests_under_way_at_once_are_both_let_in_where_the_client_allows() -> None:
    world = rejoin(10)
    token = world.person("alice", "secret").totp()
    began = world.began("alice", "secret" + token.code(), proof="p")
    world.happens(began)
    world.happens(began)
    decisions = [decided(world.happens(PasswordChecked(began, right=True))) for _ in range(2)]
    assert decisions == [Accept("alice"), Accept("alice")]


def test_rejoining_lets_no_blocked_person_in() -> None:
    world = rejoin(10)
    alice = world.person("alice", "secret")
    typed = "secret" + alice.totp().code()
    world.begin("alice", typed, proof="p")
    alice.is_blocked()
    assert reason(world.begin("alice", typed, proof="p")) is Reason.BLOCKED
