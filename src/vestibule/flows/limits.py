"""How many sends there may be, and for how much money: counted in the very slice that writes the send down.

Rules of this file: what is looked at and what is counted is in one transaction, so that of a hundred at the last free
place one passes; what was asked for is counted even when it is refused; what turned out to let somebody in is given
back to the limits that look for abuse (address, prefix), so that many honest people behind one address do no harm.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from vestibule.core.delivery import Medium
from vestibule.core.phones import Phone
from vestibule.core.sending import Sending
from vestibule.core.sends import Counted
from vestibule.flows.numbers import Number

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MONTH = 32 * DAY
MILLION = 1_000_000
SOFT = 0.8  # of a limit of money
ENOUGH_TO_ALARM, ENOUGH_TO_STOP = 20, 50  # concluded sends
IN_A_ROW = 4  # new numbers that follow one another

Mark = list[float]


class Ledger(Protocol):
    """Where counts are kept, inside one transaction."""

    def get(self, kind: type[Counted], key: str, /) -> Counted | None:
        """The row of this key."""

    def put(self, record: Counted, /) -> None:
        """Keep it."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One message that somebody wants to be sent. `number` is None for mail, `to` a keyed digest of where it goes.

    `cost` is what it is taken to cost, in millionths; `again` is whether another provider has failed to carry the same.
    A `notice` tells of something that was done, and waits for nobody: only the limits of money hold for it.
    """

    user_id: str
    to: str
    number: Number | None = field(repr=False)
    phone: Phone
    medium: Medium
    address: str
    cost: int
    at: float
    again: bool = False
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Which limit refuses, "" for none; what the journal should say aloud."""

    refusal: str = ""
    alarms: tuple[str, ...] = ()


def admitted(ledger: Ledger, one: Asking, sending: Sending) -> Found:
    """Whether it may be sent; if so, it is counted and its money is reserved."""
    refusal = "" if one.again or one.notice else _asked_too_often(ledger, one, sending)
    refusal = refusal or ("" if one.notice else _too_many(ledger, one, sending))
    refusal = refusal or _unused(ledger, one, sending) or _too_dear(ledger, one, sending)
    if refusal:
        return Found(refusal)
    _count(ledger, one)
    return Found(alarms=tuple(_spend(ledger, one, sending)))


# -- how many --------------------------------------------------------------------------------------------------------


def _asked_too_often(ledger: Ledger, one: Asking, sending: Sending) -> str:
    """Count that it was asked for, whatever becomes of it."""
    key = f"asked/{one.user_id}"
    marks = _marks(ledger, key, one.at, 5 * MINUTE)
    full = len(marks) >= sending.person_attempts
    _keep(ledger, key, [*marks[-sending.person_attempts :], [one.at]], one.at + 5 * MINUTE)
    return "person_attempts" if full else ""


def _too_many(ledger: Ledger, one: Asking, sending: Sending) -> str:
    return _person(ledger, one, sending) or _number(ledger, one, sending) or _address(ledger, one, sending)


def _person(ledger: Ledger, one: Asking, sending: Sending) -> str:
    gap = sending.call_gap if one.medium is Medium.CALL else sending.text_gap
    if _marks(ledger, _gap_key(one), one.at, gap):  # to another number of theirs it may go at once
        return "person_gap"
    marks = _marks(ledger, f"person/{one.user_id}", one.at, DAY)
    windows = (
        ("person_in_5_minutes", 5 * MINUTE, sending.person_in_5_minutes),
        ("person_in_hour", HOUR, sending.person_in_hour),
        ("person_in_day", DAY, sending.person_in_day),
    )
    return _first_full(marks, one.at, windows)


def _number(ledger: Ledger, one: Asking, sending: Sending) -> str:
    if one.number is None:
        return ""
    marks = _marks(ledger, f"number/{one.to}", one.at, DAY)
    new = one.at - one.phone.changed_at < DAY
    windows = (
        ("number_in_10_minutes", 10 * MINUTE, sending.number_in_10_minutes),
        ("number_in_hour", HOUR, sending.number_in_hour),
        ("number_in_day", DAY, sending.number_in_day),
        *([("new_number_in_day", DAY, sending.new_number_in_day)] if new else []),
    )
    return _first_full(marks, one.at, windows) or _prefix(ledger, one, one.number, sending)


def _prefix(ledger: Ledger, one: Asking, number: Number, sending: Sending) -> str:
    """Numbers that nobody has ever shown to reach them are counted by their first digits."""
    if one.phone.proven_at:
        return ""
    marks = _marks(ledger, f"prefix/{number.prefix}", one.at, HOUR)
    tails = sorted({int(mark[1]) for mark in marks} | {number.tail})
    if len(marks) >= sending.prefix_in_hour:
        return "prefix_in_hour"
    if len(tails) > sending.prefix_numbers_in_hour:
        return "prefix_numbers_in_hour"
    return "numbers_in_a_row" if _in_a_row(tails) else ""


def _in_a_row(tails: Sequence[int]) -> bool:
    return any(tails[i + IN_A_ROW - 1] - tails[i] == IN_A_ROW - 1 for i in range(len(tails) - IN_A_ROW + 1))


def _address(ledger: Ledger, one: Asking, sending: Sending) -> str:
    if not one.address:
        return ""
    marks = _marks(ledger, f"address/{one.address}", one.at, HOUR)
    return "address_in_hour" if len(marks) >= sending.address_in_hour else ""


def _first_full(marks: Sequence[Mark], now: float, windows: Sequence[tuple[str, float, int]]) -> str:
    for name, seconds, most in windows:
        if sum(now - mark[0] < seconds for mark in marks) >= most:
            return name
    return ""


def _count(ledger: Ledger, one: Asking) -> None:
    for key, mark, seconds in _places(one):
        _add(ledger, key, mark, seconds)


def uncount(ledger: Ledger, one: Asking) -> None:
    """Give back what was counted at `at`: it was surely not carried, so nobody was disturbed."""
    for key, mark, seconds in _places(one):
        marks = _marks(ledger, key, one.at, seconds)
        _keep(ledger, key, [kept for kept in marks if kept[0] != mark[0]], one.at + seconds)


def _places(one: Asking) -> Iterator[tuple[str, Mark, float]]:
    """Under which keys a send is counted, with what mark, and for how long."""
    yield _gap_key(one), [one.at], HOUR
    yield f"person/{one.user_id}", [one.at], DAY
    if one.address:
        yield f"address/{one.address}", [one.at], HOUR
    if one.number is not None:
        yield f"number/{one.to}", [one.at], DAY
        if not one.phone.proven_at:
            yield f"prefix/{one.number.prefix}", [one.at, float(one.number.tail)], HOUR


def _gap_key(one: Asking) -> str:
    return f"gap/{one.user_id}/{one.to}/{one.medium}"


def _marks(ledger: Ledger, key: str, now: float, seconds: float) -> list[Mark]:
    """What was counted within the last `seconds`."""
    row = ledger.get(Counted, key)
    return [mark for mark in json.loads(row.marks) if now - mark[0] < seconds] if row else []


def _keep(ledger: Ledger, key: str, marks: Sequence[Mark], until: float) -> None:
    ledger.put(Counted(key, until, marks=json.dumps(list(marks))))


def _add(ledger: Ledger, key: str, mark: Mark, seconds: float) -> None:
    _keep(ledger, key, [*_marks(ledger, key, mark[0], seconds), mark], mark[0] + seconds)


# -- money -----------------------------------------------------------------------------------------------------------


def _purses(one: Asking, sending: Sending) -> list[tuple[str, str, float, float]]:
    """What the money comes out of: its name, its key, when it is forgotten, how much may be in it."""
    day = datetime.fromtimestamp(one.at, UTC).strftime("%Y-%m-%d")
    purses = [
        ("money_in_day", f"money/{day}", one.at + 2 * DAY, sending.money_in_day),
        ("money_in_month", f"money/{day[:7]}", one.at + MONTH, sending.money_in_month),
    ]
    if one.number is not None and one.number.region:
        key = f"money/{one.number.region}/{day}"
        purses.append(("region_money_in_day", key, one.at + 2 * DAY, sending.region_money_in_day))
    return purses


def _too_dear(ledger: Ledger, one: Asking, sending: Sending) -> str:
    if not one.cost:
        return ""
    for name, key, _, most in _purses(one, sending):
        row = ledger.get(Counted, key)
        if (row.money if row else 0) + one.cost > most * MILLION:
            return name
    return ""


def _spend(ledger: Ledger, one: Asking, sending: Sending) -> list[str]:
    """Take the money; the limits of which four fifths are gone by this very send."""
    alarms = []
    for name, key, until, most in _purses(one, sending) if one.cost else []:
        row = ledger.get(Counted, key) or Counted(key, until)
        ledger.put(replace(row, until=until, count=row.count + 1, money=row.money + one.cost))
        if row.money < most * MILLION * SOFT <= row.money + one.cost:
            alarms.append(name)
    return alarms


def settle_cost(ledger: Ledger, region: str, begun_at: float, difference: int) -> None:
    """Put the difference between what was reserved and what it cost into the purses of the day it was begun."""
    day = datetime.fromtimestamp(begun_at, UTC).strftime("%Y-%m-%d")
    for key in (f"money/{day}", f"money/{day[:7]}", *([f"money/{region}/{day}"] if region else [])):
        row = ledger.get(Counted, key)
        if row is not None and difference:
            ledger.put(replace(row, money=max(0, row.money + difference)))


# -- what is used ----------------------------------------------------------------------------------------------------


def _used_key(region: str, at: float) -> str:
    return f"used/{region}/{int(at // HOUR)}"


def _concluded(ledger: Ledger, region: str, at: float) -> tuple[int, int]:
    """How many sends to a region have come to an end in this hour and the one before, and how many of them let in."""
    rows = [ledger.get(Counted, _used_key(region, at - back)) for back in (0.0, HOUR)]
    return sum(row.count for row in rows if row), sum(row.money for row in rows if row)


def _unused(ledger: Ledger, one: Asking, sending: Sending) -> str:
    """Stop where hardly anything that is sent is used: that is what pumping looks like."""
    if one.number is None or one.phone.proven_at:
        return ""
    ended, used = _concluded(ledger, one.number.region, one.at)
    return "unused" if ended >= ENOUGH_TO_STOP and used * 100 < ended * sending.used_stop_percent else ""


def conclude(ledger: Ledger, one: Asking, sending: Sending, *, used: bool) -> Found:
    """A send has come to its end: it let somebody in, or it did not."""
    if one.number is None:
        return Found()
    key = _used_key(one.number.region, one.at)
    row = ledger.get(Counted, key) or Counted(key, one.at + 3 * HOUR)
    ledger.put(replace(row, count=row.count + 1, money=row.money + used))
    if used:
        _give_back(ledger, one, one.number)
        return Found()
    ended, right = _concluded(ledger, one.number.region, one.at)
    alarm = (
        ended >= ENOUGH_TO_ALARM and ended % ENOUGH_TO_ALARM == 0 and right * 100 < ended * sending.used_alarm_percent
    )
    return Found(alarms=("unused",) if alarm else ())


def _give_back(ledger: Ledger, one: Asking, number: Number) -> None:
    """It was no abuse: take one mark back from the limits that look for it."""
    if one.address:
        marks = _marks(ledger, f"address/{one.address}", one.at, HOUR)
        _keep(ledger, f"address/{one.address}", marks[1:], one.at + HOUR)
    key = f"prefix/{number.prefix}"
    marks = _marks(ledger, key, one.at, HOUR)
    _keep(ledger, key, [mark for mark in marks if int(mark[1]) != number.tail], one.at + HOUR)
