"""The reference store passes the suite, and forgets a settled event after a minute of a clock that the test moves."""

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.conformance.store.opening import NOBODY, NODE, poisoned
from tests.conformance.store_suite import OpenStore, StoreSuite
from vestibule.core.case import Step
from vestibule.core.decisions import Reject
from vestibule.core.ports import Store
from vestibule.core.reasons import Reason
from vestibule.stores.memory import MemoryStore

CHAIN_KEY = bytes(range(32))


class OpenMemory:
    """Each store is a new one, for it has no disk."""

    def __init__(self) -> None:
        self.opened: list[Store] = []

    async def __call__(self) -> Store:
        self.opened.append(MemoryStore(CHAIN_KEY, secrets.token_bytes, node=NODE))
        return self.opened[-1]

    def chain_key(self, chain: str) -> bytes:
        return CHAIN_KEY


@pytest.fixture
async def open_store() -> AsyncIterator[OpenStore]:
    opening = OpenMemory()
    yield opening
    for store in opening.opened:
        await store.close()


class TestMemoryStore(StoreSuite):
    """The whole contract."""


async def test_a_settled_event_is_remembered_for_a_minute() -> None:
    now = 1000.0
    store = MemoryStore(CHAIN_KEY, secrets.token_bytes, clock=lambda: now)
    first = await store.settle(NOBODY, "event", lambda case: Step(case, Reject(Reason.BLOCKED)), now + 1)
    now += 59.9
    assert await store.settle(NOBODY, "event", poisoned, now + 1) is first
    now += 0.2
    second = await store.settle(NOBODY, "event", lambda case: Step(case, Reject(Reason.DECLINED)), now + 1)
    assert second.decision == Reject(Reason.DECLINED)


def test_a_store_does_not_print_its_key() -> None:
    store = MemoryStore(CHAIN_KEY, secrets.token_bytes)
    assert repr(CHAIN_KEY) not in repr(store._tables)
