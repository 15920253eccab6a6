"""The TOML file: its values with their lines, and every name in it that means nothing."""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vestibule.apps.configuration.database import holds_password
from vestibule.apps.configuration.findings import Findings, Found
from vestibule.apps.configuration.keys import KEYS, SECTIONS, Key
from vestibule.apps.configuration.lines import key_lines, line_of
from vestibule.apps.configuration.problems import Place, Problem, meant

_SYNTAX = re.compile(r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_LEAVES = [key.leaf for key in KEYS.values()]


def read(path: Path) -> Findings:
    """Read the file at `path`."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read()
    except OSError as error:
        what = f"The file cannot be read: {error.strerror}."
        return _unusable(Place(str(path)), what, "Name a file that this user may read.")
    if mode & stat.S_IWOTH:
        return _unusable(Place(str(path)), "Everybody may change this file.", f"Run: chmod o-w {path}")
    found = _decoded(content, str(path))
    return _without_open_passwords(found, path) if mode & stat.S_IROTH else found


def _without_open_passwords(found: Findings, path: Path) -> Findings:
    """Refuse a password that everybody on this machine may read."""
    remedy = f"Run: chmod o-r {path}, and choose a new password."
    open_ones = [
        Problem(one.place, name, "A password stands here, and everybody may read this file.", remedy)
        for name, one in found.values.items()
        if KEYS[name].sensitive and holds_password(one.value)
    ]
    return replace(found, problems=(*found.problems, *open_ones))


def parsed(text: str, name: str) -> Findings:
    """Take the values out of TOML text; `name` is the file's name in places."""
    text = text.replace("\r\n", "\n")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return _broken(text, name, str(error))
    return _Reader(text, name).findings(table)


def _decoded(content: bytes, name: str) -> Findings:
    try:
        return parsed(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        place = Place(name, content.count(b"\n", 0, error.start) + 1)
        return _unusable(place, "This line is not UTF-8.", "Save the file in the encoding UTF-8.")


def _broken(text: str, name: str, message: str) -> Findings:
    """Turn the parser's message into a place and a reason."""
    syntax = _SYNTAX.fullmatch(message)
    what = syntax["what"] if syntax else message
    line = syntax["line"] if syntax else None
    place = Place(name, int(line or text.count("\n") + 1), int(syntax["column"]) if syntax and line else 0)
    return _unusable(
        place,
        f"This is not TOML: {what}.",
        "Write key = value, one a line: a text in quotes, a list in brackets, true and false in lower case.",
    )


def _unusable(place: Place, what: str, remedy: str) -> Findings:
    return Findings(problems=(Problem(place, "", what, remedy),), complete=False)


class _Reader:
    """Sorts the parsed tables of one file into values and problems."""

    def __init__(self, text: str, name: str) -> None:
        self._lines = key_lines(text)
        self._name = name

    def findings(self, table: Mapping[str, Any]) -> Findings:
        values: dict[str, Found] = {}
        problems: list[Problem] = []
        for path, value in _leaves(table):
            found = self._found(path, value)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                values[".".join(path)] = found
        return Findings(values, tuple(problems))

    def _found(self, path: tuple[str, ...], value: object) -> Found | Problem:
        place = Place(self._name, line_of(self._lines, path))
        if _known(path):
            return Found(value, place)
        return Problem(place, ".".join(path), *_unknown(path, value))


def _leaves(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Give what stands at the top and in known sections; an unknown section is one thing."""
    for name, value in table.items():
        if name in SECTIONS and isinstance(value, dict):
            yield from (((name, leaf), inner) for leaf, inner in value.items())
        else:
            yield (name,), value


def _known(path: tuple[str, ...]) -> bool:
    return all("." not in name for name in path) and ".".join(path) in KEYS


def _unknown(path: tuple[str, ...], value: object) -> tuple[str, str]:
    """Say what is wrong with a name, and which one may be meant."""
    match path:
        case (section, leaf):
            return f"The section [{section}] has no such key.", _key_meant(section, leaf)
        case (name,) if name in SECTIONS:
            return f"{name} is a section, not a key.", f"Write [{name}] on a line of its own and its keys below it."
        case (name,) if isinstance(value, dict | list):
            return "There is no such section.", _section_meant(name)
        case _:
            return "There is no such key outside the sections.", _key_meant("", path[0])


def _key_meant(section: str, leaf: str) -> str:
    inside = [key.leaf for key in KEYS.values() if key.section == section]
    near = meant(leaf, inside)
    if near:
        return f"Did you mean {near}?"
    elsewhere = [_standing(key) for key in KEYS.values() if key.leaf == meant(leaf, _LEAVES)]
    if elsewhere:
        return f"Did you mean {' or '.join(elsewhere)}?"
    return f"Remove it; the keys here are {', '.join(inside)}."


def _standing(key: Key) -> str:
    return f"{key.leaf} in [{key.section}]" if key.section else f"{key.leaf}, above the first section"


def _section_meant(name: str) -> str:
    near = meant(name, SECTIONS)
    return f"Did you mean [{near}]?" if near else f"Remove it; the sections are {', '.join(SECTIONS)}."
