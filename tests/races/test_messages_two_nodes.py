"""Two nodes on one PostgreSQL: one text for a sign-in, limits that both count in, a message that changes hands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.delivery.scripted import Scripted
from tests.delivery.world import OLD, Delivering, sending_world
from tests.journeys.nas import nas, typed_state
from tests.journeys.world import Clock
from tests.stores import postgresql
from vestibule.core.decisions import Ask
from vestibule.core.delivery import Abilities, Medium, Report, ReportKind
from vestibule.core.phones import Phone
from vestibule.core.sends import SendState
from vestibule.wire.radius.packet import Code

TEXTS = Phone(uses=("text",), vouched=True, changed_at=OLD, proven_at=OLD)


@dataclass
class Twins:
    """Two nodes, each with its own connection to the one provider."""

    first: Delivering
    second: Delivering
    providers: tuple[Scripted, Scripted]

    @property
    def sent(self) -> int:
        return sum(len(one.sent) for one in self.providers)


@asynccontextmanager
async def opened(template: postgresql.Template, abilities: Abilities) -> AsyncIterator[Twins]:
    url, clock = await template.copy(), Clock()
    providers = Scripted(abilities), Scripted(abilities)
    async with AsyncExitStack() as closing:
        nodes = []
        for name, provider in zip(("mfa1", "mfa2"), providers, strict=True):
            store = await postgresql.open_node(url, template.vault, name)
            nodes.append(
                await closing.enter_async_context(sending_world(store, {"one": provider}, node=name, clock=clock))
            )
        yield Twins(nodes[0], nodes[1], providers)


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def twins(template: postgresql.Template) -> AsyncIterator[Twins]:
    async with opened(template, Abilities(frozenset({Medium.TEXT}))) as both:
        yield both


@pytest.mark.requirement(40)
async def test_the_same_packet_to_both_nodes_sends_one_text_and_either_takes_the_code(twins: Twins) -> None:
    await twins.first.phone(phone=TEXTS)
    async with nas(twins.first.world.radius) as one, nas(twins.second.world.radius) as other:
        request = one.request("alice", "secret")
        first, second = await asyncio.gather(one.ask(request), other.ask(request))
        assert typed_state(first) == typed_state(second)
        await twins.first.quiet()
        await twins.second.quiet()
        assert twins.sent == 1
        (code,) = [code for provider in twins.providers for code in provider.codes()]
        typed = await other.ask(other.request("alice", code, state=typed_state(first)))
        assert typed.code == Code.ACCESS_ACCEPT


@pytest.mark.requirement(24)
async def test_both_nodes_count_in_the_same_limits(twins: Twins) -> None:
    await twins.first.phone(phone=TEXTS)
    await twins.first.world.set("sending.money_in_day", "0.5")
    for number in range(20):
        await twins.first.phone(f"user{number}", f"+1425{2_000_000 + 17 * number}", TEXTS)
    nodes = [twins.first, twins.second]
    await asyncio.gather(*[nodes[n % 2].world.begin(f"user{n}", "secret") for n in range(20)])
    for node in nodes:
        await node.quiet()
    assert twins.sent == 5, "half a dollar, ten cents each"
    assert set((await twins.first.spent()).values()) == {500_000}


@pytest.mark.parametrize(("idempotent", "sent"), [(False, 1), (True, 2)])
async def test_what_a_dead_node_began_the_other_takes_over_once_its_lease_is_over(
    template: postgresql.Template, *, idempotent: bool, sent: int
) -> None:
    async with opened(template, Abilities(frozenset({Medium.TEXT}), idempotent=idempotent)) as twins:
        await twins.first.phone(phone=TEXTS)
        twins.providers[0].held = asyncio.Event()
        asked = await twins.first.world.begin("alice", "secret")
        assert isinstance(asked, Ask)
        await twins.providers[0].arrived.get()
        for task in tuple(twins.first.world.authenticate._deliveries):
            task.cancel()
        await twins.first.quiet()
        assert await twins.second.sweep.outbox() == 0, "its lease still runs"
        twins.first.world.clock.later(21)
        await twins.second.sweep.outbox()
        await twins.second.quiet()
        assert twins.sent == sent
        (send,) = await twins.second.sends()
        assert send.state is (SendState.ACCEPTED if idempotent else SendState.UNKNOWN)


async def test_a_receipt_may_come_to_the_other_node(twins: Twins) -> None:
    await twins.first.phone(phone=TEXTS)
    await twins.first.world.begin("alice", "secret")
    await twins.first.quiet()
    (send,) = await twins.first.sends()
    await twins.second.reports.take("one", Report("1", ReportKind.DELIVERED, reference=send.reference))
    (send,) = await twins.first.sends()
    assert send.state is SendState.DELIVERED
