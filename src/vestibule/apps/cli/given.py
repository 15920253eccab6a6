"""Settings of a directory or a provider as they are given: NAME=VALUE on the command line, over a file of TOML."""

import tomllib
from collections.abc import Iterable
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.exits import Code, Stop

SettingsFile = Annotated[
    Path | None, typer.Option("--file", exists=True, dir_okay=False, metavar="FILE", help="Settings as TOML.")
]
Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE...",
        help="Settings, as base=dc=example,dc=org; a name that is repeated makes a list.",
        show_default=False,
    ),
]


def settings_of(given: Iterable[str] | None, file: Path | None) -> dict[str, Any]:
    """Settings of a file, and over them those of the command line."""
    settings = _of_file(file) if file else {}
    fresh: dict[str, Any] = {}
    for pair in given or ():
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise Stop(f"{pair} is no setting; write NAME=VALUE.", Code.USAGE)
        value = _value(text)
        fresh[name] = [*_as_list(fresh[name]), value] if name in fresh else value
    return settings | fresh


def _value(text: str) -> object:
    """A number, true, false or a list as JSON has them; everything else is a text."""
    try:
        return loads(text)
    except JSONDecodeError:
        return text


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _of_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Stop(f"{file} cannot be read as TOML: {error}", Code.USAGE) from None
