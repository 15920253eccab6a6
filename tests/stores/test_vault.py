"""The vault: what is sealed opens in its own place only, and nothing about the keys shows."""

import hashlib
import hmac
import os
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.stores.vault import (
    PURPOSES,
    SEALS_PER_KEY,
    KeyRow,
    KeyUnknown,
    KeyWrong,
    Vault,
    fresh_key,
    sealed_with,
)

MASTER = Secret(bytes(range(32)))
SEED = Secret(b"12345678901234567890")
PLACE = "seed/ab12/secret"
MARKER = b"canary-in-the-vault"

VAULT, ROWS = Vault.create(MASTER, os.urandom)

pytestmark = pytest.mark.requirement(45)


def counting() -> Callable[[int], bytes]:
    """A chance without chance: 1, 2, 3 … in as many octets as are asked for."""
    numbers = count(1)
    return lambda octets: next(numbers).to_bytes(octets, "big")


def nonce(sealed: bytes) -> bytes:
    return sealed[5:17]


@given(secret=st.binary(max_size=200), place=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_in_its_place_and_grows_by_33_octets(secret: bytes, place: str) -> None:
    sealed = VAULT.seal(Secret(secret), place)
    assert VAULT.open_sealed(sealed, place) == Secret(secret)
    assert len(sealed) == len(secret) + 33


@given(places=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2, unique=True))
def test_no_place_opens_what_was_sealed_for_another(places: list[str]) -> None:
    with pytest.raises(Malformed):
        VAULT.open_sealed(VAULT.seal(SEED, places[0]), places[1])


@pytest.mark.parametrize("place", ["seed/ab13/secret", "seed/ab12/previous", "client/ab12/secret", "seed/ab12/secret/"])
def test_a_moved_secret_is_refused_and_the_message_names_the_place(place: str) -> None:
    with pytest.raises(Malformed, match=f"^{place}: .*moved"):
        VAULT.open_sealed(VAULT.seal(SEED, PLACE), place)


def test_every_single_flipped_bit_is_found() -> None:
    sealed = VAULT.seal(SEED, PLACE)
    for position in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(Malformed):
            VAULT.open_sealed(bytes(altered), PLACE)


def test_every_truncation_and_extension_is_refused() -> None:
    sealed = VAULT.seal(SEED, PLACE)
    for length in range(len(sealed)):
        with pytest.raises(Malformed):
            VAULT.open_sealed(sealed[:length], PLACE)
    with pytest.raises(Malformed):
        VAULT.open_sealed(sealed + b"\0", PLACE)


@given(sealed=st.binary(max_size=80))
def test_arbitrary_octets_are_malformed_and_nothing_else(sealed: bytes) -> None:
    with pytest.raises(Malformed):
        VAULT.open_sealed(sealed, PLACE)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_format_is_refused_by_its_number(version: int) -> None:
    sealed = bytes([version]) + VAULT.seal(SEED, PLACE)[1:]
    with pytest.raises(Malformed, match=f"format {version}, this program reads format 1"):
        VAULT.open_sealed(sealed, PLACE)


def test_a_key_that_is_not_loaded_is_named() -> None:
    stranger, _ = Vault.create(MASTER, os.urandom)
    renewed = Vault.open(MASTER, [*ROWS, fresh_key(77, "seal", MASTER, os.urandom)], os.urandom)
    with pytest.raises(Malformed, match="key 77, which is not loaded"):
        VAULT.open_sealed(renewed.seal(SEED, PLACE), PLACE)
    with pytest.raises(Malformed):
        stranger.open_sealed(VAULT.seal(SEED, PLACE), PLACE)


def test_the_vault_opens_again_from_its_rows_in_any_order() -> None:
    again = Vault.open(MASTER, reversed(ROWS), os.urandom)
    assert again.open_sealed(VAULT.seal(SEED, PLACE), PLACE) == SEED
    assert again.fingerprint(SEED) == VAULT.fingerprint(SEED)
    assert again.derive("journal", b"chain") == VAULT.derive("journal", b"chain")


def test_a_newer_key_seals_from_now_on_and_the_older_one_still_reads() -> None:
    before = VAULT.seal(SEED, PLACE)
    renewed = Vault.open(MASTER, [*ROWS, fresh_key(9, "seal", MASTER, os.urandom)], os.urandom)
    after = renewed.seal(SEED, PLACE)
    assert (VAULT.current, renewed.current) == (1, 9)
    assert renewed.open_sealed(before, PLACE) == renewed.open_sealed(after, PLACE) == SEED
    with pytest.raises(Malformed):
        renewed.open_sealed(after[:5] + before[5:], PLACE)


def test_another_master_key_opens_nothing_and_the_text_says_what_to_give() -> None:
    with pytest.raises(KeyWrong, match="Give the key file that was made with this database"):
        Vault.open(Secret(bytes(32)), ROWS, os.urandom)


@pytest.mark.parametrize("octets", [0, 16, 31, 33])
def test_a_master_key_of_another_length_is_refused(octets: int) -> None:
    with pytest.raises(KeyWrong, match=f"has {octets} octets"):
        Vault.create(Secret(bytes(octets)), os.urandom)


@pytest.mark.parametrize(
    "row",
    [
        KeyRow(2, PURPOSES[0], ROWS[0].sealed),
        KeyRow(1, PURPOSES[1], ROWS[0].sealed),
        KeyRow(1, PURPOSES[0], ROWS[0].sealed[:-1]),
        KeyRow(1, PURPOSES[0], ROWS[0].sealed[:9]),
        KeyRow(1, PURPOSES[0], b""),
    ],
    ids=["other id", "other purpose", "cut", "cut in the nonce", "empty"],
)
def test_an_altered_key_row_stops_the_start(row: KeyRow) -> None:
    with pytest.raises(KeyWrong, match=f"does not open key {row.id}"):
        Vault.open(MASTER, [row, *ROWS[1:]], os.urandom)


def test_a_database_without_sealing_key_stops_the_start() -> None:
    for rows in [(), ROWS[1:]]:
        with pytest.raises(KeyWrong, match="holds no sealing key"):
            Vault.open(MASTER, rows, os.urandom)


def test_all_data_keys_differ_and_none_is_the_master_key() -> None:
    outputs = {VAULT.mac(purpose, b"same") for purpose in PURPOSES[1:]}
    outputs.add(hmac.digest(MASTER.reveal(), b"same", "sha256"))
    assert len(outputs) == len(PURPOSES)


def test_each_seal_draws_one_nonce_of_its_own_and_uses_it_once() -> None:
    vault, rows = Vault.create(MASTER, counting())
    nonces = [nonce(row.sealed) for row in rows] + [nonce(vault.seal(SEED, PLACE)) for _ in range(1000)]
    drawn = [int.from_bytes(value, "big") for value in nonces]
    assert drawn[len(rows) :] == list(range(drawn[len(rows)], drawn[len(rows)] + 1000))
    assert len(set(drawn)) == len(drawn)


def test_nonces_of_the_operating_system_do_not_repeat_nor_lean() -> None:
    nonces = [nonce(VAULT.seal(SEED, PLACE)) for _ in range(20_000)]
    assert len(set(nonces)) == len(nonces)
    ones = sum(int.from_bytes(value, "big").bit_count() for value in nonces)
    assert abs(ones / (len(nonces) * 96) - 0.5) < 0.005


def test_seals_are_counted_per_key_and_remembered_across_a_restart() -> None:
    vault = Vault.open(MASTER, [*ROWS, fresh_key(9, "seal", MASTER, os.urandom)], os.urandom, seals={1: 40, 9: 2})
    vault.seal(SEED, PLACE)
    assert vault.seals == {1: 40, 9: 3}


def test_a_key_at_its_limit_seals_no_more_but_still_reads() -> None:
    vault = Vault.open(MASTER, ROWS, os.urandom, seals={1: SEALS_PER_KEY - 1})
    last = vault.seal(SEED, PLACE)
    with pytest.raises(Unavailable, match="key 1 has reached its limit of 4294967296 uses"):
        vault.seal(SEED, PLACE)
    assert vault.open_sealed(last, PLACE) == SEED
    assert vault.seals == {1: SEALS_PER_KEY}


def test_mac_and_derive_are_the_named_standards() -> None:
    vault, _ = Vault.create(MASTER, counting())
    key = (3).to_bytes(32, "big")  # drawn third: key 1, its nonce, key 2
    extracted = hmac.digest(bytes(32), key, "sha256")
    assert vault.mac("fingerprint", b"text") == hmac.digest(key, b"text", hashlib.sha256)
    assert vault.derive("fingerprint", b"use").reveal() == hmac.digest(extracted, b"use\x01", "sha256")


@given(one=st.binary(max_size=64), other=st.binary(max_size=64))
def test_fingerprints_are_equal_exactly_for_equal_secrets(one: bytes, other: bytes) -> None:
    assert (VAULT.fingerprint(Secret(one)) == VAULT.fingerprint(Secret(other))) is (one == other)
    assert len(VAULT.fingerprint(Secret(one))) == 64


def test_a_name_without_a_key_is_a_bug_and_says_so() -> None:
    with pytest.raises(KeyError, match="nonesuch"):
        VAULT.mac("nonesuch", b"")
    with pytest.raises(KeyError, match="nonesuch"):
        VAULT.derive("nonesuch", b"")


@pytest.mark.requirement(47)
def test_nothing_of_a_key_or_secret_shows_in_a_repr_or_message() -> None:
    keys = iter([MARKER.ljust(32, b"!"), bytes(12)] * len(PURPOSES))
    vault, rows = Vault.create(Secret(MARKER.rjust(32, b"!")), lambda _: next(keys))
    with pytest.raises(Malformed) as refused:
        vault.open_sealed(b"\1\0\0\0\1" + MARKER, PLACE)
    slots = [getattr(vault, name) for name in Vault.__slots__]
    assert MARKER.decode() not in repr([vault, rows, slots, vault.derive("token", b""), str(refused.value)])


# -- keys that change while the vault is open -------------------------------------------------------------------------


def test_a_vault_follows_the_stored_keys_and_forgets_those_that_are_gone() -> None:
    vault = Vault.open(MASTER, ROWS, os.urandom)
    before, fresh = vault.seal(SEED, PLACE), vault.fresh(ROWS)
    assert (fresh.id, fresh.purpose) == (6, "seal")
    vault.follow([*ROWS, fresh], current=1)
    assert vault.current == 1
    vault.follow([*ROWS, fresh])
    after = vault.seal(SEED, PLACE)
    assert (vault.current, sealed_with(before), sealed_with(after)) == (6, 1, 6)
    assert vault.open_sealed(before, PLACE) == vault.open_sealed(after, PLACE) == SEED
    vault.follow([*ROWS[1:], fresh])
    assert vault.open_sealed(after, PLACE) == SEED
    with pytest.raises(KeyUnknown, match="key 1, which is not loaded"):
        vault.open_sealed(before, PLACE)
    assert vault.knowing(ROWS).open_sealed(before, PLACE) == SEED
    with pytest.raises(KeyUnknown):
        vault.open_sealed(before, PLACE)


def test_a_stored_key_that_does_not_open_here_makes_only_its_own_values_unavailable() -> None:
    vault, other = Vault.open(MASTER, ROWS, os.urandom), Secret(bytes(32))
    before, foreign = vault.seal(SEED, PLACE), fresh_key(6, "seal", other, os.urandom)
    theirs = Vault.open(other, [foreign], os.urandom).seal(SEED, PLACE)
    vault.follow([*ROWS, foreign], current=1)
    assert vault.open_sealed(before, PLACE) == SEED
    vault.follow([*ROWS, foreign])
    for act in (lambda: vault.open_sealed(theirs, PLACE), lambda: vault.seal(SEED, PLACE)):
        with pytest.raises(Unavailable, match="Copy the new file here"):
            act()


def test_keys_under_a_new_master_key_open_with_either_until_the_old_form_is_dropped() -> None:
    new = Secret(bytes(range(1, 33)))
    vault = Vault.open(MASTER, ROWS, os.urandom)
    wrapped = vault.rewrapped(ROWS, new)
    sealed = vault.seal(SEED, PLACE)
    for master in (MASTER, new):
        assert Vault.open(master, wrapped, os.urandom).open_sealed(sealed, PLACE) == SEED
    confirmed = [KeyRow(row.id, row.purpose, row.sealed) for row in wrapped]
    assert Vault.open(new, confirmed, os.urandom).fingerprint(SEED) == VAULT.fingerprint(SEED)
    with pytest.raises(KeyWrong):
        Vault.open(MASTER, confirmed, os.urandom)
    with pytest.raises(KeyWrong, match="still the old one"):
        vault.fresh(wrapped)
    assert Vault.open(MASTER, ROWS, os.urandom, reread=lambda: new).fresh(wrapped).id == 6
