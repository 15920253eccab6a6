"""From file and environment to a checked `Configuration`, or to one error that lists everything wrong."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from vestibule.apps.configuration import file, variables
from vestibule.apps.configuration.findings import Findings, Found
from vestibule.apps.configuration.keys import KEYS, Key
from vestibule.apps.configuration.model import Configuration
from vestibule.apps.configuration.problems import DEFAULT, ConfigurationWrong, Place, Problem, Refused
from vestibule.apps.configuration.rules import contradictions

DEFAULT_FILE = Path("/etc/vestibule/vestibule.toml")

_OUT_OF_BOUNDS = frozenset({"greater_than_equal", "less_than_equal", "literal_error"})
_CALLED: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a table"),
    (date, "a date"),
    (time, "a time"),
)


def locate(chosen: Path | None, environment: Mapping[str, str], usual: Path = DEFAULT_FILE) -> Path | None:
    """Give the file to load: the chosen one, else `VESTIBULE_CONFIG`, else the usual one if there is one, else None."""
    if chosen:
        return chosen
    named = environment.get(variables.CONFIGURATION_FILE)
    if named:
        return Path(named)
    return usual if _present(usual) else None


def _present(path: Path) -> bool:
    """True also for a file that cannot be reached: reading it then says why, where defaults would hide it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def load(path: Path | None, environment: Mapping[str, str]) -> Configuration:
    """Read the file at `path` (None = no file) and `environment` over it.

    Raises:
        ConfigurationWrong: with every name and value that is wrong.
    """
    return settle(file.read(path) if path else Findings(), variables.read(environment))


def settle(written: Findings, overriding: Findings) -> Configuration:
    """Put `overriding` over `written` and check the result; raise `ConfigurationWrong`."""
    problems = [*written.problems, *overriding.problems]
    if not written.complete:
        raise ConfigurationWrong(problems)
    found = {**written.values, **overriding.values}
    try:
        configuration = Configuration.settled(_nested(found), {name: one.place for name, one in found.items()})
    except ValidationError as error:
        raise ConfigurationWrong([*problems, *_wrong_values(error, found)]) from None
    problems = problems or list(contradictions(configuration))
    if problems:
        raise ConfigurationWrong(problems)
    return configuration


def _nested(found: Mapping[str, Found]) -> dict[str, Any]:
    """Nest dotted keys into sections, as the model has them."""
    values: dict[str, Any] = {}
    for name, one in found.items():
        section, _, leaf = name.rpartition(".")
        table = values.setdefault(section, {}) if section else values
        table[leaf] = one.value
    return values


def _wrong_values(error: ValidationError, found: Mapping[str, Found]) -> Iterator[Problem]:
    for detail in error.errors(include_url=False, include_input=False):
        name, items = _located(detail["loc"])
        one = found.get(name, Found(None, DEFAULT))
        yield Problem(one.place, _item(name, items), *_judged(KEYS[name], one, items, detail))


def _located(location: tuple[int | str, ...]) -> tuple[str, list[int]]:
    """Part pydantic's location into the dotted key and the position (from 0) in its list."""
    words = [part for part in location if isinstance(part, str)]
    return ".".join(words), [part for part in location if isinstance(part, int)]


def _item(name: str, items: list[int]) -> str:
    return f"{name}, item {items[0] + 1}" if items else name


def _judged(key: Key, one: Found, items: list[int], detail: ErrorDetails) -> tuple[str, str]:
    """Say what is wrong with a value and what to write instead."""
    refused = detail.get("ctx", {}).get("error")
    typed = detail["type"] not in _OUT_OF_BOUNDS
    what = refused.what if isinstance(refused, Refused) else _mismatch(key, one.value, items, typed=typed)
    remedy = refused.remedy if isinstance(refused, Refused) else ""
    return what, remedy or f"{key.help} Example: {_example(key, one.place)}"


def _example(key: Key, place: Place) -> str:
    return f"{key.leaf} = {key.example}" if place.line else f"{key.environment}={key.example_text}"


def _mismatch(key: Key, value: object, items: list[int], *, typed: bool) -> str:
    """Say what a value must be, and what it is where that is the trouble."""
    if items and isinstance(value, list):
        return f"Each item must be text; this is {_called(value[items[0]])}."
    return f"This must be {key.type}" + (f"; it is {_called(value)}." if typed else ".")


def _called(value: object) -> str:
    return next((name for kind, name in _CALLED if isinstance(value, kind)), "something else")
