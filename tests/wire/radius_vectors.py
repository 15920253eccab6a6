"""Reads the text vectors of RADIUS; the files say what a block is."""

from dataclasses import dataclass
from pathlib import Path

SECRET = b"xyzzy5461"

_FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class Vector:
    name: str
    lines: tuple[tuple[str, str], ...]

    def text(self, word: str) -> str:
        return "".join(value for found, value in self.lines if found == word)

    def number(self, word: str) -> int:
        return int(self.text(word))

    def octets(self, word: str) -> bytes:
        return bytes.fromhex(self.text(word))

    @property
    def attributes(self) -> tuple[tuple[int, bytes], ...]:
        pairs = [value.partition(" ") for found, value in self.lines if found == "attribute"]
        return tuple((int(kind), bytes.fromhex(octets)) for kind, _, octets in pairs)

    def __str__(self) -> str:
        return self.name


def vectors(file: str) -> list[Vector]:
    blocks = (_FOLDER / file).read_text("utf-8").split("\n\n")
    return [_vector(block.strip()) for block in blocks if not block.startswith("#")]


def _vector(block: str) -> Vector:
    name, *lines = block.split("\n")
    words = [line.partition(" ") for line in lines]
    return Vector(name, tuple((word, value.strip()) for word, _, value in words))
