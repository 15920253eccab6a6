"""The desk that administration is done at: the store, and what else the flows need from the other rooms.

Rules of the flows that stand at it: all that belongs together is looked up, decided and written in one slice; each
slice has a line in the journal; no line's `detail` names a person or holds a secret, since it can not be erased.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, Seed
from vestibule.core.heads import Heads
from vestibule.core.journal import Entry, EntryKind, Line
from vestibule.core.ports import BegunMethod, R, Reading, Store, TypedMethod, Verification
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows.acting import HOST, Acting
from vestibule.flows.breaker import Standing
from vestibule.flows.kinds import NO_DIRECTORIES, Directories
from vestibule.flows.passkey_shapes import Passkeys
from vestibule.flows.provider_kinds import NO_PROVIDERS, Providers
from vestibule.flows.refused import Missing, Refused
from vestibule.wire.names import BadField, checked_text, name_key
from vestibule.wire.radius.dictionary import Dictionary

SLICE = 200
"""The most rows that one slice of a change writes: sign-ins wait for no more than that."""

ID_OCTETS = 16
TIME_OCTETS = 6
CHANCE_OCTETS = 32
LONGEST_TEXT = 256

Progress = Callable[[int, int | None], None]
"""Told how many are done, of how many if that is known."""

ChainFault = Callable[[Iterable[Line], str, str, int], str | None]
"""What does not fit in some lines of a chain; takes the lines, the chain, the mac before them and their first seq."""

Told = dict[str, Any]
"""What a flow tells its caller: values that JSON can carry."""


def quiet(done: int, total: int | None) -> None:
    """Tell nobody how far it is."""


@runtime_checkable
class Oath(Protocol):
    """A method of counted or timed codes, as far as administration needs it."""

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:
        """Check one code."""

    def resync(self, first: str, second: str, credential: Credential, seed: Seed, moment: Moment) -> Verification:
        """Find two consecutive codes in a wide window, and spend both."""


class Passes(Protocol):
    """The method of temporary access passes, as far as administration needs it."""

    def issue(self, credential: Credential, chance: bytes, *, once: bool) -> tuple[Credential, str]:
        """The credential of a new pass, and the pass as it is shown, this one time."""

    def once(self, credential: Credential) -> bool:
        """Whether the pass lets in a single time."""

    def used(self, credential: Credential) -> bool:
        """Whether it has let in."""


class KnownSetting(Protocol):
    """One setting as it is told to people."""

    @property
    def name(self) -> str:
        """The dotted name."""

    @property
    def default(self) -> object:
        """What holds when nothing was set."""

    @property
    def help(self) -> str:
        """One line on what it does."""

    @property
    def fits(self) -> str:
        """Which values fit, in words."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What administration works with; `apps/` puts it together."""

    store: Store
    clock: Callable[[], float]
    chance: Callable[[int], bytes]
    fingerprint: Callable[[Secret], str]
    hash_password: Callable[[Secret], Awaitable[str]]
    oath: Mapping[str, Oath]
    issue_recovery: Callable[[Credential], tuple[Credential, tuple[str, ...]]]
    methods: tuple[str, ...]  # all that a rule of the policy may name
    dictionary: Dictionary
    settings: Mapping[str, KnownSetting]
    check_settings: Callable[[Mapping[str, str]], object]  # raises ValueError: which setting does not fit
    chain_fault: ChainFault
    mac: Callable[[bytes], bytes]  # what is kept of keys that are shown once
    waiting: Callable[[], int]  # decisions that wait for their batch
    issuer: str = "Vestibule"
    directories: Directories = NO_DIRECTORIES
    known_heads: Callable[[], Heads | None] = lambda: None  # of the journal, as remembered outside of the database
    address: str = ""  # where the person sits who does it, for the journal
    portal: str = ""  # the address under which people reach its pages, without a path
    acting: Acting = HOST  # whose rights count; doors that others come through set it
    typed: Mapping[str, TypedMethod] = field(default_factory=dict)  # the methods whose code a person can say
    passes: Passes | None = None  # temporary access passes, where they are in use
    begun: tuple[BegunMethod, ...] = ()  # the methods that put a question, the most preferred first
    passkeys: Passkeys | None = None  # where they are in use
    codes_left: Callable[[Credential], int] = lambda _: 0  # of a list of recovery codes
    code_mac: Callable[[bytes], bytes] = lambda _: b""  # for codes that are sent, and PINs
    providers: Providers = NO_PROVIDERS  # of calls, texts and mail
    standings: Callable[[str], tuple[Standing, ...]] = lambda _: ()  # of a provider, as this node has met it

    def new_id(self) -> str:
        """An id that nothing has; ids rise with time, so that what is made together lies together on the disk."""
        milliseconds = int(self.clock() * 1000).to_bytes(TIME_OCTETS, "big")
        return (milliseconds + self.chance(ID_OCTETS - TIME_OCTETS)).hex()

    def moment(self) -> Moment:
        """Now, with the chance that one step may use."""
        return Moment(self.clock(), self.chance(CHANCE_OCTETS))

    def entry(
        self, action: str, actor: str, user: User | None = None, credential_id: str = "", /, **detail: object
    ) -> Entry:
        """The journal's line about one act."""
        return Entry(
            at=self.clock(),
            kind=EntryKind.ADMINISTRATION,
            action=action,
            actor=actor,
            user_id=user.id if user else "",
            user_name=user.name if user else "",
            client_address=self.address,
            credential_id=credential_id,
            detail=detail,
        )


def the_user(reading: Reading, name: str) -> User:
    """The user of this name or id; refused when there is none."""
    user = user_named(reading, name) or reading.get(User, name)
    if user is None:
        raise Missing(f"There is no user {name}. Look for the name with: vestibule user list", "user")
    return user


def user_named(reading: Reading, name: str) -> User | None:
    """The user of this name, however it is spelled, or None."""
    return next(iter(reading.find(User, "key", name_key(name))), None)


def name_of(reading: Reading, user_id: str) -> str | None:
    """The name of the user with this id, or None."""
    user = reading.get(User, user_id) if user_id else None
    return user.name if user else None


def checked(text: str, field: str, limit: int = LONGEST_TEXT) -> str:
    """The text without outer blanks; refused when it is too long or can not be shown on a screen."""
    try:
        return checked_text(text.strip(), field, limit)
    except BadField as bad:
        raise refusal(bad) from None


def required(text: str, field: str, limit: int = LONGEST_TEXT) -> str:
    """Such a text, which must not be empty."""
    found = checked(text, field, limit)
    if not found:
        raise Refused(f"{field} is empty; write one.", field)
    return found


def refusal(bad: BadField) -> Refused:
    """The refusal that says what a field's own reader found wrong."""
    return Refused(f"{bad.field} {bad.reason}.", bad.field)


def page_size(limit: int) -> int:
    """How many rows a page may have; refused outside 1 to 1000."""
    if not 1 <= limit <= 1000:
        raise Refused("limit must be a number from 1 to 1000.", "limit")
    return limit


def page_after(rows: list[R], limit: int, place: Callable[[R], str]) -> str | None:
    """Where the page behind these rows begins, or None when they are the last."""
    return place(rows[-1]) if len(rows) == limit else None
