"""What stands behind the pages; `apps/` hands it in."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vestibule.flows.authenticate import Authenticate
from vestibule.flows.bench import Carrier
from vestibule.flows.desk import Desk
from vestibule.flows.glance import Glance
from vestibule.portals.jobs import Jobs
from vestibule.portals.kept import Kept
from vestibule.portals.streams import Streams
from vestibule.portals.typed_forms import Answers, Drafts
from vestibule.wire.xml_elements import LIMITS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


class Counts(Protocol):
    """What the pages count, and where they tell of their bugs."""

    def answered(self, status: int) -> None:
        """Count an answer."""

    def bug(self, bug: BaseException, operation: str) -> str:
        """Log where it happened; the reference for the person."""


class Rates(Protocol):
    """How many refusals one place may have."""

    def wait(self, name: str) -> float:
        """Seconds until one more is taken, 0 for now."""

    def spend(self, name: str) -> None:
        """Count one."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How the door behaves: the hosts that it answers for, who is behind a proxy, how long a refusal is held.

    `host_of` is the host that a request asks for, `address_of` the person's address of the peer and the headers; it
    raises Malformed. `reject_delay` is in seconds.
    """

    allowed_hosts: frozenset[str]
    host_of: Callable[[Headers], str]
    address_of: Callable[[str, Headers], str]
    reject_delay: float = 1.0
    in_flight_limit: int = 2_000


@dataclass(frozen=True, slots=True)
class Bench:
    """How clients are tried: what brings requests to our own doors, and how many one person may send."""

    carrier: Carrier
    rates: Rates


@dataclass(frozen=True, slots=True)
class Behind:
    """Everything that the pages work with; `monotonic` is the clock of deadlines."""

    authenticate: Authenticate
    desk: Desk
    manners: Manners
    counts: Counts
    failures: Rates
    monotonic: Callable[[], float]
    drafts: Drafts = field(default_factory=Drafts)
    answers: Answers = field(default_factory=Answers)
    jobs: Jobs = field(default_factory=Jobs)
    upload_octets: int = LIMITS.octets
    glances: Kept[Glance] = field(default_factory=Kept)
    bench: Bench | None = None
    streams: Streams = field(default_factory=Streams)
