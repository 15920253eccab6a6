"""Reads the text vectors of token files, and tells what a file gave as they do."""

from dataclasses import dataclass
from pathlib import Path

from tests.wire.file_vectors import blocks, escaped
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.tabular import RowProblem
from vestibule.wire.token_csv import TokenRow
from vestibule.wire.token_files import TokenFile, read_token_file

FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class TokenFileVector:
    """`line` is a line of the file, `file` a file beside the vectors; `key` (hexadecimal) or `passphrase` opens it."""

    name: str
    content: bytes
    key: Secret | None
    passphrase: Secret | None
    outcome: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def token_file_vectors() -> list[TokenFileVector]:
    return [_vector(name, lines) for name, lines in blocks("token_files.txt")]


def told(content: bytes, key: Secret | None = None, passphrase: Secret | None = None) -> tuple[str, ...]:
    """Say what reading a file gives, line by line."""
    try:
        file = read_token_file(content, "tokens", key=key, passphrase=passphrase)
    except Malformed as malformed:
        return (f"{type(malformed).__name__} | {malformed}",)
    return (f"format {file.format}", *map(_row, file.rows), *(f"note {note}" for note in file.notes))


def tokens(file: TokenFile) -> list[TokenRow]:
    return [row for row in file.rows if isinstance(row, TokenRow)]


def _row(row: TokenRow | RowProblem) -> str:
    if isinstance(row, RowProblem):
        return f"problem {row.line} | {row.column} {row.field} | {row.reason}"
    codes = f"{row.method} {row.algorithm} {row.digits} {row.period_seconds} {row.counter} {row.drift}"
    dates = f"{row.starts_at:.0f} {row.expires_at:.0f}"
    names = (row.manufacturer, row.model, row.issuer, row.owner)
    texts = (row.upn or "-", row.serial or "-", row.secret.reveal().hex(), codes, *(name or "-" for name in names))
    return f"token {row.line} | " + " | ".join((*texts, dates))


def _vector(name: str, lines: list[tuple[str, str]]) -> TokenFileVector:
    said = dict(lines)
    content = b"".join(escaped(value) + b"\n" for word, value in lines if word == "line")
    return TokenFileVector(
        name,
        (FOLDER / said["file"]).read_bytes() if "file" in said else content,
        Secret(bytes.fromhex(said["key"])) if "key" in said else None,
        Secret.of(said["passphrase"]) if "passphrase" in said else None,
        tuple(value for word, value in lines if word == "out"),
    )
