"""The directories that are set up: opened when they are first asked, opened anew when their settings change."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from vestibule.core.directories import AccountDirectory, DirectoryRecord
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.snapshot import Snapshot
from vestibule.directories.ldap.directory import LdapDirectory
from vestibule.directories.upstream_radius import UpstreamRadius
from vestibule.flows.kinds import Kind
from vestibule.wire.radius.packet import Packet


class Closing(AccountDirectory, Protocol):
    """A directory that holds connections."""

    async def close(self) -> None:
        """Give them up."""


class OpenKind(Kind, Protocol):
    """A kind that can be opened."""

    def open(self, record: DirectoryRecord) -> Closing:
        """Open a directory; nothing is connected yet. Raises Malformed for settings of a newer program."""


class LiveDirectories:
    """Has the shape `flows.kinds.Directories`; belongs to one event loop."""

    def __init__(self, kinds: Mapping[str, OpenKind], snapshot: Callable[[], Snapshot]) -> None:
        """Take the kinds, and the settings in force."""
        self._kinds = kinds
        self._snapshot = snapshot
        self._open: dict[str, tuple[DirectoryRecord, Closing]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._followed: Mapping[str, DirectoryRecord] | None = None

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What can be set up."""
        return self._kinds

    def directory_of(self, id: str) -> AccountDirectory | None:
        """The directory with this id; None for one that is not set up, or of a kind that this program does not know.

        Raises Malformed for settings that do not work on this node, such as a file of certificates that is not there.
        """
        record = self._records().get(id)
        if record is None or record.kind not in self._kinds:
            return None
        if id not in self._open:
            self._open[id] = record, self._kinds[record.kind].open(record)
        return self._open[id][1]

    def _records(self) -> Mapping[str, DirectoryRecord]:
        """What is set up now; what is not any more is closed, also when nobody asks for it again."""
        records = self._snapshot().directories
        if records is not self._followed:
            self._follow(records)
        return records

    def _follow(self, records: Mapping[str, DirectoryRecord]) -> None:
        """Close what is not set up any more, or in another way."""
        for id, (record, live) in tuple(self._open.items()):
            if records.get(id) != record:
                del self._open[id]
                self._close_soon(live)
        self._followed = records

    @property
    def upstreams(self) -> dict[str, UpstreamRadius]:
        """The RADIUS servers of others that have been asked so far, by the id of their directory."""
        return {id: live for id, (_record, live) in self._open.items() if isinstance(live, UpstreamRadius)}

    def upstream_of(self, id: str) -> UpstreamRadius | None:
        """The RADIUS servers of this directory; None for one of another kind. Raises Unavailable."""
        try:
            found = self.directory_of(id)
        except Malformed as malformed:  # wrong settings are nobody's malformed packet
            raise Unavailable(f"the directory {id!r} can not be asked: {malformed}") from None
        return found if isinstance(found, UpstreamRadius) else None

    @property
    def rests(self) -> dict[str, dict[str, tuple[bool, int]]]:
        """By directory of kind ldap and server: whether it is left alone now, and how often it has been."""
        return {id: live.rests for id, (_record, live) in self._open.items() if isinstance(live, LdapDirectory)}

    def came_back(self, packet: Packet) -> bool:
        """Whether we ourselves asked an upstream server this; whoever waits for its answer is told so."""
        return bool(self.looped(packet))

    def looped(self, packet: Packet) -> tuple[str, ...]:
        """The directories by which we asked this ourselves; whoever waits for the answer is told so."""
        self._records()
        return tuple([id for id, one in self.upstreams.items() if one.came_back(packet)])

    async def close(self) -> None:
        """Give up all connections."""
        for _record, live in self._open.values():
            self._close_soon(live)
        self._open.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _close_soon(self, live: Closing) -> None:
        """What is under way on it fails, and its caller asks again."""
        task = asyncio.get_running_loop().create_task(live.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
