"""What one slice decides about a message: may it go, by whom, at what cost; and what one writes of how it ended.

Rules of this file: the send is written as dispatching, with all that limits count, in the transaction that decides it,
before any provider is asked; a send only goes forward; a message that may have been carried is never sent again; no
line of the journal holds a number, an address or a code.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from vestibule.core import call_script
from vestibule.core.attempts import Attempt
from vestibule.core.call_sounds import Sound
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Destination, Fault, Medium, Outcome, Outgoing, Sent
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.messages import Message, Missed
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import MAIL, Phone, destination_digest, phone_of
from vestibule.core.ports import Reading, Writing
from vestibule.core.prompts import AnswerCall
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.core.sends import FINAL, MAYBE_CARRIED, OptOut, Send, SendState
from vestibule.core.sent_codes import code_of, verifying
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import User
from vestibule.flows.limits import Asking, admitted, settle_cost, uncount
from vestibule.flows.message_texts import NOTICE, Wording, worded
from vestibule.flows.numbers import Number, known_number
from vestibule.flows.routes import Leg, cost_of, legs
from vestibule.flows.shield import forbidden
from vestibule.wire.sms_text import measured

LEASE_SECONDS = 20.0  # longer than a provider may take
ID_OCTETS = 16
SAME_AGAIN = 2  # times that a provider is asked once more because it wants to be
LEAST_SECONDS = {Medium.CALL: 35.0, Medium.TEXT: 15.0, Medium.MAIL: 45.0}
"""What must be left of the time for it to be of use at all."""

NOT_SENT = {Medium.CALL: Result.NOT_DELIVERED, Medium.TEXT: Result.TEXT_NOT_SENT, Medium.MAIL: Result.NOT_DELIVERED}
LIMITS_OF_MONEY = frozenset({"money_in_day", "money_in_month", "region_money_in_day"})
VERIFY = "verify"
NUMBER_CHANGED = "number_changed"
TEST = "test"


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Ask this provider now. `begun_before` is whether a process that is gone may have done so."""

    send: Send
    outgoing: Outgoing
    fence: int
    begun_before: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is to be sent: it was dealt with, or `missed` says what the engine is told."""

    missed: Missed | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Go on: with the same provider after some seconds, or with the next one at once."""

    after: float = 0.0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A message, opened; `only` is the provider that alone may carry it, "" for any."""

    message: Message
    medium: Medium
    user: User
    credential: Credential
    wording: Wording
    application: str
    address: str
    stage: str
    only: str = ""

    @property
    def phone(self) -> Phone:
        return phone_of(self.credential)

    @property
    def number(self) -> Number | None:
        return None if self.medium is Medium.MAIL else known_number(self.credential.reach)


Able = Mapping[str, tuple[frozenset[Medium], float]]
"""Providers that can be asked now, by id: what they carry, and their health."""


class Dispatcher:
    """Decides inside slices. `mac` is HMAC under the key for codes that are sent, `node` this process's name."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        mac: Callable[[bytes], bytes],
        chance: Callable[[int], bytes],
        node: str,
        issuer: str,
    ) -> None:
        """Take the settings in force; `issuer` is what stands in messages that no application asked for."""
        self._snapshot = snapshot
        self._mac = mac
        self._chance = chance
        self._node = node
        self._issuer = issuer

    # -- before ----------------------------------------------------------------------------------------------------

    def plan(self, writing: Writing, message: Message, fence: int, now: float, able: Able) -> Dispatch | Stop:
        """What to do about a message now; `fence` is the one that was given out before, 0 at first."""
        row = writing.get(OutboxRow, message.id)
        if row is None or row.unknown or (fence and row.fence != fence):
            return Stop()
        wanted = self._opened(writing, message, now)
        if wanted is None:
            writing.remove(OutboxRow, message.id)
            writing.note(_line(now, "delivery.not_needed", message, {}))
            return Stop()
        earlier = writing.find(Send, "message_id", message.id)
        if any(one.state in MAYBE_CARRIED for one in earlier):
            writing.remove(OutboxRow, message.id)
            return Stop()
        row = replace(row, leased_by=self._node, leased_until=now + LEASE_SECONDS, fence=row.fence + 1)
        begun = next((one for one in earlier if one.state is SendState.DISPATCHING), None)
        if begun is not None:
            writing.put(row)
            return Dispatch(begun, self._outgoing(wanted, begun, now), row.fence, begun_before=True)
        return self._begin(writing, wanted, earlier, row, now, able)

    def _begin(  # noqa: PLR0917 - one slice's whole world
        self, writing: Writing, wanted: _Wanted, earlier: list[Send], row: OutboxRow, now: float, able: Able
    ) -> Dispatch | Stop:
        refusal = self._refused(writing, wanted, earlier, now)
        leg = None if refusal else self._choose(wanted, earlier, able)
        if leg is None:
            return self._stop(writing, wanted, refusal or "no_provider", now)
        asking = self._asking(writing, wanted, leg, now, again=bool(earlier))
        found = admitted(writing, asking, self._snapshot().settings.sending)
        if found.refusal:
            return self._held(writing, wanted, found.refusal, now)
        send = self._send(wanted, leg, asking, now)
        writing.put(send)
        writing.put(row)
        for alarm in found.alarms:
            writing.note(_line(now, "delivery.alarm", wanted.message, {"limit": alarm}))
        return Dispatch(send, self._outgoing(wanted, send, now), row.fence)

    def _held(self, writing: Writing, wanted: _Wanted, why: str, now: float) -> Stop:
        """A limit refuses. Who asked for the same code once more has it already, and goes on with that."""
        sent = writing.find(Send, "attempt_id", wanted.message.attempt_id) if wanted.message.attempt_id else []
        theirs = [one for one in sent if one.credential_id == wanted.credential.id and one.medium is wanted.medium]
        sending = self._snapshot().settings.sending
        good = sending.mail_seconds if wanted.medium is Medium.MAIL else sending.text_seconds
        has_it = any(one.state in MAYBE_CARRIED and now - one.begun_at < good for one in theirs)
        if wanted.medium is Medium.CALL or not has_it:
            return self._stop(writing, wanted, why, now)
        writing.remove(OutboxRow, wanted.message.id)
        writing.note(_line(now, "delivery.spared", wanted.message, {"medium": wanted.medium.value, "why": why}))
        return Stop()

    def _stop(self, writing: Writing, wanted: _Wanted, why: str, now: float) -> Stop:
        """Refuse, and say why in the journal; the row stays until the engine was told."""
        detail = {"medium": wanted.medium.value, "why": why}
        writing.note(_line(now, "delivery.refused", wanted.message, detail, wanted.user))
        if why in {"impossible_number", "no_region"} and wanted.medium is Medium.CALL:
            return Stop(Missed(Result.INVALID_NUMBER))
        known = {"deadline", "no_provider", "earlier_fault", "opted_out"}
        shielded = known | {"number_type", "region", "dear_region", "impossible_number", "no_region"}
        missed = NOT_SENT[wanted.medium] if why in shielded | LIMITS_OF_MONEY else Result.THROTTLED
        return Stop(Missed(missed))

    def _refused(self, reading: Reading, wanted: _Wanted, earlier: Iterable[Send], now: float) -> str:
        """What forbids it, whoever would carry it; "" for nothing."""
        if wanted.message.deadline - now < LEAST_SECONDS[wanted.medium]:
            return "deadline"
        if any(one.fault in {Fault.DESTINATION, Fault.POLICY} for one in earlier):
            return "earlier_fault"
        if wanted.number is None:
            return ""
        if wanted.medium is Medium.TEXT and reading.get(OptOut, self.digest(wanted.credential.reach)):
            return "opted_out"
        return forbidden(wanted.number, wanted.medium, wanted.phone, self._snapshot().settings.sending)

    def _choose(self, wanted: _Wanted, earlier: list[Send], able: Able) -> Leg | None:
        """The first of the route that has not failed with this message; a much healthier one goes before it."""
        tried = {one.provider for one in earlier if one.fault != Fault.SAME or _often_same(earlier, one.provider)}
        region = wanted.number.region if wanted.number else ""
        can = [
            leg
            for leg in legs(self._snapshot(), wanted.medium, region)
            if wanted.only in {"", leg.provider}
            if leg.provider in able and wanted.medium in able[leg.provider][0] and leg.provider not in tried
        ]
        best = max((able[leg.provider][1] for leg in can), default=0.0)
        return next((leg for leg in can if able[leg.provider][1] >= 0.6 * best), None)

    def _asking(self, writing: Writing, wanted: _Wanted, leg: Leg, now: float, *, again: bool) -> Asking:
        parts = measured(wanted.wording.text).parts if wanted.medium is Medium.TEXT else 1
        cost = cost_of(writing, self._snapshot(), leg, wanted.medium, wanted.number, parts=parts)
        to = self.digest(wanted.credential.reach)
        phone, address = wanted.phone, wanted.address
        notice = wanted.message.template == NUMBER_CHANGED or wanted.message.template.startswith(NOTICE)
        return Asking(wanted.user.id, to, wanted.number, phone, wanted.medium, address, cost, now, again, notice)

    def _send(self, wanted: _Wanted, leg: Leg, asking: Asking, now: float) -> Send:
        number = wanted.number
        return Send(
            self._chance(ID_OCTETS).hex(),
            wanted.message.id,
            wanted.message.attempt_id,
            wanted.user.id,
            wanted.credential.id,
            leg.provider,
            wanted.medium,
            sender=leg.sender,
            region=number.region if number else "",
            prefix=number.prefix if number else "",
            reserved=asking.cost,
            begun_at=now,
            memory=self._script(wanted, now) if wanted.medium is Medium.CALL else Secret(b""),
        )

    def _drawn(self, fraud_code: str) -> str:
        return call_script.confirming_digit(int.from_bytes(self._chance(4)), fraud_code)

    def _script(self, wanted: _Wanted, now: float) -> Secret:
        """How the conversation of a call begins."""
        sending, template = self._snapshot().settings.sending, wanted.message.template
        turn = call_script.begin(
            min(wanted.message.deadline, now + sending.call_seconds),
            stage=wanted.stage,
            fraud=self._snapshot().settings.fraud_block_seconds > 0 and template != VERIFY,
            code=code_of(self._mac, wanted.credential.id, verifying(wanted.credential)) if template == VERIFY else "",
            tells=Sound.TEST.value if template == TEST else "",
            confirm=self._drawn(sending.fraud_code) if sending.call_digit else "",
            extension=wanted.phone.extension,
        )
        return Secret.of(call_script.written(turn.state))

    def _outgoing(self, wanted: _Wanted, send: Send, now: float) -> Outgoing:
        """What the provider is handed."""
        return Outgoing(
            send.id,
            wanted.medium,
            Destination(wanted.credential.reach, send.region, wanted.phone.extension),
            send.sender,
            Secret(b"") if wanted.medium is Medium.CALL else Secret.of(wanted.wording.text),
            wanted.message.deadline - now,
            wanted.user.locale,
            wanted.wording.subject,
            self._issuer,
            answers=wanted.message.template == "reply",
        )

    def digest(self, address: str) -> str:
        """What stands for a number or an address where it must not be readable."""
        return destination_digest(self._mac, address)

    # -- opening ----------------------------------------------------------------------------------------------------

    def _opened(self, reading: Reading, message: Message, now: float) -> _Wanted | None:
        """The message with all that it refers to, as far as it is still needed."""
        credential = reading.get(Credential, message.credential_id)
        user = reading.get(User, credential.user_id) if credential else None
        if credential is None or user is None or not credential.reach or now >= message.deadline:
            return None
        if not message.attempt_id:
            return self._proving(message, credential, user)
        attempt = reading.get(Attempt, message.attempt_id)
        challenge = attempt.challenge if attempt and attempt.settled is None else None
        if attempt is None or challenge is None or challenge.nonce != message.id or not credential.usable(now):
            return None
        client = self._snapshot().clients.get(attempt.client_id)
        application = client.name if client else self._issuer
        medium = _medium(message, credential)
        code = "" if medium is Medium.CALL else code_of(self._mac, credential.id, challenge.memory)
        wording = self._worded(message.template, user, code, application) if code else Wording("")
        stage = challenge.prompt.stage if isinstance(challenge.prompt, AnswerCall) else ""
        return _Wanted(message, medium, user, credential, wording, application, attempt.address, stage)

    def _proving(self, message: Message, credential: Credential, user: User) -> _Wanted | None:
        """A message that is to show that a number or an address reaches its person, or one of no question at all."""
        if message.template == VERIFY and credential.state is not CredentialState.PENDING:
            return None
        medium = _medium(message, credential)
        code = code_of(self._mac, credential.id, verifying(credential)) if message.template == VERIFY else ""
        template, _, only = message.template.partition(":")
        wording = self._worded(template, user, code, self._issuer)
        return _Wanted(message, medium, user, credential, wording, self._issuer, "", "", only)

    def _worded(self, template: str, user: User, code: str, application: str) -> Wording:
        sending = self._snapshot().settings.sending
        return worded(template, user.locale, sending, code=code, application=application)

    # -- after ------------------------------------------------------------------------------------------------------

    def record(self, writing: Writing, begun: Send, sent: Sent, now: float) -> Again | Stop:
        """Write down what a provider said at once; a receipt may have come before it."""
        send = writing.get(Send, begun.id)
        if send is None:
            return Stop()
        send = replace(send, reference=send.reference or sent.reference, code=sent.code, ended_at=now)
        if sent.outcome is Outcome.REJECTED and send.state in {SendState.DISPATCHING, SendState.UNKNOWN}:
            return self._failed(writing, send, sent, now)
        if send.state not in FINAL:
            accepted = sent.outcome is Outcome.ACCEPTED
            send = replace(send, state=SendState.ACCEPTED if accepted else SendState.UNKNOWN)
        writing.put(self.priced(writing, send, sent.cost, sent.currency))
        row = writing.get(OutboxRow, send.message_id)
        if row is not None and send.state is SendState.UNKNOWN:
            writing.put(replace(row, leased_by="", unknown=True))
        elif row is not None:
            writing.remove(OutboxRow, row.id)
        writing.note(told_of(now, f"delivery.{send.state.value}", send, {"parts": sent.parts}))
        return Stop()

    def _failed(self, writing: Writing, send: Send, sent: Sent, now: float) -> Again | Stop:
        fault = sent.fault or Fault.OTHER
        settle_cost(writing, send.region, send.begun_at, -send.reserved)
        self._uncount(writing, send)
        send = replace(send, state=SendState.FAILED, fault=fault.value, reserved=0)
        writing.put(send)
        action = "delivery.alarm" if fault in {Fault.POLICY, Fault.CONFIGURATION} else "delivery.failed"
        writing.note(told_of(now, action, send, {"fault": fault.value, "code": sent.code}))
        if fault is Fault.DESTINATION and send.medium is Medium.CALL:
            return Stop(Missed(Result.INVALID_NUMBER))
        if fault in {Fault.DESTINATION, Fault.POLICY}:
            return Stop(Missed(NOT_SENT[send.medium]))
        return Again(sent.retry_after if fault is Fault.SAME else 0.0)

    def _uncount(self, writing: Writing, send: Send) -> None:
        credential = writing.get(Credential, send.credential_id)
        attempt = writing.get(Attempt, send.attempt_id) if send.attempt_id else None
        if credential is None:
            return
        number = None if send.medium is Medium.MAIL else known_number(credential.reach)
        address = attempt.address if attempt else ""
        to = self.digest(credential.reach)
        uncount(
            writing,
            Asking(send.user_id, to, number, phone_of(credential), send.medium, address, 0, send.begun_at),
        )

    def priced(self, writing: Writing, send: Send, cost: int, currency: str) -> Send:
        """The send with what it cost; the purses hold whichever is more, that or what it was taken to cost."""
        ours = self._snapshot().settings.sending.currency
        if not cost:
            return send
        paid = replace(send, cost=cost, currency=currency or ours)
        if paid.currency != ours or cost <= send.reserved:
            return paid
        settle_cost(writing, send.region, send.begun_at, cost - send.reserved)
        return replace(paid, reserved=cost)


def _often_same(earlier: Iterable[Send], provider: str) -> bool:
    return sum(one.provider == provider for one in earlier) > SAME_AGAIN


def _medium(message: Message, credential: Credential) -> Medium:
    return Medium.MAIL if credential.method == MAIL else Medium(message.channel)


def _line(now: float, action: str, message: Message, detail: Mapping[str, object], user: User | None = None) -> Entry:
    return Entry(
        now,
        EntryKind.SYSTEM,
        action,
        user_id=user.id if user else "",
        user_name=user.name if user else "",
        attempt_id=message.attempt_id,
        credential_id=message.credential_id,
        detail={"message": message.id, **detail},
    )


def told_of(now: float, action: str, send: Send, detail: Mapping[str, object]) -> Entry:
    """A line about a send: who it was for stands at the attempt."""
    said = {"provider": send.provider, "medium": send.medium.value, "region": send.region, "send": send.id}
    return Entry(
        now,
        EntryKind.SYSTEM,
        action,
        user_id=send.user_id,
        attempt_id=send.attempt_id,
        credential_id=send.credential_id,
        detail={**said, **detail},
    )
