"""Row 5: nodes on a PostgreSQL, one and two of them, beside SQLite in the same minute."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count, cycle, pairwise
from pathlib import Path

from bench import goals
from bench.goals import Figure
from bench.load import Ports, Run, beside, closed_loop, open_loop
from bench.machine import pin
from bench.packets import answer_to, either_way, wrong_code
from bench.plans import Plan, Stream, planned
from bench.population import CACHE, Population, code_of, configured, prepared, user_name
from bench.processes import Running, product, running, under
from bench.setting import People, Setting
from bench.sign_ins import IN_FLIGHT, WARM, codes
from tests.stores.postgresql import Server
from vestibule.apps.configuration import load
from vestibule.stores.sql.copying import copy
from vestibule.stores.sql.migrate import upgrade
from vestibule.wire.radius.packet import Code

BASE = "people"
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
}
SHARE = 0.05  # of all users, for each phase
TWICE_RATE = 300.0  # codes a second, each sent to both nodes
ATTACKED = 5  # users
ATTACK = 0.25  # guesses, of the peak
PLACES = 64  # that attack


@dataclass
class Databases:
    """The people on a PostgreSQL, copied anew for each run."""

    server: Server
    population: Population
    made: Iterator[int]

    def copy(self) -> str:
        """A new database with all people; its URL."""
        name = f"run_{next(self.made)}"
        asyncio.run(self.server.command(f"CREATE DATABASE {name} TEMPLATE {BASE} STRATEGY FILE_COPY"))
        asyncio.run(self.server.command("CHECKPOINT"))
        return self.server.url(name)


@dataclass(frozen=True)
class Round:
    """Shares of the rate on SQLite, in percent."""

    one: float
    two: float


def shared(setting: Setting) -> Iterator[Figure]:
    with _databases(setting) as databases:
        rounds = [_round(setting, databases) for _ in range(setting.scale.rounds)]
        yield Figure(goals.SHARED, [one.one for one in rounds])
        yield Figure(goals.SHARED_TWO, [one.two for one in rounds])
        with _nodes(setting, databases, 2) as nodes:
            people = People(setting.scale.users)
            _warm_up(nodes, people)
            asked, odd = _twice(setting, nodes, people)
            yield Figure(goals.SHARED_TWICE, [odd], f"{asked:,} codes, each sent to both nodes at once")
            kept, note = _under_attack(setting, nodes, people)
            yield Figure(goals.SHARED_ATTACK, [kept], note)


def _round(setting: Setting, databases: Databases) -> Round:
    with product("serve", setting.cores.server, setting.scale.population) as server:
        sqlite = _peak(setting, [server], People(setting.scale.users), "one-shot, SQLite, beside PostgreSQL")
    rates = []
    for number, name in ((1, "one-shot, PostgreSQL, one node"), (2, "one-shot, PostgreSQL, two nodes")):
        with _nodes(setting, databases, number) as nodes:
            rates.append(_peak(setting, nodes, People(setting.scale.users), name))
    return Round(*(rate / sqlite * 100 for rate in rates))


def _peak(setting: Setting, nodes: Sequence[Running], people: People, name: str) -> float:
    _warm_up(nodes, people)
    requests = codes(people, len(people) // 2)
    taken = under(nodes, lambda: closed_loop(_ports(nodes), requests, IN_FLIGHT, setting.scale.seconds))
    return setting.keep(name, taken).rate


def _warm_up(nodes: Sequence[Running], people: People) -> None:
    closed_loop(_ports(nodes), codes(people, WARM), 4, 5.0)


def _twice(setting: Setting, nodes: Sequence[Running], people: People) -> tuple[int, int]:
    """Send each code to both nodes at the same moment; how many, and how many were not accepted exactly once."""
    asked = min(int(TWICE_RATE * setting.scale.seconds), int(setting.scale.users * SHARE))
    requests, now = [], time.time()
    for number, index in enumerate(people.take(asked)):
        name = user_name(index)
        code = code_of(name, now)
        requests += [
            (number / TWICE_RATE, either_way(2 * number + node, name, index, code)) for node in range(len(nodes))
        ]
    run = setting.keep("the same code to both nodes", under(nodes, lambda: open_loop(_ports(nodes), requests)))
    answers = [answer_to(request, one.reply) for (_, request), one in zip(requests, run.exchanges, strict=True)]
    pairs = list(pairwise(answers))[::2]
    return asked, sum(pair.count(Code.ACCESS_ACCEPT) != 1 for pair in pairs)


def _under_attack(setting: Setting, nodes: Sequence[Running], people: People) -> tuple[float, str]:
    """What is left of everybody else's rate while a few users are guessed at; in percent."""
    attacked = people.take(ATTACKED)
    some, seconds = len(people) // 3, setting.scale.seconds
    requests = codes(people, some)
    alone = under(nodes, lambda: closed_loop(_ports(nodes), requests, IN_FLIGHT, seconds))
    peak = setting.keep("one-shot, two nodes, before the attack", alone).rate
    others = codes(people, some)
    plan = _attack(peak * ATTACK, min(seconds, some / peak), attacked)
    guesses: list[Run] = []

    def load() -> Run:
        guessed, good = beside(_ports(nodes), plan.requests, others, IN_FLIGHT)
        guesses.append(guessed)
        return good

    good = under(nodes, load)
    rate = setting.keep("one-shot, two nodes, others under attack", good).rate
    setting.keep(f"guesses at {ATTACKED} users", replace(good, run=guesses[0]))
    return rate / peak * 100, f"{peak * ATTACK:,.0f} guesses/s at {ATTACKED} users"


def _attack(rate: float, seconds: float, attacked: Sequence[int]) -> Plan:
    """Guesses from many places, at these users in turn."""
    victims, places = cycle(attacked), cycle(range(PLACES))
    return planned(
        seconds, Stream(rate, lambda n: wrong_code(n, user_name(next(victims)), f"203.0.113.{next(places)}"))
    )


def _ports(nodes: Sequence[Running]) -> Ports:
    return [node.port for node in nodes]


# -- the database and its nodes ------------------------------------------------------------------------------------


@contextmanager
def _databases(setting: Setting) -> Iterator[Databases]:
    """A PostgreSQL of its own with all people; it may run on both cores, as may what it starts."""
    os.sched_setaffinity(0, {setting.cores.server, setting.cores.load})
    server = Server.made(**DURABLE)
    pin(setting.cores.load)
    try:
        asyncio.run(server.command(f"CREATE DATABASE {BASE}"))
        print(f"  copying {setting.scale.users:,} users to PostgreSQL", flush=True)
        source = load(prepared(setting.scale.population) / "vestibule.toml", {}).database.url
        upgrade(server.url(BASE))
        copy(source, server.url(BASE))
        asyncio.run(server.command("VACUUM ANALYZE", BASE))
        yield Databases(server, setting.scale.population, count())
    finally:
        server.remove()


@contextmanager
def _nodes(setting: Setting, databases: Databases, number: int) -> Iterator[list[Running]]:
    """So many nodes on one fresh database: the first on the server's core, the second beside the load."""
    url, cores = databases.copy(), (setting.cores.server, setting.cores.load)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder, ExitStack() as started:
        nodes = []
        for name, core in zip(("mfa1", "mfa2")[:number], cores, strict=False):
            configuration = _node(Path(folder) / name, databases.population, url)
            nodes.append(started.enter_context(running("bench.product", "serve", core, str(configuration))))
        yield nodes


def _node(folder: Path, population: Population, url: str) -> Path:
    """What a node needs of its own: the key, and an empty data directory."""
    (folder / "data").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    shutil.copy2(prepared(population) / "master.key", folder)
    return configured(folder, url, folder.name)
