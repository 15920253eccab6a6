"""Two nodes on one PostgreSQL behind real doors: a datagram that reaches both is decided once, answered the same."""

import itertools
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.journeys.nas import Nas, nas, typed_state
from tests.journeys.world import AT_ONCE, Person, World, a_client, in_process
from tests.stores import postgresql
from vestibule.core.clients import SignIn
from vestibule.core.secret import Secret
from vestibule.core.users import Password
from vestibule.wire.radius.packet import Attribute, Code, Packet

DATAGRAMS = int(os.environ.get("VESTIBULE_DATAGRAMS", "300"))
EACH = DATAGRAMS // 5  # sign-ins of each kind, each by a person of its own
AT_A_TIME = 200  # datagrams; a socket of the system has room for some hundreds
PASSWORD = "secret"
MODES = {"code": SignIn.CODE_ONLY, "both": SignIn.PASSWORD_AND_CODE, "steps": SignIn.PASSWORD_THEN_CODE}

_numbers = itertools.count()


@dataclass(frozen=True)
class Ask:
    """One request, what it must be answered with, and the sockets through which each node is asked."""

    person: Person
    request: bytes
    wanted: Code
    askers: tuple[Nas, Nas]


@dataclass(frozen=True)
class Nodes:
    """Two servers on one database, each with sockets that ask it; a socket has an identifier for 256 requests."""

    first: World
    second: World
    sockets: Sequence[tuple[Nas, Nas]]

    async def people(self, count: int) -> list[Person]:
        """New ones, with a token and the same password, known to both nodes."""
        hashed = await self.first.passwords.hash(Secret.of(PASSWORD))
        people = [Person(f"p{next(_numbers)}", PASSWORD, self.first.clock) for _ in range(count)]
        for one in people:
            await self.first.put(*one.records(), Password(one.user_id, hashed, self.first.clock()))
        return people

    def ask(self, person: Person, client: str, typed: str, wanted: Code, state: bytes = b"") -> Ask:
        askers = self.sockets[next(_numbers) % len(self.sockets)]
        named = (int(Attribute.NAS_IDENTIFIER), client.encode())
        return Ask(person, askers[0].request(person.name, typed, named, state=state), wanted, askers)

    async def asked(self, asks: Sequence[Ask], chance: random.Random) -> dict[str, Packet]:
        """Send each to both nodes, in any order, and compare the octets of the answers; by person."""
        mixed = chance.sample(asks, len(asks))
        replies: dict[str, Packet] = {}
        for start in range(0, len(mixed), AT_A_TIME):
            some = mixed[start : start + AT_A_TIME]
            tellings = [(ask, node) for ask in some for node in (0, 1)]
            chance.shuffle(tellings)
            for ask, node in tellings:
                ask.askers[node].send(ask.request)
            replies.update([await self._answer(ask) for ask in some])
        return replies

    async def _answer(self, ask: Ask) -> tuple[str, Packet]:
        one, other = [await asker.answer_to(ask.request) for asker in ask.askers]
        assert one == other, ask.person
        reply = ask.askers[0].read(one, ask.request)
        assert reply.code == ask.wanted, ask.person
        return ask.person.name, reply


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def nodes(template: postgresql.Template) -> AsyncIterator[Nodes]:
    url = await template.copy()
    async with AsyncExitStack() as opened:
        stores = [await postgresql.open_node(url, template.vault, name) for name in ("mfa1", "mfa2")]
        first, second = [await opened.enter_async_context(in_process(store, AT_ONCE)) for store in stores]
        await first.put(*(a_client(name, mode, nas_identifier=name) for name, mode in MODES.items()))
        await second.store.change(lambda _: None)  # so that it knows them, too
        sockets = [
            (await opened.enter_async_context(nas(first.radius)), await opened.enter_async_context(nas(second.radius)))
            for _ in range(4)
        ]
        yield Nodes(first, second, sockets)


@pytest.mark.requirement(40)
async def test_a_datagram_that_reaches_both_nodes_is_decided_once_and_answered_the_same(nodes: Nodes) -> None:
    chance = random.Random(7)
    people = iter(await nodes.people(5 * EACH))
    right, wrong, joined, false, slow = (list(itertools.islice(people, EACH)) for _ in range(5))
    asks = [
        *(nodes.ask(one, "code", one.press(), Code.ACCESS_ACCEPT) for one in right),
        *(nodes.ask(one, "code", one.wrong(), Code.ACCESS_REJECT) for one in wrong),
        *(nodes.ask(one, "both", PASSWORD + one.press(), Code.ACCESS_ACCEPT) for one in joined),
        *(nodes.ask(one, "both", "other" + one.press(), Code.ACCESS_REJECT) for one in false),
        *(nodes.ask(one, "steps", PASSWORD, Code.ACCESS_CHALLENGE) for one in slow),
    ]
    replies = await nodes.asked(asks, chance)
    answers = [nodes.ask(one, "steps", one.press(), Code.ACCESS_ACCEPT, typed_state(replies[one.name])) for one in slow]
    await nodes.asked(answers, chance)
    lines = Counter(line.user_name for line in await nodes.first.journal())
    assert lines == dict.fromkeys([one.name for one in [*right, *wrong, *joined, *false, *slow]], 1)


@pytest.mark.requirement(4)
async def test_a_code_that_one_node_has_accepted_is_refused_by_the_other(nodes: Nodes) -> None:
    (alice,) = await nodes.people(1)
    code = alice.press()
    accepted, refused = (nodes.ask(alice, "code", code, wanted) for wanted in (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT))
    here, there = accepted.askers[0], refused.askers[1]
    assert (await here.ask(accepted.request)).code == accepted.wanted
    assert (await there.ask(refused.request)).code == refused.wanted
