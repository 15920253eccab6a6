"""People are found while somebody types, by an index and without reading more than is shown."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.flows.desks import Office, Template, memory_office
from vestibule.core.credentials import Credential, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.journal import EntryKind, Query
from vestibule.core.ports import Record, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Block, User
from vestibule.flows import people, token_list
from vestibule.flows.refused import Missing
from vestibule.stores.sql.reading import _newest_query
from vestibule.stores.sql.statements import sqlite_statements
from vestibule.wire.words import BEYOND

MANY = 20_000
FIRST = ("Anna", "Benjamin", "Chai", "Daan", "Élodie")
LAST = ("de Vries", "Jansen", "Srisai", "van den Berg", "O'Neill")


@pytest.fixture(params=["memory", "sqlite"])
async def office(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Office]:
    opened = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    yield opened
    await opened.store.close()


async def put(office: Office, *records: Record) -> None:
    def act(writing: Writing) -> None:
        for record in records:
            writing.put(record)

    await office.store.change(act)


def somebody(number: int) -> User:
    first, last = FIRST[number % 5], LAST[number // 5 % 5]
    name = f"user{number:06}"
    return User(f"id{number:06}", name, name, first, last, f"{first}.{number}@example.org")


async def names(office: Office, text: str) -> list[str]:
    return [row.user.name for row in (await people.search(office.desk, text)).rows]


async def test_words_that_were_typed_all_have_to_begin_one_of_theirs(office: Office) -> None:
    await put(office, *(somebody(number) for number in range(25)))
    assert await names(office, "user000007") == ["user000007"]
    assert await names(office, "chai jan") == ["user000007"]
    assert await names(office, "JAN  CHAI") == ["user000007"]
    assert await names(office, "élodie o'n") == ["user000024"]
    assert await names(office, "neill dan") == []
    assert len(await names(office, "user")) == 25
    assert len(await names(office, "van den")) == 5
    assert await names(office, "anna.5@") == ["user000005"]
    assert await names(office, "x" * 500) == []


async def test_whose_name_begins_so_comes_first(office: Office) -> None:
    await put(office, User("1", "zed", "zed", last_name="Vries"), User("2", "vries2", "vries2"))
    assert await names(office, "vries") == ["vries2", "zed"]


async def test_a_person_is_shown_with_everything(office: Office) -> None:
    now = office.clock.at
    await put(
        office,
        User("1", "zed", "zed", block=Block(now - 9, now + 9, "x", "lost")),
        Seed("s", Secret(b"k" * 20), used_at=now - 50),
        Credential("app", "totp", "1", seed_id="s", created_at=1.0),
        Failures("1", FailureKind.FACTOR, "app", count=3, last_at=now),
        Failures("1", FailureKind.FACTOR, "password", count=25, last_at=now),
        Failures("1", FailureKind.SOURCE, "192.0.2.7", count=6, last_at=now),
        Failures("1", FailureKind.SOURCE, "192.0.2.8"),
    )
    shown = await people.show(office.desk, "ZED")
    assert shown.blocked
    assert [(one.usable, one.used_at, one.failures, one.stopped) for one in shown.factors] == [
        (True, now - 50, 3, False)
    ]
    assert {(one.name, one.count, one.until > now) for one in shown.delays} == {
        ("password", 25, True),
        ("192.0.2.7", 6, True),
    }
    assert shown.waits
    with pytest.raises(Missing):
        await people.show(office.desk, "nobody")


async def test_a_search_reads_no_table_from_end_to_end(new_database: Template, tmp_path: Path) -> None:
    office, statements = await new_database.office(tmp_path), sqlite_statements()
    await office.store.close()
    asked = {
        statements.people_by_word: ("vri", "vri" + BEYOND, 9),
        statements.records[User].page_by["key"]: ("a", 9),
        statements.records[Credential].page_by["serial"]: ("a", 9),
    }
    newest = _newest_query(Query(kind=EntryKind.ADMINISTRATION, since=1.0), None, 9, statements.dialect)
    with closing(sqlite3.connect(tmp_path / "vestibule.db")) as database:
        plan = str(database.execute(f"EXPLAIN QUERY PLAN {newest[0]}", newest[1]).fetchall())
        assert "ix_journal_administration" in plan
        assert "TEMP B-TREE" not in plan or "LAST" in plan, plan
        for statement, parameters in asked.items():
            steps = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert all(step.startswith("SEARCH") for step in steps), steps


async def test_among_many_thousands_no_more_is_found_than_is_shown(new_database: Template, tmp_path: Path) -> None:
    office = await new_database.office(tmp_path)
    for start in range(0, MANY, 200):
        await put(office, *(somebody(number) for number in range(start, start + 200)))
    for text in ("", "u", "user0199", "a", "vri", "anna de v"):
        assert len((await people.search(office.desk, text)).rows) == people.SHOWN
    assert await names(office, "user019999") == ["user019999"]
    assert await names(office, "anna.19995@") == ["user019995"]
    assert await names(office, "nobody") == []
    await office.store.close()


async def test_tokens_are_found_by_their_serial_numbers(office: Office) -> None:
    await put(
        office,
        User("1", "zed", "zed"),
        *(Credential(f"t{n}", "totp", "1" if n % 2 else "", seed_id="s", serial=f"A-{n:03}") for n in range(30)),
        Credential("app", "totp", "1", seed_id="s"),
    )

    async def serials(text: str = "", **more: object) -> list[str]:
        found = await token_list.search(office.desk, text, **more)  # type: ignore[arg-type]  # by name
        return [row.token.serial for row in found.rows]

    assert len(await serials()) == 30
    assert await serials("A-00") == [f"A-{n:03}" for n in range(10)]
    assert await serials("A-007") == ["A-007"]
    assert await serials("A-01", assigned=True) == [f"A-{n:03}" for n in range(11, 20, 2)]
    assert await serials(state="disabled") == []
    shown = await token_list.show(office.desk, "A-001")
    assert shown.user
    assert shown.user.name == "zed"


async def test_a_rare_kind_of_token_is_looked_for_in_steps(office: Office) -> None:
    count = token_list.MOST_READ + 700
    for start in range(0, count, 200):
        await put(
            office, *(Credential(f"t{n}", "totp", seed_id="s", serial=f"A-{n:06}") for n in range(start, start + 200))
        )
    first = await token_list.search(office.desk, assigned=True)
    assert (first.rows, first.next) == ((), f"A-{token_list.MOST_READ - 1:06}")
    steps, following = 1, first.next
    while following:
        following = (await token_list.search(office.desk, assigned=True, after=following)).next
        steps += 1
    assert steps == count // token_list.MOST_READ + 1
