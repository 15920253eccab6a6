"""Row 12: what a long journal costs whoever reads it, and what letting its older half go costs everybody else."""

import math
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from bench import goals
from bench.goals import Figure
from bench.load import Exchange, Run, open_loop
from bench.packets import Request, right_code
from bench.past import DAY, Span, with_past
from bench.plans import Stream, planned
from bench.population import CACHE, ROOT, user_name
from bench.processes import Running, running
from bench.setting import People, Setting
from bench.sign_ins import warm_up
from bench.web_load import closed_loop, get, told

PATH = "/api/v1/journal"
PAGE = 1000
QUESTIONS = 50
SIGN_INS = 200.0  # a second, while lines go
PATIENCE = 900.0  # seconds after which retention is given up
REPORTS = 3
MOMENT = 2.0  # seconds between two looks at whether all are gone


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose answer must hold lines of that time, all of them about this user, or any."""

    octets: bytes
    user: str
    since: float
    until: float

    def right(self, reply: bytes) -> bool:
        """Whether the answer holds what was asked for."""
        lines = told(reply).get("lines", [])
        return bool(lines) and all(self._fits(line) for line in lines)

    def _fits(self, line: dict[str, Any]) -> bool:
        right_time: bool = self.since <= line["at"] < self.until
        return right_time and self.user in ("", line["user_name"])


def journal(setting: Setting) -> Iterator[Figure]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
        configuration, span = with_past(setting.scale.past, Path(folder) / "node")
        with running("bench.product", "serve", setting.cores.server, str(configuration)) as server:
            yield from _read(setting, server, span)
            yield _reported(setting, server, span)
            yield from _pruned(setting, server, span)


def _read(setting: Setting, server: Running, span: Span) -> Iterator[Figure]:
    key = server.told("api-key", "add", "bench", "--right", "journal:read")["secret"]
    days = [span.since + number * DAY for number in range(1, int((span.until - span.since) / DAY))]
    people = People(setting.scale.users).take(QUESTIONS)
    of_users = [_asked(key, user_name(index)) for index in people]
    of_days = [_asked(key, since=days[number * len(days) // QUESTIONS]) for number in range(QUESTIONS)]
    of_both = [_of_one_day(server, key, user_name(index)) for index in people]
    for goal, questions in (
        (goals.JOURNAL_USER, of_users),
        (goals.JOURNAL_DAY, of_days),
        (goals.JOURNAL_BOTH, of_both),
    ):
        load = server.under(lambda _: closed_loop(server.api, questions, 1, setting.scale.seconds))  # noqa: B023
        run = setting.keep(f"journal, {goal.work}", load)
        yield Figure(goal, [run.quantile(0.99)], f"the slowest of {len(run.exchanges)}; p50 {run.quantile(0.5):.3g} ms")


def _asked(key: str, user: str = "", since: float = 0.0) -> Question:
    """The lines about a user, of a day, or of a day about a user."""
    wanted: dict[str, object] = {"limit": PAGE}
    wanted |= {"user": user} if user else {}
    wanted |= {"since": since, "until": since + DAY} if since else {}
    until = since + DAY if since else math.inf
    return Question(get(f"{PATH}?{urlencode(wanted)}", key), user, since, until)


def _of_one_day(server: Running, key: str, user: str) -> Question:
    """The day of this user's first line: on most days a user has none."""
    (exchange,) = closed_loop(server.api, [_asked(key, user)], 1, 5.0).exchanges
    first: float = told(exchange.reply)["lines"][0]["at"]
    return _asked(key, user, first // DAY * DAY)


def _reported(setting: Setting, server: Running, span: Span) -> Figure:
    """A month that lies wholly within the lines, whose sum is known from the way they were made."""
    month = (datetime.fromtimestamp(span.since, UTC).replace(day=1) + timedelta(days=150)).replace(day=1)
    days = ((month + timedelta(days=31)).replace(day=1) - month).days
    seconds, counted = [], {"accepted": 0, "refused": 0}
    for _ in range(REPORTS):
        begun = perf_counter()
        counted = server.told("journal", "report", "--month", f"{month:%Y-%m}")
        seconds.append(perf_counter() - begun)
    lines = counted["accepted"] + counted["refused"]
    expected = setting.scale.lines * days * DAY / (span.until - span.since)
    if abs(lines - expected) > 2:
        raise RuntimeError(f"the report of {month:%Y-%m} counts {lines} sign-ins, not {expected:.0f}")
    return Figure(goals.JOURNAL_REPORT, [min(seconds)], f"{lines:,} lines; slowest of {REPORTS}: {max(seconds):.2f} s")


def _pruned(setting: Setting, server: Running, span: Span) -> Iterator[Figure]:
    """Let half go, by the command, while people sign in."""
    people, half = People(setting.scale.users), datetime.fromtimestamp((span.since + span.until) / 2, UTC)
    warm_up(server, people)
    exchanges: list[Exchange] = []
    begun = perf_counter()
    asked = server.asked("journal", "prune", f"{half:%Y-%m-%dT%H:%M:%S+00:00}", "--yes")
    command = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        while command.poll() is None and perf_counter() < begun + PATIENCE:
            exchanges += _sign_in(setting, server, people)
        seconds = perf_counter() - begun
    finally:
        command.kill()
        said = command.communicate()[0].strip()
    yield Figure(goals.JOURNAL_PRUNE, [seconds], said or f"given up after {PATIENCE:g} s")
    yield Figure(goals.JOURNAL_P99, [Run(exchanges).quantile(0.99)], f"{len(exchanges):,} sign-ins, {SIGN_INS:g}/s")


def _sign_in(setting: Setting, server: Running, people: People) -> Sequence[Exchange]:
    """Let people sign in for a moment; when all have, only wait."""
    seconds = min(setting.scale.seconds, MOMENT)
    if len(people) < 2 * SIGN_INS * seconds:
        time.sleep(seconds)
        return ()

    def make(n: int) -> Request:
        index = people.take(1)[0]
        return right_code(n, user_name(index), index)

    plan = planned(seconds, Stream(SIGN_INS, make))
    load = server.under(lambda port: open_loop(port, plan.requests))
    return setting.keep("one-shot, while old journal lines go", load).exchanges
