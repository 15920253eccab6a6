"""PSKC files: what is changed is refused whole, what is written reads back, and pskctool and python-pskc agree."""

import base64
import hmac
import io
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import aes_key_wrap, aes_key_wrap_with_padding
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.wire.token_file_vectors import FOLDER, tokens, told
from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.pskc.ciphers import Unopened, decrypt
from vestibule.wire.pskc.protection import MOST_ITERATIONS, KeyMissing
from vestibule.wire.pskc.reader import read_pskc
from vestibule.wire.pskc.writer import Passphrase, SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_files import read_token_file

PLAIN = b"12345678901234567890"
KEY = Secret(bytes.fromhex("12345678901234567890123456789012"))
FIGURE_6 = (FOLDER / "pskc/figure6.xml").read_bytes()
FIGURE_7 = (FOLDER / "pskc/figure7.xml").read_bytes()
XENC = "http://www.w3.org/2001/04/xmlenc#"

words = st.text(st.characters(categories=("L", "N"), include_characters="<>&\"'-_.@ "), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and not text.startswith(("oath.", "iana."))
)


@st.composite
def token(draw: st.DrawFn) -> TokenRow:
    totp = draw(st.booleans())
    return TokenRow(
        line=0,
        upn=draw(st.none() | words),
        serial=draw(words),
        secret=Secret(draw(st.binary(min_size=1, max_size=80))),
        period_seconds=draw(st.integers(1, 3600)) if totp else 30,
        manufacturer=draw(st.just("") | words),
        model=draw(st.just("") | words),
        method=OtpMethod.TOTP if totp else OtpMethod.HOTP,
        algorithm=draw(st.sampled_from(Algorithm)),
        digits=draw(st.integers(6, 8)),
        counter=0 if totp else draw(st.integers(0, 2**63 - 1)),
        issuer=draw(st.just("") | words),
        drift=draw(st.integers(-(2**31) + 1, 2**31 - 1)) if totp else 0,
        starts_at=float(draw(st.integers(0, 2**33))),
        expires_at=float(draw(st.integers(0, 2**33))),
    )


tables = st.lists(token(), min_size=1, max_size=4, unique_by=lambda row: row.serial)
closings = (
    st.none()
    | st.sampled_from([16, 24, 32]).flatmap(
        lambda length: st.builds(SharedKey, st.binary(min_size=length, max_size=length).map(Secret), words)
    )
    | st.builds(Passphrase, st.binary(min_size=1, max_size=20).map(Secret), st.just(10))
)


def chance(seed: int) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def written(rows: list[TokenRow], closing: SharedKey | Passphrase | None) -> bytes:
    return "".join(write_pskc(rows, closing, chance(6030))).encode()


def reread(content: bytes, closing: SharedKey | Passphrase | None) -> list[TokenRow]:
    key = closing.key if isinstance(closing, SharedKey) else None
    passphrase = closing.passphrase if isinstance(closing, Passphrase) else None
    file = read_token_file(content, "tokens.xml", key=key, passphrase=passphrase)
    assert len(file.rows) == len(tokens(file)), file.rows
    return tokens(file)


def without_line(row: TokenRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__slots__ if name != "line"}


def refusal(content: bytes, key: Secret | None = KEY, passphrase: Secret | None = None) -> str:
    with pytest.raises(Malformed) as refused:
        read_pskc(content, key, passphrase)
    return str(refused.value)


# --------------------------------------------------------------------------------------------------- what is written


@given(tables, closings)
@settings(deadline=None)
def test_what_is_written_reads_back(table: list[TokenRow], closing: SharedKey | Passphrase | None) -> None:
    assert list(map(without_line, reread(written(table, closing), closing))) == list(map(without_line, table))


def test_a_row_of_a_file_knows_the_line_of_its_key() -> None:
    table = [TokenRow(0, None, f"A{number}", Secret(PLAIN), 30) for number in range(3)]
    content = written(table, None)
    lines = content.decode().split("\n")
    assert [lines[row.line - 1].strip().startswith("<Key Id=") for row in reread(content, None)] == [True] * 3


def test_a_distinguished_name_goes_out_whole() -> None:
    row = TokenRow(0, "jsmith", "A1", Secret(PLAIN), 30, owner="UID=jsmith,DC=example")
    [read] = reread(written([row], None), None)
    assert (read.upn, read.owner) == ("jsmith", "UID=jsmith,DC=example")


@pytest.mark.requirement(47)
def test_a_closed_file_holds_no_key_in_any_form() -> None:
    text = written([TokenRow(0, None, "A1", Secret(PLAIN), 30)], SharedKey(KEY)).decode()
    for form in (PLAIN.decode(), PLAIN.hex(), base64.b64encode(PLAIN).decode(), base64.b32encode(PLAIN).decode()):
        assert form not in text
    assert base64.b64encode(KEY.reveal()).decode() not in text


def test_no_two_values_share_an_initial_vector() -> None:
    table = [TokenRow(0, None, f"A{number}", Secret(PLAIN), 30) for number in range(20)]
    texts = re.findall(r"<xenc:CipherValue>(.{20})", written(table, SharedKey(KEY)).decode())
    assert len(set(texts)) == len(texts) == 21


def test_a_pre_shared_key_of_another_length_is_refused() -> None:
    with pytest.raises(BadField, match="has 15 octets; it must have 16, 24 or 32"):
        list(write_pskc([], SharedKey(Secret(bytes(15))), chance(0)))


# ------------------------------------------------------------------------------------------------- what was changed


@pytest.mark.parametrize("content", [FIGURE_6, FIGURE_7], ids=["figure 6", "figure 7"])
def test_one_changed_letter_of_a_cipher_text_or_mac_refuses_the_file(content: bytes) -> None:
    texts = [found.span() for found in re.finditer(rb"[A-Za-z0-9+/]{20,}(?==*\s)", content)]
    places = [place for start, end in texts if end - start != 16 for place in range(start, end)]
    assert len(places) > 150
    for place in places:
        other = b"B" if content[place : place + 1] != b"B" else b"C"
        changed = content[:place] + other + content[place + 1 :]
        said = refusal(changed, KEY, Secret(b"qwerty"))
        assert re.match(r"line \d+: (the value does not fit its check|.* is not Base64)", said), said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (rb"<ValueMAC>[^<]*</ValueMAC>", b"", "line 31: the encrypted value has no ValueMAC"),
        (rb"<MACMethod.*</MACMethod>", b"", "line 22: the encrypted value has no MACMethod"),
        (rb"<EncryptionKey>.*</EncryptionKey>", b"", "line 4: the file has a MACMethod but no EncryptionKey"),
        (rb"<EncryptionKey>.*</MACMethod>", b"", "line 19: a value is encrypted, but the file has no EncryptionKey"),
        (rb"hmac-sha1", b"hmac-md5", "line 6: the MACMethod is not one of hmac-sha1, hmac-sha256, hmac-sha512"),
        (rb"hmac-sha1", b"hmac-sha256", "line 39: the value does not fit its check"),
        (rb"aes128-cbc", b"aes128-gcm", "line 8: the cipher is not one of aes128-cbc"),
        (rb"<xenc:EncryptionMethod [^>]*>", b"", "line 7: MACKey has no EncryptionMethod"),
        (rb"<xenc:CipherValue>[^<]*</xenc:CipherValue>", b"", "line 9: CipherData has no CipherValue"),
        (rb"<MACKey>.*</MACKey>", b"<MACKeyReference>k</MACKeyReference>", "line 7: the MAC key is not in the file"),
        (rb"<MACKey>.*</MACKey>", b"", "line 32: the value does not fit its check"),
        (rb"<EncryptedValue>.*</ValueMAC>", b"<PlainValue>MTIz</PlainValue>", "line 31: a key stands open in an encr"),
        (rb"</Secret>", b"</Secret><Secret/>", "line 41: Secret stands twice in Data"),
        (rb"<EncryptionKey>", b"<EncryptionKey/><EncryptionKey>", "line 3: EncryptionKey stands twice"),
        (rb"</KeyPackage>", b"</KeyPackage><MACMethod/>", "line 47: MACMethod stands twice or behind the keys"),
        (rb"<Key Id.*</Key>", b"", "line 16: KeyPackage has no Key"),
        (rb"</KeyContainer>", b"", "line 49, column 1: not XML (no element found)"),
        (rb'Version="1.0" xmlns', b'Version="2.0" xmlns', "line 2: the version of the KeyContainer is not 1.0"),
        (rb"keyprov:pskc\"", b'keyprov:other"', "line 2: the file is XML, but not a PSKC KeyContainer"),
    ],
)
def test_a_structure_that_is_changed_refuses_the_file_with_its_line(old: bytes, new: bytes, said: str) -> None:
    changed = re.sub(old, new, FIGURE_6, count=1, flags=re.DOTALL)
    assert changed != FIGURE_6
    assert refusal(changed).startswith(said)


def test_a_header_behind_the_keys_refuses_the_file() -> None:
    content = (FOLDER / "pskc/figure2.xml").read_bytes().replace(b"</KeyPackage>", b"</KeyPackage>\n<EncryptionKey/>")
    assert refusal(content).startswith("line 14: EncryptionKey stands twice or behind the keys")


def test_what_an_extension_says_counts_for_nothing() -> None:
    extension = (
        b'<Data><x:Secret xmlns:x="urn:example:x"><PlainValue>MTIzNA==</PlainValue></x:Secret><x:y xmlns:x="urn:z"/>'
    )
    content = (FOLDER / "pskc/figure3.xml").read_bytes().replace(b"<Data>", extension)
    [row] = reread(content, None)
    assert row.secret.reveal() == PLAIN


def test_a_mac_key_that_is_too_short_refuses_the_file() -> None:
    short = base64.b64encode(cbc(AES(KEY.reveal()), bytes(15)))
    changed = FIGURE_6.replace(b"ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX", short)
    assert refusal(changed).startswith("line 7: the value does not fit its check")


@pytest.mark.parametrize("last", [0, 17, 255])
def test_a_padding_that_is_none_does_not_open(last: int) -> None:
    encryptor = Cipher(AES(KEY.reveal()), modes.CBC(bytes(16))).encryptor()
    text = bytes(16) + encryptor.update(bytes(15) + bytes([last]))
    with pytest.raises(Unopened):
        decrypt("aes128-cbc", KEY, text)


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33])
def test_a_cipher_text_of_a_length_that_cannot_be_does_not_open(length: int) -> None:
    with pytest.raises(Unopened):
        decrypt("aes128-cbc", KEY, bytes(length))


def test_a_wrong_mac_behind_ten_good_keys_refuses_all() -> None:
    table = [TokenRow(0, None, f"A{number}", Secret(PLAIN), 30) for number in range(10)]
    content = written(table, SharedKey(KEY))
    start = content.rindex(b"<ValueMAC>") + len(b"<ValueMAC>")
    other = b"A" if content[start : start + 1] != b"A" else b"B"
    assert "does not fit its check" in refusal(content[:start] + other + content[start + 1 :])


def test_the_mac_of_a_key_that_cannot_be_imported_counts_too() -> None:
    changed = FIGURE_6.replace(b"pskc:hotp", b"pskc:ocra").replace(b"Su+N", b"Su+M")
    assert refusal(changed).startswith("line 39: the value does not fit its check")


def test_what_opens_a_file_is_asked_for() -> None:
    with pytest.raises(KeyMissing) as asked:
        read_pskc(FIGURE_6)
    assert asked.value.wanted == "key"
    with pytest.raises(KeyMissing) as asked:
        read_pskc(FIGURE_7, KEY)
    assert asked.value.wanted == "passphrase"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b">1000<", b">5000001<", "line 12: IterationCount must be a number from 1 to 5000000"),
        (b">1000<", b">0<", "line 12: IterationCount must be a number from 1 to 5000000"),
        (b">1000<", b"> <", "line 12: IterationCount must be a number from 1 to 5000000"),
        (b">16<", b">33<", "line 13: KeyLength must be a number from 1 to 32"),
        (b">16<", b">24<", "line 24: aes128-cbc needs a key of 16 octets; the one given has 24"),
        (b"Ej7/PEpyEpw=", b"", "line 10: Specified is not Base64 or empty"),
        (b"#pbkdf2", b"#scrypt", "line 7: the key derivation is not PBKDF2"),
        (b"<PRF/>", b'<PRF Algorithm="x#hmac-md5"/>', "line 8: the PRF of PBKDF2 is not one of hmac-sha1"),
        (b"<PRF/>", b"<PRF>x#hmac-md5</PRF>", "line 8: the PRF of PBKDF2 is not one of hmac-sha1"),
        (b"<PRF/>", b'<PRF Algorithm="x#hmac-sha256"/>', "line 24: the value does not fit its check"),
    ],
)
def test_a_derivation_that_makes_no_sense_is_refused_with_its_line(old: bytes, new: bytes, said: str) -> None:
    changed = FIGURE_7.replace(old, new)
    assert changed != FIGURE_7
    assert refusal(changed, None, Secret(b"qwerty")).startswith(said)


def test_the_rounds_of_a_derivation_are_bounded() -> None:
    assert MOST_ITERATIONS == 5_000_000


# ------------------------------------------------------------------------------------------------------ other ciphers


def cbc(algorithm: BlockCipherAlgorithm, plain: bytes, padding: bytes = b"") -> bytes:
    block = algorithm.block_size // 8
    missing = block - len(plain) % block
    padded = plain + (padding or bytes([missing]) * missing)[: missing - 1] + bytes([missing])
    vector = bytes(range(block))
    encryptor = Cipher(algorithm, modes.CBC(vector)).encryptor()
    return vector + encryptor.update(padded) + encryptor.finalize()


def container(cipher: str, text: bytes, mac: str = "", mac_key: bytes = b"") -> bytes:
    """Write a file whose MAC key is that of the values, as RFC 6030 allows."""
    method = f'<MACMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-{mac}"/>' if mac else ""
    value_mac = base64.b64encode(hmac.digest(mac_key, text, mac)).decode() if mac else ""
    return (
        f'<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="{XENC}"><EncryptionKey/>'
        f'{method}<KeyPackage><Key Id="A1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><AlgorithmParameters>'
        '<ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters><Data><Secret><EncryptedValue>'
        f'<xenc:EncryptionMethod Algorithm="{XENC}{cipher}"/><xenc:CipherData><xenc:CipherValue>'
        f"{base64.b64encode(text).decode()}</xenc:CipherValue></xenc:CipherData></EncryptedValue>"
        f"{f'<ValueMAC>{value_mac}</ValueMAC>' if mac else ''}</Secret></Data></Key></KeyPackage></KeyContainer>"
    ).encode()


@pytest.mark.parametrize("mac", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize(
    ("cipher", "length"),
    [("aes128-cbc", 16), ("aes192-cbc", 24), ("aes256-cbc", 32), ("tripledes-cbc", 24), ("tripledes-cbc", 16)],
)
def test_each_cipher_in_cbc_opens_with_each_mac(cipher: str, length: int, mac: str) -> None:
    key = bytes(range(1, length + 1))
    algorithm = AES(key) if cipher.startswith("aes") else TripleDES((key + key[:8])[:24])
    content = container(cipher, cbc(algorithm, PLAIN), mac, key)
    [row] = reread(content, SharedKey(Secret(key)))
    assert row.secret.reveal() == PLAIN


def test_padding_may_be_anything_but_its_last_octet() -> None:
    key = bytes(range(16))
    content = container("aes128-cbc", cbc(AES(key), PLAIN, padding=b"anything at all"), "sha256", key)
    [row] = reread(content, SharedKey(Secret(key)))
    assert row.secret.reveal() == PLAIN


@pytest.mark.parametrize("length", [16, 24, 32])
def test_a_wrapped_key_needs_no_mac_and_shows_a_change(length: int) -> None:
    key, plain = bytes(range(length)), PLAIN + b"1234"
    text = aes_key_wrap(key, plain)
    [row] = reread(container(f"kw-aes{length * 8}", text), SharedKey(Secret(key)))
    assert row.secret.reveal() == plain
    for cipher in (f"kw-aes{length * 8}", f"kw-aes-{length * 8}-pad"):
        [row] = reread(container(cipher, aes_key_wrap_with_padding(key, PLAIN)), SharedKey(Secret(key)))
        assert row.secret.reveal() == PLAIN
    changed = container(f"kw-aes{length * 8}", bytes([text[0] ^ 1]) + text[1:])
    assert refusal(changed, Secret(key)).startswith("line 1: the value does not fit its check")
    assert refusal(container(f"kw-aes{length * 8}", text[:7]), Secret(key)).startswith("line 1: the value does not fit")


@pytest.mark.parametrize(
    ("octets", "counter"),
    [(bytes([0, 0, 0, 7]), 7), (bytes(7) + b"\x08", 8), (b"1234", 0x31323334), (b"\x01\x00", 256)],
)
def test_an_encrypted_counter_is_a_binary_number(octets: bytes, counter: int) -> None:
    [row] = reread(with_counter(octets), SharedKey(KEY))
    assert row.counter == counter


@pytest.mark.parametrize("octets", [b"12", b"\xff" * 8, b"\x01" * 9])
def test_an_encrypted_counter_that_could_mean_two_things_is_a_problem(octets: bytes) -> None:
    lines = told(with_counter(octets), KEY)
    assert lines[1].startswith("problem 24 | 0 Counter | "), lines


def with_counter(octets: bytes) -> bytes:
    text = cbc(AES(KEY.reveal()), octets)
    mac_key = bytes.fromhex("1122334455667788990011223344556677889900")  # what figure 6 has
    value = (
        f'<EncryptedValue><xenc:EncryptionMethod Algorithm="{XENC}aes128-cbc"/><xenc:CipherData><xenc:CipherValue>'
        f"{base64.b64encode(text).decode()}</xenc:CipherValue></xenc:CipherData></EncryptedValue>"
        f"<ValueMAC>{base64.b64encode(hmac.digest(mac_key, text, 'sha1')).decode()}</ValueMAC>"
    )
    return FIGURE_6.replace(b"<PlainValue>0</PlainValue>", value.encode())


# ------------------------------------------------------------------------------------------------------------ oracles


def pskctool(*arguments: str) -> str:
    done = subprocess.run(["pskctool", *arguments], capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


@pytest.mark.parametrize(
    "closing", [None, SharedKey(KEY), Passphrase(Secret(b"qwerty"), 10)], ids=["open", "pre-shared key", "passphrase"]
)
def test_pskctool_reads_what_is_written(tmp_path: Path, closing: SharedKey | Passphrase | None) -> None:
    table = [
        TokenRow(0, "bob <x>", "A1", Secret(PLAIN), 60, "ACME & Co", "C200", algorithm=Algorithm.SHA256, digits=8),
        TokenRow(0, None, "A2", Secret(PLAIN), 30, method=OtpMethod.HOTP, counter=77, starts_at=1e9, expires_at=2e9),
    ]
    file = tmp_path / "tokens.xml"
    file.write_bytes(written(table, closing))
    assert pskctool("--validate", str(file)).strip() == "OK"
    told_ = " ".join(pskctool("--info", str(file)).split())
    for text in (
        "Manufacturer: ACME & Co",
        "Model: C200",
        "User Id: bob <x>",
        "pskc:totp",
        "TimeInterval: 60",
        "SHA256",
    ):
        assert text in told_
    for text in ("SerialNo: A2", "pskc:hotp", "Counter: 77", "2001-09-09 01:46:40", "2033-05-18 03:33:20"):
        assert text in told_
    assert told_.count(base64.b64encode(PLAIN).decode()) == (2 if closing is None else 0)


@pytest.mark.parametrize("figure", [3, 5, 10])
def test_pskctool_and_we_read_the_same_of_a_figure(figure: int) -> None:
    file = FOLDER / f"pskc/figure{figure}.xml"
    info = pskctool("--info", str(file))
    rows = tokens(read_token_file(file.read_bytes(), file.name))
    secrets = re.findall(r"Key Secret \(base64\): (\S+)", info)[: len(rows)]
    assert [base64.b64encode(row.secret.reveal()).decode() for row in rows] == secrets
    assert [row.serial.partition("/")[0] for row in rows] == re.findall(r"SerialNo: (\S+)", info)[: len(rows)]
    assert [str(row.counter) for row in rows] == re.findall(r"Counter: (\S+)", info)


CIPHERS = {"aes128-cbc": 16, "aes192-cbc": 24, "aes256-cbc": 32, "kw-aes128": 16, "kw-aes256": 32}


@given(
    tables,
    st.sampled_from(sorted(CIPHERS)),
    st.sampled_from(["hmac-sha1", "hmac-sha256", "hmac-sha512"]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_python_pskc_writes_what_we_read(table: list[TokenRow], cipher: str, mac: str, derived: bool) -> None:
    pskc = pytest.importorskip("pskc", reason="python-pskc is not installed")
    assume(not cipher.startswith("kw-") or all(len(row.secret) != 8 for row in table))  # RFC 3394 wraps no single block
    file = pskc.PSKC()
    for row in table:
        file.add_key(**for_oracle(row))
    key = bytes(range(CIPHERS[cipher]))
    file.mac.setup(algorithm=mac, key=bytes(range(24)))
    if derived:
        file.encryption.setup_pbkdf2("qwerty", algorithm=cipher, iterations=10, prf="hmac-sha256")
    else:
        file.encryption.setup_preshared_key(key=key, algorithm=cipher, fields=["secret"])
    out = io.BytesIO()
    file.write(out)
    rows = reread(out.getvalue(), Passphrase(Secret(b"qwerty")) if derived else SharedKey(Secret(key)))
    assert list(map(oracle_view, rows)) == list(map(oracle_view, table))


@given(tables, closings)
@settings(deadline=None, max_examples=60)
def test_python_pskc_reads_what_we_write(table: list[TokenRow], closing: SharedKey | Passphrase | None) -> None:
    pskc = pytest.importorskip("pskc", reason="python-pskc is not installed")
    file = pskc.PSKC(io.BytesIO(written(table, closing)))
    match closing:
        case SharedKey(key):
            file.encryption.key = key.reveal()
        case Passphrase(passphrase):
            file.encryption.derive_key(passphrase.reveal())
        case None:
            pass
    for row, key_ in zip(table, file.keys, strict=True):
        assert (key_.secret, key_.serial, key_.response_length) == (row.secret.reveal(), row.serial, row.digits)
        assert key_.algorithm == f"urn:ietf:params:xml:ns:keyprov:pskc:{row.method}"
        if row.method is OtpMethod.HOTP:
            assert key_.counter == row.counter
        else:
            assert (key_.time_interval, key_.time_drift or 0) == (row.period_seconds, row.drift)


def for_oracle(row: TokenRow) -> dict[str, object]:
    totp = row.method is OtpMethod.TOTP
    return {
        "id": row.serial,
        "serial": row.serial,
        "secret": row.secret.reveal(),
        "algorithm": f"urn:ietf:params:xml:ns:keyprov:pskc:{row.method}",
        "response_length": row.digits,
        "response_encoding": "DECIMAL",
        "algorithm_suite": f"HMAC-{row.algorithm.upper()}",
        **({"time_interval": row.period_seconds, "time_drift": row.drift} if totp else {"counter": row.counter}),
    }


def oracle_view(row: TokenRow) -> tuple[object, ...]:
    return (
        row.serial,
        row.secret.reveal(),
        row.method,
        row.algorithm,
        row.digits,
        row.counter,
        row.period_seconds,
        row.drift,
    )
