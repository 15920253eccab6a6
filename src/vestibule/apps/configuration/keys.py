"""The catalogue of keys, read off the model: names, types, defaults and help in words for people."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from vestibule.apps.configuration.kinds import DefaultText, Kind, Section, Sensitive
from vestibule.apps.configuration.model import Configuration

_T = TypeVar("_T")


@dataclass(frozen=True)
class Key:
    """One key: `name` is dotted, `default` and `example` are in TOML notation, `environment` overrides the file.

    In the environment `many` is a list with commas, `bare` a number or boolean in TOML notation, all else plain text.
    """

    name: str
    type: str
    default: str
    example: str
    example_text: str
    help: str
    environment: str
    many: bool
    bare: bool
    sensitive: bool

    @property
    def section(self) -> str:
        """The table it stands in, empty at the top."""
        return self.name.rpartition(".")[0]

    @property
    def leaf(self) -> str:
        """The name inside its table."""
        return self.name.rpartition(".")[2]

    @property
    def environment_file(self) -> str:
        """The variable that names a file with the value."""
        return f"{self.environment}_FILE"


def toml(value: object) -> str:
    """Write a value as it would stand in the file; a key without a value is `not set`."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case _:
            return json.dumps(str(value), ensure_ascii=False)


def _plain(value: object) -> str:
    """Write a value as it would stand in the environment."""
    match value:
        case list() | tuple():
            return ",".join(map(_plain, value))
        case bool() | int() | float():
            return toml(value)
        case _:
            return str(value)


def _keys(model: type[Section], prefix: str = "") -> Iterator[Key]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys(field.annotation, f"{name}.")
        else:
            yield _key(f"{prefix}{name}", field)


def _key(name: str, field: FieldInfo) -> Key:
    example = field.examples[0] if field.examples else field.default
    return Key(
        name=name,
        type=_type(field),
        default=_default(field),
        example=toml(example),
        example_text=_plain(example),
        help=field.description or "",
        environment="VESTIBULE_" + name.replace(".", "_").upper(),
        many=get_origin(field.annotation) is tuple,
        bare=field.annotation in {bool, int, float},
        sensitive=_note(field, Sensitive) is not None,
    )


def _note(field: FieldInfo, kind: type[_T]) -> _T | None:
    """Give the field's last note of this kind: the last one is the most special."""
    return next((note for note in reversed(field.metadata) if isinstance(note, kind)), None)


def _default(field: FieldInfo) -> str:
    text = _note(field, DefaultText)
    return text.text if text else toml(field.default)


def _type(field: FieldInfo) -> str:
    kind = _note(field, Kind)
    if kind:
        return kind.text
    if get_origin(field.annotation) is Literal:
        return " or ".join(map(toml, get_args(field.annotation)))
    if field.annotation is bool:
        return "true or false"
    return f"{'a whole number' if field.annotation is int else 'a number'}{_bounds(field)}"


def _bounds(field: FieldInfo) -> str:
    low, high = _note(field, Ge), _note(field, Le)
    return f" from {low.ge} to {high.le}" if low and high else ""


def _by_name(keys: Iterable[Key]) -> Mapping[str, Key]:
    return {key.name: key for key in keys}


KEYS: Mapping[str, Key] = _by_name(_keys(Configuration))
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(key.section for key in KEYS.values() if key.section))
