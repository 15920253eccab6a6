"""People as administration looks at them: found while somebody types, and one person with all that is theirs.

Searching takes the same short time however many people there are: each word that was typed is looked up in an index,
and no more is read than is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.failures import FailureKind, Failures, Limits
from vestibule.core.journal import Line, Query
from vestibule.core.pins import proves
from vestibule.core.ports import Reading
from vestibule.core.sessions import Session
from vestibule.core.users import Alias, Password, User
from vestibule.flows.desk import Desk, the_user
from vestibule.flows.journal import names_of
from vestibule.flows.sessions import handle_of
from vestibule.wire.names import name_key
from vestibule.wire.words import terms_of, words_of

SHOWN = 50
CANDIDATES = 2_000  # that are looked at where several words were typed, by the rarest of them
LINES = 12
LONGEST_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One person in a list, with how many factors of theirs count now."""

    user: User
    factors: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class Found:
    """People in order; `next` is where the next page begins, "" for none; `more` says that a search found too many."""

    rows: tuple[Row, ...]
    next: str = ""
    more: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a person can prove. `used_at` is 0 where nobody wrote it down."""

    credential: Credential
    usable: bool
    used_at: float
    failures: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class Delay:
    """A place that tries this person, or the password, with what counts against it."""

    kind: FailureKind
    name: str
    count: int
    last_at: float
    until: float  # 0 when nobody has to wait now
    stopped: bool
    accepted_at: float


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that is signed in."""

    handle: str
    created_at: float
    seen_at: float
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about one person; the newest lines of the journal come first, `names` are those of who acted."""

    user: User
    blocked: bool
    other_names: tuple[str, ...]
    password_changed_at: float | None
    factors: tuple[Held, ...]
    delays: tuple[Delay, ...]
    browsers: tuple[Browser, ...]
    lines: tuple[Line, ...]
    names: Mapping[str, str]

    @property
    def waits(self) -> bool:
        """Whether anything is delayed or stopped now."""
        return any(one.until or one.stopped for one in self.delays) or any(one.stopped for one in self.factors)


async def search(desk: Desk, text: str = "", after: str = "", limit: int = SHOWN) -> Found:
    """The people whose names or e-mail addresses have words that begin with all that was typed; all, page by page."""
    typed, now = name_key(text[:LONGEST_SEARCH]), desk.clock()

    def question(reading: Reading) -> Found:
        if not typed:
            users = reading.page_by(User, "key", after, limit + 1)
            following = users[limit - 1].key if len(users) > limit else ""
            return Found(tuple(_row(reading, one, now) for one in users[:limit]), following)
        users = _matching(reading, typed, limit + 1)
        return Found(tuple(_row(reading, one, now) for one in users[:limit]), more=len(users) > limit)

    return await desk.store.read(question)


async def show(desk: Desk, name: str) -> Shown:
    """One person by name or id. Refused when there is none."""
    now, settings = desk.clock(), desk.store.snapshot.settings

    def question(reading: Reading) -> Shown:
        user = the_user(reading, name)
        rows = reading.find(Failures, "user_id", user.id)
        counts = {row.name: row for row in rows if row.kind is FailureKind.FACTOR}
        held = reading.find(Credential, "user_id", user.id)
        ids = {one.id for one in held}
        password, lines = reading.get(Password, user.id), reading.newest(Query(user_id=user.id), None, LINES)
        alive = [
            one
            for one in reading.find(Session, "user_id", user.id)
            if one.alive(now, longest=settings.session_longest_seconds, idle=settings.session_idle_seconds)
        ]
        return Shown(
            user,
            user.blocked(now),
            tuple(one.id for one in reading.find(Alias, "user_id", user.id)),
            password.changed_at if password else None,
            tuple(sorted((_held(reading, one, counts, settings.limits, now) for one in held), key=_order)),
            tuple(_delay(row, settings.limits, now) for row in rows if row.name not in ids and _tells(row)),
            tuple(_browser(one) for one in sorted(alive, key=lambda one: -one.seen_at)),
            tuple(lines),
            names_of(reading, lines),
        )

    return await desk.store.read(question)


# -- searching -------------------------------------------------------------------------------------------------------


def _matching(reading: Reading, typed: str, limit: int) -> list[User]:
    """Those of whom each word that was typed begins one; whose user name begins with all of it come first."""
    found = {user.id: user for user in _named(reading, typed, limit)}
    terms = terms_of(typed)
    most = limit if len(terms) == 1 else CANDIDATES
    rarest = min((reading.people(term, most) for term in terms), key=len, default=[])
    for user in (reading.get(User, id) for id in rarest):
        if len(found) >= limit:
            break
        if user is not None and all(_has(user, term) for term in terms):
            found[user.id] = user
    return list(found.values())


def _has(user: User, term: str) -> bool:
    return any(word.startswith(term) for word in words_of(user))


def _named(reading: Reading, beginning: str, limit: int) -> list[User]:
    """Those whose user name begins so."""
    exact = reading.find(User, "key", beginning)
    rows = [*exact, *reading.page_by(User, "key", beginning, limit)]
    return [user for user in rows if user.key.startswith(beginning)]


def _row(reading: Reading, user: User, now: float) -> Row:
    held = reading.find(Credential, "user_id", user.id)
    return Row(user, sum(one.usable(now) and proves(one) for one in held), user.blocked(now))


# -- one person ------------------------------------------------------------------------------------------------------


def _held(reading: Reading, one: Credential, counts: dict[str, Failures], limits: Limits, now: float) -> Held:
    seed = reading.get(Seed, one.seed_id) if one.seed_id else None
    row = counts.get(one.id)
    count = row.count if row else 0
    return Held(one, one.usable(now), seed.used_at if seed else 0.0, count, count >= limits.strangers_stop)


def _order(one: Held) -> tuple[bool, bool, float]:
    return one.credential.state is CredentialState.PENDING, not one.usable, one.credential.created_at


def _tells(row: Failures) -> bool:
    return bool(row.count or row.accepted_at)


def _delay(row: Failures, limits: Limits, now: float) -> Delay:
    factor = row.kind is FailureKind.FACTOR
    seconds = limits.delay(row.count, limits.factor_tries if factor else limits.source_tries)
    until = row.last_at + seconds if limits.waits(row.last_at, seconds, now) else 0.0
    stopped = factor and row.count >= limits.strangers_stop
    return Delay(row.kind, row.name, row.count, row.last_at, until, stopped, row.accepted_at)


def _browser(one: Session) -> Browser:
    return Browser(handle_of(one), one.created_at, one.seen_at, one.address, one.agent)
