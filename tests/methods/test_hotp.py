"""HOTP: the RFC's values, looking ahead, the counter that only rises, and resynchronising."""

import base64
import hmac
from dataclasses import replace

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.vectors import rows
from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, Seed
from vestibule.core.oath import hotp
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.methods.hotp import LOOK_AHEAD, Hotp

KEY = b"12345678901234567890"
NOW = Moment(1_800_000_000.0, bytes(32))
HOTP = Hotp()
ONE = Credential("c", "hotp", "alice", seed_id="s")


class Button:
    """A token with a button, and the server that counts."""

    def __init__(self, counter: int = 0, *, resync: bool = False) -> None:
        self.seed = Seed("s", Secret(KEY), counter=counter, resync=resync)

    def sign_in(self, counter: int) -> Reason | None:
        """Type the code of this counter value; None when it is accepted."""
        return self._remember(HOTP.check(hotp(KEY, counter), ONE, self.seed, NOW))

    def resync(self, first: int, second: int) -> Reason | None:
        return self._remember(HOTP.resync(hotp(KEY, first), hotp(KEY, second), ONE, self.seed, NOW))

    def _remember(self, found: Verification) -> Reason | None:
        if isinstance(found, Failed):
            return found.reason
        assert found.seed is not None
        self.seed = found.seed
        return None


# -- values -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(2)
@pytest.mark.parametrize(("count", "digest", "truncated", "decimal", "code"), rows("rfc4226.txt"))
def test_the_values_of_rfc_4226_are_ours(count: str, digest: str, truncated: str, decimal: str, code: str) -> None:
    counter = int(count)
    assert hmac.digest(KEY, counter.to_bytes(8, "big"), "sha1").hex() == digest
    assert int(truncated, 16) == int(decimal) == int(hotp(KEY, counter, digits=10))
    assert hotp(KEY, counter) == code
    seed = Seed("s", Secret(KEY), counter=counter)
    assert HOTP.check(code, ONE, seed, NOW) == Passed(ONE, replace(seed, counter=counter + 1, used_at=NOW.at))


@pytest.mark.requirement(2)
@given(st.binary(min_size=14, max_size=64), st.integers(0, 2**62), st.sampled_from([6, 7, 8]))
def test_another_program_shows_the_same_codes(key: bytes, counter: int, digits: int) -> None:
    theirs = pyotp.HOTP(base64.b32encode(key).decode(), digits=digits).at(counter)
    seed = Seed("s", Secret(key), counter=counter)
    assert isinstance(HOTP.check(theirs, replace(ONE, digits=digits), seed, NOW), Passed)


# -- counting ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement(5)
@pytest.mark.parametrize("ahead", range(-1, 13))
def test_ten_counter_values_are_looked_at_and_no_more(ahead: int) -> None:
    assert LOOK_AHEAD == 10
    token = Button(counter=500)
    assert (token.sign_in(500 + ahead) is None) == (0 <= ahead < 10)


@pytest.mark.requirement(4)
@pytest.mark.requirement(5)
@pytest.mark.parametrize("ahead", range(10))
def test_an_accept_spends_its_counter_value_and_all_before_it(ahead: int) -> None:
    token = Button(counter=500)
    assert token.sign_in(500 + ahead) is None
    assert token.seed.counter == 500 + ahead + 1
    assert token.sign_in(500 + ahead) is Reason.CODE_REUSED
    for skipped in range(500, 500 + ahead):
        assert token.sign_in(skipped) is Reason.CODE_OLD


def test_a_code_from_long_ago_is_just_wrong() -> None:
    token = Button(counter=500)
    assert token.sign_in(490) is Reason.CODE_OLD
    assert token.sign_in(489) is Reason.WRONG_CODE


@pytest.mark.requirement(5)
@given(st.lists(st.integers(0, 60), max_size=40))
def test_whatever_is_typed_the_counter_never_falls_and_no_code_is_accepted_twice(counters: list[int]) -> None:
    token, accepted = Button(), set[int]()
    for counter in counters:
        before = token.seed
        if token.sign_in(counter) is None:
            assert token.seed.counter > before.counter
            assert token.seed.counter - 1 not in accepted
            accepted.add(token.seed.counter - 1)
        else:
            assert token.seed == before


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "٠١٢٣٤٥", " 12345", "+12345"])
def test_only_so_many_ascii_digits_fit(code: str) -> None:
    seed = Button().seed
    assert not HOTP.fits(code, ONE)
    assert HOTP.check(code, ONE, seed, NOW) == Failed(Reason.WRONG_CODE)
    assert HOTP.resync(code, code, ONE, seed, NOW) == Failed(Reason.WRONG_CODE)


def test_a_credential_without_its_seed_opens_nothing() -> None:
    assert HOTP.check("123456", ONE, None, NOW) == Failed(Reason.WRONG_CODE)


# -- resync -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(5)
@pytest.mark.parametrize("ahead", [1, 2, 9, 10, 11, 50, 100, 199, 200])
def test_two_consecutive_codes_find_a_counter_that_ran_ahead(ahead: int) -> None:
    token = Button(counter=7)
    counter = 7 + ahead
    if ahead >= LOOK_AHEAD:
        assert token.sign_in(counter) is Reason.WRONG_CODE
    assert token.resync(counter, counter + 1) is None
    assert token.seed.counter == counter + 2
    assert token.sign_in(counter + 1) is Reason.CODE_REUSED
    assert token.sign_in(counter + 2) is None


@pytest.mark.requirement(5)
@pytest.mark.parametrize(("first", "second"), [(60, 60), (60, 62), (61, 60), (4, 5), (6, 7), (2000, 2001)])
def test_nothing_but_two_consecutive_unspent_codes_within_reach_resynchronises(first: int, second: int) -> None:
    token = Button(counter=7)
    assert token.resync(first, second) is Reason.WRONG_CODE
    assert token.seed.counter == 7


@pytest.mark.requirement(6)
@pytest.mark.parametrize("used_since", [0, 1, 9, 10, 60])
def test_after_a_restore_no_single_code_is_accepted_and_a_resync_goes_on(used_since: int) -> None:
    token = Button(counter=100, resync=True)
    assert token.sign_in(100 + used_since) is Reason.CLOCK
    assert token.sign_in(99) is Reason.CLOCK
    assert token.resync(100 + used_since, 101 + used_since) is None
    assert not token.seed.resync
    assert token.sign_in(101 + used_since) is Reason.CODE_REUSED
    assert token.sign_in(102 + used_since) is None


@pytest.mark.requirement(6)
def test_after_a_restore_what_is_surely_no_code_of_the_token_is_a_guess() -> None:
    token = Button(counter=100, resync=True)
    assert token.sign_in(100_000) is Reason.WRONG_CODE
