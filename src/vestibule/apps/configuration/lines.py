"""Line numbers for keys, which `tomllib` does not give.

`tomllib` has accepted the text before, so this scanner only has to find its way, not to judge. It knows strings,
comments and brackets; a key inside an inline table counts as standing where that table's key stands.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

Path = tuple[str, ...]

_TOKEN = re.compile(
    r"""
      (?P<skip> [ \t\r]+ | \#[^\n]* )
    | (?P<break> \n )
    | (?P<mark> [\[\]{}=,.] )
    | (?P<text> \"{3} (?: [^"\\] | \\. | "{1,2}(?!") )* "{3,5}
              | '{3} (?: [^'] | '{1,2}(?!') )* '{3,5}
              | " (?: [^"\\\n] | \\. )* "
              | ' [^'\n]* ' )
    | (?P<bare> [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


def key_lines(text: str) -> dict[Path, int]:
    """Map each table header and key of a valid TOML text to the line (from 1) on which it first stands."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for line, tokens in _statements(text):
        if tokens[0] == "[":
            path = table = _path(tokens)
        else:
            path = table + _path(tokens)
        lines.setdefault(path, line)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Give the line of `path`: of the first thing inside it, or else of the nearest thing around it."""
    inside = [line for known, line in lines.items() if known[: len(path)] == path]
    if inside or not path:
        return min(inside, default=1)
    return line_of(lines, path[:-1])


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give each statement's first line and tokens; a line break inside brackets or strings ends nothing."""
    line, start, depth = 1, 1, 0
    tokens: list[str] = []
    for kind, token in _tokens(text):
        if kind == "break" and not depth and tokens:
            yield start, tokens
            tokens = []
        elif kind not in {"break", "skip"}:
            start = start if tokens else line
            tokens.append(token)
            depth += _DEPTH.get(token, 0)
        line += token.count("\n")
    if tokens:
        yield start, tokens


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    return ((match.lastgroup or "", match[0]) for match in _TOKEN.finditer(text))


def _path(tokens: Iterable[str]) -> Path:
    """Read the dotted key before `=`, or inside the brackets of a header."""
    named = takewhile(lambda token: token not in {"=", "]"}, tokens)
    return tuple(_name(token) for token in named if token not in {"[", "."})


def _name(token: str) -> str:
    quoted = token[0] in "\"'"
    return str(tomllib.loads(f"name = {token}")["name"]) if quoted else token
