"""Token files: vectors, arbitrary files, failures that come back, and keys that never show."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import csv_files
from tests.wire.file_vectors import FileVector, file_vectors, told
from vestibule.core.credentials import Algorithm
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.otpauth import OtpMethod, write_key
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import csv_line, failures_csv
from vestibule.wire.token_csv import ENTRA_COLUMNS, TokenRow, read_tokens

KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

words = st.text(st.characters(categories=("L", "N"), include_characters="-_.@'=+"), min_size=1, max_size=20)
tokens = st.builds(
    TokenRow,
    line=st.just(0),
    upn=st.none() | words,
    serial=words,
    secret=st.binary(min_size=1, max_size=80).map(Secret),
    period_seconds=st.sampled_from([30, 60]),
    manufacturer=st.just("") | words,
    model=st.just("") | words,
)


def tell(row: TokenRow) -> str:
    key = row.secret.reveal().hex()
    texts = (row.upn or "-", row.serial, key, str(row.period_seconds), row.manufacturer or "-", row.model or "-")
    return f"token {row.line} | " + " | ".join(texts)


def written(row: TokenRow) -> str:
    key = write_key(row.secret)
    return csv_line((row.upn or "", row.serial, key, str(row.period_seconds), row.manufacturer, row.model))


@pytest.mark.parametrize("vector", file_vectors("token_csv.txt"), ids=str)
def test_a_vector_is_read_as_it_says(vector: FileVector) -> None:
    assert tuple(told(read_tokens([vector.octets]), tell)) == vector.outcome


def test_a_token_of_either_form_is_totp_with_sha1_and_six_digits() -> None:
    [row] = read_tokens([f"A1,{KEY},30"])
    assert isinstance(row, TokenRow)
    assert (row.method, row.algorithm, row.digits, row.counter) == (OtpMethod.TOTP, Algorithm.SHA1, 6, 0)


@pytest.mark.parametrize(("octets", "short"), [(13, True), (14, False)])
def test_a_short_key_is_taken_and_flagged(octets: int, short: bool) -> None:
    [row] = read_tokens([f"A1,{base64.b32encode(bytes(octets)).decode()},30"])
    assert isinstance(row, TokenRow)
    assert (row.key_bits, row.short_key) == (octets * 8, short)


@given(st.lists(tokens, max_size=8, unique_by=lambda row: row.serial))
def test_what_is_written_reads_back(table: list[TokenRow]) -> None:
    lines = [csv_line(ENTRA_COLUMNS), *map(written, table)]
    read = [row for row in read_tokens(lines) if isinstance(row, TokenRow)]
    assert [tell(row) for row in read] == [
        tell(row).replace("token 0", f"token {line}", 1) for line, row in enumerate(table, start=2)
    ]


@given(st.lists(st.text(), max_size=3) | st.lists(st.binary(), max_size=3))
def test_any_file_gives_tokens_problems_or_malformed(chunks: list[str] | list[bytes]) -> None:
    list(told(read_tokens(chunks), tell))


def test_a_thousand_mutated_files_give_tokens_users_problems_or_malformed() -> None:
    csv_files.run(cases=1000, seed=6238)


def test_a_corrected_failures_file_is_taken_as_it_is() -> None:
    file = [csv_line(ENTRA_COLUMNS), f"=a,+1,{KEY},45,'x,@y\n", f'b,B1,"{KEY}"x,30,,\n', f"c,C1,{KEY}0,30,,\n"]
    failures = "".join(failures_csv(row for row in read_tokens(file) if isinstance(row, RowProblem)))
    corrected = failures.replace(",45,", ",30,").replace(f"{KEY}0", KEY)
    corrected = corrected.replace(f'"b,B1,""{KEY}""x,30,,"', f"b,B1,{KEY},30,,")
    rows = [row for row in read_tokens([corrected]) if isinstance(row, TokenRow)]
    assert [(row.upn, row.serial, row.manufacturer, row.model) for row in rows] == [
        ("=a", "+1", "'x", "@y"),
        ("b", "B1", "", ""),
        ("c", "C1", "", ""),
    ]
    assert {write_key(row.secret) for row in rows} == {KEY}


def test_an_uncorrected_failures_file_fails_in_the_same_cells() -> None:
    file = [csv_line(ENTRA_COLUMNS), f"a,A1,{KEY},45,,\n", b"b,Ren\xe9".decode(errors="surrogateescape")]
    problems = [row for row in read_tokens(file) if isinstance(row, RowProblem)]
    again = [row for row in read_tokens(failures_csv(problems)) if isinstance(row, RowProblem)]
    assert [(row.column - 4, row.field, row.reason) for row in again][:1] == [(4, "time interval", problems[0].reason)]
    assert [row.raw for row in again] == [row.raw for row in problems]
    assert [row.columns for row in again] == [ENTRA_COLUMNS, ENTRA_COLUMNS]


@pytest.mark.parametrize(
    "row",
    ["{}", "A1,{}", "A1,{}0,30", "A1,{},45", ",{},30", 'A1,"{}', 'A1,"{}"x,30', "A1,{}\0,30", "A1,{},30,x,y,z,u"],
)
def test_no_outcome_prints_a_key(row: str) -> None:
    for file in (f"A0,{KEY},30\n{row.format(KEY)}", row.format(KEY), f"{','.join(ENTRA_COLUMNS)}\n{row.format(KEY)}"):
        try:
            outcome = repr(list(read_tokens([file])))
        except Malformed as malformed:
            outcome = repr(malformed)
        assert KEY[:8] not in outcome
