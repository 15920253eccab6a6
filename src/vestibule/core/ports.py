"""The shapes that rooms plug into. Small on purpose; optional abilities are separate shapes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, runtime_checkable

from vestibule.core.api_keys import ApiKey, PastRequest
from vestibule.core.attempts import Attempt
from vestibule.core.case import Decide, Key, Moment, Step
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential, Seed
from vestibule.core.directories import DirectoryRecord
from vestibule.core.failures import Failures
from vestibule.core.figures import Figures
from vestibule.core.journal import Entry, Line, Query, Tally
from vestibule.core.messages import Delivery, Message, Missed
from vestibule.core.outbox import OutboxRow
from vestibule.core.policy import Rule
from vestibule.core.prompts import Prompt
from vestibule.core.providers import Price, ProviderRecord, Route
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.core.sending import Sending
from vestibule.core.sends import Counted, OptOut, Send
from vestibule.core.sessions import Session
from vestibule.core.snapshot import Snapshot
from vestibule.core.sounds import Recording
from vestibule.core.users import Alias, Group, Password, User


@dataclass(frozen=True, slots=True)
class Passed:
    """The answer is right; these are the credential and seed with their new memory.

    `result` is told instead of the method's usual one; `others` are more credentials of the person that have changed.
    """

    credential: Credential
    seed: Seed | None = None
    result: Result | None = None
    others: tuple[Credential, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer is not right. `result` is told instead of the reason's usual one.

    `credential` is what an answer to several was compared with, as it is from now on. With `blocks` the person has
    reported a fraud and wants to be blocked.
    """

    reason: Reason
    result: Result | None = None
    credential: Credential | None = None
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Onward:
    """Neither right nor wrong: the same conversation goes on, with this memory and this prompt."""

    prompt: Prompt
    memory: str


Verification = Passed | Failed


@dataclass(frozen=True, slots=True)
class Opening:
    """How a method begins: the prompt, its own memory, a message if one must go out, seconds and tries it allows."""

    prompt: Prompt
    memory: str
    channel: str
    template: str
    seconds: float
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """To what a question is put: `credentials` of the method, one or all; `held` is all that the person has.

    `memory` is what the method kept of this question; of the last one when it is put once more, "" at first.
    `tries_left` counts the try that is being checked; of a question that is put once more, those that are left of it.
    """

    credentials: tuple[Credential, ...]
    held: tuple[Credential, ...]
    memory: str = ""
    tries_left: int = 1
    sending: Sending = field(default_factory=Sending)


class TypedMethod(Protocol):
    """A method whose code is typed and checked without a beginning: an authenticator, a token, a printed list."""

    @property
    def name(self) -> str:
        """The method's name: file, docs page, journal."""

    @property
    def result(self) -> Result:
        """The reports' name for a sign-in by this method."""

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        """How many characters a code of this credential may have."""

    def fits(self, code: str, credential: Credential) -> bool:
        """Whether `code` has this credential's shape; one that has not is not counted against it."""

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:
        """Check `code` and return the memory that makes it spent."""

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:
        """The credential and seed as a restore from a backup leaves them: nothing used since then is good again."""


class BegunMethod(Protocol):
    """A method that begins: with a message that goes out, or with a question that only a device can answer."""

    @property
    def name(self) -> str:
        """The method's name: file, docs page, journal."""

    @property
    def result(self) -> Result:
        """The reports' name for a sign-in by this method."""

    @property
    def uses(self) -> str:
        """The `method` of the credentials that it works on: its own name, or "phone" for all that reach a telephone."""

    @property
    def waits(self) -> bool:
        """Whether it is answered through another door, while the one who asked holds on."""

    @property
    def needs_web(self) -> bool:
        """Whether only a page of our own can carry its question."""

    @property
    def together(self) -> bool:
        """Whether one question is put to all credentials at once."""

    def fits(self, credential: Credential) -> bool:
        """Whether this credential can be asked in this way."""

    def label(self, credential: Credential) -> str:
        """What the person is told about which one it is: its label, or where it goes, masked."""

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Start one challenge."""

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification | Onward:
        """Check the answer against the memory of the challenge."""


@runtime_checkable
class NamedOnly(Protocol):
    """An ability of a method that begins: it may be offered only where a rule of the policy names it."""

    @property
    def named_only(self) -> bool:
        """Whether that is so."""


class Channel(Protocol):
    """Carries one message to one provider; the message's id is the idempotency key."""

    @property
    def name(self) -> str:
        """The channel's name."""

    async def send(self, message: Message, deadline: float) -> Delivery | Missed:
        """Send before `deadline` (event-loop seconds); raises Unavailable only when surely nothing was sent."""


@runtime_checkable
class Idempotent(Protocol):
    """An ability of a channel: the same message sent twice reaches the person once, by its id."""

    @property
    def idempotent(self) -> bool:
        """Whether that is so."""


Record = (
    User
    | Alias
    | Password
    | Group
    | Credential
    | Seed
    | Client
    | Rule
    | DirectoryRecord
    | Attempt
    | Failures
    | OutboxRow
    | ApiKey
    | PastRequest
    | Session
    | ProviderRecord
    | Route
    | Price
    | Send
    | Counted
    | OptOut
    | Recording
)
R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Reading(Protocol):
    """What a report or an administrative act may read: one consistent view."""

    def get(self, kind: type[R], key: str) -> R | None:
        """The record with this id (for `Failures`: "user_id/kind/name"), or None."""

    def find(self, kind: type[R], field: str, value: str) -> list[R]:
        """The records whose indexed text `field` equals `value`, in order of id; ValueError for another field."""

    def page(self, kind: type[R], after: str, limit: int) -> list[R]:
        """Up to `limit` records with ids above `after`, in order: how long lists are read in flat memory."""

    def page_by(self, kind: type[R], field: str, after: str, limit: int) -> list[R]:
        """Up to `limit` records whose unique text `field` is above `after`, in order of it; ValueError for another."""

    def count(self, kind: type[R]) -> int:
        """How many records there are."""

    def count_by(self, kind: type[R], field: str, value: str) -> int:
        """How many records there are whose indexed text `field` equals `value`; ValueError for another field."""

    def people(self, word: str, limit: int) -> list[str]:
        """The ids of up to `limit` people of whose names or e-mail address a word begins so, in order of the words.

        `word` is in the compared form (`wire.names.name_key`).
        """

    def figures(self, now: float) -> Figures:
        """How many there are; over a million people this takes a while."""

    def setting(self, name: str) -> str | None:
        """The JSON text of one setting, or None for its default."""

    def settings(self) -> dict[str, str]:
        """All settings that were changed from their defaults."""

    def lines(self, query: Query, after: tuple[float, str, int], limit: int) -> list[Line]:
        """Up to `limit` journal lines above `after` (at, chain, seq)."""

    def newest(self, query: Query, before: tuple[float, str, int] | None, limit: int) -> list[Line]:
        """Up to `limit` journal lines below `before` (at, chain, seq), None for the end; the newest first."""

    def chain(self, chain: str, after: int, limit: int) -> list[Line]:
        """Up to `limit` lines of one chain with seq above `after`, in order."""

    def tallies(self, since: float, until: float) -> list[Tally]:
        """How many sign-ins of that time ended alike, in no order; `since` is included, `until` is not."""

    def expired_attempts(self, now: float, limit: int) -> list[Attempt]:
        """Attempts that expired before `now`, oldest first."""

    def idle_failures(self, failed_before: float, accepted_before: float, limit: int) -> list[Failures]:
        """Rows without a failure since the one time and (source rows) without an accept since the other, oldest first.

        Rows of factors are among them only when they count nothing.
        """

    def state(self, name: str) -> str:
        """What the program noted for itself under this name, "" for nothing."""

    def chains(self) -> list["ChainHead"]:
        """All chains with their newest line."""


class Writing(Reading, Protocol):
    """One slice of an administrative change; it commits when the function that was handed in returns."""

    def put(self, record: Record) -> None:
        """Insert or replace by id. Raises Conflict when another record holds a unique value (name, serial)."""

    def remove(self, kind: type[R], key: str) -> None:
        """Remove if it is there."""

    def set(self, name: str, value: str | None) -> None:
        """Change one setting (JSON text), or put it back to its default with None."""

    def set_state(self, name: str, value: str) -> None:
        """Note something across restarts; "" forgets it."""

    def note(self, entry: Entry) -> None:
        """Append to the journal, in this transaction."""

    def prune_journal(self, before: float, limit: int) -> int:
        """Delete up to `limit` lines older than `before` from the beginnings of their chains; how many went."""

    def erase(self, user_id: str, limit: int) -> int:
        """Erase the personal fields of up to `limit` lines of this person; how many were erased."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest line of one chain, who wrote it, and how far its beginning has been pruned.

    `first_seq` is the oldest line kept, `first_previous_mac` the mac that it is linked to.
    """

    chain: str
    started_at: float
    server_name: str
    server_address: str
    first_seq: int
    first_previous_mac: str
    seq: int
    mac: str


class Conflict(Exception):
    """A unique value (a name, a serial number) is taken; the message names the field, not the other record."""


class Store(Protocol):
    """Runs decisions: load a case, decide, save with journal and outbox, commit, and only then answer."""

    @property
    def snapshot(self) -> Snapshot:
        """The settings that the newest batch was decided with."""

    async def settle(self, key: Key, event_id: str, decide: Decide, deadline: float) -> Step:
        """Run `decide` once for this event; an event settled in the last 60 s returns its committed step again.

        `deadline` is in `time.monotonic()` seconds. Raises Unavailable, undecided, when it passes or the queue is
        full; an exception of `decide` reaches this caller only.
        """

    async def change(self, act: Callable[[Writing], T]) -> T:
        """Run one slice (at most 200 rows or 20 ms) of a change; sign-ins go first."""

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Answer a question on a reading connection."""

    async def watch(self, attempt_id: str, until: float) -> Attempt | None:
        """Wait until the attempt is not awaited any more, at most until `until` (monotonic); None if it still is.

        None as well for an attempt that is gone.
        """

    async def close(self) -> None:
        """Finish what is under way and close."""


def pages(read_page: Callable[[str], list[R]], key: Callable[[R], str]) -> Iterator[Iterable[R]]:
    """Walk all pages: `read_page(after)` until an empty one."""
    after = ""
    while page := read_page(after):
        yield page
        after = key(page[-1])
