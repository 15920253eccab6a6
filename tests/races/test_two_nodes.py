"""Two nodes on one PostgreSQL: whatever holds on one node holds across both."""

import asyncio
import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from tests.conformance.store.opening import lines_of, look, poisoned, putting, settle, soon
from tests.conformance.store.sign_ins import SEED, START, VPN, Desk, code, number, person, phone, token
from tests.stores import postgresql
from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.clients import SignIn
from vestibule.core.credentials import Credential
from vestibule.core.decisions import Accept, CheckPassword, Deliver, Reject, Wait
from vestibule.core.errors import Unavailable
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Writing
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.stores.chain import first_fault
from vestibule.stores.sql import SqlStore
from vestibule.stores.sql.postgresql.step_text import text_of

ROUNDS = 500
ASKERS = 8
EVENTS = 1000
ATTACKED = 5
AT_ONCE = 2.0  # seconds; below the time between two polls, far above what telling takes
ZOE = Key(KeyKind.NAME, "zoe", "here")
PASSWORD = "canary-passw0rd-51c2"


@dataclass
class Nodes:
    """Two stores on one database."""

    url: str
    template: postgresql.Template
    first: SqlStore
    second: SqlStore

    @property
    def both(self) -> tuple[SqlStore, SqlStore]:
        return self.first, self.second

    @property
    def desks(self) -> tuple[Desk, Desk]:
        return Desk(self.first), Desk(self.second)

    async def asked(self, question: str) -> object:
        """What the database itself says."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def nodes(template: postgresql.Template) -> AsyncIterator[Nodes]:
    url = await template.copy()
    first = await postgresql.open_node(url, template.vault, "mfa1", now=1.0)
    second = await postgresql.open_node(url, template.vault, "mfa2", now=2.0)
    yield Nodes(url, template, first, second)
    await first.close()
    await second.close()


# -- one code, one event -------------------------------------------------------------------------------------------


@pytest.mark.requirement(4)
async def test_one_code_sent_to_both_nodes_at_once_lets_in_once(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), token("zoe"), SEED))
    for turn in range(100):
        at = START + 30 * turn
        turns = await asyncio.gather(*(desk.began("zoe", code(at), at) for desk in nodes.desks * 2))
        assert Counter(turn.decision for turn in turns) == {
            Accept("zoe", ("staff",)): 1,
            Reject(Reason.CODE_REUSED): 3,
        }


@pytest.mark.requirement(4)
async def test_a_seed_that_two_persons_share_is_spent_on_both_nodes(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), person("max"), token("zoe"), token("max"), SEED))
    here, there = nodes.desks
    for turn in range(100):
        at = START + 30 * turn
        turns = await asyncio.gather(here.began("zoe", code(at), at), there.began("max", code(at), at))
        assert sorted(isinstance(turn.decision, Accept) for turn in turns) == [False, True]


@pytest.mark.requirement(40)
@pytest.mark.parametrize("known", [True, False], ids=["somebody", "nobody"])
async def test_a_thousand_events_that_reach_both_nodes_are_decided_once_each(nodes: Nodes, *, known: bool) -> None:
    await nodes.first.change(putting(VPN))
    if known:
        await nodes.first.change(putting(person("zoe"), token("zoe"), SEED))
    await nodes.first.change(lambda writing: writing.set("limits.source_tries", "100"))
    chance = random.Random(7)
    tellings = [(desk, event) for event in range(EVENTS) for desk in nodes.desks]
    tellings.sort(key=lambda telling: telling[1] + 64 * chance.random() ** 4)  # mostly at once, some much later
    told: dict[int, list[object]] = {event: [] for event in range(EVENTS)}

    async def tell(desk: Desk, event: int) -> None:
        turn = await desk.began("zoe", f"{event:06}", START, same=f"event {event}")
        told[event].append(turn.decision)

    await asyncio.gather(*(tell(desk, event) for desk, event in tellings))
    assert all(len(decisions) == 2 and decisions[0] == decisions[1] for decisions in told.values())
    assert len(await lines_of(nodes.first)) == EVENTS


@pytest.mark.requirement(40)
async def test_an_event_of_nobody_that_another_node_is_deciding_is_not_decided_here(nodes: Nodes) -> None:
    other = await asyncpg.connect(nodes.url)  # stands for the other node, in the midst of its batch
    try:
        await other.execute("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('event', 0))")
        waiting = asyncio.create_task(nodes.first.settle(ZOE, "event", poisoned, soon()))
        for _ in range(5):
            await look(nodes.first, Key(KeyKind.NAME, "max"))
        assert not waiting.done()
        step = text_of(Step(Case(nodes.first.snapshot), Reject(Reason.BLOCKED)))
        await other.execute("INSERT INTO settled VALUES ('event', extract(epoch FROM now()), $1)", step)
        await other.execute("COMMIT")
        assert (await waiting).decision == Reject(Reason.BLOCKED)
    finally:
        await other.close()


@pytest.mark.requirement(40)
@pytest.mark.requirement(47)
async def test_a_password_check_that_was_ordered_here_can_be_ordered_there_and_is_written_nowhere(
    nodes: Nodes,
) -> None:
    await nodes.first.change(putting(replace(VPN, sign_in=SignIn.PASSWORD_THEN_CODE), person("zoe")))
    turns = [await desk.began("zoe", PASSWORD, same="event") for desk in nodes.desks]
    assert [turn.order for turn in turns] == [CheckPassword("id of zoe", Secret.of(PASSWORD), "here")] * 2
    failures = (await look(nodes.second, ZOE)).failures
    assert failures[FailureKind.SOURCE, "here"].count == 1
    assert await nodes.asked("SELECT count(*) FROM settled WHERE id = 'event'") == 1
    assert await nodes.asked(f"SELECT count(*) FROM settled WHERE step LIKE '%{PASSWORD}%'") == 0


@pytest.mark.requirement(40)
async def test_a_password_with_a_code_is_ordered_again_after_the_code_was_spent(nodes: Nodes) -> None:
    both = replace(VPN, sign_in=SignIn.PASSWORD_AND_CODE)
    await nodes.first.change(putting(both, person("zoe"), token("zoe"), SEED))
    here, there = nodes.desks
    order = (await here.began("zoe", f"{PASSWORD}{code(START)}", same="event")).order
    assert order == CheckPassword("id of zoe", Secret.of(PASSWORD), "here")

    def spend(case: Case) -> Step:
        seed = replace(case.seeds["seed"], last_step=int(START) // 30)
        return Step(replace(case, seeds={"seed": seed}))

    await settle(nodes.first, ZOE, spend)
    assert (await there.began("zoe", f"{PASSWORD}{code(START)}", same="event")).order == order


@pytest.mark.requirement(40)
async def test_a_check_that_can_not_be_ordered_again_is_left_to_the_node_that_began_it(nodes: Nodes) -> None:
    await nodes.first.change(putting(replace(VPN, sign_in=SignIn.PASSWORD_THEN_CODE), person("zoe")))
    here, there = nodes.desks
    await here.began("zoe", PASSWORD, same="event")
    await nodes.first.change(putting(VPN))
    with pytest.raises(Unavailable):
        await there.began("zoe", PASSWORD, same="event")


@pytest.mark.requirement(40)
async def test_a_message_is_ordered_once_and_named_again(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), phone("zoe")))
    first, again = [await desk.began("zoe", same="event") for desk in nodes.desks]
    assert isinstance(first.order, Deliver)
    assert (first.decision, first.order) == (again.decision, again.order)
    assert isinstance(again.decision, Wait)
    assert await nodes.second.read(lambda reading: reading.count(OutboxRow)) == 1


# -- what is counted, changed and told ------------------------------------------------------------------------------


@pytest.mark.requirement(20)
async def test_guesses_at_both_nodes_are_counted_in_one_place(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), token("zoe"), SEED))
    await nodes.first.change(lambda writing: writing.set("limits.source_tries", "3"))
    near = set(map(code, (START - 30, START, START + 30)))
    guesses = [guess for guess in map("{:06}".format, range(200)) if guess not in near]
    work = [nodes.desks[i % 2].began("zoe", guess) for i, guess in enumerate(guesses)]
    outcomes = Counter(turn.decision for turn in await asyncio.gather(*work))
    assert outcomes == {Reject(Reason.WRONG_CODE): 3, Reject(Reason.THROTTLED): len(guesses) - 3}


async def test_changes_and_decisions_of_both_nodes_lose_nothing_to_each_other(nodes: Nodes) -> None:
    """All add to one number, by reading and writing it."""
    await nodes.first.change(putting(person("zoe"), Credential("c", "recovery", "id of zoe", memory="0")))

    def more(credential: Credential) -> Credential:
        return replace(credential, memory=str(int(credential.memory) + 1))

    def decide(case: Case) -> Step:
        return Step(replace(case, credentials=tuple(map(more, case.credentials))))

    def act(writing: Writing) -> None:
        credential = writing.get(Credential, "c")
        assert credential is not None
        writing.put(more(credential))

    work = [work for store in nodes.both for _ in range(50) for work in (settle(store, ZOE, decide), store.change(act))]
    await asyncio.gather(*work)
    assert [one.memory for one in (await look(nodes.second, ZOE)).credentials] == ["200"]


async def test_an_attempt_of_nobody_is_changed_by_one_node_at_a_time(nodes: Nodes) -> None:
    attempt = Attempt("attempt", "vpn", "", "nobody", "nobody", "here", "", 1.0, 61.0, rule="0")
    await nodes.first.change(putting(attempt))

    def count(case: Case) -> Step:
        assert case.attempt is not None
        return Step(replace(case, attempt=replace(case.attempt, rule=str(int(case.attempt.rule) + 1))))

    key = Key(KeyKind.ATTEMPT, "attempt")
    await asyncio.gather(*(settle(store, key, count) for _ in range(100) for store in nodes.both))
    assert (await look(nodes.first, key)).attempt == replace(attempt, rule="200")


async def test_who_waits_at_one_node_hears_what_was_answered_at_the_other(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), phone("zoe")))
    here, there = nodes.desks
    turn = await here.began("zoe")
    watches = [asyncio.create_task(store.watch(turn.waiting.attempt_id, soon())) for store in nodes.both]
    await nodes.second.read(lambda reading: reading.state(""))  # both have begun to wait
    async with asyncio.timeout(AT_ONCE):
        assert await there.answered(turn.waiting, number(turn.waiting)) == Accept("zoe", ("staff",))
        attempts = await asyncio.gather(*watches)
    assert [attempt is not None and attempt.settled is not None for attempt in attempts] == [True, True]


async def test_what_was_answered_while_nobody_could_listen_is_heard_on_the_next_connection(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), phone("zoe")))
    here, there = nodes.desks
    turn = await here.began("zoe")
    watch = asyncio.create_task(nodes.first.watch(turn.waiting.attempt_id, soon()))
    await nodes.first.read(lambda reading: reading.state(""))
    listening = "query ~* '^LISTEN|^SELECT value FROM state' AND pid <> pg_backend_pid()"
    assert await nodes.asked(f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {listening}")
    assert await there.answered(turn.waiting, number(turn.waiting)) == Accept("zoe", ("staff",))
    async with asyncio.timeout(2 * AT_ONCE):
        attempt = await watch
    assert attempt is not None
    assert attempt.settled is not None


async def test_a_change_of_settings_rules_on_an_idle_node(nodes: Nodes) -> None:
    for version in range(3):  # a poll may come in time for one of them
        before = nodes.second.snapshot
        await nodes.first.change(putting(replace(VPN, version=version)))
        async with asyncio.timeout(AT_ONCE):
            while nodes.second.snapshot is before:
                await nodes.second.read(lambda reading: reading.state(""))
        assert dict(nodes.second.snapshot.clients) == {"vpn": replace(VPN, version=version)}


async def test_a_change_of_settings_rules_from_the_next_decision_on_the_other_node(nodes: Nodes) -> None:
    for seconds in range(60, 160):
        await nodes.first.change(lambda writing, text=str(seconds): writing.set("challenge_seconds", text))  # type: ignore[misc]  # bound now
        assert (await look(nodes.second, ZOE)).snapshot.settings.challenge_seconds == seconds


async def test_changes_of_settings_at_both_nodes_make_one_version_each(nodes: Nodes) -> None:
    work = [store.change(putting(replace(VPN, id=f"{i}"))) for store in nodes.both for i in range(20)]
    await asyncio.gather(*work)
    cases = [await look(store, ZOE) for store in nodes.both]
    assert [case.snapshot.version for case in cases] == [40, 40]
    assert cases[0].snapshot == cases[1].snapshot


@pytest.mark.requirement(49)
async def test_each_node_writes_a_chain_of_its_own_that_verifies(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), token("zoe"), SEED))
    await asyncio.gather(*(desk.began("zoe", f"{i:06}") for i in range(50) for desk in nodes.desks))
    heads = await nodes.first.read(lambda reading: reading.chains())
    assert [head.server_name for head in heads] == ["mfa1", "mfa2"]
    assert sum(head.seq for head in heads) == 100
    for head in heads:
        lines = [line for line in await lines_of(nodes.second) if line.chain == head.chain]
        key = nodes.template.vault.derive("journal", head.chain.encode()).reveal()
        assert first_fault(lines, key, head.first_previous_mac, 1) is None
        assert lines[-1].mac == head.mac


# -- under attack ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement(20)
async def test_persons_under_attack_at_both_nodes_keep_nobody_else_out(nodes: Nodes) -> None:
    victims = [f"victim {i}" for i in range(ATTACKED)]
    others = [f"user {i}" for i in range(200)]
    people = [record for name in (*victims, *others) for record in (person(name), own_token(name))]
    for i in range(0, len(people), 200):
        await nodes.first.change(putting(VPN, *people[i : i + 200]))
    await nodes.first.change(putting(*(replace(SEED, id=f"seed of {name}") for name in (*victims, *others))))
    ended = asyncio.Event()

    async def attack(desk: Desk, name: str) -> int:
        guesses = 0
        while not ended.is_set():
            turn = await desk.began(name, f"{guesses % 1000:06}", START + guesses, source=f"{guesses}")
            guesses += isinstance(turn.decision, Reject)
        return guesses

    attacks = [asyncio.create_task(attack(desk, name)) for desk in nodes.desks for name in victims for _ in range(3)]
    turns = [nodes.desks[i % 2].began(name, code(START), START) for i, name in enumerate(others)]
    outcomes = Counter(type(turn.decision) for turn in await asyncio.gather(*turns))
    ended.set()
    guesses = sum(await asyncio.gather(*attacks))
    assert outcomes == {Accept: len(others)}
    assert guesses > ATTACKED
    assert await nodes.asked("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


def own_token(name: str) -> Credential:
    return replace(token(name), seed_id=f"seed of {name}")


@pytest.mark.requirement(44)
async def test_a_person_whom_somebody_holds_locked_is_told_in_time_and_keeps_nobody_else_waiting(nodes: Nodes) -> None:
    await nodes.first.change(putting(VPN, person("zoe"), person("max")))
    holder = await asyncpg.connect(nodes.url)
    try:
        await holder.execute("BEGIN; SELECT 1 FROM users WHERE key = 'zoe' FOR UPDATE")
        stuck = [asyncio.create_task(store.settle(ZOE, "stuck", Step, time.monotonic() + 2.0)) for store in nodes.both]
        begun, n = time.monotonic(), 0
        while not all(one.done() for one in stuck):
            await asyncio.gather(*(look(store, Key(KeyKind.NAME, "max")) for store in nodes.both))
            n += 1
        assert time.monotonic() - begun < 2.0 + AT_ONCE
        assert n > 4  # others are served beside, in turns
        outcomes = await asyncio.gather(*stuck, return_exceptions=True)
        assert [type(one) for one in outcomes] == [Unavailable] * 2
    finally:
        await holder.close()
    assert (await nodes.first.settle(ZOE, "stuck", Step, soon())).case.user == person("zoe")


@pytest.mark.requirement(4)
async def test_a_failure_row_that_both_nodes_begin_is_begun_once(nodes: Nodes) -> None:
    await nodes.first.change(putting(person("zoe")))

    def count(case: Case) -> Step:
        row = case.failures.get((FailureKind.SOURCE, "here")) or Failures("id of zoe", FailureKind.SOURCE, "here")
        return Step(replace(case, failures={(FailureKind.SOURCE, "here"): replace(row, count=row.count + 1)}))

    await asyncio.gather(*(settle(store, ZOE, count) for store in nodes.both for _ in range(100)))
    assert (await look(nodes.first, ZOE)).failures[FailureKind.SOURCE, "here"].count == 200


# -- as processes of their own --------------------------------------------------------------------------------------


@pytest.mark.requirement(4)
async def test_eight_processes_send_one_code_to_two_nodes_and_one_is_let_in_every_round(
    template: postgresql.Template, tmp_path: Path
) -> None:
    url = await template.copy()
    store = await postgresql.open_node(url, template.vault, "admin")
    await store.change(putting(VPN, person("zoe"), token("zoe"), SEED))
    await store.close()
    with ExitStack() as processes:
        sockets = [tmp_path / name for name in ("mfa1", "mfa2")]
        started = [processes.enter_context(running("node", url, str(one), one.name)) for one in sockets]
        assert [said(one) for one in started] == ["ready", "ready"]
        askers = [processes.enter_context(running("asker", str(sockets[i % 2]))) for i in range(ASKERS)]
        for turn in range(ROUNDS):
            at = START + 30 * turn
            for asker in askers:
                say(asker, f"zoe {code(at)} {at}")
            assert Counter(map(said, askers)) == {"Accept": 1, "Reject": ASKERS - 1}


@contextlib.contextmanager
def running(module: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A module of this folder as a process, until the end of the block."""
    command = [sys.executable, "-m", f"tests.races.{module}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
