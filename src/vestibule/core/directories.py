"""Where people and their passwords are kept: a directory of others, and the shapes of directories."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from vestibule.core.decisions import Account
from vestibule.core.people import Ambiguous, PasswordOutcome, PeopleGroup, Person, Unreadable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """One directory as administrators set it up. `settings` is the JSON text that its `kind` understands.

    `secret` is what the directory asks of us: the password of a service account, a shared secret.
    """

    id: str
    kind: str
    settings: str
    secret: Secret
    created_at: float = 0.0
    version: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a directory says of a password: `refusal` when it is not right, `attributes` (name, value) when it is.

    `detail` is for the journal, in the directory's own words. `external_id` is who was found, where a name was asked.
    """

    right: bool
    refusal: Reason = Reason.WRONG_PASSWORD
    attributes: tuple[tuple[str, str], ...] = ()
    detail: str = ""
    external_id: str = ""


class AccountDirectory(Protocol):
    """A directory of others: an LDAP server, a RADIUS server."""

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        """What it says of the password of this account, before `deadline` (monotonic). Raises Unavailable.

        An account without `external_id` is looked for by its name; one that is not there, or there twice, is refused
        as `UNKNOWN_USER`.
        """


@dataclass(frozen=True, slots=True)
class ResponseVerdict:
    """What a directory says of a response; `key` is the hash of the password's hash where it is right, 16 octets."""

    verdict: Verdict
    key: Secret = Secret(b"")  # noqa: RUF009 - frozen


@runtime_checkable
class ResponseDirectory(Protocol):
    """An ability of a directory: it checks a response that was made with a password (MS-CHAP version 2)."""

    @property
    def checks_responses(self) -> bool:
        """Whether it is set up to."""

    async def check_response(
        self, account: Account, challenge: bytes, response: bytes, deadline: float
    ) -> ResponseVerdict:
        """What it says of this account's response of 24 octets to a challenge of 8; the rest as of `check`."""


class Directory(Protocol):
    """Checks the passwords that we keep."""

    @property
    def name(self) -> str:
        """The directory's name."""

    async def check_password(self, user_id: str | None, password: Secret, source: str, deadline: float) -> bool:
        """Whether the password is right; `user_id` None takes as long and is never right. Raises Unavailable."""

    async def knows(self, user_id: str) -> bool:
        """Whether we keep a password of this user. Raises Unavailable."""


class PeopleDirectory(Protocol):
    """Finds and lists people and tries their passwords, and says what is wrong with one.

    Deadlines are in seconds of the event loop's clock. Everything raises Unavailable when the directory can not tell,
    so that no outage looks like a wrong password or like a person who is gone.
    """

    @property
    def name(self) -> str:
        """The directory's name."""

    async def find(self, name: str, deadline: float) -> Person | Ambiguous | None:
        """The one person who signs in by this name, in any of the ways that are configured."""

    async def person(self, unique_id: str, deadline: float) -> Person | None:
        """The person with this id."""

    async def groups(self, person: Person, deadline: float) -> tuple[PeopleGroup, ...]:
        """All groups that the person is in, also by way of other groups."""

    def people(self, base: str = "", condition: str = "", group: str = "") -> AsyncGenerator[Person | Unreadable, None]:
        """Everybody within these limits, in flat memory; a walk that ends without an exception was complete."""

    async def try_password(self, unique_id: str | None, password: Secret, deadline: float) -> PasswordOutcome:
        """Try the password once, at most; None is nobody, takes as long, and is never right."""
