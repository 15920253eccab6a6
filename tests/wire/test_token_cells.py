"""A token that goes back to its sender in a failures file is the same when it is read again."""

from dataclasses import replace

import pytest
from hypothesis import given

from tests.wire.test_pskc import token
from tests.wire.token_file_vectors import tokens
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.tabular import RowProblem
from vestibule.wire.tabular_writing import failures_csv
from vestibule.wire.token_cells import cells_of, column_named
from vestibule.wire.token_csv import ENTRA_COLUMNS, TokenRow
from vestibule.wire.token_files import read_token_file
from vestibule.wire.vendor_csv import LOG_COLUMNS, OATH_COLUMNS, OWNED_COLUMNS, YUBICO_COLUMNS

EVERYTHING = (
    *("expiry date", "upn", "serial number", "secret key", "type", "digits", "time interval", "counter"),
    *("algorithm", "manufacturer", "model", "start date"),
)
HEX = (*EVERYTHING[:3], "key (hex)", *EVERYTHING[4:6], "interval or counter", *EVERYTHING[8:])


def read_again(row: TokenRow, columns: tuple[str, ...]) -> TokenRow:
    problem = RowProblem(7, 1, columns[0], "because", cells_of(row, columns), columns)
    [read] = tokens(read_token_file("".join(failures_csv([problem])).encode(), "failures.csv"))
    return replace(read, line=row.line)


@pytest.mark.parametrize("columns", [EVERYTHING, HEX], ids=["Base32", "hexadecimal"])
@given(row=token())
def test_a_token_is_read_again_as_it_was(row: TokenRow, columns: tuple[str, ...]) -> None:
    written = replace(row, issuer="", drift=0)  # no CSV form has these
    assert read_again(written, columns) == written


@given(row=token())
def test_the_forms_of_other_products_keep_what_they_know(row: TokenRow) -> None:
    columns: tuple[str, ...]
    for columns in (OATH_COLUMNS, OWNED_COLUMNS):
        read = read_again(row, columns)
        assert (read.secret, read.serial, read.method, read.digits) == (row.secret, row.serial, row.method, row.digits)
        assert (read.counter, read.algorithm) == (row.counter, row.algorithm)
    counted = replace(row, method=OtpMethod.HOTP, period_seconds=30)
    for columns in (LOG_COLUMNS, YUBICO_COLUMNS):
        read = read_again(counted, columns)
        assert (read.secret, read.serial, read.method) == (row.secret, row.serial, OtpMethod.HOTP)


def test_a_column_is_found_under_the_name_it_has_in_the_form() -> None:
    assert column_named("secret key", OATH_COLUMNS) == "key (hex)"
    assert column_named("upn", OWNED_COLUMNS) == "user"
    assert column_named("serial number", LOG_COLUMNS) == "public id"
    assert column_named("time interval", ENTRA_COLUMNS) == "time interval"
    assert column_named("issuer", ENTRA_COLUMNS) == "issuer"
