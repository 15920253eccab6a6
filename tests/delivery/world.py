"""Somebody with a telephone, a scripted provider, and the real flows between: on memory, SQLite or PostgreSQL.

async with sending_world(store, text=Scripted()) as world:
    await world.phone("alice")
    async with nas(world.radius) as asker: …
"""

import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog

from tests.delivery.scripted import ScriptedKind
from tests.journeys.world import Clock, Person, World, a_client, in_process
from vestibule.apps.channels import LiveProviders
from vestibule.apps.delivery import methods_by_message
from vestibule.core.credentials import Credential
from vestibule.core.delivery import Medium, Provider
from vestibule.core.journal import Entry
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import MAIL, PHONE, Phone
from vestibule.core.pins import PIN, with_pin
from vestibule.core.ports import Store
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.core.sends import Counted, Send
from vestibule.flows.afterwards import Afterwards
from vestibule.flows.breaker import Breaker
from vestibule.flows.dispatching import Dispatcher
from vestibule.flows.reports import Reports
from vestibule.flows.sending import Sending
from vestibule.flows.sweep import Sweep

NUMBER = "+14255550100"
BACKUP = "+14255550177"
OLD = 1.0  # so long ago that a number is not new


def mac(said: bytes) -> bytes:
    return hmac.digest(b"the key for codes that are sent", said, "sha256")


@dataclass
class Delivering:
    """A world with the pieces of delivery beside it."""

    world: World
    live: dict[str, Provider]
    sending: dict[str, Sending]
    reports: Reports
    afterwards: Afterwards
    sweep: Sweep
    providers: LiveProviders
    people: dict[str, Person] = field(default_factory=dict)

    async def phone(
        self, name: str = "alice", number: str = NUMBER, phone: Phone | None = None, **more: str
    ) -> Credential:
        """Give somebody a number that an administrator vouched for, and make them if they are not there."""
        if name not in self.people:
            await self.world.put(a_client())
            self.people[name] = await self.world.person(name, method="")
        memory = (phone or Phone(vouched=True, changed_at=OLD, proven_at=OLD)).text()
        id = more.get("id", f"phone of {name}")
        credential = Credential(id, PHONE, self.people[name].user_id, reach=number, memory=memory)
        await self.world.put(credential)
        return credential

    async def mail(self, name: str = "alice", address: str = "alice@example.org") -> None:
        await self.world.put(Credential(f"mail of {name}", MAIL, self.people[name].user_id, reach=address))

    async def pin(self, name: str, pin: str, *, must_change: bool = False) -> None:
        bare = Credential(f"pin of {name}", PIN, self.people[name].user_id)
        await self.world.put(with_pin(mac, bare, pin, self.world.clock(), 4, must_change=must_change))

    async def sends(self) -> list[Send]:
        found = await self.world.store.read(lambda reading: reading.page(Send, "", 9999))
        return sorted(found, key=lambda one: (one.begun_at, one.provider))

    async def spent(self) -> dict[str, int]:
        """What is in each purse, in millionths."""
        rows = await self.world.store.read(lambda reading: reading.page(Counted, "", 9999))
        return {one.id: one.money for one in rows if one.id.startswith("money/")}

    def digest(self, number: str) -> str:
        return self.sending["text"]._dispatcher.digest(number)

    async def outbox(self) -> list[OutboxRow]:
        return await self.world.store.read(lambda reading: reading.page(OutboxRow, "", 9999))

    async def told(self, action: str) -> list[Entry]:
        return await self.world.journal(action)

    async def quiet(self) -> None:
        """Wait until nothing is under way any more."""
        while self.world.authenticate._deliveries or self.afterwards._tasks:
            await self.world.authenticate.close()
            await self.afterwards.close()
            await self.world.store.read(lambda _: None)


@asynccontextmanager
async def sending_world(
    store: Store, live: dict[str, Provider], *, node: str = "", clock: Clock | None = None
) -> AsyncIterator[Delivering]:
    """Open everything with these providers, by id, all of them set up."""
    now = clock or Clock()
    node = node or getattr(store, "_node", "mfa1")
    kind = ScriptedKind(live)
    providers = LiveProviders(
        {"scripted": kind}, lambda: store.snapshot, lambda id: f"https://x/{id}", structlog.get_logger()
    )
    dispatcher = Dispatcher(lambda: store.snapshot, mac, secrets.token_bytes, node, "Vestibule")
    breakers: dict[tuple[str, Medium], Breaker] = {}
    sending = {
        one.value: Sending(one.value, store, dispatcher, providers, breakers, now, time.monotonic) for one in Medium
    }
    afterwards = Afterwards(store, sending["text"], now)
    async with AsyncExitStack() as closing:
        world = await closing.enter_async_context(
            in_process(
                store,
                channels=sending,
                behind=methods_by_message(mac),
                gone_on=afterwards.gone_on,
                clock=now,
            )
        )
        for id in live:
            await world.put(ProviderRecord(id, "scripted", "{}", Secret(b"")))
        reports = Reports(store, world.authenticate, sending["text"], dispatcher, providers, mac, now, time.monotonic)
        sweep = Sweep(store, world.authenticate, sending, node, now)
        yield Delivering(world, live, sending, reports, afterwards, sweep, providers)
        await afterwards.close()
        await providers.close()
