"""Lines of the journal for the terminal: which ones, and how they look."""

import json
import re
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.output import moment
from vestibule.apps.cli.running import Arguments, Ask, connected, pages
from vestibule.core.journal import EntryKind
from vestibule.core.reasons import Reason

COLUMNS = ("time (UTC)", "user", "what", "how it ended", "client or who")
BEAT = 1.0  # seconds between two looks at the journal while it is followed
_AGO = re.compile(r"([0-9]{1,9})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def wanted(
    *,
    user: str | None,
    since: str | None,
    until: str | None,
    kind: EntryKind | None,
    reason: Reason | None,
    accepted: bool | None,
) -> Arguments:
    """The arguments of journal.list."""
    return {
        "user": user,
        "since": point(since) if since else None,
        "until": point(until) if until else None,
        "kind": kind,
        "reason": reason,
        "accepted": accepted,
    }


def point(text: str) -> float:
    """A time as people write it, in seconds since the epoch: how long ago, or a date in UTC."""
    ago = _AGO.fullmatch(text)
    if ago:
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Stop(f"{text} is no time. Write 30m, 2h, 7d, 2027-01-31 or 2027-01-31T08:00.", Code.USAGE) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def newest(server: Ask, query: Arguments, limit: int) -> list[dict[str, Any]]:
    """The last lines of what matches; the others only pass through."""
    return list(deque((line for page in pages(server, "journal.list", query) for line in page["lines"]), limit))


def following(query: Arguments) -> Iterator[dict[str, Any]]:
    """New lines, for ever. Raises Stop when no server runs, for then nothing happens."""
    with connected(needed=True) as server:
        while True:
            for page in pages(server, "journal.list", query):
                yield from page["lines"]
                query = {**query, "after": page["position"] or query.get("after")}
            time.sleep(BEAT)


def row(line: dict[str, Any]) -> tuple[str, ...]:
    """One line in the columns of `COLUMNS`."""
    what = line["method"] if line["kind"] == "sign_in" and line["method"] else line["action"]
    return moment(line["at"]), line["user_name"], what, _ending(line), line["client_id"] or line["actor"]


def printed(line: dict[str, Any], *, as_json: bool) -> str:
    """One line as it is followed."""
    return json.dumps(line, ensure_ascii=False) if as_json else "  ".join(part for part in row(line) if part)


def _ending(line: dict[str, Any]) -> str:
    match line["accepted"]:
        case True:
            return "accepted"
        case False:
            return f"refused: {line['reason']}"
        case _:
            return ""
