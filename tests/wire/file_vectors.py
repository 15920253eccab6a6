"""Reads the text vectors of uploaded files; each vector file says what its blocks are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vestibule.core.errors import Malformed
from vestibule.wire.tabular import RowProblem

T = TypeVar("T")

_FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class FileVector:
    """`line` is a line of the file with its LF, `part` a piece without, both with escapes; `out` is what it gives."""

    name: str
    octets: bytes
    outcome: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def blocks(file: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Read the blocks of a file: the name, then one word per line with its value."""
    texts = (_FOLDER / file).read_text("utf-8").split("\n\n")
    return [_block(text.strip("\n")) for text in texts if not text.startswith("#")]


def file_vectors(file: str) -> list[FileVector]:
    return [
        FileVector(
            name,
            b"".join(_octets(word, value) for word, value in lines),
            tuple(value for word, value in lines if word == "out"),
        )
        for name, lines in blocks(file)
    ]


def escaped(text: str) -> bytes:
    """Read the escapes of a Python literal; everything else is UTF-8 as it stands."""
    return text.encode().decode("unicode_escape").encode("latin-1")


def told(outcomes: Iterable[T | RowProblem], tell: Callable[[T], str]) -> Iterator[str]:
    """Say each outcome in a line, as the vectors do; what stops the file is the last."""
    try:
        for outcome in outcomes:
            if isinstance(outcome, RowProblem):
                yield f"problem {outcome.line} | {outcome.column} {outcome.field} | {outcome.reason}"
            else:
                yield tell(outcome).replace("\n", "\\n")
    except Malformed as malformed:
        yield f"malformed | {malformed}"


def _block(text: str) -> tuple[str, list[tuple[str, str]]]:
    name, *lines = text.split("\n")
    words = [line.partition(" ") for line in lines]
    return name, [(word, value.strip()) for word, _, value in words]


def _octets(word: str, value: str) -> bytes:
    match word:
        case "line":
            return escaped(value) + b"\n"
        case "part":
            return escaped(value)
        case _:
            return b""
