"""Delimited text files (RFC 4180) as they are written, and the failures file that goes back to its sender.

Rules of this file:
- What it writes, `tabular` reads back the same.
- No cell is run by the spreadsheet that opens it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from vestibule.wire.tabular import ANNOTATIONS, FORMULA, WHOLE_ROW, RowProblem

_RISKY: Final = re.compile(r'[",;\t\r\n\ufeff]|^\s|\s\Z')


def failures_csv(problems: Iterable[RowProblem]) -> Iterator[str]:
    """Write the failures file of one import, line by line with CRLF; no problem, no line.

    Each line has where and why, then the original cells: whoever corrects them uploads the file as it is, for the
    readers skip the first four columns. So the file holds the keys of the rows in it, unmasked: with a mask, nothing
    could be corrected there and every key would have to be found again by its line. It is as secret as the upload;
    its writer creates it with mode 0600 and prints none of it. With a byte order mark before the first line
    spreadsheets show it right; the readers take the mark off. A row that could not be cut stands whole in the first
    cell; corrected there, the readers cut it.

    A cell that a spreadsheet would run as a formula gets an apostrophe before it, which the readers take off again.
    """
    for number, problem in enumerate(problems):
        if number == 0:
            yield csv_line((*ANNOTATIONS, *problem.columns))
        field = WHOLE_ROW if problem.uncut else problem.field
        place = (str(problem.line), str(problem.column), field, problem.reason)
        yield csv_line([_disarmed(cell) for cell in (*place, *(cell.reveal().decode() for cell in problem.raw))])


def csv_line(cells: Iterable[str]) -> str:
    """Write one row with its CRLF; cells are quoted where a reader could misread them (RFC 4180 section 2)."""
    return (",".join(_quoted(cell) for cell in cells) or '""') + "\r\n"


def _disarmed(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run, and before what looks disarmed already."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _RISKY.search(cell) else cell
