"""User files: vectors, arbitrary files, and failures that come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import FileVector, file_vectors, told
from vestibule.core.users import Mfa
from vestibule.wire.names import name_key
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import csv_line, failures_csv
from vestibule.wire.user_csv import USER_COLUMNS, UserRow, read_users

words = st.text(st.characters(categories=("L", "N"), include_characters="-_.@'=+ "), max_size=20).map(str.strip)
users = st.builds(
    UserRow,
    line=st.just(0),
    name=words.filter(name_key),
    first_name=words,
    last_name=words,
    email=st.sampled_from(["", "alice@example.org"]),
    phone=st.sampled_from(["", "+41446681800", "079 123 45 67", "(044) 668-18-00 ext. 12"]),
    groups=st.lists(words.filter(bool), unique=True, max_size=3).map(tuple),
    mfa=st.none() | st.sampled_from(Mfa),
    locale=st.sampled_from(["", "en", "de-CH", "zh-Hant-TW"]),
)


def cells(row: UserRow) -> list[str]:
    names = (row.name, row.first_name, row.last_name)
    return [*names, row.email, row.phone, ";".join(row.groups), row.mfa or "", row.locale]


def tell(row: UserRow) -> str:
    return f"user {row.line} | " + " | ".join(cell or "-" for cell in cells(row))


@pytest.mark.parametrize("vector", file_vectors("user_csv.txt"), ids=str)
def test_a_vector_is_read_as_it_says(vector: FileVector) -> None:
    assert tuple(told(read_users([vector.octets]), tell)) == vector.outcome


@given(st.lists(users, max_size=6, unique_by=lambda row: name_key(row.name)), st.permutations(range(len(USER_COLUMNS))))
def test_what_is_written_in_any_order_of_columns_reads_back(table: list[UserRow], order: list[int]) -> None:
    rows = [USER_COLUMNS, *map(cells, table)]
    read = [row for row in read_users(csv_line(row[at] for at in order) for row in rows) if isinstance(row, UserRow)]
    assert list(map(cells, read)) == list(map(cells, table))
    assert [row.line for row in read] == list(range(2, len(table) + 2))


@given(st.lists(st.text(), max_size=3) | st.lists(st.binary(), max_size=3))
def test_any_file_gives_users_problems_or_malformed(chunks: list[str] | list[bytes]) -> None:
    list(told(read_users(chunks), tell))


def test_a_corrected_failures_file_is_taken_as_it_is() -> None:
    file = ["Email,Phone,UPN\n", "alice,+41 44 668 18 00,'t hooft\n"]
    failures = "".join(failures_csv(row for row in read_users(file) if isinstance(row, RowProblem)))
    [row] = read_users([failures.replace(",alice,", ",alice@example.org,")])
    assert isinstance(row, UserRow)
    assert (row.name, row.email, row.phone) == ("'t hooft", "alice@example.org", "+41 44 668 18 00")


def test_the_failures_file_names_the_columns_as_this_page_does() -> None:
    problems = [row for row in read_users(["UPN,First Name\n", ",Alice\n"]) if isinstance(row, RowProblem)]
    assert next(failures_csv(problems)) == "line,column,field,reason,name,first_name\r\n"
