"""The environment: `VESTIBULE_<SECTION>_<KEY>`, and with `_FILE` behind it the name of a file that holds the value."""

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from vestibule.apps.configuration.findings import Findings, Found
from vestibule.apps.configuration.keys import KEYS, Key
from vestibule.apps.configuration.problems import Place, Problem, Refused, meant

PREFIX = "VESTIBULE_"
CONFIGURATION_FILE = "VESTIBULE_CONFIG"
# Read by other parts of the product, so no mistake.
FOREIGN = frozenset({CONFIGURATION_FILE, "VESTIBULE_DEMO_DIR", "VESTIBULE_HTTP_PORT", "VESTIBULE_RADIUS_PORT"})

_LARGEST = 65_536
_OTHERS = stat.S_IROTH | stat.S_IWOTH
_NAMES = frozenset(name for key in KEYS.values() for name in (key.environment, key.environment_file)) | FOREIGN
_TAILS = sorted(name.removeprefix(PREFIX) for name in _NAMES)


def read(environment: Mapping[str, str]) -> Findings:
    """Take the values out of `environment`, reading the files that `_FILE` variables name."""
    values: dict[str, Found] = {}
    problems = list(_strangers(environment))
    for key in KEYS.values():
        try:
            found = _found(key, environment)
        except _Wrong as wrong:
            problems.append(Problem(wrong.place, key.name, wrong.what, wrong.remedy))
        else:
            values |= {key.name: found} if found else {}
    return Findings(values, tuple(problems))


class _Wrong(Refused):
    """A variable is refused at its place."""

    def __init__(self, place: Place, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.place = place


def _strangers(environment: Mapping[str, str]) -> Iterator[Problem]:
    for name in environment:
        if name.startswith(PREFIX) and name not in _NAMES:
            near = meant(name.removeprefix(PREFIX), _TAILS)
            remedy = (
                f"Did you mean {PREFIX}{near}?" if near else "Remove it; the page on configuration lists all variables."
            )
            yield Problem(Place(name), "", "There is no such environment variable.", remedy)


def _found(key: Key, environment: Mapping[str, str]) -> Found | None:
    plain, indirect = key.environment in environment, key.environment_file in environment
    if plain and indirect:
        raise _Wrong(
            Place(key.environment),
            f"{key.environment_file} is set, too, so it is not clear which of the two counts.",
            "Remove one of the two variables.",
        )
    if plain:
        return Found(_value(key, environment[key.environment]), Place(key.environment))
    if indirect:
        return _from_file(key, environment[key.environment_file])
    return None


def _from_file(key: Key, name: str) -> Found:
    """Read the value from the named file; only a path is repeated, not a value put there by mistake."""
    if not (name.startswith("/") and name.isprintable()):
        raise _Wrong(
            Place(key.environment_file),
            "This variable must name a file by its absolute path.",
            f"Put the value into a file and set, for example, {key.environment_file}=/run/secrets/{key.leaf}.",
        )
    place = Place(f"{key.environment_file} ({name})")
    return Found(_value(key, _content(Path(name), place, sensitive=key.sensitive)), place)


def _content(path: Path, place: Place, *, sensitive: bool) -> str:
    try:
        with os.fdopen(_opened(path), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LARGEST + 1) if stat.S_ISREG(mode) else None
    except OSError as error:
        raise _Wrong(place, f"The file cannot be read: {error.strerror}.", "Name a file this user may read.") from None
    if content is None or len(content) > _LARGEST:
        raise _Wrong(place, "This is not a plain file of at most 64 KiB.", "Name a file that holds only the value.")
    if sensitive and mode & _OTHERS:
        raise _Wrong(place, "The file may hold a password and is open to everybody.", f"Run: chmod o-rw {path}")
    return _text(content, place)


def _opened(path: Path) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _text(content: bytes, place: Place) -> str:
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise _Wrong(place, "The file is not UTF-8 text.", "Name a file that holds only the value, as text.") from None


def _value(key: Key, text: str) -> object:
    """Read text as the file would have it: lists by commas, numbers and booleans as TOML, all else as it is."""
    if key.many:
        return [item.strip() for item in text.split(",")] if text.strip() else []
    return _bare(text) if key.bare else text


def _bare(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except (ValueError, RecursionError):
        return text
