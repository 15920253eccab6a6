"""How records of one kind lie in their table."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from vestibule.core.ports import Record
from vestibule.stores.vault import Vault

Row = Sequence[Any]
K = TypeVar("K", bound=Record)


@dataclass(frozen=True, slots=True)
class Shape(Generic[K]):
    """How records of one kind lie in their table, and by which text columns they can be found."""

    kind: type[K]
    table: Table
    encode: Callable[[K, Vault], Row]
    decode: Callable[[Row, Vault], K]
    found_by: tuple[str, ...] = ()
    settings: bool = False  # a change of one makes a new snapshot
    sealed_in: str = ""  # the column with what the vault seals: octets, or a list of them as JSON and Base64


def texts(text: str) -> tuple[str, ...]:
    """A list of texts as JSON."""
    return tuple(json.loads(text)) if text != "[]" else ()


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """A list of pairs of texts as JSON."""
    return tuple((name, value) for name, value in json.loads(text)) if text != "[]" else ()
