"""Delimited text: vectors, files cut anywhere, files written and read back, and the failures file."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import FileVector, file_vectors, told
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.tabular import LIMITS, WHOLE_ROW, Limits, Row, RowProblem, Sheet, parse_rows, read_rows
from vestibule.wire.tabular_writing import csv_line, failures_csv

SMALL = Limits(row=40, columns=3, cell=20)
UNCLOSED = (
    "malformed | line 2: a quotation mark is not closed within 40 characters; close it. "
    "From this line on, nothing was read"
)

pieces = st.lists(st.sampled_from([*",;\t\"\r\n'=\0\ufeff\ufffd é", '""', "\r\n", "abc", "\ud800"]), max_size=40)
texts = st.text() | pieces.map("".join)
cells = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffd", include_characters="\n"))


def tell(row: Row) -> str:
    return f"row {row.line} | " + " | ".join(cell or "-" for cell in row.cells)


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("vector", file_vectors("tabular.txt"), ids=str)
def test_a_vector_is_read_as_it_says(vector: FileVector) -> None:
    assert tuple(told(read_rows([vector.octets]), tell)) == vector.outcome


@pytest.mark.parametrize("vector", file_vectors("tabular.txt"), ids=str)
def test_a_vector_reads_the_same_octet_by_octet(vector: FileVector) -> None:
    octets = [vector.octets[at : at + 1] for at in range(len(vector.octets))]
    assert tuple(told(read_rows(octets), tell)) == vector.outcome


@given(texts, st.lists(st.integers(min_value=0), max_size=5))
def test_any_text_gives_rows_and_problems_wherever_it_is_cut(text: str, places: list[int]) -> None:
    whole = list(told(read_rows([text], SMALL), tell))
    assert list(told(read_rows(cut(text, places), SMALL), tell)) == whole


@given(st.binary() | texts.map(lambda text: text.encode(errors="surrogatepass")))
def test_any_octets_give_rows_and_problems(octets: bytes) -> None:
    whole = list(told(read_rows([octets], SMALL), tell))
    assert list(told(read_rows([octets[:7], octets[7:]], SMALL), tell)) == whole


@given(st.lists(st.lists(cells, min_size=1, max_size=5), max_size=8))
def test_what_is_written_reads_back_with_its_lines(table: list[list[str]]) -> None:
    written = [csv_line(row) for row in table]
    rows = list(read_rows(["".join(written)]))
    assert [row.cells for row in rows if isinstance(row, Row)] == table
    assert [row.line for row in rows] == [1 + "".join(written[:at]).count("\n") for at in range(len(table))]


def test_a_row_keeps_its_text_and_hides_it() -> None:
    [row] = read_rows(['JBSWY3DP,"a\r\nb"\r\n'])
    assert isinstance(row, Row)
    assert row.raw == 'JBSWY3DP,"a\nb"'
    assert repr(row) == "Row(line=1)"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("a,b,c,d\ne", ["problem 1 | 0 row | the row has 4 columns; at most 3 are taken", "row 2 | e"]),
        (
            "a," + "b" * 21 + "\ne",
            ["problem 1 | 2 row | the cell has 21 characters; at most 20 are taken", "row 2 | e"],
        ),
        ("a\n" + "b" * 41, ["row 1 | a", "malformed | line 2: longer than 40 characters; is this a CSV file?"]),
        (
            'a\n"b\n' + "c\n" * 20 + '"',
            [
                "row 1 | a",
                UNCLOSED,
            ],
        ),
    ],
    ids=["columns", "cell", "line", "quotation"],
)
def test_what_is_too_large_is_refused(text: str, outcome: list[str]) -> None:
    assert list(told(read_rows([text], SMALL), tell)) == outcome


def test_a_line_without_end_is_given_up_early() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(Malformed):
        list(read_rows(endless()))
    assert taken * 1000 < LIMITS.row + 3000


def test_memory_stays_flat() -> None:
    chunk = b'2308602200271,"GEZDGNBVGY3TQOJQ",30\r\n' * 1000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_rows(chunk for _ in range(30)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 30_000
    assert peak < 20 * len(chunk)


# ------------------------------------------------------------------------------------------- the failures file


def failed(*raw: str, columns: tuple[str, ...] = ("serial", "secret")) -> RowProblem:
    return RowProblem(7, 2, "secret", "is empty", tuple(map(Secret.of, raw)), columns)


def test_a_problem_prints_no_cell() -> None:
    assert "JBSWY3DP" not in repr(failed("A1", "JBSWY3DP"))


def test_without_problems_there_is_no_failures_file() -> None:
    assert list(failures_csv([])) == []


def test_the_failures_file_has_place_and_reason_before_the_original_row() -> None:
    assert list(failures_csv([failed("A1", "a,b"), failed("A2")])) == [
        "line,column,field,reason,serial,secret\r\n",
        '7,2,secret,is empty,A1,"a,b"\r\n',
        "7,2,secret,is empty,A2\r\n",
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", " =1", "＝1", "'=1", "''"])
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(cell: str) -> None:
    [_, line] = failures_csv([failed(cell)])
    [row] = read_rows([line])
    assert isinstance(row, Row)
    assert row.cells[4] == "'" + cell


def test_what_is_not_text_is_written_as_its_number_and_refused_again() -> None:
    [problem] = read_rows([b"a,Ren\xe9\x1b"])
    assert isinstance(problem, RowProblem)
    lines = "".join(failures_csv([problem]))
    assert lines.endswith("a,Ren\ufffdE9\ufffd1B\r\n")
    [_, again] = read_rows([lines])
    assert isinstance(again, RowProblem)


SHEET = Sheet(("serial number", "secret key", "time interval"), 4)


def corrected(*cells: str) -> list[tuple[int, list[str]] | RowProblem]:
    """Read the line of a row that could not be cut, after its cells were changed."""
    line = csv_line(("2", "2", WHOLE_ROW, "why", *cells))
    return list(parse_rows(read_rows([line]), SHEET, lambda line, cells: (line, cells)))


def test_a_row_that_could_not_be_cut_is_cut_when_it_is_corrected() -> None:
    for cells in (["A1,b,30"], ["A1,b,30", "", ""], ["A1", "b", "30"], ['A1;"b";30'], ["'=A1,b,30"]):
        [(line, read)] = corrected(*cells)  # type: ignore[misc]  # no problem
        assert (line, [cell.removeprefix("=") for cell in read]) == (1, ["A1", "b", "30"]), cells
    assert corrected("A1,b") == [(1, ["A1", "b", ""])]


def test_a_row_that_still_cannot_be_cut_comes_back_whole_with_its_place() -> None:
    [problem] = corrected('A1,"b"c,30')
    assert isinstance(problem, RowProblem)
    assert (problem.line, problem.column, problem.field, problem.uncut) == (1, 6, "secret key", True)
    [_, line] = failures_csv([problem])
    assert line.startswith("1,6,whole row,")
    assert line.endswith(',"A1,""b""c,30"\r\n')


def test_another_row_with_one_cell_is_not_cut() -> None:
    line = csv_line(("2", "0", "row", "why", "Doe, John", "", ""))
    [(_, cells)] = parse_rows(read_rows([line]), SHEET, lambda line, cells: (line, cells))  # type: ignore[misc]
    assert cells == ["Doe, John", "", ""]


def test_a_failures_file_whose_own_line_is_broken_keeps_only_the_original_row() -> None:
    [problem] = parse_rows(read_rows(['2,2,secret key,why,A1,"b"c,30\n']), SHEET, lambda line, cells: (line, cells))
    assert isinstance(problem, RowProblem)
    assert [cell.reveal() for cell in problem.raw] == [b'A1,"b"c,30']
