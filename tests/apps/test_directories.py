"""Directories are open while they are set up, and one that does not work here keeps no other from being followed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from tests.apps.test_background import Log
from vestibule.apps.directories import LiveDirectories
from vestibule.apps.directories.upkeep import Synchronising
from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, DirectoryRecord, Verdict
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Snapshot
from vestibule.flows.desk import Desk
from vestibule.flows.kinds import Takeover
from vestibule.flows.sync_plan import Found, Manners
from vestibule.wire.radius.packet import Packet

WORKS = DirectoryRecord("works", "any", "{}", Secret(b""))
BROKEN = DirectoryRecord("broken", "any", '{"ca_file": "/nowhere"}', Secret(b""))


@dataclass
class Corp:
    """Can be closed."""

    closed: bool = False

    async def close(self) -> None:
        self.closed = True

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        return Verdict(right=False)


@dataclass
class Openable:
    """A kind whose directories open unless their certificates are not there."""

    opened: list[Corp] = field(default_factory=list)

    def open(self, record: DirectoryRecord) -> Corp:
        if "nowhere" in record.settings:
            raise Malformed("directory broken: ca_file: /nowhere can not be read")
        self.opened.append(Corp())
        return self.opened[-1]

    def checked(self, id: str, settings: Any, secret: Secret) -> Any:  # noqa: ANN401 - nobody asks
        return settings

    def groups(self, record: DirectoryRecord) -> tuple[str, ...]:
        return ()

    def takeover(self, record: DirectoryRecord, live: AccountDirectory) -> Takeover | None:
        return Takeover(Manners(record.id), 60.0, nobody)


async def nobody(since: float) -> AsyncIterator[Found]:
    return
    yield


@dataclass
class Setting:
    """What is set up, by id."""

    snapshot: Snapshot = field(default_factory=Snapshot)

    def put(self, *records: DirectoryRecord) -> None:
        self.snapshot = replace(self.snapshot, directories={one.id: one for one in records})


async def test_a_directory_stays_open_until_it_is_changed_or_removed() -> None:
    kind, setting = Openable(), Setting()
    live = LiveDirectories({"any": kind}, lambda: setting.snapshot)
    setting.put(WORKS)
    first = live.directory_of("works")
    setting.put(WORKS, replace(WORKS, id="other"))
    assert live.directory_of("works") is first
    setting.put(replace(WORKS, version=2), replace(WORKS, id="other"))
    assert live.directory_of("works") is not first
    assert live.directory_of("unknown") is None
    setting.put(replace(WORKS, id="other"))
    assert live.directory_of("other") is not None
    await asyncio.sleep(0)
    assert [one.closed for one in kind.opened] == [True, True, False]
    setting.put()
    assert not live.came_back(Packet(1, 0, bytes(16), (), b""))
    await asyncio.sleep(0)
    assert all(one.closed for one in kind.opened)
    await live.close()


async def test_one_that_can_not_be_opened_here_keeps_no_other_back_and_is_told_once() -> None:
    setting, log = Setting(), Log()
    setting.put(BROKEN, WORKS)
    live = LiveDirectories({"any": Openable()}, lambda: setting.snapshot)
    store = cast("Any", setting)
    desk = cast("Desk", _Desk(store, live))
    synchronising = Synchronising(desk, lambda: 0.0, CollectorRegistry(), cast("FilteringBoundLogger", log))
    for _ in range(2):
        await synchronising.look()
    assert synchronising.under_way == ("works",)
    assert log.said == [
        (
            "directory not synchronised",
            {"directory": "broken", "why": "directory broken: ca_file: /nowhere can not be read"},
        )
    ]
    await synchronising.close()
    await live.close()


@dataclass
class _Desk:
    """As much of a desk as is looked at before a run begins."""

    store: Any
    directories: LiveDirectories
