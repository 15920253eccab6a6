"""Names that nobody has share a counted line beyond ten a minute, and only what is committed is counted."""

import secrets
import time

import pytest

from tests.conformance.store.opening import lines_of, putting
from tests.conformance.store.sign_ins import VPN
from tests.flows.desks import Nobody
from vestibule.core.case import Decide, Key, Step
from vestibule.core.decisions import Decision, Reject
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.flows.unknown_names import LINES_PER_MINUTE
from vestibule.methods.totp import Totp
from vestibule.stores.memory import MemoryStore


class Troubled(MemoryStore):
    """A store whose batches fail after they were decided, and that runs each decision again when it says so."""

    fails = False
    runs = 1

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """Decide for nothing, then once more as usual, unless the disk is full."""
        for _ in range(self.runs - 1):
            decide(self._load(key))
        if self.fails:
            decide(self._load(key))
            raise Unavailable("the disk is full")
        return await super().settle(key, event_id, decide, deadline)


@pytest.fixture
async def store() -> Troubled:
    store = Troubled(bytes(32), secrets.token_bytes)
    await store.change(putting(VPN))
    return store


def flow_on(store: MemoryStore) -> Authenticate:
    clock = 1_800_000_000.0
    return Authenticate(
        store, Engine([Totp()]), Nobody(), {}, lambda: clock, time.monotonic, secrets.token_bytes, lambda said: said
    )


async def refused(flow: Authenticate) -> Decision:
    asked = Beginning(secrets.token_hex(8), VPN.id, "nobody", Secret.of("123456"), "here", "", time.monotonic() + 20)
    return await flow.begin(asked)


async def test_a_batch_that_failed_has_written_nothing_and_counts_nothing(store: Troubled) -> None:
    flow = flow_on(store)
    store.fails = True
    for _ in range(3 * LINES_PER_MINUTE):
        with pytest.raises(Unavailable):
            await refused(flow)
    assert flow.unknown_names.counted(0.0) == ()
    store.fails = False
    for _ in range(LINES_PER_MINUTE + 3):
        assert await refused(flow) == Reject(Reason.UNKNOWN_USER)
    assert len(await lines_of(store)) == LINES_PER_MINUTE
    (line,) = flow.unknown_names.counted(0.0)
    assert line.detail == {"count": 3}


async def test_a_decision_that_is_run_again_is_counted_once(store: Troubled) -> None:
    flow = flow_on(store)
    store.runs = 4
    for _ in range(LINES_PER_MINUTE + 2):
        await refused(flow)
    assert len(await lines_of(store)) == LINES_PER_MINUTE
    (line,) = flow.unknown_names.counted(0.0)
    assert line.detail == {"count": 2}
