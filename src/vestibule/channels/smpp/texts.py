"""Texts over SMPP 3.4 as a transceiver: parts, receipts as text and as parameters, replies."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Final

from vestibule.channels.smpp.session import Centre, NoResponse, Refused, Session
from vestibule.core.delivery import Abilities, Fault, Medium, Outcome, Outgoing, Report, ReportKind, Sent, Tell
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.secret import Secret
from vestibule.wire.smpp.pdu import OK, RECEIVER_BUSY, SUBMIT_SM, Pdu, ShortMessage, message_body, read_id, read_message
from vestibule.wire.smpp.texts import (
    DELIVERED,
    UNDELIVERED,
    address_number,
    fault_of,
    message_text,
    number_address,
    other_notation,
    receipt,
    sender_address,
    submissions,
)

ABILITIES: Final = Abilities(frozenset({Medium.TEXT}), receipts=True, replies=True)
WINDOW: Final = 10
MOST_DELIVERED: Final = 500
LISTEN_SECONDS: Final = 10.0
PATIENCE: Final = 1.0
AGAIN_SECONDS: Final = 300.0
SETTLE_SECONDS: Final = 0.5
MOST_RESPONDED: Final = 1000


@dataclass(frozen=True, slots=True)
class Manner:
    """The usual sender, and how receipts write message ids: "same", "decimal" or "hexadecimal"."""

    sender: str = ""
    receipt_ids: str = "same"


class SmppTexts:
    """Has the shapes `Provider` and `Listening`; belongs to one event loop."""

    def __init__(self, centre: Centre, manner: Manner, clock: Callable[[], float]) -> None:
        """Nothing is connected yet; `clock` is in Unix seconds."""
        self._clock = clock
        self._centre = centre
        self._manner = manner
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._window = asyncio.Semaphore(WINDOW)
        self._marks = count(1)
        self._arrived: deque[tuple[Session, Pdu]] = deque()
        self._arrival = asyncio.Event()
        self._responded: dict[str, float] = {}
        self._heard = False
        self._closed = False

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        return ABILITIES

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`. Between the first octet and the response nobody knows."""
        try:
            session = await self._bound(deadline)
            async with asyncio.timeout_at(deadline):
                await self._window.acquire()
        except Refused as refused:
            return _rejected(refused.status)
        except (Unavailable, OSError, TimeoutError) as error:
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_carried", text=type(error).__name__)
        try:
            return await self._submit(session, self._messages(outgoing), deadline)
        except Malformed as malformed:
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="sender", text=str(malformed))
        finally:
            self._window.release()

    def _messages(self, outgoing: Outgoing) -> tuple[ShortMessage, ...]:
        text = outgoing.text.reveal().decode()
        source = sender_address(outgoing.sender or self._manner.sender)
        to = number_address(outgoing.to.address)
        return tuple(submissions(text, source, to, outgoing.seconds, next(self._marks)))

    async def _submit(self, session: Session, messages: tuple[ShortMessage, ...], deadline: float) -> Sent:
        """One after the other; the last one's id is that of its receipt."""
        bodies = [message_body(message) for message in messages]
        reference = ""
        for number, body in enumerate(bodies):
            try:
                answer = await session.ask(SUBMIT_SM, body, deadline)
            except NoResponse as error:
                return Sent(Outcome.UNKNOWN, code="lost", text=str(error))
            except Unavailable:
                return _part_way(number, Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_carried"))
            if answer.status != OK:
                return _part_way(number, _rejected(answer.status))
            reference = _id_of(answer)
        self._responded[reference] = asyncio.get_running_loop().time()
        if len(self._responded) > MOST_RESPONDED:
            del self._responded[next(iter(self._responded))]
        return Sent(Outcome.ACCEPTED, reference, parts=len(messages))

    async def _bound(self, deadline: float) -> Session:
        """The session, opened where there is none. Raises Refused, Unavailable, OSError, TimeoutError."""
        async with asyncio.timeout_at(deadline), self._opening:
            if self._closed:
                raise Unavailable("the provider is closed")
            if self._session is None or self._session.ended.is_set():
                if self._session is not None:
                    await self._session.close()
                    self._session = None
                self._session = await Session.opened(self._centre, self._deliver, deadline)
            return self._session

    def _deliver(self, session: Session, pdu: Pdu) -> bool:
        """Take on what the centre delivers, if somebody listens; if not it comes again."""
        if not self._heard or len(self._arrived) >= MOST_DELIVERED:
            return False
        self._arrived.append((session, pdu))
        self._arrival.set()
        return True

    async def listen(self, tell: Tell) -> None:
        """See `Listening`; it ends with the session. What was told is answered, what could not be told comes again."""
        self._heard = True
        try:
            session = await self._bound(asyncio.get_running_loop().time() + LISTEN_SECONDS)
            await self._pass_on(session, tell)
        except Refused as refused:
            raise Unavailable(f"the message centre refuses us: {refused}") from None
        finally:
            self._heard = False
            while self._arrived:
                session, pdu = self._arrived.popleft()
                session.answer(pdu, RECEIVER_BUSY)

    async def _pass_on(self, session: Session, tell: Tell) -> None:
        """Tell what arrives until the session ends."""
        ended = asyncio.ensure_future(session.ended.wait())
        try:
            while not ended.done():
                self._arrival.clear()
                while self._arrived:
                    await self._tell_first(tell)
                arrival = asyncio.ensure_future(self._arrival.wait())
                await asyncio.wait((ended, arrival), return_when=asyncio.FIRST_COMPLETED)
                arrival.cancel()
        finally:
            ended.cancel()

    async def _tell_first(self, tell: Tell) -> None:
        session, pdu = self._arrived[0]
        report = self._report(pdu)
        if report is not None:
            await self._settled(report.reference)
            await tell(report)
        self._arrived.popleft()
        session.answer(pdu, OK)

    async def _settled(self, reference: str) -> None:
        """Some centres report within the millisecond: until the reference is stored, nobody would know what about."""
        responded = self._responded.get(reference)
        if reference and responded is not None:
            await asyncio.sleep(max(0.0, responded + SETTLE_SECONDS - asyncio.get_running_loop().time()))

    def _report(self, pdu: Pdu) -> Report | None:
        """What was delivered; nothing for what can not be read, for it would only come again."""
        try:
            message = read_message(pdu.body)
            found = receipt(message)
            return (
                _reply(message, self._clock()) if found is None else self._receipt(found.id, found.state, found.error)
            )
        except Malformed:
            return None

    def _receipt(self, id: str, state: str, error: str) -> Report | None:
        reference = other_notation(id, self._manner.receipt_ids)
        if state in DELIVERED:
            return Report(f"{reference}/{state}", ReportKind.DELIVERED, reference=reference)
        if state in UNDELIVERED:
            code = f"{state}-{error}" if error.strip("0") else state
            return Report(f"{reference}/{state}", ReportKind.UNDELIVERED, reference=reference, code=code[:40])
        return None

    async def close(self) -> None:
        """See `Provider`."""
        self._closed = True
        async with self._opening:
            if self._session is not None:
                await self._session.close()


def _reply(message: ShortMessage, now: float) -> Report:
    """A centre gives a reply no id: the same words from the same number within a while are the same reply."""
    sender, recipient = address_number(message.source), address_number(message.destination)
    text = message_text(message)
    digest = sha256(f"{now // AGAIN_SECONDS}|{sender}|{recipient}|{text}".encode(errors="replace")).hexdigest()[:32]
    return Report(f"{digest}/received", ReportKind.REPLY, sender=sender, recipient=recipient, text=Secret.of(text))


def _id_of(answer: Pdu) -> str:
    try:
        return read_id(answer.body)
    except Malformed:
        return ""


def _rejected(status: int) -> Sent:
    fault = fault_of(status)
    patience = PATIENCE if fault is Fault.SAME else 0.0
    return Sent(Outcome.REJECTED, fault=fault, code=f"0x{status:08x}", retry_after=patience)


def _part_way(parts: int, sent: Sent) -> Sent:
    """What is said of a text of which some parts went out: a piece of it arrives."""
    return sent if parts == 0 else Sent(Outcome.UNKNOWN, code=sent.code, text=f"{parts} parts went out")
