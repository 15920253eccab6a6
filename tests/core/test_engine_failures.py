"""Guessing: what is counted, who has to wait, who is stopped, and who is not."""

import pytest

from tests.core.world import CAFE, HOME, NOON, World, decided, reason
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept, Ask, CheckPassword, Decision
from vestibule.core.events import PasswordChecked
from vestibule.core.failures import FailureKind, Failures, Limits
from vestibule.core.policy import Outcome
from vestibule.core.reasons import Reason, Result
from vestibule.core.users import Mfa

DAY = 86400.0
CODE_ONLY = SignIn.CODE_ONLY


def place(number: int) -> str:
    return f"198.18.{number // 256}.{number % 256}"


def guess_patiently(world: World, wrong: str, times: int, source: str | None = None) -> list[Decision]:
    """Send wrong codes to the client "code", each after the longest delay, from one place or ever new ones."""
    return [world.later(3601).begin("alice", wrong, source or place(number), client="code") for number in range(times)]


# -- counted before it is checked -------------------------------------------------------------------------------


@pytest.mark.requirement(20)
@pytest.mark.parametrize("guesses", [200])
def test_of_200_passwords_guessed_at_once_no_more_are_checked_than_the_limit(guesses: int) -> None:
    world = World(limits=Limits(source_tries=3))
    world.person("alice", "secret").totp()
    under_way = [world.began("alice", f"guess {number}") for number in range(guesses)]
    orders = [world.happens(began).order for began in under_way]
    for began, order in zip(under_way, orders, strict=True):
        if isinstance(order, CheckPassword):
            world.happens(PasswordChecked(began, right=False))
    assert sum(isinstance(order, CheckPassword) for order in orders) == 3


@pytest.mark.requirement(20)
def test_of_200_passwords_guessed_from_200_places_no_more_are_checked_than_the_factor_allows() -> None:
    world = World()
    world.person("alice", "secret").totp()
    orders = [world.happens(world.began("alice", "guess", place(number))).order for number in range(200)]
    assert sum(isinstance(order, CheckPassword) for order in orders) == 20


@pytest.mark.requirement(20)
@pytest.mark.requirement(54)
def test_of_200_questions_opened_at_once_no_more_answers_are_checked_than_the_limit() -> None:
    world = World(limits=Limits(source_tries=3))
    token = world.person("alice", "secret").totp()
    questions = [world.begin("alice", "secret") for _ in range(200)]
    assert all(isinstance(one, Ask) for one in questions)
    reasons = [reason(world.answer(one, token.wrong())) for one in questions]
    assert reasons.count(Reason.WRONG_CODE) == 3
    assert reasons.count(Reason.THROTTLED) == 197
    assert world.failures_of("alice", token.id) == 3


@pytest.mark.requirement(20)
@pytest.mark.parametrize("sign_in", [SignIn.PASSWORD_AND_CODE, CODE_ONLY])
def test_of_200_codes_guessed_at_once_no_more_are_checked_than_the_limit(sign_in: SignIn) -> None:
    world = World(limits=Limits(source_tries=3)).client("vpn", sign_in)
    token = world.person("alice", "secret").totp()
    reasons = [reason(world.begin("alice", token.wrong())) for _ in range(200)]
    assert reasons.count(Reason.WRONG_CODE) == 3
    assert world.failures_of("alice", token.id) == 3


@pytest.mark.requirement(20)
def test_failures_of_all_clients_count_in_one_place() -> None:
    world = World().client("vpn").client("mail").client("code", CODE_ONLY)
    token = world.person("alice", "secret").totp()
    for _ in range(2):
        world.begin("alice", "wrong", client="vpn")
        world.begin("alice", "wrong", client="mail")
    world.begin("alice", token.wrong(), client="code")
    for client in world.clients:
        assert reason(world.begin("alice", "secret", client=client)) is Reason.THROTTLED
    assert world.last.result is Result.THROTTLED


# -- delay ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(19)
def test_the_delay_of_a_place_doubles_up_to_an_hour() -> None:
    world = World()
    world.person("alice", "secret").totp()
    for _ in range(5):
        assert reason(world.begin("alice", "wrong")) is Reason.WRONG_PASSWORD
    for delay in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        assert reason(world.later(delay - 1).begin("alice", "wrong")) is Reason.THROTTLED
        assert reason(world.later(1).begin("alice", "wrong")) is Reason.WRONG_PASSWORD


def test_being_refused_for_haste_does_not_prolong_the_delay() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    for _ in range(5):
        world.begin("alice", "wrong")
    for _ in range(29):
        assert reason(world.later(1).begin("alice", "secret")) is Reason.THROTTLED
    assert world.later(1).sign_in("alice", "secret", token.code()) == Accept("alice")


@pytest.mark.requirement(26)
@pytest.mark.parametrize("mistakes", range(1, 13))
def test_however_often_somebody_mistyped_the_right_password_and_code_let_them_in_after_the_delay(mistakes: int) -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    for _ in range(mistakes):
        world.later(3601).begin("alice", "wrong")
    asked = world.later(3601).begin("alice", "secret")
    assert world.later(5).answer(asked, token.code()) == Accept("alice"), "the delay was served, the answer is free"


def test_a_place_is_forgotten_after_a_day() -> None:
    world = World()
    world.person("alice", "secret").totp()
    for _ in range(12):
        world.later(3601).begin("alice", "wrong")
    world.later(DAY)
    for _ in range(5):
        assert reason(world.begin("alice", "wrong")) is Reason.WRONG_PASSWORD


@pytest.mark.parametrize("step_back", [0.3, 2.0, 3000.0, 7200.0])
def test_a_clock_that_runs_behind_delays_nobody_who_has_tries_left(step_back: float) -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    world.begin("alice", "wrong")
    assert world.later(-step_back).sign_in("alice", "secret", token.code()) == Accept("alice")


def test_a_delay_that_a_wrong_clock_began_in_the_far_future_does_not_last_until_then() -> None:
    world = World(at=NOON + 365 * DAY)
    token = world.person("alice", "secret").totp()
    for _ in range(30):
        world.begin("alice", "wrong", place(_))
    for _ in range(5):
        world.begin("alice", "wrong")
    world.at = NOON
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")


def test_alternating_between_two_clocks_gives_no_more_guesses() -> None:
    world = World()
    world.person("alice", "secret").totp()
    reasons = [reason(world.later((-1) ** n * 2.0).begin("alice", "wrong")) for n in range(40)]
    assert reasons.count(Reason.WRONG_PASSWORD) == 5


# -- strangers --------------------------------------------------------------------------------------------------


@pytest.mark.requirement(26)
def test_strangers_delay_each_other_but_not_a_place_that_is_known() -> None:
    world = World().client("code", CODE_ONLY)
    token = world.person("alice", "secret").totp()
    world.sign_in("alice", "secret", token.code(), HOME)
    for number in range(200):
        world.begin("alice", "wrong", place(number))
        world.begin("alice", token.wrong(), place(number), client="code")
    assert reason(world.begin("alice", "secret", CAFE)) is Reason.THROTTLED
    assert world.later(30).sign_in("alice", "secret", token.code(), HOME) == Accept("alice")


@pytest.mark.requirement(18)
@pytest.mark.requirement(26)
def test_strangers_can_never_switch_off_what_a_known_place_uses() -> None:
    world = World().client("code", CODE_ONLY)
    token = world.person("alice", "secret").totp()
    world.sign_in("alice", "secret", token.code(), HOME)
    for number in range(300):
        world.later(3601)
        world.begin("alice", "wrong", place(number))
        world.begin("alice", token.wrong(), place(number), client="code")
    assert world.failures_of("alice", "password") == world.failures_of("alice", token.id) == 80
    assert reason(world.begin("alice", "secret", CAFE)) is Reason.TOO_MANY_FAILURES
    assert world.sign_in("alice", "secret", token.code(), HOME) == Accept("alice")


def test_a_place_stays_known_for_thirty_days() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    world.sign_in("alice", "secret", token.code(), HOME)
    world.later(30 * DAY - 10)
    for number in range(21):
        world.begin("alice", "wrong", place(number))
    assert isinstance(world.begin("alice", "secret", HOME), Ask)
    assert reason(world.later(10).begin("alice", "secret", HOME)) is Reason.THROTTLED


# -- the hard stop ----------------------------------------------------------------------------------------------


@pytest.mark.requirement(18)
def test_a_credential_is_off_after_100_wrong_codes_and_the_others_keep_working() -> None:
    world = World().client("code", CODE_ONLY)
    alice = world.person("alice", "secret")
    token, other, codes = alice.totp(), alice.totp(b"another secret, twenty", digits=8), alice.recovery_codes()
    assert world.begin("alice", token.code(), HOME, client="code") == Accept("alice")
    reasons = [reason(one) for one in guess_patiently(world, token.wrong(), 150, HOME)]
    assert reasons == [Reason.WRONG_CODE] * 100 + [Reason.TOO_MANY_FAILURES] * 50
    assert reason(world.begin("alice", token.code(), HOME, client="code")) is Reason.TOO_MANY_FAILURES
    assert world.begin("alice", other.code(), HOME, client="code") == Accept("alice")
    assert world.begin("alice", codes[0], HOME, client="code") == Accept("alice")


@pytest.mark.requirement(18)
def test_strangers_get_no_more_than_their_share_of_the_hundred() -> None:
    world = World().client("code", CODE_ONLY)
    token = world.person("alice").totp()
    reasons = [reason(one) for one in guess_patiently(world, token.wrong(), 150)]
    assert reasons == [Reason.WRONG_CODE] * 80 + [Reason.TOO_MANY_FAILURES] * 70


@pytest.mark.requirement(18)
def test_a_code_counts_only_against_credentials_that_it_could_belong_to() -> None:
    world = World().client("code", CODE_ONLY)
    alice = world.person("alice")
    six, eight = alice.totp(), alice.totp(b"another secret, twenty", digits=8)
    alice.recovery_codes()
    world.begin("alice", six.wrong(), client="code")
    assert [world.failures_of("alice", one) for one in (six.id, eight.id, "recovery-2")] == [1, 0, 0]


@pytest.mark.requirement(18)
@pytest.mark.parametrize("failures", [25, 100])
@pytest.mark.parametrize("weary_is_first", [True, False])
def test_a_credential_that_is_held_back_gives_no_free_guesses_at_another(
    failures: int, *, weary_is_first: bool
) -> None:
    """Guesses are counted against one token although the other one refuses to be tried."""
    world = World().client("code", CODE_ONLY)
    alice = world.person("alice")
    first, second = alice.totp(), alice.totp(b"another secret, twenty")
    weary, fresh = (first, second) if weary_is_first else (second, first)
    row = Failures("id-alice", FailureKind.FACTOR, weary.id, failures, world.at)
    world.failures["id-alice"] = {(FailureKind.FACTOR, weary.id): row}
    wrong = next(code for code in (f"{n:06}" for n in range(10**6)) if code not in {weary.code(), fresh.code()})
    for number in range(200):
        world.begin("alice", wrong, place(number), client="code")
    assert world.failures_of("alice", fresh.id) == 20
    assert world.failures_of("alice", weary.id) == failures


@pytest.mark.requirement(19)
@pytest.mark.parametrize(
    "conditions", [{"clients": ("office",)}, {"networks": ("192.0.2.0/24",), "clients": ("office",)}]
)
def test_a_password_alone_buys_no_new_guesses_at_the_code(conditions: dict[str, tuple[str, ...]]) -> None:
    """Somebody who knows the password signs in where it is enough, between guesses at the code."""
    world = World().client("office").client("vpn").rule(Outcome.ALLOW, **conditions)
    token = world.person("alice", "secret").totp()
    guesses = 0
    for _ in range(60):
        asked = world.begin("alice", "secret", HOME, client="vpn")
        if isinstance(asked, Ask):
            guesses += reason(world.answer(asked, token.wrong(), client="vpn")) is Reason.WRONG_CODE
        world.begin("alice", "secret", HOME, client="office")
    assert guesses == 5
    assert world.failures_of("alice", token.id) == 5


@pytest.mark.requirement(19)
def test_a_code_alone_buys_no_new_guesses_at_the_password() -> None:
    world = World().client("vpn").client("code", CODE_ONLY)
    token = world.person("alice", "secret").totp()
    checked = 0
    for _ in range(30):
        checked += reason(world.later(30).begin("alice", "wrong", HOME, client="vpn")) is Reason.WRONG_PASSWORD
        world.begin("alice", token.code(), HOME, client="code")
    assert checked < 15
    assert world.failures_of("alice", "password") == checked


def test_a_rule_that_waives_everything_clears_nothing() -> None:
    world = World().client("code", CODE_ONLY).client("door", CODE_ONLY).rule(Outcome.ALLOW, clients=("door",))
    token = world.person("alice").totp()
    for _ in range(4):
        world.begin("alice", token.wrong(), HOME, client="code")
    assert world.begin("alice", "", HOME, client="door") == Accept("alice")
    assert world.failures_of("alice", token.id) == 4
    world.begin("alice", token.wrong(), HOME, client="code")
    assert reason(world.begin("alice", token.code(), HOME, client="code")) is Reason.THROTTLED


def test_a_rule_that_waives_everything_makes_no_place_known() -> None:
    world = World().client("vpn").client("door", CODE_ONLY).rule(Outcome.ALLOW, clients=("door",))
    world.person("alice", "secret").totp()
    assert world.begin("alice", "", HOME, client="door") == Accept("alice")
    for number in range(30):
        world.begin("alice", "wrong", place(number))
    assert reason(world.begin("alice", "secret", HOME)) is Reason.THROTTLED


# -- clearing ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement(19)
def test_an_accept_clears_what_its_own_place_caused_and_nothing_else() -> None:
    world = World()
    alice = world.person("alice", "secret")
    token, other = alice.totp(), alice.totp(b"another secret, twenty")
    for source, times in ((HOME, 2), (CAFE, 3)):
        for _ in range(times):
            world.begin("alice", "wrong", source)
        world.sign_in("alice", "secret", token.wrong(), source)
    assert world.sign_in("alice", "secret", token.code(), HOME) == Accept("alice")
    assert world.failures_of("alice", "password") == 3
    assert world.failures_of("alice", token.id) == world.failures_of("alice", other.id) == 1


@pytest.mark.requirement(19)
def test_one_persons_accept_clears_nothing_of_another() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    world.person("bob", "other").totp(b"the secret of Bob, twenty")
    world.begin("bob", "wrong")
    world.sign_in("alice", "secret", token.code())
    assert world.failures_of("bob", "password") == 1


@pytest.mark.requirement(20)
def test_a_right_password_gives_back_only_its_own_try() -> None:
    world = World()
    world.person("alice", "secret").totp()
    world.begin("alice", "wrong")
    world.begin("alice", "secret")
    assert world.failures_of("alice", "password") == 1
    assert reason(world.begin("alice", "wrong")) is Reason.WRONG_PASSWORD
    assert world.failures_of("alice", "password") == 2


@pytest.mark.requirement(20)
def test_a_right_password_gives_nothing_back_that_an_accept_has_cleared_meanwhile() -> None:
    world = World()
    token = world.person("alice", "secret").totp()
    for number in range(7):
        world.begin("alice", "wrong", place(number))
    slow = world.began("alice", "secret")
    world.happens(slow)
    assert world.sign_in("alice", "secret", token.code()) == Accept("alice")
    world.happens(PasswordChecked(slow, right=True))
    assert world.failures_of("alice", "password") == 7


def test_a_password_that_takes_long_to_check_is_counted_meanwhile() -> None:
    world = World(limits=Limits(source_tries=1))
    world.person("alice", "secret").totp()
    slow = world.began("alice", "secret")
    world.happens(slow)
    assert reason(world.begin("alice", "secret")) is Reason.THROTTLED
    assert isinstance(decided(world.happens(PasswordChecked(slow, right=True))), Ask)
    assert isinstance(world.begin("alice", "secret"), Ask)


def test_people_who_sign_in_without_second_factor_are_known_where_they_do() -> None:
    world = World()
    world.person("alice", "secret", Mfa.OFF)
    world.begin("alice", "secret", HOME)
    for number in range(200):
        world.begin("alice", "wrong", place(number))
    assert reason(world.begin("alice", "secret", CAFE)) is Reason.THROTTLED
    assert world.begin("alice", "secret", HOME) == Accept("alice")
