"""Rows to standard output, page after page, in flat memory."""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from vestibule.apps.cli.output import Progress, progress
from vestibule.wire.tabular_writing import csv_line

Row = dict[str, Any]

_FORMULA = re.compile(r"[=+\-@\t\r](?![0-9 ()./-]*$)")  # what a spreadsheet runs; a number is none


def write_rows(pages: Iterable[list[Row]], form: str) -> None:
    """Write rows as `csv`, with a header from the first row, or as `jsonl`; a bar shows how many there are by now."""
    if sys.stdout.isatty():
        _write(pages, form, None)
        return
    with progress("written") as bar:
        _write(pages, form, bar)


def _write(pages: Iterable[list[Row]], form: str, bar: Progress | None) -> None:
    written = 0
    for page in pages:
        if form == "csv" and page and not written:
            sys.stdout.write(csv_line(page[0]))
        sys.stdout.writelines(map(_csv if form == "csv" else _json, page))
        written += len(page)
        if bar:
            bar(written, None)
    sys.stdout.flush()


def _json(row: Row) -> str:
    return f"{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}\n"


def _csv(row: Row) -> str:
    return csv_line(map(_cell, row.values()))


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case _:
            text = str(value)
            return f"'{text}" if _FORMULA.match(text) else text
