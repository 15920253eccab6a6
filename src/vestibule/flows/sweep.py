"""Sweep: close what nobody answered, write what was only counted, and forget what is old enough.

Everything here waits behind sign-ins: it reads on a reading connection and writes in small slices. Whatever is read
before a slice is looked at again inside it, because a sign-in may have come between.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from vestibule.core.attempts import Attempt
from vestibule.core.failures import KNOWN_SOURCE_SECONDS, Failures
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Channel, Idempotent, Reading, Store, Writing
from vestibule.flows.authenticate import Authenticate

SLICE = 200  # rows
TOGETHER = 32  # attempts that are closed at once: half a batch, so that sign-ins find room in it
DAY = 86400.0


class Sweep:
    """The flow. `node` is this process's name on what it leases."""

    def __init__(
        self,
        store: Store,
        authenticate: Authenticate,
        channels: Mapping[str, Channel],
        node: str,
        clock: Callable[[], float],
    ) -> None:
        """Take the pieces; `clock` gives seconds since the epoch."""
        self._store = store
        self._authenticate = authenticate
        self._channels = channels
        self._node = node
        self._clock = clock
        self._uncounted: list[Entry] = []

    # -- attempts -----------------------------------------------------------------------------------------------

    async def attempts(self) -> int:
        """Close every attempt that expired; how many. Raises Unavailable."""
        tried: set[str] = set()
        faults: list[BaseException] = []
        while expired := await self._expired(tried):
            for some in batched(expired, TOGETHER):
                ends = await asyncio.gather(*map(self._close, some), return_exceptions=True)
                faults += [end for end in ends if isinstance(end, BaseException)]
            tried.update(attempt.id for attempt in expired)
        if faults:
            raise faults[0]  # only now, so that one that cannot be closed keeps none of the others open
        return len(tried)

    async def _expired(self, tried: set[str]) -> list[Attempt]:
        """The next ones; one that was closed a moment ago may stay until its answer is forgotten."""
        now = self._clock()
        found = await self._store.read(lambda reading: reading.expired_attempts(now, SLICE))
        return [attempt for attempt in found if attempt.id not in tried]

    async def _close(self, attempt: Attempt) -> None:
        nonce = attempt.challenge.nonce if attempt.challenge else ""
        await self._authenticate.expire(attempt.id, nonce)

    # -- refusals that were counted ---------------------------------------------------------------------------------

    async def unknown_names(self) -> int:
        """Write one line for each place that asked for too many unknown names; how many. Raises Unavailable."""
        self._uncounted = self._uncounted or list(self._authenticate.unknown_names.counted(self._clock()))
        written = 0
        while entries := self._uncounted[:SLICE]:
            await self._store.change(partial(_note_all, entries=entries))
            self._uncounted = self._uncounted[len(entries) :]
            written += len(entries)
        return written

    # -- failures ---------------------------------------------------------------------------------------------------

    async def failures(self) -> int:
        """Forget places that delay nobody and are not known any more; how many. Raises Unavailable."""
        forgotten = 0
        while removed := await self._forget_slice():
            forgotten += removed
        return forgotten

    async def _forget_slice(self) -> int:
        now = self._clock()
        failed_before = now - self._store.snapshot.settings.limits.forget_source_after
        accepted_before = now - KNOWN_SOURCE_SECONDS
        idle = await self._store.read(lambda reading: reading.idle_failures(failed_before, accepted_before, SLICE))

        def act(writing: Writing) -> int:
            still = [row for row in idle if writing.get(Failures, _key(row)) == row]
            for row in still:
                writing.remove(Failures, _key(row))
            return len(still)

        return await self._store.change(act) if idle else 0

    # -- messages that somebody left behind -------------------------------------------------------------------------

    async def outbox(self, *, starting: bool = False) -> int:
        """Deal with messages whose sender is gone; how many. Raises Unavailable.

        `starting` is true before this process sends anything: what its name has leased, an earlier one left.
        """
        now, dealt, after = self._clock(), 0, ""
        while rows := await self._store.read(partial(_page, after=after)):
            for row in rows:
                dealt += await self._deal_with(row, now, starting=starting)
            after = rows[-1].id
        return dealt

    async def _deal_with(self, row: OutboxRow, now: float, *, starting: bool) -> int:
        orphaned = now >= row.leased_until or (starting and row.leased_by == self._node)
        if now >= row.message.deadline:
            return await self._drop(row, now)
        return await self._take_over(row, now) if orphaned and not row.unknown else 0

    async def _drop(self, row: OutboxRow, now: float) -> int:
        outcome = "unknown" if row.unknown else "not_known_to_be_sent"
        return await self._replace(row, None, _line(now, "message.dropped", row.message, outcome))

    async def _take_over(self, row: OutboxRow, now: float) -> int:
        """Send once more where that is harmless; else say that nobody can say."""
        if not self._resendable(row.message):
            unknown = replace(row, leased_by="", unknown=True)
            return await self._replace(row, unknown, _line(now, "message.unknown", row.message, "unknown"))
        leased = replace(row, leased_by=self._node, leased_until=row.message.deadline, fence=row.fence + 1)
        action = "message.resent" if row.leased_by else "message.begun"  # nobody has begun what a flow left here
        taken = await self._replace(row, leased, _line(now, action, row.message, "sending"))
        if taken:
            self._authenticate.resend(row.message)
        return taken

    def _resendable(self, message: Message) -> bool:
        channel: object = self._channels.get(message.channel)
        return isinstance(channel, Idempotent) and channel.idempotent

    async def _replace(self, old: OutboxRow, new: OutboxRow | None, entry: Entry) -> int:
        """1 when this row was still there, unchanged, and has been dealt with; else 0."""

        def act(writing: Writing) -> int:
            if writing.get(OutboxRow, old.id) != old:
                return 0
            if new is None:
                writing.remove(OutboxRow, old.id)
            else:
                writing.put(new)
            writing.note(entry)
            return 1

        return await self._store.change(act)

    # -- the journal ------------------------------------------------------------------------------------------------

    async def journal(self) -> int:
        """Delete lines older than the setting says, and say how many; never called while the clock is in doubt."""
        days = self._store.snapshot.settings.journal_keep_days
        if not days:
            return 0
        now = self._clock()
        before, gone = now - days * DAY, 0
        while pruned := await self._store.change(lambda writing: writing.prune_journal(before, SLICE)):
            gone += pruned
        if gone:
            detail = {"lines": gone, "before": before}
            await self._store.change(
                lambda writing: writing.note(Entry(now, EntryKind.SYSTEM, "journal.pruned", detail=detail))
            )
        return gone


def batched(attempts: Sequence[Attempt], size: int) -> Iterator[Sequence[Attempt]]:
    """Take `attempts` apart into pieces of `size`."""
    return (attempts[first : first + size] for first in range(0, len(attempts), size))


def _note_all(writing: Writing, entries: Sequence[Entry]) -> None:
    for entry in entries:
        writing.note(entry)


def _page(reading: Reading, after: str) -> list[OutboxRow]:
    return reading.page(OutboxRow, after, SLICE)


def _key(row: Failures) -> str:
    return f"{row.user_id}/{row.kind}/{row.name}"


def _line(now: float, action: str, message: Message, outcome: str) -> Entry:
    """A line about a message: who it was for stands at the attempt."""
    return Entry(
        now,
        EntryKind.SYSTEM,
        action,
        attempt_id=message.attempt_id,
        credential_id=message.credential_id,
        detail={"message": message.id, "channel": message.channel, "template": message.template, "outcome": outcome},
    )
