"""Token files of every form: vectors, nothing half read, failures that come back, keys that never show."""

import base64
import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import token_files
from tests.house.sources import ROOT
from tests.wire.token_file_vectors import TokenFileVector, token_file_vectors, tokens, told
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import failures_csv
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_files import TITLES, TokenFile, TokenFormat, read_token_file
from vestibule.wire.xml_elements import LIMITS

HEX = "3132333435363738393031323334353637383930"
VECTORS = token_file_vectors()


def read(*lines: str) -> TokenFile:
    return read_token_file("\n".join(lines).encode(), "tokens.txt")


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_vector_is_read_as_it_says(vector: TokenFileVector) -> None:
    assert told(vector.content, vector.key, vector.passphrase) == vector.outcome


def test_the_vectors_have_every_form() -> None:
    met = {line.removeprefix("format ") for vector in VECTORS for line in vector.outcome if line.startswith("format ")}
    assert met == set(TokenFormat)


def test_every_form_has_a_title_and_a_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "tokens.md").read_text(encoding="utf-8")
    assert set(TITLES) == set(TokenFormat)
    assert [form for form in TokenFormat if f"`{form}`" not in page] == []


def test_a_file_keeps_its_name_and_the_name_does_not_tell_the_form() -> None:
    file = read_token_file(f"tok1,{HEX},totp".encode(), "tokens.xml")
    assert (file.name, file.format) == ("tokens.xml", TokenFormat.OATH)


def test_a_name_that_would_break_a_log_line_is_refused() -> None:
    with pytest.raises(Malformed, match="file name: character 2 is the unprintable U\\+000A"):
        read_token_file(f"tok1,{HEX},totp".encode(), "a\nb")


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    for start in (b"<Tokens>", b"tok1,", b"otpauth://"):
        with pytest.raises(Malformed, match="at most 67108864 are taken"):
            read_token_file(start.ljust(LIMITS.octets + 1), "tokens")


def test_a_byte_order_mark_hides_no_form() -> None:
    for vector in VECTORS:
        if not vector.content.startswith(b"\xef\xbb\xbf") and "XML" not in vector.name:
            marked = told(b"\xef\xbb\xbf" + vector.content, vector.key, vector.passphrase)
            assert marked[0].partition(",")[0] == vector.outcome[0].partition(",")[0], vector.name


def test_xml_in_utf_16_is_read() -> None:
    text = (
        '<?xml version="1.0" encoding="UTF-16"?><Tokens><Token serial="A1"><Applications><Application>'
        f"<Seed>{HEX}</Seed></Application></Applications></Token></Tokens>"
    )
    [row] = tokens(read_token_file(text.encode("utf-16"), "tokens.xml"))
    assert row.secret.reveal().hex() == HEX


def test_a_key_for_an_open_file_is_noted() -> None:
    file = read_token_file(f"tok1,{HEX},totp".encode(), "tokens", key=Secret(bytes(16)))
    assert file.notes == ("the file is not encrypted; the key or passphrase was not used",)


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if vector.outcome[0].startswith("format ")], ids=str)
def test_a_reader_lets_others_go_on_after_each_row(vector: TokenFileVector) -> None:
    pauses: list[None] = []
    file = read_token_file(
        vector.content, "tokens", key=vector.key, passphrase=vector.passphrase, pause=lambda: pauses.append(None)
    )
    assert len(pauses) >= (1 if file.format.startswith("pskc") else len(file.rows))


@pytest.mark.parametrize(
    "lines",
    [
        [f"tok1,{HEX},totp,9", f"tok2,{HEX}0,hotp", "=tok3,xyz,totp,6,30"],
        ["# version: 2", f"helga,res,realm,tok1,{HEX},totp,9", f",,,tok2,{HEX},ocra"],
        [f"OATH-HOTP,11.12.13 18:55,1,cccc,,{HEX}x,,,0,0,0,6,0,0,0,0,0,0", "Yubico OTP,,,cccd,,,,,,,,,,,,,,"],
        [f"508327,,0,{HEX}0,,2013-12-12T08:41:07,", f"508328,cc,83,{HEX},,2013-12-12T08:41:07,"],
        ["serial,secret (hex),type,digits,upn", f"A1,{HEX},motp,6,bob", f"A2,{HEX},totp,60,bob"],
    ],
)
def test_an_uncorrected_failures_file_fails_in_the_same_fields(lines: list[str]) -> None:
    problems = [row for row in read(*lines).rows if isinstance(row, RowProblem)]
    assert len(problems) > 1
    again = read_token_file("".join(failures_csv(problems)).encode(), "failures.csv").rows
    assert [(row.field, row.reason, row.column - 4) for row in again if isinstance(row, RowProblem)] == [
        (problem.field, problem.reason, problem.column) for problem in problems
    ]
    assert len(again) == len(problems)


@given(
    st.lists(
        st.tuples(
            st.binary(min_size=1, max_size=80),
            st.sampled_from(["hotp", "totp"]),
            st.integers(6, 8),
            st.integers(1, 3600),
            st.sampled_from(["sha1", "sha256", "sha512"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_oath_csv_reads_back_what_it_says(table: list[tuple[bytes, str, int, int, str]]) -> None:
    lines = [
        f"N{number},{key.hex()},{method},{digits},{moving},{algorithm}"
        for number, (key, method, digits, moving, algorithm) in enumerate(table)
    ]
    rows = tokens(read(*lines))
    assert [
        (
            row.secret.reveal(),
            str(row.method),
            row.digits,
            row.counter if row.method == "hotp" else row.period_seconds,
            str(row.algorithm),
        )
        for row in rows
    ] == table


# ----------------------------------------------------------------------------------------------------------- the docs

EXAMPLE = re.compile(
    r'^```\w+ title="(?P<name>[^"]+)"\n(?P<content>.*?)^```\n\n^```text title="report"\n(?P<report>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
EXAMPLES = list(EXAMPLE.finditer((ROOT / "docs" / "tokens.md").read_text(encoding="utf-8")))


def report(content: str, name: str) -> str:
    """Say what the docs say of an example."""
    try:
        file = read_token_file(content.encode(), name)
    except Malformed as malformed:
        return f"{malformed}\n"
    problems = [row for row in file.rows if isinstance(row, RowProblem)]
    lines = [f"{TITLES[file.format]}: {len(tokens(file))} tokens, {len(problems)} problems"]
    lines += [f"line {problem.line}, {problem.field}: {problem.reason}" for problem in problems]
    return "\n".join((*lines, *(f"note: {note}" for note in file.notes), ""))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["name"])
def test_an_example_of_the_docs_gives_the_report_beside_it(example: re.Match[str]) -> None:
    assert report(example["content"], example["name"]) == example["report"]


def test_the_docs_have_examples() -> None:
    assert len(EXAMPLES) >= 10


# ------------------------------------------------------------------------------------- payloads of Google Authenticator


def varint(number: int) -> bytes:
    more, low = divmod(number & (2**64 - 1), 128)
    return bytes([low | 0x80]) + varint(more) if more else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def payload(*accounts: bytes, rest: bytes = b"") -> str:
    octets = b"".join(field(1, account) for account in accounts) + rest
    return "otpauth-migration://offline?data=" + quote(base64.b64encode(octets).decode(), safe="")


@given(
    st.binary(min_size=1, max_size=80),
    st.text(st.characters(categories=("L", "N")), max_size=20),
    st.sampled_from([(1, "sha1"), (2, "sha256"), (3, "sha512")]),
    st.sampled_from([(1, 6), (2, 8)]),
    st.integers(0, 2**63 - 1),
)
def test_an_account_of_a_payload_is_read_as_it_was_written(
    key: bytes, name: str, algorithm: tuple[int, str], digits: tuple[int, int], counter: int
) -> None:
    account = field(1, key) + field(2, name.encode()) + field(4, algorithm[0]) + field(5, digits[0]) + field(6, 1)
    [row] = tokens(read(payload(account + field(7, counter) + field(99, b"unknown") + field(98, 5))))
    assert (row.secret.reveal(), row.upn or "", row.algorithm, row.digits, row.counter) == (
        key,
        name,
        algorithm[1],
        digits[1],
        counter,
    )


@given(st.binary(max_size=80))
def test_any_payload_gives_tokens_problems_or_malformed(octets: bytes) -> None:
    told(("otpauth-migration://offline?data=" + quote(base64.b64encode(octets).decode(), safe="")).encode())


@pytest.mark.parametrize(
    "octets",
    [
        b"\x0a\xff\xff\xff\xff\x7fx",
        b"\x0a",
        b"\x80" * 20,
        b"\x0b\x0c",
        b"\x0a\x02\x0a\x09",
        b"\x0a\x04\x08\x01\x30\x02",
    ],
)
def test_a_payload_with_a_false_length_or_type_is_refused_whole(octets: bytes) -> None:
    good = field(1, field(1, b"x" * 20) + field(2, b"bob") + field(6, 2))
    text = "otpauth-migration://offline?data=" + quote(base64.b64encode(good + octets).decode(), safe="")
    with pytest.raises(Malformed, match=r"^line 1: .*scan the QR code again$"):
        read(text)


def test_a_place_outside_of_its_batch_is_refused() -> None:
    account = field(1, b"x" * 20) + field(2, b"bob") + field(6, 2)
    with pytest.raises(Malformed, match="line 1: the place of the code in its batch makes no sense"):
        read(payload(account, rest=field(3, 2) + field(4, 2)))
    with pytest.raises(Malformed, match="line 1: the place of the code in its batch makes no sense"):
        read(payload(account, rest=field(3, 2**40)))


# ----------------------------------------------------------------------------------------------------- any file at all


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_file_gives_tokens_problems_or_malformed(content: bytes) -> None:
    told(content)


def test_a_thousand_mutated_files_give_tokens_problems_or_malformed() -> None:
    met = token_files.run(cases=1000, seed=6030)
    assert met["TokenRow"] > 100
    assert met["RowProblem"] > 100
    assert met["Malformed"] > 100


@pytest.mark.requirement(47)
def test_no_outcome_prints_a_key() -> None:
    shown = []
    for vector in VECTORS:
        try:
            file = read_token_file(vector.content, "tokens", key=vector.key, passphrase=vector.passphrase)
            shown.append(repr(file))
        except Malformed as malformed:
            shown.append(f"{malformed!r} {malformed}")
    text = "\n".join(shown)
    keys = ("31323334", "MTIzNDU2", "GEZDGNBV", "12345678901234567890", "1HBJThmz", "qwert")
    assert [key for key in keys if key in text] == []


@pytest.mark.requirement(47)
@pytest.mark.parametrize("place", range(0, 42, 5))
def test_no_reason_prints_a_part_of_a_damaged_key(place: int) -> None:
    canary = "C0FFEE00C0FFEE00C0FFEE00C0FFEE00C0FFEE00"
    damaged = canary[:place] + "?" + canary[place:]
    safenet = (
        f"<Token serial='1'><Applications><Application><Seed>{damaged}</Seed></Application></Applications></Token>"
    )
    pskc = f"<Data><Secret><PlainValue>{damaged}</PlainValue></Secret></Data>"
    key = f"<Key Id='1' Algorithm='urn:ietf:params:xml:ns:keyprov:pskc:hotp'>{pskc}</Key>"
    forms = (
        f"tok1,{damaged},totp,6,30",
        f"508327,,0,{damaged},,2013-12-12T08:41:07,",
        f"OATH-HOTP,11.12.13 18:55,1,cccc,,{damaged},,,0,0,0,6,0,0,0,0,0,0",
        f"<Tokens>{safenet}</Tokens>",
        f"<KeyContainer xmlns='urn:ietf:params:xml:ns:keyprov:pskc'><KeyPackage>{key}</KeyPackage></KeyContainer>",
        f"otpauth://totp/bob?secret={damaged}",
        f"otpauth-migration://offline?data={damaged}",
        f"A1,{damaged},30",
    )
    for form in forms:
        text = "\n".join(told(form.encode()))
        assert "token" not in text.partition(" ")[0]
        assert "C0FFEE" not in text, text
        assert "EE00" not in text, text


def test_a_row_of_the_other_forms_is_still_a_token_row() -> None:
    [row] = read(f"tok1,{HEX},totp").rows
    assert isinstance(row, TokenRow)
    assert (row.issuer, row.owner, row.drift, row.starts_at, row.expires_at) == ("", "", 0, 0.0, 0.0)
