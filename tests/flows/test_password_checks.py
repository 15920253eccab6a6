"""A password that reaches two nodes is checked once, counted once, and answered by both alike."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from tests.conformance.store.opening import lines_of, look, putting
from tests.conformance.store.sign_ins import VPN, person
from tests.stores import postgresql
from vestibule.core.case import Key, KeyKind
from vestibule.core.clients import SignIn
from vestibule.core.decisions import Accept, Reject
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind
from vestibule.core.ports import Store
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa
from vestibule.flows.authenticate import Authenticate, Beginning
from vestibule.methods.totp import Totp
from vestibule.stores.memory import MemoryStore

PASSWORD = "canary-passw0rd-51c2"
ZOE = Key(KeyKind.NAME, "zoe", "here")


@dataclass
class Slow:
    """A directory that answers when it is told to; `answer` None stands for one that is away."""

    answer: bool | None = True
    asked: int = 0
    asking: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    name: str = "slow"

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        self.asked += 1
        self.asking.set()
        await self.answering.wait()
        if self.answer is None:
            raise Unavailable("away")
        return self.answer

    async def knows(self, user_id: str) -> bool:
        return True


@dataclass
class Node:
    store: Store
    directory: Slow
    flow: Authenticate

    @classmethod
    def on(cls, store: Store, *, answer: bool | None = True) -> "Node":
        directory = Slow(answer)
        flow = Authenticate(
            store,
            Engine([Totp()]),
            directory,
            {},
            time.time,
            time.monotonic,
            secrets.token_bytes,
            lambda said: said,
        )
        return cls(store, directory, flow)

    def begin(self, event_id: str = "event", seconds: float = 30.0) -> "asyncio.Task[object]":
        deadline = time.monotonic() + seconds
        asked = Beginning(event_id, VPN.id, "zoe", Secret.of(PASSWORD), "here", "", deadline)
        return asyncio.create_task(self.flow.begin(asked))


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def stores(template: postgresql.Template) -> AsyncIterator[tuple[Store, Store]]:
    """Two nodes; Zoe signs in by her password alone."""
    url = await template.copy()
    both = [await postgresql.open_node(url, template.vault, name, now=1.0) for name in ("mfa1", "mfa2")]
    await both[0].change(putting(replace(VPN, sign_in=SignIn.PASSWORD_THEN_CODE), replace(person("zoe"), mfa=Mfa.OFF)))
    yield both[0], both[1]
    for store in both:
        await store.close()


async def tries(store: Store) -> int:
    row = (await look(store, ZOE)).failures.get((FailureKind.SOURCE, "here"))
    return row.count if row else 0


@pytest.mark.requirement(20)
@pytest.mark.requirement(22)
@pytest.mark.requirement(40)
@pytest.mark.parametrize("right", [True, False])
async def test_a_retransmission_to_another_node_waits_for_the_check_that_is_under_way(
    stores: tuple[Store, Store], *, right: bool
) -> None:
    here, there = Node.on(stores[0], answer=right), Node.on(stores[1])
    first = here.begin()
    await here.directory.asking.wait()
    again = there.begin()
    assert await tries(stores[1]) == 1
    here.directory.answering.set()
    expected = Accept("zoe", ("staff",)) if right else Reject(Reason.WRONG_PASSWORD)
    async with asyncio.timeout(10):
        assert [await first, await again] == [expected, expected]
    assert (here.directory.asked, there.directory.asked) == (1, 0)
    assert await tries(stores[1]) == (0 if right else 1)
    assert len(await lines_of(stores[0])) == 1


@pytest.mark.requirement(22)
@pytest.mark.requirement(40)
async def test_a_retransmission_after_the_outcome_is_told_it_and_checks_nothing(stores: tuple[Store, Store]) -> None:
    here, there = Node.on(stores[0], answer=False), Node.on(stores[1])
    here.directory.answering.set()
    assert await here.begin() == await there.begin() == Reject(Reason.WRONG_PASSWORD)
    assert there.directory.asked == 0


@pytest.mark.requirement(20)
@pytest.mark.requirement(40)
async def test_what_a_node_that_died_has_begun_is_checked_by_the_other_and_counted_once(
    stores: tuple[Store, Store],
) -> None:
    here, there = Node.on(stores[0]), Node.on(stores[1], answer=False)
    first = here.begin()
    await here.directory.asking.wait()
    there.directory.answering.set()
    assert await there.begin(seconds=1.0) == Reject(Reason.WRONG_PASSWORD)
    assert (there.directory.asked, await tries(stores[1])) == (1, 1)
    here.directory.answering.set()  # it was not dead, only slow: what it finds now counts no more
    assert await first == Reject(Reason.WRONG_PASSWORD)
    assert await tries(stores[0]) == 1
    assert len(await lines_of(stores[0])) == 1


@pytest.mark.requirement(20)
async def test_a_node_that_can_not_take_over_leaves_the_try_where_it_is(stores: tuple[Store, Store]) -> None:
    here, there = Node.on(stores[0], answer=False), Node.on(stores[1], answer=None)
    first = here.begin()
    await here.directory.asking.wait()
    there.directory.answering.set()
    with pytest.raises(Unavailable):
        await there.begin(seconds=0.5)
    assert await tries(stores[1]) == 1
    here.directory.answering.set()
    assert await first == Reject(Reason.WRONG_PASSWORD)
    assert await tries(stores[1]) == 1


@pytest.mark.requirement(20)
async def test_a_check_that_nobody_could_make_gives_the_try_back_to_both(stores: tuple[Store, Store]) -> None:
    here, there = Node.on(stores[0], answer=None), Node.on(stores[1])
    first = here.begin()
    await here.directory.asking.wait()
    again = there.begin()
    here.directory.answering.set()
    for asked in (first, again):
        with pytest.raises(Unavailable):
            await asked
    assert (await tries(stores[1]), there.directory.asked) == (0, 0)


@pytest.mark.requirement(22)
async def test_who_begins_the_same_at_the_same_node_gets_the_same_answer() -> None:
    store = MemoryStore(bytes(32), secrets.token_bytes)
    await store.change(putting(replace(VPN, sign_in=SignIn.PASSWORD_THEN_CODE), replace(person("zoe"), mfa=Mfa.OFF)))
    node = Node.on(store)
    asked = [node.begin() for _ in range(5)]
    await node.directory.asking.wait()
    node.directory.answering.set()
    assert await asyncio.gather(*asked) == [Accept("zoe", ("staff",))] * 5
    assert node.directory.asked == 1
