"""Kinds of values: how text from the file becomes a path, an address or a list, and what a section is.

The validators raise `Refused` and never repeat the text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from vestibule.apps.configuration.listener import Listener, listener
from vestibule.apps.configuration.problems import Refused


@dataclass(frozen=True)
class Kind:
    """How a type is called where pydantic's own name would not help a person."""

    text: str


@dataclass(frozen=True)
class DefaultText:
    """What to print as the default where it depends on the machine or on another key."""

    text: str


@dataclass(frozen=True)
class Sensitive:
    """Marks a key whose value may hold a password: it is never shown, and its `_FILE` must not be open to others."""


def as_path(value: object) -> object:
    """An absolute path; what is no text is left for the type to refuse."""
    if not isinstance(value, str):
        return value
    if not value.startswith("/"):
        raise Refused("The path does not begin with a slash, so it would depend on where the program is started.")
    if not value.isprintable():
        raise Refused("The path holds control characters.")
    return Path(value)


def as_listener(value: object) -> object:
    """An address with a port."""
    return listener(value) if isinstance(value, str) else value


def as_tuple(value: object) -> object:
    """A list, frozen."""
    return tuple(value) if isinstance(value, list) else value


AbsolutePath = Annotated[Path, BeforeValidator(as_path), Kind("an absolute path")]
OneListener = Annotated[Listener, BeforeValidator(as_listener), Kind("an IP address with a port")]


class Section(BaseModel):
    """A table of the file: frozen, strict, closed to unknown keys, and silent about values in its errors."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )
