"""Keys are rotated while people sign in: nothing is ever unreadable, and nothing is left under the old key."""

import asyncio
import os
import random
import secrets
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.store.opening import putting
from tests.conformance.store.samples import FULL
from tests.stores import postgresql, rotating
from tests.stores.postgresql import MASTER
from tests.stores.rotating import BESIDE, PEOPLE, ROWS, World, opened
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential, Seed
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Reading, Writing
from vestibule.flows import keys
from vestibule.flows.refused import Refused
from vestibule.stores.sql import add_keys
from vestibule.stores.sql.key_table import sealed_values
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.sql.shapes import SHAPE_OF
from vestibule.stores.sql.writing import SqlWriting
from vestibule.stores.vault import Vault, sealed_with

KILLS = int(os.environ.get("VESTIBULE_KILLS", "50"))


@pytest.fixture(scope="module")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that is made once, for each test to copy: migrations take their time."""
    path = tmp_path_factory.mktemp("new") / "vestibule.db"
    _, rows = Vault.create(MASTER, secrets.token_bytes)
    upgrade(f"sqlite:///{path}")
    add_keys(f"sqlite:///{path}", rows)
    asyncio.run(rotating.laid_out(f"sqlite:///{path}"))
    return path


@pytest.fixture
def on_sqlite(new_database: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(new_database, tmp_path)}"


@pytest.fixture
def on_postgresql() -> str:
    url = asyncio.run(postgresql.template().copy())
    asyncio.run(rotating.laid_out(url))
    return url


@pytest.mark.requirement(46)
async def test_a_rotation_leaves_no_row_under_the_old_key(on_sqlite: str) -> None:
    async with opened(on_sqlite) as world:
        done = await world.rotate()
        assert (done["rotated"], done["key"], done["retired"], done["sealed_anew"]) == (True, 6, [1], ROWS)
        assert await world.used() == {6}
        await world.whole(1)


async def test_a_rotation_is_journalled_and_a_young_key_is_left_alone(on_sqlite: str) -> None:
    async with opened(on_sqlite) as world:
        await world.rotate()
        again = await world.rotate(again=False)
        assert (again["rotated"], again["key"]) == (False, 6)
        assert await world.actions() == ["key.rotation_began", "key.rotated"]
        world.office.clock.at += keys.FRESH_SECONDS
        assert (await world.rotate(again=False))["key"] == 7


@pytest.mark.requirement(46)
@pytest.mark.parametrize("slices", range(6))
async def test_a_rotation_that_was_cut_off_is_continued_with_the_same_key(on_sqlite: str, slices: int) -> None:
    async with opened(on_sqlite) as world:
        await world.keyring.begin(1.0, lambda rotation: Entry(1.0, EntryKind.ADMINISTRATION, "key.rotation_began"))
        for turn in range(slices):
            await world.keyring.switch()
            assert await world.keyring.seal_anew(1.0, 5), turn
    async with opened(on_sqlite) as world:
        await world.whole(1)
        assert await world.used() == ({1} if slices == 0 else {1, 6})
        done = await world.rotate(again=False)
        assert (done["key"], done["sealed_anew"]) == (6, ROWS)
        assert await world.used() == {6}
        await world.whole(2)


@pytest.mark.requirement(46)
async def test_a_view_from_before_the_rotation_opens_what_it_sees(on_sqlite: str) -> None:
    async with opened(on_sqlite) as world:
        looking, rotated = threading.Event(), threading.Event()

        def look(reading: Reading) -> list[Seed]:
            assert reading.count(Seed) == PEOPLE
            looking.set()
            assert rotated.wait(20)
            return reading.page(Seed, "", PEOPLE)

        view = asyncio.create_task(world.store.read(look))
        assert await asyncio.to_thread(looking.wait, 20)
        await world.rotate()
        await world.whole(1)
        rotated.set()
        assert len(await view) == PEOPLE


# -- what was moved, or comes from before ----------------------------------------------------------------------------


def stored(url: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Do to the file what somebody with a hand on it could do."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        return database.execute(statement, values).fetchall()


async def refused_rows(world: World) -> list[dict[str, Any]]:
    return [entry.detail for entry in await world.office.journal() if entry.action == "row.refused"]


@pytest.mark.requirement(45)
async def test_a_secret_from_another_row_is_refused_for_that_row_only_and_journalled_once(on_sqlite: str) -> None:
    async with opened(on_sqlite) as world:
        more = Seed("second", rotating.secret_of(77))
        await world.store.change(
            putting(more, Credential("other token", "totp", "id of user 3", seed_id="second", created_at=1.0))
        )
        stored(
            on_sqlite,
            "UPDATE seeds SET sealed = (SELECT sealed FROM seeds WHERE id = 'seed of user 4') WHERE id = ?",
            "seed of user 3",
        )
        for step in range(3):
            for number in range(PEOPLE):
                assert await world.signs_in(number, step) == (number != 3)
        why = "the sealed value was altered, cut short or moved from another row"
        assert await refused_rows(world) == [{"row": "seeds/seed of user 3/sealed", "why": why}]
        assert await world.signs_in(3, 9, secret=77)


@pytest.mark.requirement(45)
async def test_a_secret_from_an_older_backup_is_refused_after_a_rotation(on_sqlite: str) -> None:
    ((sealed,),) = stored(on_sqlite, "SELECT sealed FROM seeds WHERE id = 'seed of user 3'")
    async with opened(on_sqlite) as world:
        await world.rotate()
        stored(on_sqlite, "UPDATE seeds SET sealed = ? WHERE id = 'seed of user 3'", sealed)
        assert [await world.signs_in(number, 1) for number in range(PEOPLE)] == [n != 3 for n in range(PEOPLE)]
        why = "sealed with key 1, which is not loaded"
        assert await refused_rows(world) == [{"row": "seeds/seed of user 3/sealed", "why": why}]
        told = await keys.status(world.keyring, world.office.desk, "tester")
        assert told["unreadable"] == [{"key": 1, "rows": {"seeds": 1}}]


@pytest.mark.requirement(45)
async def test_a_client_whose_secret_was_moved_is_left_out_and_the_others_stay(on_sqlite: str) -> None:
    stored(
        on_sqlite,
        "UPDATE clients SET secrets = (SELECT secrets FROM clients WHERE id = 'client 1') WHERE id = 'client 2'",
    )
    async with opened(on_sqlite) as world:
        assert "client 2" not in world.store.snapshot.clients
        assert "client 1" in world.store.snapshot.clients
        assert await world.signs_in(1, 1)
        (refused,) = await refused_rows(world)
        assert refused["row"] == "clients/client 2/secrets/0"
        for row in ("clients/client 1", "clients/nobody", "users/id of user 1"):
            with pytest.raises(Refused):
                await keys.discard(world.keyring, world.office.desk, "tester", row=row)
        await keys.discard(world.keyring, world.office.desk, "tester", row="clients/client 2")
        await world.rotate()
        assert sorted(await world.store.read(lambda reading: [one.id for one in reading.page(Client, "", ROWS)])) == [
            *(f"client {number}" for number in range(BESIDE) if number != 2),
            "vpn",
        ]


@pytest.mark.requirement(46)
async def test_rows_that_do_not_open_keep_the_old_key_until_they_are_dealt_with(on_sqlite: str) -> None:
    stored(on_sqlite, "UPDATE seeds SET sealed = substr(sealed, 1, 40) WHERE id = 'seed of user 3'")
    async with opened(on_sqlite) as world:
        for _ in range(2):
            with pytest.raises(Refused, match=r"do not open: seeds/seed of user 3/sealed: .*So key 1 stays"):
                await world.rotate()
        assert await world.used() == {1, 6}
        assert (await refused_rows(world))[0]["row"] == "seeds/seed of user 3/sealed"
        await world.store.change(lambda writing: writing.remove(Seed, "seed of user 3"))
        assert (await world.rotate())["retired"] == [1]
        assert await world.used() == {6}


def test_every_table_with_sealed_values_is_walked() -> None:
    """A shape that seals and does not say where would keep its rows under a key that goes."""
    vault, _ = Vault.create(MASTER, secrets.token_bytes)
    for record in FULL:
        shape, before = SHAPE_OF[type(record)], sum(vault.seals.values())
        row = shape.encode(record, vault)
        sealed = sum(vault.seals.values()) - before
        assert bool(sealed) == bool(shape.sealed_in), shape.table.name
        if sealed:
            assert [sealed_with(one) for one in sealed_values(shape, row)] == [1] * sealed


# -- kills -----------------------------------------------------------------------------------------------------------


def kill_again_and_again(url: str, kills: int, longest: float) -> set[str]:
    """Kill at random moments; the stages at which a kill has hit."""
    chance, stages = random.Random(46), set()
    for turn in range(kills):
        rotating.killed(url, turn, chance, longest, rotating.rotate_for_ever)
        stages.add(asyncio.run(rotating.check(url, turn)))

    async def finish() -> None:
        async with opened(url) as world:
            done = await world.rotate(again=True)
            assert await world.used() == {done["key"]}
            assert [one.id for one in await world.keyring.versions() if one.purpose == "seal"] == [done["key"]]
            await world.whole((kills + 1) * rotating.TURN)

    asyncio.run(finish())
    return stages


@pytest.mark.requirement(46)
@pytest.mark.timeout(60 + KILLS)
def test_a_kill_at_any_moment_leaves_everything_readable(on_sqlite: str) -> None:
    stages = kill_again_and_again(on_sqlite, KILLS, 0.12)
    assert len(stages & {"seeds", "clients", "directories", "past_requests"}) >= 3, stages


@pytest.mark.requirement(46)
@pytest.mark.timeout(60 + KILLS)
def test_a_kill_at_any_moment_leaves_everything_readable_on_postgresql(on_postgresql: str) -> None:
    stages = kill_again_and_again(on_postgresql, max(KILLS // 4, 1), 0.4)
    assert len(stages) >= 2, stages


# -- several nodes ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement(46)
async def test_another_node_never_fails_a_sign_in_while_keys_are_rotated(on_postgresql: str) -> None:
    async with opened(on_postgresql, "mfa1") as here, opened(on_postgresql, "mfa2") as there:
        turns = asyncio.create_task(rotating.rotate_times(here, 5))
        step = 0
        while not turns.done():
            step += 1
            assert all(await asyncio.gather(*(there.signs_in(number, step) for number in range(PEOPLE))))
            assert len(await there.store.read(lambda reading: reading.page(Client, "", ROWS))) == BESIDE + 1
        await turns
        newest = here.vault.current
        assert newest == 10
        await there.store.change(putting(Client("late", "late", (), (rotating.secret_of(1),))))
        assert await here.used() == {newest}
        await there.whole(step + 1)
        assert there.vault.seals.keys() == {newest}


@pytest.mark.requirement(46)
async def test_a_node_that_slept_through_a_rotation_seals_with_the_new_key(on_postgresql: str) -> None:
    async with opened(on_postgresql, "mfa1") as here, opened(on_postgresql, "mfa2") as there:
        begun = asyncio.Event()

        def sleepy(writing: Writing) -> None:
            """Know the keys from the beginning of the slice, and seal after they were rotated."""
            begun.set()
            assert isinstance(writing, SqlWriting)
            writing._cursor._cursor.execute("SELECT pg_sleep(1.5)", ())  # type: ignore[attr-defined]
            writing.put(Client("late", "late", (), (rotating.secret_of(1),)))

        slept = asyncio.create_task(there.store.change(sleepy))
        await begun.wait()
        await here.rotate()
        assert not slept.done()
        await slept
        assert await here.used() == {6}
        assert (await here.store.read(lambda reading: reading.get(Client, "late"))) is not None
