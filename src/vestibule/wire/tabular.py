"""Delimited text files (RFC 4180), read row by row; `tabular_writing` writes them.

Rules of this file:
- Memory is flat: one row and one chunk are held, whatever the size of the file.
- Nothing is lost: a row comes out, or a problem with the row in it, or `Malformed` that says where reading stopped.
- A row that is quoted well is taken or refused as a whole: the lines inside its cells never pass for rows.
- Nothing here prints a cell: rows hide theirs, problems wrap theirs in `Secret`.
"""

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.names import BadField, code_point

T = TypeVar("T")

DELIMITERS: Final = ",;\t"
"""What may stand between cells; the one that is most frequent in the first row is the file's."""

ANNOTATIONS: Final = ("line", "column", "field", "reason")
"""The columns that a failures file has before those of the original; a reader skips them."""

WHOLE_ROW: Final = "whole row"
"""The field in a failures file where the row could not be cut into cells: its text stands in the first cell."""


class Limits(NamedTuple):
    """The most that is taken: characters of a row, cells of a row, characters of a cell."""

    row: int = 65_536
    columns: int = 64
    cell: int = 16_384


LIMITS: Final = Limits()

FORMULA: Final = re.compile(r"\s*['=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet would run, or that looks disarmed already."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the number of its first physical line, its cells unquoted, its text without the line end."""

    line: int
    cells: list[str] = field(repr=False)
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why one row was not taken, for a person, and the row itself for the failures file.

    `column` counts from 1, 0 means the whole row; `field` is the name of the column, "row" for the whole row.
    `raw` holds the original cells, and `columns` their names; `uncut` says that it is one cell with the whole text of a
    row that cannot be cut. What cannot be written as text stands there as U+FFFD with its hexadecimal number.
    """

    line: int
    column: int
    field: str
    reason: str
    raw: tuple[Secret, ...]
    columns: tuple[str, ...] = ()
    uncut: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the first row said: the names of the columns, and how many of a failures file stand before them."""

    columns: tuple[str, ...]
    margin: int = 0

    def cells(self, row: Row) -> list[str]:
        """Give the cells of the named columns without outer blanks and without empty cells beyond the last."""
        cells = [cell.strip() for cell in row.cells]
        if self.margin:
            cells = [_rearmed(cell) for cell in cells[self.margin :]]
        while len(cells) > len(self.columns) and not cells[-1]:
            cells.pop()
        return cells

    def problem(self, row: Row, name: str, reason: str) -> RowProblem:
        """Report the cell of the column `name`, or the whole row for the name "row"."""
        column = self.margin + self.columns.index(name) + 1 if name in self.columns else 0
        cells = self.cells(row) if self.margin else row.cells
        return RowProblem(row.line, column, name, reason, _wrapped(cells), self.columns)

    def named(self, problem: RowProblem) -> RowProblem:
        """Give a problem that was found before the columns were known their names and their cells."""
        place = problem.column - self.margin
        name = self.columns[place - 1] if 0 < place <= len(self.columns) else "row"
        own = problem.raw[self.margin :]
        if self.margin and problem.uncut:
            own = _wrapped(_behind(cell.reveal().decode(), self.margin) for cell in problem.raw)
        elif self.margin:
            own = _wrapped(_rearmed(cell.reveal().decode().strip()) for cell in own)
        uncut = problem.uncut or (self.margin > 0 and problem.raw[2:3] == (Secret.of(WHOLE_ROW),))
        return replace(problem, field=name, raw=own if any(own) else problem.raw, columns=self.columns, uncut=uncut)


def read_rows(chunks: Iterable[str] | Iterable[bytes], limits: Limits = LIMITS) -> Iterator[Row | RowProblem]:
    """Read rows from text or UTF-8 bytes, cut anywhere, with or without a byte order mark (RFC 4180).

    Lines end in LF or CRLF; empty lines are skipped. Rows with misplaced quotation marks, characters that are not
    text, too many or too long cells become problems and reading goes on. Raises `Malformed`, after the rows before it,
    for UTF-16 and for a row longer than the limit.
    """
    lines = _Lines(_physical_lines(_without_mark(_decoded(chunks)), limits.row), limits.row)
    delimiter = ""
    for line in lines:
        if line:
            delimiter = delimiter or _delimiter(line)
            yield _row(lines, line, delimiter, limits)


def first_row(rows: Iterator[Row | RowProblem]) -> Row:
    """Take the first row that is not blank. Raises `Malformed` if there is none or if it cannot be read."""
    for row in rows:
        if isinstance(row, RowProblem):
            raise Malformed(
                f"line {row.line}: {row.reason}. The first row tells the form of the file; correct it first"
            )
        if any(cell.strip() for cell in row.cells):
            return row
    raise Malformed("the file has no rows; choose another file")


def margin(row: Row) -> int:
    """Tell how many columns of a failures file stand at the left of this first row, 0 or 4."""
    left = tuple(cell.strip().casefold() for cell in row.cells[: len(ANNOTATIONS)])
    return len(ANNOTATIONS) if left == ANNOTATIONS else 0


def column_key(cell: str) -> str:
    """Give the form in which column names are compared: lower case, single blanks for blanks, dashes, underscores."""
    return " ".join(re.split(r"[\s_-]+", cell.strip().casefold()))


def shortened_number(cell: str) -> bool:
    """Whether a spreadsheet has rounded a long number in this cell, as in 3.16E+10."""
    return _SHORTENED.fullmatch(cell) is not None


def parse_rows(
    rows: Iterable[Row | RowProblem], sheet: Sheet, parse: Callable[[int, list[str]], T]
) -> Iterator[T | RowProblem]:
    """Give what `parse` makes of the line and the cells of each row, or the problem that its `BadField` names.

    Blank rows are skipped; `parse` always gets as many cells as the sheet has columns.
    """
    for found in rows:
        row = _cut_again(found, sheet) if sheet.margin and isinstance(found, Row) else found
        if isinstance(row, RowProblem):
            yield sheet.named(row) if row is found else row
        elif any(cells := sheet.cells(row)):
            yield _parsed(row, cells, sheet, parse)


# ---------------------------------------------------------------------------------------------- chunks to lines


def _decoded(chunks: Iterable[str] | Iterable[bytes]) -> Iterator[str]:
    """Decode UTF-8; an octet that is none becomes a lone surrogate, which is then refused where it stands."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for chunk in chunks:
        yield chunk if isinstance(chunk, str) else decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _without_mark(texts: Iterator[str]) -> Iterator[str]:
    """Take off the byte order mark of UTF-8, and refuse that of UTF-16."""
    first = next(filter(None, texts), "")
    if first.startswith(("\udcff", "\udcfe")):
        raise Malformed("line 1: the file is UTF-16, not UTF-8; save it as CSV UTF-8")
    return chain((first.removeprefix("\ufeff"),), texts)


def _physical_lines(texts: Iterable[str], longest: int) -> Iterator[str]:
    """Cut the texts into lines without their ends; give up inside a line that is longer than `longest`."""
    begun: list[str] = []
    size = 0
    for text in texts:
        *whole, tail = text.split("\n")
        if whole:
            yield "".join((*begun, whole[0])).removesuffix("\r")
            yield from (line.removesuffix("\r") for line in whole[1:])
            begun, size = [], 0
        begun.append(tail)
        size += len(tail)
        if size > longest + 1:
            break
    if size:
        yield "".join(begun).removesuffix("\r")


class _Lines:
    """Physical lines with the number of the last one given; lines that were read too far go back."""

    def __init__(self, lines: Iterator[str], longest: int) -> None:
        self.number = 0
        self._lines = lines
        self._longest = longest
        self._back: deque[str] = deque()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        if len(line) > self._longest:
            raise Malformed(f"line {self.number}: longer than {self._longest} characters; is this a CSV file?")
        return line

    def put_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


# ------------------------------------------------------------------------------------------------ lines to rows


class _Fault(NamedTuple):
    """What keeps a text from being a row, and in which column."""

    column: int
    reason: str


_CELL: Final = {mark: re.compile(rf'(?:"([^"]*+(?:""[^"]*+)*+)"|([^"{mark}]*+))({mark}|\Z)') for mark in DELIMITERS}
_QUOTED_PART: Final = re.compile(r'"[^"]*+(?:"|\Z)')
_CLOSED: Final = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_NOT_TEXT: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_REFUSED: Final = {
    mark: re.compile(rf"[{_NOT_TEXT}\ufffd]" if mark == "\t" else rf"[\t{_NOT_TEXT}\ufffd]") for mark in DELIMITERS
}
_REMEDY: Final = {
    "\0": "save the file as CSV UTF-8",
    "\r": "end every line with LF or CRLF",
    "\ufffd": "the text was damaged when it was converted; write it again",
}


def _delimiter(line: str) -> str:
    bare = _QUOTED_PART.sub("", line)
    return max(DELIMITERS, key=bare.count)


def _row(lines: _Lines, line: str, delimiter: str, limits: Limits) -> Row | RowProblem:
    """Make a row of the line and of those that an open quotation mark adds to it.

    If the marks make no sense, only the first line is given up and the others are read as rows of their own.
    """
    number = lines.number
    more = _continued(lines, line, limits.row) if line.count('"') % 2 else []
    text = "\n".join((line, *more)) if more else line
    cells = _split(text, delimiter)
    if more and isinstance(cells, _Fault):
        lines.put_back(more)
        text, cells = line, _split(line, delimiter)
    if isinstance(cells, _Fault):
        return RowProblem(number, cells.column, "row", cells.reason, _wrapped((text,)), uncut=True)
    if fault := _content_fault(text, cells, delimiter, limits):
        raw = _wrapped(cells if fault.column else (text,))
        return RowProblem(number, fault.column, "row", fault.reason, raw, uncut=not fault.column)
    return Row(number, cells, text)


def _continued(lines: _Lines, line: str, longest: int) -> list[str]:
    """Read on to the line that closes the quotation mark which `line` leaves open, or to the end of the file."""
    number, more, size = lines.number, list[str](), len(line)
    for following in lines:
        more.append(following)
        size += 1 + len(following)
        if size > longest:
            raise Malformed(
                f"line {number}: a quotation mark is not closed within {longest} characters; close it. "
                "From this line on, nothing was read"
            )
        if following.count('"') % 2:
            break
    return more


def _split(text: str, delimiter: str) -> list[str] | _Fault:
    """Cut a row into its cells and unquote them."""
    if '"' not in text:
        return text.split(delimiter)
    pattern, cells, at = _CELL[delimiter], list[str](), 0
    while found := pattern.match(text, at):
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return cells
        at = found.end()
    return _Fault(len(cells) + 1, _quotation_fault(text, at))


def _quotation_fault(text: str, at: int) -> str:
    if text[at] != '"':
        return "a quotation mark stands inside the cell; double it and quote the whole cell, or remove it"
    if _CLOSED.match(text, at):
        return "text follows the closing quotation mark; double the quotation marks inside the cell"
    return "the opening quotation mark is never closed; close or remove it"


def _content_fault(text: str, cells: list[str], delimiter: str, limits: Limits) -> _Fault | None:
    if len(cells) > limits.columns:
        return _Fault(0, f"the row has {len(cells)} columns; at most {limits.columns} are taken")
    if len(text) > limits.cell:
        for column, cell in enumerate(cells, start=1):
            if len(cell) > limits.cell:
                return _Fault(column, f"the cell has {len(cell)} characters; at most {limits.cell} are taken")
    if ("\ufffd" in text or not text.isprintable()) and (found := _REFUSED[delimiter].search(text)):
        column = _QUOTED_PART.sub("", text[: found.start()]).count(delimiter) + 1
        return _Fault(column, _character_fault(found[0]))
    return None


def _character_fault(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "the row is not UTF-8; save the file as CSV UTF-8"
    return f"the cell holds the character {code_point(character)}; {_REMEDY.get(character, 'remove it')}"


# ------------------------------------------------------------------------------------------------ rows to cells

_SHORTENED: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+[0-9]+")
_UNWRITABLE: Final = re.compile(f"[{_NOT_TEXT}]")


def _parsed(row: Row, cells: list[str], sheet: Sheet, parse: Callable[[int, list[str]], T]) -> T | RowProblem:
    width = len(sheet.columns)
    if len(cells) != width:
        return sheet.problem(row, "row", f"the number of cells is {len(cells)} instead of {width}; compare other rows")
    try:
        return parse(row.line, cells)
    except BadField as bad:
        return sheet.problem(row, bad.field, bad.reason)


def _cut_again(row: Row, sheet: Sheet) -> Row | RowProblem:
    """Cut a row of a failures file that could not be cut before, unless whoever corrected it has spread it himself."""
    own = sheet.cells(row)
    if row.cells[2:3] != [WHOLE_ROW] or not any(own) or any(own[1:]):
        return row
    cells = _split(own[0], _delimiter(own[0]))
    if isinstance(cells, _Fault):
        name = sheet.columns[cells.column - 1] if cells.column <= len(sheet.columns) else "row"
        place = sheet.margin + cells.column
        return RowProblem(row.line, place, name, cells.reason, _wrapped(own[:1]), sheet.columns, uncut=True)
    missing = len(sheet.columns) - len(cells)
    return replace(row, cells=[*row.cells[: sheet.margin], *cells, *[""] * missing])


def _behind(text: str, margin: int) -> str:
    """The text of an uncut row without the columns of the failures file that it stood in."""
    pattern, at = _CELL[_delimiter(text)], 0
    for _ in range(margin):
        found = pattern.match(text, at)
        if found is None or not found[3]:
            return text
        at = found.end()
    return text[at:]


def _wrapped(cells: Iterable[str]) -> tuple[Secret, ...]:
    return tuple(Secret.of(_UNWRITABLE.sub(_numbered, cell)) for cell in cells)


def _numbered(found: re.Match[str]) -> str:
    """Write what is not text as U+FFFD and a number; as U+FFFD is refused, it must be corrected to be taken."""
    number = ord(found[0])
    octet = number - 0xDC00 if 0xDC80 <= number <= 0xDCFF else number
    return f"\ufffd{octet:02X}"


def _rearmed(cell: str) -> str:
    """Take off the apostrophe of `_disarmed`; another apostrophe stays."""
    return cell[1:].strip() if cell.startswith("'") and FORMULA.match(cell, 1) else cell
