"""Calls, texts and mail: what a provider is given to carry, and what it says of it. Plain values and small shapes.

The engine orders a `Message`. A flow opens it (the address, the code, the words), asks limits and routes, and gives it
to one provider after another as `Outgoing`: one provider's try is one send, with an id of its own. A provider decides
nothing, counts nothing and stores nothing; it turns what comes back into `Report`s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from vestibule.core.secret import Secret


class Medium(StrEnum):
    """By what somebody is reached."""

    CALL = "call"
    TEXT = "text"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it goes: a telephone number (E.164) or an e-mail address; never printed.

    `region` is the number's country (ISO 3166), "" for mail; `extension` what is keyed after the answer: digits, `,` (a
    second's pause), `*`, `#`; with `@` before it a human is asked to put it through.
    """

    address: str = field(repr=False)
    region: str = ""
    extension: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One send. `id` is its idempotency key; `sender` a number, short code, name or address, "" for the provider's own.

    `text` is what is written (nothing for a call); `subject` is for mail; `seconds` is for how long it is worth
    anything; `answers` whether the person is to reply to it.
    """

    id: str
    medium: Medium
    to: Destination
    sender: str
    text: Secret
    seconds: float
    locale: str = "en"
    subject: str = ""
    organisation: str = ""
    answers: bool = False


class Outcome(StrEnum):
    """What came of a send."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # surely not carried
    UNKNOWN = "unknown"  # it may have been carried: never again blindly


class Fault(StrEnum):
    """Why it was rejected, by what is to be done."""

    SAME = "same"  # again here, after `retry_after`
    OTHER = "other"  # by another provider
    DESTINATION = "destination"  # the number or address can not be reached: another way
    POLICY = "policy"  # forbidden there: never again, and tell
    CONFIGURATION = "configuration"  # credentials, sender, credit: open the breaker, tell, by another provider


@dataclass(frozen=True, slots=True)
class Sent:
    """What a provider says at once. `cost` is in millionths of `currency`, 0 where it does not say."""

    outcome: Outcome
    reference: str = ""
    fault: Fault | None = None
    code: str = ""
    text: str = ""
    retry_after: float = 0.0
    parts: int = 1
    cost: int = 0
    currency: str = ""


class ReportKind(StrEnum):
    """What a provider tells later."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    REPLY = "reply"  # somebody has written to one of our numbers
    OPT_OUT = "opt_out"
    COST = "cost"
    CALL = "call"  # what happened in a call, see `CallEvent`


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that a provider tells; `id` is equal for duplicates and for nothing else.

    It is about the send `send_id`, or the one with the provider's `reference`. A reply has a `sender`, a `recipient`
    and a `text`; `event` is set for calls.
    """

    id: str
    kind: ReportKind
    send_id: str = ""
    reference: str = ""
    code: str = ""
    sender: str = field(default="", repr=False)
    recipient: str = ""
    text: Secret | None = None
    cost: int = 0
    currency: str = ""
    event: "CallEvent | None" = None


class CallCause(StrEnum):
    """How a call ended, or why there was none."""

    HUNG_UP = "hung_up"  # by the person, after the answer
    DONE = "done"  # by us
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CONGESTION = "congestion"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Picked:
    """Somebody, or a machine, has answered."""

    machine: bool = False


@dataclass(frozen=True, slots=True)
class Pressed:
    """One key: 0 to 9, `*` or `#`. `after` is in seconds since the answer."""

    key: str = field(repr=False)
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Played:
    """All that was to be said has been said."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was pressed for as long as the last `Say` allowed."""


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended, or never began."""

    cause: CallCause


CallEvent = Picked | Pressed | Played | Silence | Over


@dataclass(frozen=True, slots=True)
class Say:
    """What the voice does next: keys `dial`, says `prompts` (names of sounds), listens for `listen` seconds, hangs up.

    A key that is pressed stops what is being said.
    """

    prompts: tuple[str, ...] = ()
    listen: float = 0.0
    dial: str = field(default="", repr=False)
    hang_up: bool = False


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a provider can do. `idempotent`: the same id sent twice reaches the person once."""

    media: frozenset[Medium]
    idempotent: bool = False
    receipts: bool = False
    replies: bool = False


class Provider(Protocol):
    """One account at one provider of calls, texts or mail."""

    @property
    def abilities(self) -> Abilities:
        """What it can do."""

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """Carry it before `deadline` (event-loop seconds). It never raises for what the provider does or fails to do.

        A call is begun by this; what happens in it comes as reports.
        """

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Askable(Protocol):
    """An ability: it can be asked what became of a send."""

    async def ask(self, send_id: str, reference: str, deadline: float) -> Sent | None:
        """What became of it; None when it does not know. Raises Unavailable."""


@runtime_checkable
class Cancelling(Protocol):
    """An ability: what is not needed any more can be taken back, a call hung up."""

    async def cancel(self, send_id: str, reference: str, deadline: float) -> None:
        """Take it back if that is still possible. Raises Unavailable."""


@runtime_checkable
class Talking(Protocol):
    """An ability: it carries calls, and is told what to say when something happened in one."""

    async def say(self, send_id: str, reference: str, say: Say, locale: str, deadline: float) -> None:
        """Do this in the call. Raises Unavailable when the call is gone."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A request of a provider to us.

    `url` is our public address as configured, with the path and the query as they came: what providers sign. It is
    never what the request says of its host.
    """

    method: str
    url: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What the provider is answered."""

    status: int = 204
    content_type: str = ""
    body: bytes = b""


@runtime_checkable
class Hooked(Protocol):
    """An ability: the provider calls us when it has something to tell."""

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:
        """What it tells. Pure. Raises Forged when signature or time is not right, Malformed when it makes no sense."""

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:
        """What it is answered; a call is told so what to do where the provider takes it from there (TwiML)."""


@runtime_checkable
class Listening(Protocol):
    """An ability: it has a connection of its own on which things are told (SMPP, ARI)."""

    async def listen(self, tell: "Tell") -> None:
        """Keep the connection and tell what comes, until it is cancelled."""


class Tell(Protocol):
    """Where a listening provider tells what it hears."""

    async def __call__(self, report: Report) -> None:
        """Take one report."""


class Forged(Exception):
    """A request that says it is a provider's, and is not, or is not fresh."""
