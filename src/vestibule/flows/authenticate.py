"""Authenticate: hand each event to the store, perform the one order that follows, go on until there is a decision."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from vestibule.core.attempts import Attempt
from vestibule.core.case import Key, KeyKind, Moment, Step
from vestibule.core.decisions import CheckPassword, Decision, Deliver, Reject, Wait
from vestibule.core.directories import AccountDirectory, Directory
from vestibule.core.engine import Engine
from vestibule.core.errors import Unavailable
from vestibule.core.events import (
    Answered,
    Began,
    Chose,
    Event,
    Expired,
    NotDelivered,
    PasswordChecked,
    PasswordUnchecked,
    Presented,
)
from vestibule.core.messages import Message
from vestibule.core.ports import Channel, Store
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.steps import outcome, question
from vestibule.flows.deliver import Carrying
from vestibule.flows.first_factor import FirstFactor
from vestibule.flows.password_checks import Check, found_elsewhere
from vestibule.flows.unknown_names import Refusal, UnknownNames
from vestibule.wire.names import name_key

CHANCE_OCTETS = 32
SETTLE_SECONDS = 10.0  # how long the store may take for an event that nobody outside waits for


@dataclass(frozen=True, slots=True)
class Beginning:
    """A door's request to let somebody in. `event_id` is equal for retransmissions and for nothing else.

    `deadline` is in `time.monotonic()` seconds; the rest as in `core.events.Began`.
    """

    event_id: str
    client_id: str
    user_name: str
    typed: Secret
    source: str
    address: str
    deadline: float
    proven: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Presentation:
    """A door's request to let in whoever a credential says they are; the rest as in `core.events.Presented`."""

    event_id: str
    client_id: str
    method: str
    credential_id: str
    memory: str
    answer: Secret
    source: str
    address: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A door's wish to be asked in another way, from the client that was asked."""

    event_id: str
    client_id: str
    user_name: str
    attempt_id: str
    nonce: str
    way: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A door's answer to an open question, from the client that asked."""

    event_id: str
    client_id: str
    user_name: str
    attempt_id: str
    nonce: str
    answer: Secret
    deadline: float


class Authenticate:
    """The flow. It knows no protocol, and not which method or channel it serves."""

    def __init__(  # noqa: PLR0917 - the pieces that apps/ puts together
        self,
        store: Store,
        engine: Engine,
        directory: Directory,
        channels: Mapping[str, Channel],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        chance: Callable[[int], bytes],
        mac: Callable[[bytes], bytes],
        directory_of: Callable[[str], AccountDirectory | None] = lambda _: None,
        gone_on: Callable[[Event, Step], None] = lambda _event, _step: None,
    ) -> None:
        """Take the pieces; `clock` gives seconds since the epoch, `mac` proves that two requests were the same.

        `directory` is ourselves, `directory_of` finds those of others by their ids; `gone_on` is told of each event
        that was settled here and now.
        """
        self._store = store
        self._engine = engine
        self._first_factor = FirstFactor(store, directory, directory_of)
        self._carrying = Carrying(store, channels, clock, monotonic)
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._mac = mac
        self._gone_on = gone_on
        self._begun: dict[str, asyncio.Future[Decision]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self.unknown_names = UnknownNames()

    async def begin(self, request: Beginning) -> Decision:
        """Decide on a new attempt. Raises Unavailable."""
        began = self._began(request)
        key = Key(KeyKind.NAME, began.user_key, request.source)
        return await self._once(request.event_id, self._run(key, began, request.event_id, request.deadline))

    async def disprove(self, request: Beginning, reason: Reason, detail: str) -> Decision:
        """Refuse an attempt whose first factor a directory of others has refused by itself. Raises Unavailable."""
        began = self._began(request)
        checked = PasswordChecked(began, False, reason, detail=detail, counted=False)
        key = Key(KeyKind.NAME, began.user_key, request.source)
        return await self._once(request.event_id, self._run(key, checked, request.event_id, request.deadline))

    async def reply(self, reply: Reply) -> Decision:
        """Decide on an answer from the client that asked. Raises Unavailable."""
        answered = Answered(reply.attempt_id, reply.nonce, reply.answer, reply.client_id, name_key(reply.user_name))
        key = Key(KeyKind.ATTEMPT, reply.attempt_id)
        return await self._run(key, answered, reply.event_id, reply.deadline)

    async def choose(self, choice: Choice) -> Decision:
        """Ask in another way, or once more in the same. Raises Unavailable."""
        chose = Chose(choice.attempt_id, choice.nonce, choice.way, choice.client_id, name_key(choice.user_name))
        key = Key(KeyKind.ATTEMPT, choice.attempt_id)
        return await self._run(key, chose, choice.event_id, choice.deadline)

    async def present(self, said: Presentation) -> Decision:
        """Decide on a credential that says whose it is, with both factors. Raises Unavailable."""
        presented = Presented(
            said.client_id, said.method, said.credential_id, said.memory, said.answer, said.source, said.address
        )
        key = Key(KeyKind.CREDENTIAL, said.credential_id, said.source)
        return await self._run(key, presented, said.event_id, said.deadline)

    async def answer(self, attempt_id: str, nonce: str, answer: Secret, event_id: str) -> Decision:
        """Decide on an answer that came in, authenticated, through another door. Raises Unavailable."""
        answered = Answered(attempt_id, nonce, answer)
        return await self._run(Key(KeyKind.ATTEMPT, attempt_id), answered, event_id, self._soon())

    async def wait(self, waiting: Wait, until: float) -> Decision:
        """Hold on until the answer comes in through another door, or close the question at `until` (monotonic).

        A message that could not be delivered turns the question into one to type. Raises Unavailable.
        """
        until = min(until, self._monotonic() + waiting.expires_at - self._clock())
        attempt = await self._store.watch(waiting.attempt_id, until)
        if attempt is None:
            return await self.expire(waiting.attempt_id, await self._open_nonce(waiting))
        if attempt.settled is None and attempt.challenge is not None:
            return question(attempt, attempt.challenge)
        return outcome(attempt)

    async def look(self, attempt_id: str, client_id: str, until: float) -> Decision:
        """How an attempt of this client stands; what is answered elsewhere is waited for, at most `until` (monotonic).

        Its question stays open when that time is over. Raises Unavailable.
        """
        attempt = await self._store.read(lambda reading: reading.get(Attempt, attempt_id))
        if attempt is None or attempt.client_id != client_id:
            return Reject(Reason.UNKNOWN_ATTEMPT)
        if attempt.awaited:
            until = min(until, self._monotonic() + attempt.expires_at - self._clock())
            attempt = await self._store.watch(attempt_id, until) or attempt
        if attempt.settled is None and self._clock() >= attempt.expires_at:
            return await self.expire(attempt_id, attempt.challenge.nonce if attempt.challenge else "")
        return outcome(attempt)

    async def expire(self, attempt_id: str, nonce: str, result: Result | None = None) -> Decision:
        """Close a question that nobody answered in time, or that somebody hung up on. Raises Unavailable."""
        event, event_id = Expired(attempt_id, nonce, result), f"{attempt_id}/{nonce}/expired"
        return await self._run(Key(KeyKind.ATTEMPT, attempt_id), event, event_id, self._soon())

    async def lost(self, missed: NotDelivered) -> Decision:
        """Go on without a message that surely did not reach the person. Raises Unavailable."""
        event_id = f"{missed.nonce}/not-delivered"
        return await self._run(Key(KeyKind.ATTEMPT, missed.attempt_id), missed, event_id, self._soon())

    async def _open_nonce(self, waiting: Wait) -> str:
        """The question that is open now: another may have taken the place of the one that was put first."""
        attempt = await self._store.read(lambda reading: reading.get(Attempt, waiting.attempt_id))
        return attempt.challenge.nonce if attempt and attempt.challenge else waiting.nonce

    def resend(self, message: Message) -> None:
        """Send a message that an earlier process left behind, where sending twice is harmless."""
        self._deliver_soon(message)

    async def close(self) -> None:
        """Let the messages that are being sent finish."""
        await asyncio.gather(*self._deliveries, return_exceptions=True)

    async def _once(self, event_id: str, run: Coroutine[Any, Any, Decision]) -> Decision:
        """Who begins the same again while it is being decided here gets the same answer."""
        begun = self._begun.get(event_id)
        if begun is not None:
            run.close()
            return await asyncio.shield(begun)
        begun = self._begun[event_id] = asyncio.get_running_loop().create_future()
        try:
            decision = await run
            begun.set_result(decision)
            return decision
        finally:
            del self._begun[event_id]
            if not begun.done():
                begun.set_exception(Unavailable("the same request was begun before and could not be decided"))
                begun.exception()  # mark as seen: mostly nobody asked again

    async def _run(self, key: Key, event: Event, event_id: str, deadline: float) -> Decision:
        step, ours = await self._settle(key, event, event_id, deadline)
        if ours:
            self._gone_on(event, step)
        if isinstance(step.order, CheckPassword) and isinstance(event, Began):
            check = Check(key, event, step.order, f"{event_id}/password", deadline)
            return await (self._check_password(check) if ours else self._await_check(check))
        if isinstance(step.order, Deliver) and ours:
            self._deliver_soon(step.order.message)
        return _said(step)

    async def _check_password(self, check: Check) -> Decision:
        """Go on with the directory's answer; a try that nobody found wrong is given back."""
        wrong = False
        try:
            checked = await self._look_at(check)
            wrong = not checked.right
            return await self._run(check.key, checked, check.event_id, check.deadline)
        except Unavailable:
            if not wrong:
                await self._settle(check.key, PasswordUnchecked(check.began), check.event_id, self._soon())
            raise

    async def _await_check(self, check: Check) -> Decision:
        """Take what another node finds; where it finds nothing in time, look here. The try stays its own."""
        step = await found_elsewhere(self._store, check, self._monotonic)
        if step is not None:
            return _said(step)
        return await self._run(check.key, await self._look_at(check), check.event_id, check.deadline)

    async def _look_at(self, check: Check) -> PasswordChecked:
        said = await self._first_factor.check(check.order, check.deadline)
        return PasswordChecked(
            check.began, said.right, said.refusal, said.attributes, said.detail, user_id=check.order.user_id
        )

    async def _settle(self, key: Key, event: Event, event_id: str, deadline: float) -> tuple[Step, bool]:
        """Let the store decide, or say again what was decided; and whether it was decided here and now."""
        moment = Moment(self._clock(), self._chance(CHANCE_OCTETS))
        refusal = Refusal(self.unknown_names)
        committed = None
        try:
            step = committed = await self._store.settle(
                key, event_id, lambda case: refusal.decided(self._engine.step(case, event, moment)), deadline
            )
        finally:
            ours = refusal.committed(committed)
        return step, ours

    def _deliver_soon(self, message: Message) -> None:
        """Send behind the decision's back: its row is committed, and the person who waits need not wait for it."""
        delivery = asyncio.create_task(self._deliver(message))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def _deliver(self, message: Message) -> None:
        """Carry it; where the store is away its row stays, and is swept after its deadline."""
        with contextlib.suppress(Unavailable):
            missed = await self._carrying.carry(message)
            if missed is not None:
                if message.attempt_id:
                    await self.lost(missed)
                await self._carrying.strike(message)

    def _began(self, request: Beginning) -> Began:
        user_key = name_key(request.user_name)
        return Began(
            request.client_id,
            request.user_name,
            user_key,
            request.typed,
            request.source,
            request.address,
            self._proof(request, user_key),
            request.proven,
            request.attributes,
        )

    def _proof(self, request: Beginning, user_key: str) -> str:
        """What makes two requests the same for a client that may repeat itself; nothing for the others."""
        client = self._store.snapshot.clients.get(request.client_id)
        if client is None or not client.rejoin_seconds:
            return ""
        place = [text.encode() for text in (request.client_id, user_key, request.source)]
        return self._mac(b"\0".join([*place, request.typed.reveal()])).hex()

    def _soon(self) -> float:
        return self._monotonic() + SETTLE_SECONDS


def _said(step: Step) -> Decision:
    """The word for the door. Raises Unavailable when the step gave the event up."""
    if step.decision is None:
        raise Unavailable("this was given up a moment ago; a fresh request is decided anew")
    return step.decision
