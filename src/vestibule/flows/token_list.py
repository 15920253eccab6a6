"""The inventory as administration looks through it: tokens by the beginning of their serial numbers, and one token.

What has no serial number is nobody's but its person's, and stands on their page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.journal import Line, Query
from vestibule.core.ports import Reading
from vestibule.core.users import User
from vestibule.flows.desk import Desk
from vestibule.flows.inventory import the_token
from vestibule.flows.journal import names_of

SHOWN = 50
READ_AT_ONCE = 100
MOST_READ = 500
LINES = 10
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One token and whose it is."""

    token: Credential
    usable: bool
    user_id: str
    user_name: str


@dataclass(frozen=True, slots=True)
class Found:
    """Tokens in order of serial number; `next` is where the next page begins, "" for none."""

    rows: tuple[Row, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about one token but its key; times are 0 where there is none, `names` are those of who acted."""

    token: Credential
    usable: bool
    user: User | None
    used_at: float
    drift: int
    counter: int
    resync: bool
    failures: int
    stopped: bool
    lines: tuple[Line, ...]
    names: Mapping[str, str]


async def search(
    desk: Desk, text: str = "", *, state: str = "", assigned: bool | None = None, after: str = "", limit: int = SHOWN
) -> Found:
    """The tokens whose serial numbers begin so, in this state (""), that somebody has or not (None).

    No more than some hundreds are looked at for one page; `next` then goes on where it stopped.
    """
    now, typed = desk.clock(), text.strip()

    def wanted(one: Credential) -> bool:
        return (not state or one.state.value == state) and (assigned is None or assigned == bool(one.user_id))

    def question(reading: Reading) -> Found:
        found: list[Credential] = [] if after else [one for one in _exact(reading, typed) if wanted(one)]
        kept, following = _walk(reading, typed, after or typed, limit - len(found), wanted)
        return Found(tuple(_row(reading, one, now) for one in [*found, *kept]), following)

    return await desk.store.read(question)


async def show(desk: Desk, token: str) -> Shown:
    """One token by serial number or id. Refused when there is none."""
    now, limits = desk.clock(), desk.store.snapshot.settings.limits

    def question(reading: Reading) -> Shown:
        one = the_token(reading, token)
        seed = reading.get(Seed, one.seed_id) if one.seed_id else None
        row = reading.get(Failures, f"{one.user_id}/{FailureKind.FACTOR}/{one.id}") if one.user_id else None
        count, lines = row.count if row else 0, _lines(reading, one)
        return Shown(
            one,
            one.usable(now),
            reading.get(User, one.user_id) if one.user_id else None,
            seed.used_at if seed else 0.0,
            seed.drift if seed else 0,
            seed.counter if seed else 0,
            seed.resync if seed else False,
            count,
            count >= limits.strangers_stop,
            lines,
            names_of(reading, lines),
        )

    return await desk.store.read(question)


def _exact(reading: Reading, serial: str) -> list[Credential]:
    return reading.find(Credential, "serial", serial) if serial else []


def _walk(
    reading: Reading, beginning: str, after: str, limit: int, wanted: Callable[[Credential], bool]
) -> tuple[list[Credential], str]:
    """The next tokens that are wanted, and where to go on; it stops where the serial numbers begin otherwise."""
    found: list[Credential] = []
    read = 0
    while read < MOST_READ and (rows := reading.page_by(Credential, "serial", after, READ_AT_ONCE)):
        for one in rows:
            if not one.serial.startswith(beginning):
                return found, ""
            after = one.serial
            found += [one] if wanted(one) else []
            if len(found) == limit:
                return found, after
        read += len(rows)
        if len(rows) < READ_AT_ONCE:
            return found, ""
    return found, after if read >= MOST_READ else ""


def _row(reading: Reading, one: Credential, now: float) -> Row:
    user = reading.get(User, one.user_id) if one.user_id else None
    return Row(one, one.usable(now), one.user_id, user.name if user else "")


def _lines(reading: Reading, one: Credential) -> tuple[Line, ...]:
    """What was done to the token lately, among the newest lines about whoever has it."""
    if not one.user_id:
        return ()
    lines = reading.newest(Query(user_id=one.user_id), None, MOST_LINES)
    ours = [line for line in lines if line.entry.credential_id == one.id]
    return tuple(ours[:LINES])
