"""Recovery codes: their strength, their shape, single use, and that the codes themselves are never kept."""

import hashlib
import hmac
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.ports import Failed, Passed
from vestibule.core.reasons import Reason
from vestibule.methods.recovery import CODES, GROUPED, OCTETS, Recovery

NOW = Moment(1_800_000_000.0, bytes(32))
CHANCE = hashlib.shake_128(b"chance").digest(CODES * OCTETS)


def recovery(key: bytes = b"the key for recovery codes") -> Recovery:
    return Recovery(lambda octets: hmac.digest(key, octets, "sha256"))


def issued(credential_id: str = "c", chance: bytes = CHANCE) -> tuple[Credential, tuple[str, ...]]:
    return recovery().issue(Credential(credential_id, "recovery", "alice"), chance)


def reason(code: str, credential: Credential, method: Recovery | None = None) -> Reason | None:
    found = (method or recovery()).check(code, credential, None, NOW)
    return found.reason if isinstance(found, Failed) else None


@pytest.mark.requirement(7)
def test_ten_codes_of_120_bits_are_issued() -> None:
    _, codes = issued()
    assert len(set(codes)) == CODES == 10
    assert OCTETS * 8 >= 112
    for code in codes:
        assert re.fullmatch(r"([A-Z2-7]{4}-){5}[A-Z2-7]{4}", code)
        assert len(code) == GROUPED


@pytest.mark.requirement(7)
@pytest.mark.parametrize("octets", [0, 1, 15, 149])
def test_codes_are_not_issued_from_less_chance(octets: int) -> None:
    with pytest.raises(ValueError, match="150 random octets"):
        issued(chance=CHANCE[:octets])


@pytest.mark.requirement(7)
def test_every_code_works_once() -> None:
    credential, codes = issued()
    for code in codes:
        found = recovery().check(code, credential, None, NOW)
        assert isinstance(found, Passed)
        assert found.credential.version == credential.version + 1
        assert found.seed is None
        credential = found.credential
        assert reason(code, credential) is Reason.CODE_REUSED
    assert all(reason(code, credential) is Reason.CODE_REUSED for code in codes)


@pytest.mark.requirement(7)
def test_what_is_kept_are_digests_under_the_key_and_never_the_codes() -> None:
    credential, codes = issued()
    kept = json.loads(credential.memory)
    assert len(kept) == CODES
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in kept)
    for code in codes:
        assert code not in credential.memory
        assert code.replace("-", "") not in credential.memory
        assert reason(code, credential, recovery(b"another key")) is Reason.WRONG_CODE


def test_the_codes_of_one_credential_do_not_open_another() -> None:
    _, codes = issued("mine")
    theirs, _ = issued("theirs", hashlib.shake_128(b"more").digest(CODES * OCTETS))
    assert all(reason(code, theirs) is Reason.WRONG_CODE for code in codes)


def test_new_codes_make_the_old_ones_void() -> None:
    credential, old = issued()
    credential, new = recovery().issue(credential, hashlib.shake_128(b"more").digest(CODES * OCTETS))
    assert all(reason(code, credential) is Reason.WRONG_CODE for code in old)
    assert all(reason(code, credential) is None for code in new)


def test_blanks_dashes_and_case_do_not_matter() -> None:
    credential, (code, *_) = issued()
    for typed in (code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code}- "):
        assert recovery().fits(typed, credential)
        assert reason(typed, credential) is None


@pytest.mark.parametrize("code", ["", "123456", "A" * 23, "A" * 25, "A" * 23 + "1", "0" * 24, "Ä" * 24, "Ａ" * 24])
def test_what_has_not_the_shape_of_a_code_does_not_fit(code: str) -> None:
    credential, _ = issued()
    assert not recovery().fits(code, credential)
    assert reason(code, credential) is Reason.WRONG_CODE


def test_a_credential_whose_codes_are_void_has_none() -> None:
    credential, codes = issued()
    for memory in ("", "{}"):
        void = replace(credential, memory=memory)
        assert reason(codes[0], void) is Reason.WRONG_CODE
    assert recovery().lengths(replace(credential, memory="")) == ()
    assert recovery().lengths(credential) == (24, 29)


@given(st.text(max_size=40))
def test_no_text_is_an_error(code: str) -> None:
    credential, _ = issued()
    recovery().fits(code, credential)
    assert reason(code, credential) is Reason.WRONG_CODE
