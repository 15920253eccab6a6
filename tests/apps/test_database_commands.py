"""Administration on two nodes of one PostgreSQL at once: what collides is given up as a whole, and both go on."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.apps.installation import Installation
from tests.stores import postgresql
from vestibule.apps.backup import backup
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.doctor import Level, shared
from vestibule.apps.pieces import Pieces, bounds
from vestibule.core.ports import Conflict, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Group, User
from vestibule.flows.refused import Refused
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql import Bounds, read_keys
from vestibule.stores.sql.beginning import NotFirst, add_first_keys, take_back
from vestibule.stores.sql.looking import Facts
from vestibule.stores.vault import KeyRow, Vault

ROUNDS = 20
ACTOR = "test"


@pytest.fixture(scope="module")
def template() -> postgresql.Template:
    return postgresql.template()


@pytest.fixture
async def nodes(template: postgresql.Template, tmp_path: Path) -> AsyncIterator[tuple[Pieces, Pieces]]:
    url = await template.copy()
    installation = Installation(tmp_path)
    _, rows = Vault.create(create_key_file(installation.key, secrets.token_bytes), secrets.token_bytes)
    await asyncio.to_thread(take_back, url, read_keys(url))
    await asyncio.to_thread(add_first_keys, url, rows)
    named = {"VESTIBULE_DATABASE_URL": url}
    yield await installation.open(named), await installation.open({**named, "VESTIBULE_SERVER_NAME": "mfa2"})
    await installation.close()


async def added(commands: Commands, name: str) -> str:
    """What came of adding a user: nothing, or the kind of its failure."""
    try:
        await commands.run("user.add", {"name": name}, ACTOR)
    except CommandFailed as failed:
        return failed.kind
    return ""


async def test_of_two_that_take_one_name_at_once_one_is_refused_and_both_nodes_go_on(
    nodes: tuple[Pieces, Pieces],
) -> None:
    both = [Commands(pieces) for pieces in nodes]
    for number in range(ROUNDS):
        outcomes = await asyncio.gather(*(added(one, f"u{number}") for one in both * 2))
        assert sorted(outcomes) == ["", "refused", "refused", "refused"]
    verified = await both[0].run("journal.verify", {}, ACTOR)
    assert verified["intact"]
    lines = (await both[1].run("journal.list", {"limit": 1000}, ACTOR))["lines"]
    assert [line["action"] for line in lines].count("user.add") == ROUNDS


async def test_a_slice_that_collides_leaves_nothing_of_itself(nodes: tuple[Pieces, Pieces]) -> None:
    first, second = nodes

    def collide(writing: Writing) -> None:
        writing.put(Group("staff"))
        writing.put(User("2", "Anna", "anna"))

    await second.store.change(lambda writing: writing.put(User("1", "anna", "anna")))
    with pytest.raises(Conflict):
        await first.store.change(collide)
    assert await first.store.read(lambda reading: reading.get(Group, "staff")) is None
    assert await added(Commands(first), "berta") == ""


def test_of_two_that_begin_a_database_at_once_one_is_first(template: postgresql.Template) -> None:
    """Data keys under two master keys would open for nobody."""
    url = asyncio.run(template.copy())
    take_back(url, read_keys(url))
    made = [Vault.create(Secret(bytes([number]) * 32), secrets.token_bytes)[1] for number in range(8)]

    def begin(rows: Sequence[KeyRow]) -> bool:
        try:
            add_first_keys(url, rows)
        except NotFirst:
            return False
        return True

    with ThreadPoolExecutor(len(made)) as threads:
        first = list(threads.map(begin, made))
    assert first.count(True) == 1
    assert {row.id for row in read_keys(url)} == {row.id for row in made[first.index(True)]}


async def test_a_backup_is_refused_before_anything_is_made(nodes: tuple[Pieces, Pieces], tmp_path: Path) -> None:
    with pytest.raises(Refused, match="pg_dump"):
        await backup(nodes[0], tmp_path / "backup", actor=ACTOR, at=0.0)
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("backup*")))


@pytest.mark.requirement(56)
@pytest.mark.parametrize(("ahead", "said"), [(0.0, ""), (1.9, ""), (-1.9, ""), (60.0, "60 s ahead"), (-60.0, "behind")])
def test_a_clock_that_differs_from_the_database_is_named(ahead: float, said: str) -> None:
    found = list(shared.clock(Facts("18.0", 1000.0 + ahead, ()), 1000.0))
    assert len(found) == bool(said)
    assert all(said in one.what and one.level is Level.WARNING for one in found)


def test_a_database_that_forgets_in_a_crash_is_named() -> None:
    assert not list(shared.forgetful(Facts("18.0", 0.0, ())))
    (found,) = shared.forgetful(Facts("18.0", 0.0, ("synchronous_commit",)))
    assert (found.level, "synchronous_commit off" in found.what) == (Level.ERROR, True)


def test_the_bounds_of_the_configuration_are_those_of_the_store(tmp_path: Path) -> None:
    more = {
        "VESTIBULE_DATABASE_CONNECT_SECONDS": "1.5",
        "VESTIBULE_DATABASE_STATEMENT_SECONDS": "2.5",
        "VESTIBULE_DATABASE_READING_CONNECTIONS": "7",
    }
    assert bounds(Installation(tmp_path).configuration(more)) == Bounds(1.5, 2.5, 7)
