"""How a test gets its store, and the shortest ways to use one."""

import itertools
import os
import time
from collections.abc import Callable
from typing import Protocol, cast

from vestibule.core.case import Case, Decide, Key, KeyKind, Step
from vestibule.core.journal import Entry, EntryKind, Line, Query
from vestibule.core.ports import Record, Store, Writing
from vestibule.core.users import User

NODE = "mfa1"
NOBODY = Key(KeyKind.NAME, "nobody")
EVERYTHING = Query()
FROM_THE_START = (0.0, "", 0)

AnyKind = type[User]  # stands for every kind: the port is generic in it, and mypy wants to see one

_numbers = itertools.count()


class OpenStore(Protocol):
    """Opens the store of one test, on the node `NODE`; closed and opened again it has what it had, if it has a disk."""

    async def __call__(self) -> Store:
        """Open."""

    def chain_key(self, chain: str) -> bytes:
        """The key that the lines of this chain are linked with."""


class Poison(Exception):
    """What a broken decision or change raises here."""


def soon() -> float:
    """A deadline that only a store that hangs will miss."""
    return time.monotonic() + 30.0


def event_id() -> str:
    """An id that no event had before, in any process."""
    return f"event {os.getpid()}-{next(_numbers)}"


def kind_of(record: Record) -> AnyKind:
    """The kind to read and remove the record by."""
    return cast("AnyKind", type(record))


def sign_in(at: float = 1.0, action: str = "sign_in", user_id: str = "") -> Entry:
    return Entry(at, EntryKind.SIGN_IN, action, user_id=user_id)


def putting(*records: Record) -> Callable[[Writing], None]:
    """The change that puts these records."""

    def act(writing: Writing) -> None:
        for record in records:
            writing.put(record)

    return act


def noting(*entries: Entry) -> Callable[[Writing], None]:
    """The change that notes these entries."""

    def act(writing: Writing) -> None:
        for entry in entries:
            writing.note(entry)

    return act


def poisoned(case: Case) -> Step:
    """The decision that always breaks."""
    raise Poison


async def settle(store: Store, key: Key, decide: Decide) -> Step:
    """Settle a new event."""
    return await store.settle(key, event_id(), decide, soon())


async def all_of(store: Store, kind: AnyKind) -> list[User]:
    """The records of a kind, as long as they are few."""
    return await store.read(lambda reading: reading.page(kind, "", 100))


async def look(store: Store, key: Key) -> Case:
    """What a decision about `key` may look at."""
    return (await settle(store, key, Step)).case


async def lines_of(store: Store) -> list[Line]:
    """The whole journal."""
    return await store.read(lambda reading: reading.lines(EVERYTHING, FROM_THE_START, 10_000))
