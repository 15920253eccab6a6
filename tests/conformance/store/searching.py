"""People are found by any word of theirs, the journal is read from its end, and an overview counts what is there."""

from dataclasses import replace

import pytest

from tests.conformance.store.opening import OpenStore, noting, putting
from vestibule.core.credentials import Credential
from vestibule.core.figures import Figures
from vestibule.core.journal import Entry, EntryKind, Query
from vestibule.core.ports import Reading, Store
from vestibule.core.users import Block, User

PEOPLE = (
    User("1", "anna.devries", "anna.devries", "Anna", "de Vries", "Anna.deVries@example.org"),
    User("2", "ben", "ben", "Benjamin", "Vrijman-Ølberg", "b@vrij.example"),
    User("3", "vroni", "vroni"),
)


async def found(store: Store, word: str, limit: int = 9) -> str:
    return "".join(await store.read(lambda reading: reading.people(word, limit)))


class Searching:
    @pytest.mark.parametrize(
        ("word", "whom"),
        [
            ("an", "1"),
            ("anna", "1"),
            ("de", "1"),
            ("vri", "12"),
            ("vr", "123"),
            ("vries", "1"),
            ("ølb", "2"),
            ("anna.devries@ex", "1"),
            ("b@", "2"),
            ("devries", "1"),
            ("ries", ""),
            ("vroni", "3"),
            ("example", ""),
            ("%", ""),
        ],
    )
    async def test_people_are_found_by_the_beginning_of_a_word(
        self, open_store: OpenStore, word: str, whom: str
    ) -> None:
        store = await open_store()
        await store.change(putting(*PEOPLE))
        assert await found(store, word) == whom

    async def test_a_change_of_a_person_changes_what_they_are_found_by(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(putting(*PEOPLE))
        await store.change(putting(replace(PEOPLE[0], last_name="Jansen", email="")))
        assert [await found(store, word) for word in ("vries", "jans", "anna.", "de")] == ["", "1", "", "1"]
        await store.change(lambda writing: writing.remove(User, "1"))
        await store.change(lambda writing: writing.remove(User, "1"))
        assert [await found(store, word) for word in ("jans", "dev", "vri")] == ["", "", "2"]

    async def test_a_person_is_found_once_and_no_more_than_were_asked_for(self, open_store: OpenStore) -> None:
        store = await open_store()
        same = [User(str(i), f"u{i}", f"u{i}", "Maria", "Mariani", "maria@example.org") for i in range(5)]
        await store.change(putting(*same))
        assert await found(store, "mari") == "01234"
        assert len(await found(store, "mari", 2)) == 2

    @pytest.mark.parametrize(
        ("query", "actions"),
        [
            (Query(), "fedcba"),
            (Query(user_id="zoe"), "ea"),
            (Query(client_id="vpn"), "db"),
            (Query(attempt_id="7"), "b"),
            (Query(since=2.0, until=4.0), "edcb"),
            (Query(kind=EntryKind.SYSTEM), "f"),
            (Query(accepted=False), "ed"),
            (Query(user_id="nobody"), ""),
        ],
    )
    @pytest.mark.parametrize("limit", [1, 2, 99])
    async def test_the_journal_is_read_from_its_end_page_by_page(
        self, open_store: OpenStore, query: Query, actions: str, limit: int
    ) -> None:
        store = await open_store()
        plain = Entry(0.0, EntryKind.SIGN_IN, "")
        await store.change(
            noting(
                replace(plain, at=3.0, action="c", kind=EntryKind.ADMINISTRATION),
                replace(plain, at=1.0, action="a", user_id="zoe", accepted=True),
                replace(plain, at=2.0, action="b", user_id="max", client_id="vpn", attempt_id="7", accepted=True),
                replace(plain, at=3.5, action="d", user_id="max", client_id="vpn", accepted=False),
                replace(plain, at=3.5, action="e", user_id="zoe", accepted=False),
                replace(plain, at=4.5, action="f", kind=EntryKind.SYSTEM),
            )
        )

        def walk(reading: Reading) -> str:
            text, before = "", None
            while page := reading.newest(query, before, limit):
                assert len(page) <= limit
                text += "".join(line.entry.action for line in page)
                before = (page[-1].entry.at, page[-1].chain, page[-1].seq)
            return text

        assert await store.read(walk) == actions

    async def test_an_overview_counts_what_is_there(self, open_store: OpenStore) -> None:
        store = await open_store()
        assert await store.read(lambda reading: reading.figures(10.0)) == Figures()
        block = Block(1.0, 20.0, "x", "y")
        await store.change(
            putting(
                *PEOPLE[:2],
                replace(PEOPLE[2], block=block),
                replace(PEOPLE[2], id="4", key="four", block=replace(block, until=10.0)),
                Credential("1", "totp", "1", seed_id="a", serial="A"),
                Credential("2", "recovery", "1"),
                Credential("3", "recovery", "2"),
                Credential("4", "totp", seed_id="b"),
                Credential("5", "hotp", seed_id="c"),
            )
        )
        assert await store.read(lambda reading: reading.figures(10.0)) == Figures(4, 1, 2, 1, 2)
