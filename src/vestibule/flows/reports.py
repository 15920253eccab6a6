"""What providers tell: receipts, costs, replies, and what happens in calls.

Duplicates and what comes out of order are harmless: a send only goes forward, and what was seen is not done again. A
receipt never proves that anybody is who they are.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential
from vestibule.core.delivery import Medium, Report, ReportKind, Say, Talking
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.events import NotDelivered
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import REPLY_USE, phone_of
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.secret import Secret
from vestibule.core.sends import FINAL, Counted, OptOut, Send, SendState
from vestibule.core.sent_codes import DIGITS, bare, code_of
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.conversing import Conversing, Said
from vestibule.flows.dispatching import NOT_SENT, Dispatcher, told_of
from vestibule.flows.provider_kinds import Providers
from vestibule.flows.sending import PROVIDER_SECONDS, Sending

DAY = 86400.0
STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "stopp", "opt out", "optout"})
START = frozenset({"start", "unstop", "yes"})
HELP = frozenset({"help", "info", "hulp"})
ANSWER_SECONDS = 300.0  # for which an answer to a text is worth sending
REPLIES_LOOKED_AT = 20


class Reports:
    """The flow. `mac` is HMAC under the key for codes that are sent."""

    def __init__(  # noqa: PLR0917 - the pieces that apps/ puts together
        self,
        store: Store,
        authenticate: Authenticate,
        sending: Sending,
        dispatcher: Dispatcher,
        providers: Providers,
        mac: Callable[[bytes], bytes],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """Take the pieces; `clock` gives seconds since the epoch."""
        self._store = store
        self._authenticate = authenticate
        self._sending = sending
        self._dispatcher = dispatcher
        self._providers = providers
        self._mac = mac
        self._clock = clock
        self._monotonic = monotonic
        self._conversing = Conversing(store, authenticate, clock)

    async def __call__(self, provider: str, report: Report) -> None:
        """Take one report of a provider with a connection of its own. Raises Unavailable."""
        await self.take(provider, report)

    async def take(self, provider: str, report: Report) -> Said | None:
        """Take one report; gives what is to be said where the provider takes it as an answer. Raises Unavailable."""
        match report.kind:
            case ReportKind.CALL:
                return await self._call(provider, report)
            case ReportKind.REPLY:
                await self._reply(provider, report)
            case ReportKind.OPT_OUT:
                await self._store.change(lambda writing: self._opt_out(writing, provider, report.sender, out=True))
            case _:
                await self._receipt(provider, report)
        return None

    # -- receipts and costs -------------------------------------------------------------------------------------------

    async def _receipt(self, provider: str, report: Report) -> None:
        lost = await self._store.change(lambda writing: self._received(writing, provider, report))
        if lost is not None:
            await self._authenticate.lost(lost)

    def _received(self, writing: Writing, provider: str, report: Report) -> NotDelivered | None:
        """Write it down; gives the event for the engine when the message surely did not arrive."""
        send = send_of(writing, provider, report)
        if send is None:
            return None
        send = self._dispatcher.priced(writing, send, report.cost, report.currency)
        if report.kind is ReportKind.COST or send.state in FINAL:
            writing.put(send)
            return None
        arrived = report.kind is ReportKind.DELIVERED
        state = SendState.DELIVERED if arrived else SendState.UNDELIVERED
        send = replace(send, state=state, code=report.code or send.code, ended_at=self._clock())
        writing.put(send)
        writing.note(told_of(self._clock(), f"delivery.{state.value}", send, {"code": report.code}))
        self._sending.breaker(provider, send.medium).receives(self._monotonic(), delivered=arrived)
        if arrived or not send.attempt_id:
            return None
        return NotDelivered(send.attempt_id, send.message_id, NOT_SENT[send.medium])

    # -- calls --------------------------------------------------------------------------------------------------------

    async def _call(self, provider: str, report: Report) -> Said | None:
        """Go on with a call; one that has no question any more is hung up."""
        send = await self._store.read(lambda reading: send_of(reading, provider, report))
        if send is None:
            return None
        said = await self._conversing.heard(send.id, report)
        live = self._provider(provider)
        if said is None or said.say is None or not isinstance(live, Talking):
            return said
        until = self._monotonic() + PROVIDER_SECONDS
        await self._spoken(live, replace(said.send, reference=send.reference or report.reference), said, until)
        return None

    @staticmethod
    async def _spoken(live: Talking, send: Send, said: Said, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await live.say(send.id, send.reference, said.say or Say(), said.locale, until)
        except (Unavailable, TimeoutError):
            return  # the call is gone; its provider tells so

    def _provider(self, id: str) -> object:
        try:
            return self._providers.provider_of(id)
        except Malformed:
            return None

    # -- replies ------------------------------------------------------------------------------------------------------

    async def _reply(self, provider: str, report: Report) -> None:
        """Somebody has written to one of our numbers: a code, or that they want no more texts."""
        text = report.text or Secret(b"")
        word = " ".join(unicodedata.normalize("NFKC", text.reveal().decode("utf-8", "replace")).lower().split())
        if word in STOP | START:
            out = word in STOP
            return await self._store.change(lambda writing: self._opt_out(writing, provider, report.sender, out=out))
        if word in HELP:
            return await self._store.change(lambda writing: self._answer(writing, provider, report, "help"))
        found = await self._store.change(lambda writing: self._replied(writing, provider, report))
        if found is not None:
            attempt_id, nonce = found
            await self._authenticate.answer(attempt_id, nonce, text, f"{provider}/{report.id}/reply")
        return None

    def _replied(self, writing: Writing, provider: str, report: Report) -> tuple[str, str] | None:
        """The question that a reply answers: of exactly this number, put from exactly the number that it came to."""
        if self._seen(writing, provider, report.id):
            return None
        digits, wrong = bare(report.text or Secret(b"")), None
        for credential in writing.find(Credential, "reach", report.sender):
            for attempt in _open(writing, credential, self._clock()):
                challenge = attempt.challenge
                if challenge is None or not _sent_from(writing, challenge.nonce, provider, report.recipient):
                    continue
                if digits[:DIGITS] == code_of(self._mac, credential.id, challenge.memory):
                    return attempt.id, challenge.nonce
                wrong = wrong or (attempt.id, challenge.nonce)
        if wrong is None and len(digits) >= DIGITS:
            self._answer(writing, provider, report, "too_late")
        return wrong

    def _answer(self, writing: Writing, provider: str, report: Report, template: str) -> None:
        """Let who wrote know something, by the same provider; what it may cost, the limits say."""
        now = self._clock()
        for credential in writing.find(Credential, "reach", report.sender):
            if REPLY_USE in phone_of(credential).uses and credential.usable(now):
                id = self._mac(f"answer {provider}/{report.id}".encode()).hex()[:32]
                to = Message(id, Medium.TEXT.value, credential.id, "", f"{template}:{provider}", now + ANSWER_SECONDS)
                return writing.put(OutboxRow(id, to, "", 0.0))
        return None

    def _seen(self, writing: Writing, provider: str, report_id: str) -> bool:
        """Whether this came before; it is remembered for a day."""
        key = f"seen/{self._mac(f'report {provider}/{report_id}'.encode()).hex()[:32]}"
        if writing.get(Counted, key) is not None:
            return True
        writing.put(Counted(key, self._clock() + DAY))
        return False

    def _opt_out(self, writing: Writing, provider: str, number: str, *, out: bool) -> None:
        id = self._dispatcher.digest(number)
        if out:
            writing.put(OptOut(id, self._clock(), provider))
        else:
            writing.remove(OptOut, id)


def send_of(reading: Reading, provider: str, report: Report) -> Send | None:
    """The send that a report is about: by our id, else by the provider's reference; never another provider's."""
    found = [reading.get(Send, report.send_id)] if report.send_id else []
    if report.reference:
        found += reading.find(Send, "reference", report.reference)
    return next((one for one in found if one is not None and one.provider == provider), None)


def _open(reading: Reading, credential: Credential, now: float) -> list[Attempt]:
    """The attempts in which a reply from this number is awaited, the newest first."""
    attempts = [
        one
        for one in reading.find(Attempt, "user_id", credential.user_id)
        if one.awaited and one.challenge is not None and now < one.expires_at
        if (one.challenge.method, one.challenge.credential_id) == ("reply", credential.id)
    ]
    return sorted(attempts, key=lambda one: one.created_at, reverse=True)[:REPLIES_LOOKED_AT]


def _sent_from(reading: Reading, message_id: str, provider: str, recipient: str) -> bool:
    sends = reading.find(Send, "message_id", message_id)
    return any(
        one.provider == provider and one.medium is Medium.TEXT and one.sender in {"", recipient} for one in sends
    )
