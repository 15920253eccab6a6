"""The providers that are set up: opened when they are first needed, opened anew when their settings change."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from vestibule.core.delivery import Listening, Provider, Report
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.snapshot import Snapshot
from vestibule.flows.provider_kinds import ProviderKind

AGAIN_SECONDS = 5.0  # before a connection that broke is listened on again


class OpenProviderKind(ProviderKind, Protocol):
    """A kind that can be opened."""

    def open(self, record: ProviderRecord, hook: str) -> Provider:
        """Open a provider; nothing is connected yet.

        `hook` is our public URL for it, ending without a slash, "" where we have no public address. Raises Malformed
        for settings of a newer program, or that need a public address where there is none.
        """


class Heard(Protocol):
    """Where what providers tell goes."""

    async def __call__(self, provider: str, report: Report) -> None:
        """Take one report of this provider."""


class LiveProviders:
    """Has the shape `flows.provider_kinds.Providers`; belongs to one event loop."""

    def __init__(
        self,
        kinds: Mapping[str, OpenProviderKind],
        snapshot: Callable[[], Snapshot],
        hook_of: Callable[[str], str],
        log: FilteringBoundLogger,
    ) -> None:
        """Take the kinds, the settings in force, and the public URL of a provider by its id."""
        self._kinds = kinds
        self._snapshot = snapshot
        self._hook_of = hook_of
        self._log = log
        self._open: dict[str, tuple[ProviderRecord, Provider]] = {}
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._followed: Mapping[str, ProviderRecord] | None = None
        self._heard: Heard | None = None
        self._complained: dict[str, ProviderRecord] = {}

    @property
    def kinds(self) -> Mapping[str, ProviderKind]:
        """What can be set up."""
        return self._kinds

    def hook_of(self, id: str) -> str:
        """The URL at which this provider tells us things; "" where we have no public address."""
        return self._hook_of(id)

    def provider_of(self, id: str) -> Provider | None:
        """The provider with this id; None for one that is not set up, or of a kind that this program does not know.

        Raises Malformed for settings that do not work on this node.
        """
        record = self._records().get(id)
        if record is None or record.kind not in self._kinds:
            return None
        if id not in self._open:
            self._open[id] = record, self._kinds[record.kind].open(record, self._hook_of(id))
            self._listen(id)
        return self._open[id][1]

    def hear(self, heard: Heard) -> None:
        """From now on tell `heard` what providers with a connection of their own tell us."""
        self._heard = heard
        for id in self._open:
            self._listen(id)

    async def look(self) -> None:
        """Open what is set up and listens, so that it is heard before anything is sent; close what is gone."""
        for id, record in self._records().items():
            try:
                self.provider_of(id)
            except Malformed as malformed:
                if self._complained.get(id) != record:  # once for each change
                    self._complained[id] = record
                    self._log.error("a provider can not be opened", provider=id, error=str(malformed))

    def _records(self) -> Mapping[str, ProviderRecord]:
        records = self._snapshot().providers
        if records is not self._followed:
            self._follow(records)
        return records

    def _follow(self, records: Mapping[str, ProviderRecord]) -> None:
        """Close what is not set up any more, or in another way."""
        for id, (record, live) in tuple(self._open.items()):
            if records.get(id) != record:
                del self._open[id]
                self._close_soon(id, live)
        self._followed = records

    async def close(self) -> None:
        """Give up all connections."""
        for id, (_record, live) in self._open.items():
            self._close_soon(id, live)
        self._open.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _close_soon(self, id: str, live: Provider) -> None:
        task = asyncio.get_running_loop().create_task(self._close(self._listening.pop(id, None), live))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @staticmethod
    async def _close(listening: asyncio.Task[None] | None, live: Provider) -> None:
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        await live.close()

    def _listen(self, id: str) -> None:
        live = self._open[id][1]
        if self._heard is not None and isinstance(live, Listening) and id not in self._listening:
            keep = self._keep_listening(id, live, self._heard)
            self._listening[id] = asyncio.get_running_loop().create_task(keep, name=f"vestibule hears {id}")

    async def _keep_listening(self, id: str, live: Listening, heard: Heard) -> None:
        """Listen until cancelled; whatever breaks is logged, and tried again."""

        async def tell(report: Report) -> None:
            await heard(id, report)

        while True:
            try:
                await live.listen(tell)
            except Exception as error:
                self._log.error("a provider is not heard", provider=id, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(AGAIN_SECONDS)
