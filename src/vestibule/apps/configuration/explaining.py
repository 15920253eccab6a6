"""Every key with the value in force and where it came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from vestibule.apps.configuration.keys import KEYS, Key, toml
from vestibule.apps.configuration.model import Configuration
from vestibule.apps.configuration.problems import DEFAULT

HIDDEN = "(hidden)"


@dataclass(frozen=True)
class Explained:
    """One row: `value` and `default` in TOML notation, `source` as `default`, `file:line` or a variable's name."""

    key: str
    type: str
    default: str
    value: str
    source: str
    environment: str
    help: str


def explain(configuration: Configuration | None = None) -> tuple[Explained, ...]:
    """List all keys in the order of the page; without a configuration the defaults are in force."""
    return tuple(_explained(configuration))


def _explained(configuration: Configuration | None) -> Iterator[Explained]:
    for key in KEYS.values():
        yield Explained(
            key=key.name,
            type=key.type,
            default=key.default,
            value=_value(key, configuration) if configuration else key.default,
            source=str(configuration.source(key.name) if configuration else DEFAULT),
            environment=key.environment,
            help=key.help,
        )


def _value(key: Key, configuration: Configuration) -> str:
    if key.sensitive and configuration.source(key.name) != DEFAULT:
        return HIDDEN
    return toml(attrgetter(key.name)(configuration))
