"""The history of settings: who changed what and when, as the journal has it; and how a change is taken back.

A change is named by the place of its line, "chain/seq". Lines that were written before old values were kept can not be
taken back, nor can a change that somebody has changed again since.
"""

from collections.abc import Iterator
from typing import Any

from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.ports import Reading, Writing
from vestibule.flows import settings
from vestibule.flows.desk import Desk, Told, page_size
from vestibule.flows.refused import Missing, Refused

DAY = 86400.0
WINDOWS = (30 * DAY, 365 * DAY)  # seconds; then everything
READ_AT_ONCE = 500
GONE = "There is no such change of a setting."
TOO_OLD = "The journal does not know what {name} was before this change. Set it anew."
CHANGED_SINCE = "{name} was changed again since, and is {now} now. Set it anew, or take the newer change back first."


async def listed(desk: Desk, actor: str, *, name: str | None = None, limit: int = 50) -> Told:  # noqa: ARG001 - told who asks
    """The last changes, the newest first, of all settings or of one: {"changes": [CHANGE]}.

    CHANGE is {change: "chain/seq", at, actor, name, old, new, reason, undoes: change|null, undoable}; `old` is null
    where the journal does not know it.
    """
    size = page_size(limit)
    if name is not None:
        settings.known(desk, name)

    def question(reading: Reading) -> Told:
        lines = _newest(reading, desk.clock(), name, size)
        return {"changes": [_told(desk, reading, line) for line in lines]}

    return await desk.store.read(question)


async def undo(desk: Desk, actor: str, *, change: str) -> Told:
    """Put back the value from before a change: {name, value}. Refused when it was changed again since."""

    def act(writing: Writing) -> Told:
        line = _line(writing, change)
        name, detail = str(line.entry.detail["setting"]), line.entry.detail
        now = settings.told(desk, writing, name)["value"]
        if "old" not in detail:
            raise Refused(TOO_OLD.format(name=name), "change")
        if now != detail["new"]:
            raise Refused(CHANGED_SINCE.format(name=name, now=settings.shown(now)), "change")
        default = settings.told(desk, writing, name)["default"]
        action = "setting.unset" if detail["old"] == default else "setting.set"
        return settings.put(desk, writing, actor, name, detail["old"], action=action, undoes=change)

    return await desk.store.change(act)


def _newest(reading: Reading, now: float, name: str | None, size: int) -> list[Line]:
    """The newest changes, from the shortest stretch of time that has enough of them."""
    lines: list[Line] = []
    for since in (*(now - window for window in WINDOWS), 0.0):
        lines = [line for line in _changes(reading, since) if name in {None, line.entry.detail["setting"]}]
        if len(lines) >= size:
            break
    return lines[::-1][:size]


def _changes(reading: Reading, since: float) -> Iterator[Line]:
    query, after = Query(since=since, kind=EntryKind.ADMINISTRATION, actions=settings.ACTIONS), (0.0, "", 0)
    while page := reading.lines(query, after, READ_AT_ONCE):
        yield from page
        after = page[-1].entry.at, page[-1].chain, page[-1].seq


def _line(reading: Reading, change: str) -> Line:
    chain, _, seq = change.partition("/")
    found = reading.chain(chain, int(seq) - 1, 1) if seq.isascii() and seq.isdigit() and len(seq) < 18 else []
    if not found or found[0].seq != int(seq) or found[0].entry.action not in settings.ACTIONS:
        raise Missing(GONE, "change", "chain")
    return found[0]


def _told(desk: Desk, reading: Reading, line: Line) -> Told:
    entry, detail = line.entry, line.entry.detail
    name = str(detail["setting"])
    return {
        "change": f"{line.chain}/{line.seq}",
        "at": entry.at,
        "actor": entry.actor,
        "name": name,
        "old": detail.get("old"),
        "new": detail.get("new", detail.get("value")),
        "reason": detail.get("reason", ""),
        "undoes": detail.get("undoes"),
        "undoable": "old" in detail and _stands(desk, reading, name, detail["new"]),
    }


def _stands(desk: Desk, reading: Reading, name: str, new: Any) -> bool:  # noqa: ANN401 - a value of any setting
    """Whether a setting that is still known has the value that the change gave it."""
    return name in desk.settings and bool(settings.told(desk, reading, name)["value"] == new)
