"""Providers are opened when they are needed, opened anew when their settings change, and heard while they are there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from structlog.typing import FilteringBoundLogger

from vestibule.apps.channels import LiveProviders
from vestibule.core.delivery import Abilities, Medium, Outcome, Outgoing, Report, ReportKind, Sent, Tell
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot

ONE = ProviderRecord("one", "line", "{}", Secret(b""))


@dataclass
class Line:
    """A provider that listens until it is closed."""

    record: ProviderRecord
    hook: str
    abilities: Abilities = field(default_factory=lambda: Abilities(frozenset({Medium.TEXT})))
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    heard_off: bool = False

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        return Sent(Outcome.ACCEPTED)

    async def listen(self, tell: Tell) -> None:
        self.listening.set()
        await tell(Report("1", ReportKind.DELIVERED))
        try:
            await asyncio.Event().wait()
        finally:
            self.heard_off = True

    async def close(self) -> None:
        self.closed.set()


@dataclass
class Kind:
    media: frozenset[Medium] = frozenset({Medium.TEXT})
    opened: list[Line] = field(default_factory=list)
    wrong: bool = False

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        return settings

    def open(self, record: ProviderRecord, hook: str) -> Line:
        if self.wrong:
            raise Malformed("the file is not there")
        self.opened.append(Line(record, hook))
        return self.opened[-1]


@dataclass
class Log:
    lines: list[str] = field(default_factory=list)

    def error(self, event: str, **_: object) -> None:
        self.lines.append(event)


@dataclass
class Room:
    kind: Kind
    log: Log
    providers: LiveProviders
    snapshot: Snapshot


@pytest.fixture
def room() -> Room:
    kind, log = Kind(), Log()
    made: list[Room] = []
    live = LiveProviders(
        {"line": kind}, lambda: made[0].snapshot, lambda id: f"https://x/{id}", cast("FilteringBoundLogger", log)
    )
    made.append(Room(kind, log, live, Snapshot(providers={"one": ONE})))
    return made[0]


async def test_a_provider_is_opened_once_with_its_url(room: Room) -> None:
    assert room.providers.provider_of("one") is room.providers.provider_of("one")
    assert [line.hook for line in room.kind.opened] == ["https://x/one"]
    assert room.providers.provider_of("two") is None
    room.snapshot = Snapshot(providers={"one": replace(ONE, kind="of a newer program")})
    assert room.providers.provider_of("one") is None
    await room.providers.close()


async def test_a_change_closes_the_old_one_and_hears_the_new_one(room: Room) -> None:
    heard: list[str] = []

    async def hear(provider: str, report: Report) -> None:
        heard.append(provider)

    room.providers.hear(hear)
    await room.providers.look()
    (first,) = room.kind.opened
    await first.listening.wait()
    room.snapshot = Snapshot(providers={"one": replace(ONE, version=2)})
    await room.providers.look()
    _, second = room.kind.opened
    await first.closed.wait()
    await second.listening.wait()
    assert first.heard_off
    assert not second.heard_off
    await room.providers.close()
    assert second.closed.is_set()
    assert heard == ["one", "one"]


async def test_what_can_not_be_opened_is_told_once_for_each_change(room: Room) -> None:
    room.kind.wrong = True
    for _ in range(3):
        await room.providers.look()
    assert len(room.log.lines) == 1
    room.snapshot = Snapshot(providers={"one": replace(ONE, version=2)})
    await room.providers.look()
    assert len(room.log.lines) == 2
    with pytest.raises(Malformed):
        room.providers.provider_of("one")
