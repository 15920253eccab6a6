"""How delivery stands: what providers do on this node, the money that is spent, what is used, what was sent lately.

Nothing here writes, and nothing that is told holds a number, an address or a code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from vestibule.core.credentials import Credential
from vestibule.core.errors import Malformed
from vestibule.core.journal import Line, Query
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import shown
from vestibule.core.ports import Reading
from vestibule.core.sends import Counted, Send
from vestibule.flows.breaker import Standing
from vestibule.flows.desk import Desk, name_of
from vestibule.flows.limits import DAY, ENOUGH_TO_ALARM, ENOUGH_TO_STOP, HOUR, MILLION
from vestibule.flows.refused import Missing

ACTIONS = tuple(
    f"delivery.{one}"
    for one in (
        "accepted", "unknown", "failed", "undelivered", "delivered", "not_needed", "alarm", "spared", "refused",
    )
)  # fmt: skip
MOST_COUNTED = 2_000  # rows of money and use that are looked at
LINES = 200  # of the journal that are looked at for what was sent lately
UNDER_WAY = 50


@dataclass(frozen=True, slots=True)
class State:
    """How a provider stands on this node: each medium that it was asked for, or why it can not be opened."""

    standings: tuple[Standing, ...] = ()
    broken: str = ""

    @property
    def resting(self) -> tuple[Standing, ...]:
        """Those media for which it is left alone."""
        return tuple(one for one in self.standings if one.rests)


@dataclass(frozen=True, slots=True)
class Purse:
    """Money that goes out of one purse: of a day, of a month, or of a day and a region. In the currency's units."""

    name: str
    region: str
    spent: float
    most: float

    @property
    def stopped(self) -> bool:
        """Whether nothing more is sent for it."""
        return self.spent >= self.most


@dataclass(frozen=True, slots=True)
class Used:
    """How many sends to a region came to an end in this hour and the one before, and how many of them let in."""

    region: str
    ended: int
    used: int
    alarmed: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class Lately:
    """One message, by the newest thing that happened to it; `to` is masked, "" for what is gone."""

    message: str
    at: float
    action: str
    user_id: str
    user_name: str
    to: str
    medium: str
    provider: str
    region: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """The story of a message: the sends in order, and what the journal says of its attempt."""

    user_id: str
    user_name: str
    to: str
    sends: tuple[Send, ...]
    lines: tuple[Line, ...]


def state(desk: Desk, id: str) -> State:
    """How a provider stands, as far as this node has seen; nothing is asked."""
    standings = desk.standings(id)
    try:
        live = desk.providers.provider_of(id)
    except Malformed as malformed:
        return State(standings, str(malformed))
    if live is None:
        return State(standings, "this program does not know this kind of provider")
    return State(standings)


async def spent(desk: Desk) -> list[Purse]:
    """What is spent or held back today and this month (UTC), then today by region, the dearest first."""
    sending = desk.store.snapshot.settings.sending
    day = datetime.fromtimestamp(desk.clock(), UTC).strftime("%Y-%m-%d")

    def question(reading: Reading) -> list[Purse]:
        regions = [
            Purse("region_money_in_day", id.split("/")[1], row.money / MILLION, sending.region_money_in_day)
            for row in _counted(reading, "money/")
            if (id := row.id).endswith(f"/{day}") and id.count("/") == 2
        ]
        return [
            Purse("money_in_day", "", _money(reading, f"money/{day}"), sending.money_in_day),
            Purse("money_in_month", "", _money(reading, f"money/{day[:7]}"), sending.money_in_month),
            *sorted(regions, key=lambda one: (-one.spent, one.region)),
        ]

    return await desk.store.read(question)


async def used(desk: Desk) -> list[Used]:
    """How much of what is sent is used, by region: what the stop against pumping looks at."""
    sending, hour = desk.store.snapshot.settings.sending, int(desk.clock() // HOUR)

    def question(reading: Reading) -> list[Used]:
        counts: dict[str, list[int]] = {}
        for row in _counted(reading, "used/"):
            _, region, at = row.id.split("/")
            if hour - 1 <= int(at) <= hour:
                sums = counts.setdefault(region, [0, 0])
                sums[0] += row.count
                sums[1] += row.money
        return [
            Used(
                region,
                ended,
                right,
                ended >= ENOUGH_TO_ALARM and right * 100 < ended * sending.used_alarm_percent,
                ended >= ENOUGH_TO_STOP and right * 100 < ended * sending.used_stop_percent,
            )
            for region, (ended, right) in sorted(counts.items(), key=lambda pair: (-pair[1][0], pair[0]))
        ]

    return await desk.store.read(question)


async def lately(desk: Desk) -> tuple[list[Lately], int]:
    """What was sent, or was not, within a day: each message once, the newest first; and how many are under way."""
    query = Query(actions=ACTIONS, since=desk.clock() - DAY)

    def question(reading: Reading) -> tuple[list[Lately], int]:
        seen: dict[str, Lately] = {}
        for line in reading.newest(query, None, LINES):
            send = reading.get(Send, str(line.entry.detail.get("send", "")))
            message = send.message_id if send else str(line.entry.detail.get("message", ""))
            if message and message not in seen:
                seen[message] = _lately(reading, line, message, send)
        return list(seen.values()), len(reading.page(OutboxRow, "", UNDER_WAY))

    return await desk.store.read(question)


async def story(desk: Desk, message: str) -> Told:
    """What became of one message. Missing where nothing was handed to a provider."""

    def question(reading: Reading) -> Told:
        sends = sorted(reading.find(Send, "message_id", message), key=lambda one: one.begun_at)
        if not sends:
            raise Missing("There is nothing of this name.")
        first = sends[0]
        query = Query(attempt_id=first.attempt_id, actions=ACTIONS) if first.attempt_id else None
        lines = reading.lines(query, (0.0, "", 0), LINES) if query else []
        name, to = name_of(reading, first.user_id) or "", _to(reading, first.credential_id)
        return Told(first.user_id, name, to, tuple(sends), tuple(lines))

    return await desk.store.read(question)


# -- small parts -----------------------------------------------------------------------------------------------------


def _counted(reading: Reading, prefix: str) -> Iterator[Counted]:
    for row in reading.page(Counted, prefix, MOST_COUNTED):
        if not row.id.startswith(prefix):
            return
        yield row


def _money(reading: Reading, key: str) -> float:
    row = reading.get(Counted, key)
    return row.money / MILLION if row else 0.0


def _to(reading: Reading, credential_id: str) -> str:
    one = reading.get(Credential, credential_id) if credential_id else None
    return shown(one) if one is not None and one.reach else ""


def _lately(reading: Reading, line: Line, message: str, send: Send | None) -> Lately:
    entry = line.entry
    detail = {name: str(value) for name, value in entry.detail.items()}
    why = next((detail[name] for name in ("why", "limit", "fault", "code") if detail.get(name)), "")
    return Lately(
        message if send else "",
        entry.at,
        entry.action,
        entry.user_id,
        entry.user_name or name_of(reading, entry.user_id) or "",
        _to(reading, entry.credential_id),
        detail.get("medium", ""),
        detail.get("provider", ""),
        detail.get("region", ""),
        why,
    )
