"""TOTP: the RFC's values, the window, the drift of a token's clock, and resynchronising."""

import base64
from dataclasses import replace

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.vectors import rows
from vestibule.core.case import Moment
from vestibule.core.credentials import Algorithm, Credential, Seed
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.methods.totp import Totp

KEY = b"12345678901234567890"
LENGTH = {Algorithm.SHA1: 20, Algorithm.SHA256: 32, Algorithm.SHA512: 64}
NOON = 1_800_000_000.0
TOTP = Totp()


def moment(at: float) -> Moment:
    return Moment(at, bytes(32))


def credential(**more: object) -> Credential:
    return replace(Credential("c", "totp", "alice", seed_id="s"), **more)  # type: ignore[arg-type]


def seed(**more: object) -> Seed:
    return replace(Seed("s", Secret(KEY)), **more)  # type: ignore[arg-type]


class Clockwork:
    """A token whose clock may be off by so many steps, and the server that learns it."""

    def __init__(self, one: Credential | None = None, totp: Totp = TOTP, **memory: object) -> None:
        self.credential = one or credential()
        self.totp = totp
        self.seed = seed(**memory)
        self.at = NOON

    def code(self, away: int = 0) -> str:
        return hotp(KEY, time_step(self.at, self.credential.period) + away, self.credential.digits)

    def sign_in(self, away: int = 0) -> Reason | None:
        """Type the code of `away` steps from now; None when it is accepted."""
        return self._remember(self.totp.check(self.code(away), self.credential, self.seed, moment(self.at)))

    def later(self, steps: int = 10) -> "Clockwork":
        self.at += steps * self.credential.period
        return self

    def resync(self, away: int) -> Reason | None:
        first, second = self.code(away - 1), self.code(away)
        return self._remember(self.totp.resync(first, second, self.credential, self.seed, moment(self.at)))

    def _remember(self, found: Verification) -> Reason | None:
        if isinstance(found, Failed):
            return found.reason
        assert found.seed is not None
        self.seed = found.seed
        return None


# -- values -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(2)
@pytest.mark.parametrize(("seconds", "step", "algorithm", "code"), rows("rfc6238.txt"))
def test_the_values_of_rfc_6238_are_ours(seconds: str, step: str, algorithm: str, code: str) -> None:
    kind = Algorithm(algorithm)
    key = (KEY * 4)[: LENGTH[kind]]
    at = float(seconds)
    assert time_step(at, 30) == int(step, 16)
    one = credential(digits=8, algorithm=kind)
    found = TOTP.check(code, one, Seed("s", Secret(key)), moment(at))
    assert found == Passed(one, Seed("s", Secret(key), last_step=int(step, 16), used_at=at))


@pytest.mark.requirement(2)
@given(
    st.binary(min_size=14, max_size=64),
    st.integers(0, 20_000_000_000),
    st.sampled_from([6, 7, 8]),
    st.sampled_from([30, 60]),
    st.sampled_from(Algorithm),
)
def test_another_program_shows_the_same_codes(
    key: bytes, at: int, digits: int, period: int, algorithm: Algorithm
) -> None:
    theirs = pyotp.TOTP(base64.b32encode(key).decode(), digits=digits, digest=algorithm.value, interval=period).at(at)
    one = credential(digits=digits, period=period, algorithm=algorithm)
    assert isinstance(TOTP.check(theirs, one, Seed("s", Secret(key)), moment(at)), Passed)


# -- the window -------------------------------------------------------------------------------------------------


@pytest.mark.requirement(3)
@pytest.mark.parametrize("period", [30, 60])
@pytest.mark.parametrize("away", range(-5, 6))
def test_one_step_to_each_side_is_accepted_and_no_more(period: int, away: int) -> None:
    token = Clockwork(credential(period=period))
    assert token.sign_in(away) is (None if abs(away) <= 1 else Reason.WRONG_CODE)


@pytest.mark.requirement(3)
@pytest.mark.parametrize("drift", [-7, -1, 0, 1, 7])
def test_the_window_moves_with_the_drift_and_does_not_grow(drift: int) -> None:
    accepted = [away for away in range(-20, 21) if Clockwork(drift=drift).sign_in(away) is None]
    assert accepted == [drift - 1, drift, drift + 1]


@pytest.mark.requirement(4)
@pytest.mark.parametrize("away", [-1, 0, 1])
def test_a_step_is_accepted_once_and_nothing_before_it_afterwards(away: int) -> None:
    token = Clockwork()
    assert token.sign_in(away) is None
    assert token.sign_in(away) is Reason.CODE_REUSED
    for earlier in range(-1, away):
        assert token.sign_in(earlier) in (Reason.CODE_OLD, Reason.WRONG_CODE)
    for later in range(away + 1, 2):
        assert token.sign_in(later) is None


def test_a_code_that_stands_for_two_steps_spends_the_later_one() -> None:
    earlier, later = 153_567, 153_569
    code = hotp(KEY, earlier)
    assert code == hotp(KEY, later)
    found = TOTP.check(code, credential(), seed(), moment((earlier + 1) * 30))
    assert isinstance(found, Passed)
    assert found.seed is not None
    assert found.seed.last_step == later


@pytest.mark.parametrize("at", [0.0, 29.9, 30.0, 59.9])
def test_the_first_steps_of_time_have_no_step_before_them(at: float) -> None:
    assert isinstance(TOTP.check(hotp(KEY, int(at) // 30), credential(), seed(), moment(at)), Passed)


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "１２３４５６", "٠١٢٣٤٥", " 12345", "+12345", "1_2345"]
)
def test_only_so_many_ascii_digits_fit(code: str) -> None:
    assert not TOTP.fits(code, credential())
    assert TOTP.check(code, credential(), seed(), moment(NOON)) == Failed(Reason.WRONG_CODE)
    assert TOTP.resync(code, code, credential(), seed(), moment(NOON)) == Failed(Reason.WRONG_CODE)


def test_a_credential_without_its_seed_opens_nothing() -> None:
    assert TOTP.check("123456", credential(), None, moment(NOON)) == Failed(Reason.WRONG_CODE)


# -- drift ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(3)
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_clock_that_drifts_slowly_is_followed(direction: int) -> None:
    token = Clockwork()
    for drift in range(11):
        for _ in range(2):
            assert token.later().sign_in(drift * direction) is None
    assert token.seed.drift == 10 * direction


@pytest.mark.parametrize("drift", range(-5, 6))
def test_a_learned_drift_is_forgotten_when_the_clock_comes_back(drift: int) -> None:
    token = Clockwork(drift=drift, last_step=time_step(NOON, 30) + drift, used_at=NOON)
    for away in (*range(drift, 0, -1 if drift > 0 else 1), 0):
        for _ in range(2):
            assert token.later().sign_in(away) is None
    assert token.seed.drift == 0


def test_typing_late_once_moves_nothing() -> None:
    token = Clockwork()
    assert token.later().sign_in(0) is None
    assert token.later().sign_in(-1) is None
    assert token.seed.drift == 0


@given(st.lists(st.sampled_from([0, 0, -1]), max_size=30))
def test_whoever_types_late_as_often_as_they_like_is_let_in_when_typing_in_time(lateness: list[int]) -> None:
    token = Clockwork()
    for away in (*lateness, 0):
        assert token.later().sign_in(away) is None


@given(st.lists(st.integers(-3, 1), max_size=30))
def test_one_accept_in_time_is_enough_to_be_believed_again(history: list[int]) -> None:
    """Whatever was accepted before: a token that is in time for once is in the middle of the window or beside it."""
    token = Clockwork()
    for away in history:
        token.later().sign_in(away)
    if token.later().sign_in(0) is None:
        assert token.later().sign_in(0) is None
        assert token.later().sign_in(-1) is None


def test_learning_ends_at_its_bound() -> None:
    token = Clockwork(totp=Totp(learned_drift=2))
    for away in (1, 1, 2, 2, 3, 3):
        token.later().sign_in(away)
    assert token.seed.drift == 2
    assert token.later().sign_in(4) is Reason.WRONG_CODE


def test_a_drift_beyond_the_bound_that_a_resync_has_found_stays() -> None:
    token = Clockwork()
    assert token.resync(-50) is None
    for _ in range(5):
        assert token.later().sign_in(-50) is None
    assert token.seed.drift == -50


def test_a_memory_that_a_restore_has_moved_to_now_teaches_no_drift() -> None:
    token = Clockwork(used_at=NOON - 1e7, last_step=time_step(NOON, 30))
    assert token.later().sign_in(0) is None
    assert token.seed.drift == 0


# -- resync -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(3)
@pytest.mark.parametrize("drift", [-119, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 120])
def test_two_consecutive_codes_find_a_clock_that_is_off(drift: int) -> None:
    token = Clockwork()
    assert token.sign_in(drift) is (None if abs(drift) <= 1 else Reason.WRONG_CODE)
    assert token.later(2).resync(drift) is None
    assert token.seed.drift == drift
    assert token.sign_in(drift) is Reason.CODE_REUSED, "both codes are spent"
    assert token.sign_in(drift - 1) is Reason.CODE_OLD
    assert token.later(1).sign_in(drift) is None


@pytest.mark.parametrize("drift", [-125, 122, 1000])
def test_a_clock_that_is_off_by_more_than_the_window_is_not_found(drift: int) -> None:
    assert Clockwork().resync(drift) is Reason.WRONG_CODE


def test_codes_that_are_not_consecutive_resynchronise_nothing() -> None:
    token = Clockwork()
    for first, second in ((0, 0), (0, 2), (1, 0), (-1, 1)):
        found = TOTP.resync(token.code(first), token.code(second), token.credential, token.seed, moment(NOON))
        assert found == Failed(Reason.WRONG_CODE)


@pytest.mark.requirement(4)
def test_codes_that_were_spent_resynchronise_nothing() -> None:
    token = Clockwork()
    assert token.sign_in(0) is None
    assert token.resync(0) is Reason.CODE_REUSED
    assert token.resync(1) is Reason.CODE_REUSED, "the first of the two is spent"
    assert token.later(2).resync(0) is None
    assert token.resync(0) is Reason.CODE_REUSED


def test_a_last_step_in_the_future_is_told_as_the_clock_and_cured_by_a_resync() -> None:
    token = Clockwork(last_step=time_step(NOON, 30) + 100_000)
    assert token.sign_in() is Reason.CLOCK
    assert token.resync(0) is None
    assert token.later(1).sign_in() is None


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(-1, 60_000_100), st.integers(-100, 100))
def test_whatever_is_accepted_the_last_step_rises(away: int, next_away: int, last_step: int, drift: int) -> None:
    token = Clockwork(last_step=last_step, drift=drift)
    for one in (away, next_away):
        before = token.seed
        if token.sign_in(one) is None:
            assert token.seed.last_step > before.last_step
        else:
            assert token.seed == before
