"""Temporary access passes: easily read, hard to guess, kept as a MAC, used as often as was said."""

import hmac
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.ports import Failed, Passed
from vestibule.core.reasons import Reason
from vestibule.methods.access_pass import ALPHABET, CHARACTERS, AccessPass

METHOD = AccessPass(lambda octets: hmac.digest(b"key", octets, "sha256"))
NOW = Moment(1_800_000_000.0, bytes(32))
FRESH = Credential("one", "access_pass", "alice")
CHANCE = bytes(range(100, 110))

chances = st.binary(min_size=CHARACTERS, max_size=32)


@given(chances, st.booleans())
def test_a_pass_opens_its_own_credential_and_no_other(chance: bytes, once: bool) -> None:
    one, code = METHOD.issue(FRESH, chance, once=once)
    assert METHOD.fits(code, one)
    assert isinstance(METHOD.check(code, one, None, NOW), Passed)
    moved = replace(one, id="two")
    assert METHOD.check(code, moved, None, NOW) == Failed(Reason.WRONG_CODE)


@pytest.mark.requirement(28)
def test_a_pass_has_fifty_bits_and_every_letter_is_as_likely() -> None:
    codes = {METHOD.issue(FRESH, bytes([octet] * CHARACTERS), once=True)[1] for octet in range(256)}
    assert {code[0] for code in codes} == set(ALPHABET)
    assert len(ALPHABET) ** CHARACTERS == 2**50
    assert 256 % len(ALPHABET) == 0
    with pytest.raises(ValueError, match="10 random octets are needed, 9 came"):
        METHOD.issue(FRESH, bytes(9), once=True)


@pytest.mark.requirement(28)
def test_a_pass_for_once_is_accepted_once() -> None:
    one, code = METHOD.issue(FRESH, CHANCE, once=True)
    found = METHOD.check(code, one, None, NOW)
    assert isinstance(found, Passed)
    assert (METHOD.once(found.credential), METHOD.used(found.credential)) == (True, True)
    assert METHOD.check(code, found.credential, None, NOW) == Failed(Reason.CODE_REUSED)


def test_a_pass_for_many_times_is_accepted_again() -> None:
    one, code = METHOD.issue(FRESH, CHANCE, once=False)
    for _ in range(3):
        found = METHOD.check(code, one, None, NOW)
        assert isinstance(found, Passed)
        one = found.credential
    assert (METHOD.once(one), METHOD.used(one)) == (False, True)


def test_it_may_be_typed_as_it_is_read() -> None:
    one, code = METHOD.issue(FRESH, bytes(5) + bytes([1] * 5), once=False)
    assert code == "00000-11111"
    for typed in ("0000011111", "OOOOO IIIII", "ooooo-lllll", "00000 11111"):
        assert METHOD.fits(typed, one)
        assert isinstance(METHOD.check(typed, one, None, NOW), Passed)
    for typed in ("", "0000", "000001111U", "000001111é", "00000111111"):
        assert not METHOD.fits(typed, one)


def test_what_is_kept_tells_nothing_of_the_pass() -> None:
    one, code = METHOD.issue(FRESH, CHANCE, once=True)
    kept = repr(one).upper()
    parts = [code.replace("-", "")[i : i + 5] for i in range(6)]
    assert not any(part in kept for part in itertools.chain([code], parts))


@pytest.mark.requirement(6)
def test_after_a_restore_no_pass_is_good() -> None:
    one, code = METHOD.issue(FRESH, CHANCE, once=False)
    restored = METHOD.restored(one, None, NOW.at).credential
    assert restored.state is CredentialState.DISABLED
    assert not METHOD.fits(code, restored)
    assert METHOD.lengths(restored) == ()
