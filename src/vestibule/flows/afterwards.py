"""What follows for messages when a sign-in has gone on: calls are hung up, and limits learn whether a code was used."""

import asyncio
import contextlib
from collections.abc import Callable

from vestibule.core.case import Step
from vestibule.core.credentials import Credential
from vestibule.core.decisions import Accept, Deliver, Reject
from vestibule.core.errors import Unavailable
from vestibule.core.events import Event
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.phones import MAIL, phone_of
from vestibule.core.ports import Store, Writing
from vestibule.core.sends import MAYBE_CARRIED, Send
from vestibule.flows.limits import Asking, conclude
from vestibule.flows.numbers import known_number
from vestibule.flows.sending import Sending

BY_MESSAGE = frozenset({"text", "call", "reply", "mail"})
REMEMBERED = 100_000


class Afterwards:
    """Told of every event that is settled here; it does its work behind everybody's back."""

    def __init__(self, store: Store, sending: Sending, clock: Callable[[], float]) -> None:
        """Take the pieces; `clock` gives seconds since the epoch."""
        self._store = store
        self._sending = sending
        self._clock = clock
        self._begun: dict[str, None] = {}  # attempts in which something was sent from here, the oldest first
        self._tasks: set[asyncio.Task[None]] = set()

    def gone_on(self, event: Event, step: Step) -> None:  # noqa: ARG002 - the shape of the hook
        """Look whether anything follows."""
        entry = step.entry
        if isinstance(step.order, Deliver):
            self._remember(step.order.message.attempt_id)
            return self._soon(step.order.message.attempt_id, step.order.message.id, None)
        if entry is None or not entry.attempt_id or not isinstance(step.decision, Accept | Reject):
            return None
        if entry.method in BY_MESSAGE or entry.attempt_id in self._begun:
            self._begun.pop(entry.attempt_id, None)
            self._soon(entry.attempt_id, "", entry)
        return None

    def _remember(self, attempt_id: str) -> None:
        self._begun.setdefault(attempt_id)
        if len(self._begun) > REMEMBERED:
            self._begun.pop(next(iter(self._begun)))

    def _soon(self, attempt_id: str, kept: str, ended: Entry | None) -> None:
        task = asyncio.get_running_loop().create_task(self._follow(attempt_id, kept, ended))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, attempt_id: str, kept: str, ended: Entry | None) -> None:
        """Take back what was sent for another question than `kept`; count how the attempt ended, if it did."""
        with contextlib.suppress(Unavailable):
            sends = await self._store.read(lambda reading: reading.find(Send, "attempt_id", attempt_id))
            if ended is not None and sends:
                await self._store.change(lambda writing: self._conclude(writing, sends, ended))
            await self._sending.take_back([one for one in sends if one.message_id != kept])

    def _conclude(self, writing: Writing, sends: list[Send], ended: Entry) -> None:
        last = max((one for one in sends if one.state in MAYBE_CARRIED), key=lambda one: one.begun_at, default=None)
        credential = writing.get(Credential, last.credential_id) if last else None
        if last is None or credential is None or credential.method == MAIL:
            return
        used = bool(ended.accepted) and ended.credential_id == last.credential_id
        now, number = self._clock(), known_number(credential.reach)
        asking = Asking(last.user_id, "", number, phone_of(credential), last.medium, ended.client_address, 0, now)
        found = conclude(writing, asking, self._store.snapshot.settings.sending, used=used)
        for alarm in found.alarms:
            detail = {"limit": alarm, "region": last.region}
            writing.note(Entry(now, EntryKind.SYSTEM, "delivery.alarm", detail=detail))

    async def close(self) -> None:
        """Let what was begun finish."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
