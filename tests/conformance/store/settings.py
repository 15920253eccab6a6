"""Settings, clients, rules and groups are frozen into one snapshot; a change of them rules from the next decision."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.store.opening import NOBODY, OpenStore, Poison, kind_of, look, putting
from tests.conformance.store.samples import FULL, PLAIN
from vestibule.core.clients import Client
from vestibule.core.directories import DirectoryRecord
from vestibule.core.policy import Outcome, Rule
from vestibule.core.ports import Record, Writing
from vestibule.core.providers import ProviderRecord, Route
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Group, User

InSnapshot = Client | Rule | Group | DirectoryRecord | ProviderRecord | Route
RULING = [record for record in FULL if isinstance(record, InSnapshot)]
OTHERS = [record for record in FULL if record not in RULING]


def ruling_in(one: Snapshot) -> list[InSnapshot]:
    by_id: tuple[Mapping[str, Any], ...] = (one.clients, one.groups, one.directories, one.providers)
    return [*one.rules, *one.routes, *(record for some in by_id for record in some.values())]


class Ruling:
    async def test_a_new_store_decides_with_the_defaults(self, open_store: OpenStore) -> None:
        store = await open_store()
        snapshot = (await look(store, NOBODY)).snapshot
        assert snapshot == store.snapshot
        assert (snapshot.settings, dict(snapshot.clients), snapshot.rules) == (Settings(), {}, ())
        assert await store.read(lambda reading: reading.settings()) == {}

    async def test_a_setting_is_kept_as_it_was_written_until_it_is_put_back(self, open_store: OpenStore) -> None:
        store = await open_store()
        text = '"Code – bitte eingeben \\u00dc"'
        await store.change(lambda writing: writing.set("text_enter_code", text))
        assert await store.read(lambda reading: reading.setting("text_enter_code")) == text
        assert await store.read(lambda reading: reading.settings()) == {"text_enter_code": text}
        assert (await look(store, NOBODY)).snapshot.settings == Settings(text_enter_code="Code – bitte eingeben Ü")
        for _ in range(2):
            await store.change(lambda writing: writing.set("text_enter_code", None))
            assert await store.read(lambda reading: reading.setting("text_enter_code")) is None
            assert (await look(store, NOBODY)).snapshot.settings == Settings()

    async def test_a_setting_of_a_newer_program_is_kept_and_not_used(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(lambda writing: writing.set("limits.from_the_future", "1"))
        assert (await look(store, NOBODY)).snapshot.settings == Settings()
        assert await store.read(lambda reading: reading.setting("limits.from_the_future")) == "1"

    async def test_a_setting_that_does_not_fit_is_refused_with_the_whole_change(self, open_store: OpenStore) -> None:
        store = await open_store()

        def act(writing: Writing) -> None:
            writing.put(User("1", "a", "a"))
            writing.set("challenge_seconds", '"soon"')

        with pytest.raises(ValueError, match="challenge_seconds"):
            await store.change(act)
        assert (await look(store, NOBODY)).snapshot.settings == Settings()
        assert await store.read(lambda reading: reading.settings()) == {}
        assert await store.read(lambda reading: reading.count(User)) == 0

    @pytest.mark.parametrize("record", RULING, ids=lambda record: type(record).__name__)
    async def test_what_rules_is_in_the_next_snapshot_and_leaves_with_it(
        self, open_store: OpenStore, record: InSnapshot
    ) -> None:
        store = await open_store()
        before = (await look(store, NOBODY)).snapshot
        await store.change(putting(record))
        after = (await look(store, NOBODY)).snapshot
        assert after.version > before.version
        assert ruling_in(after) == [record]
        await store.change(lambda writing: writing.remove(kind_of(record), record.id))
        last = (await look(store, NOBODY)).snapshot
        assert last.version > after.version
        assert ruling_in(last) == []

    async def test_one_change_makes_one_version(self, open_store: OpenStore) -> None:
        store = await open_store()
        before = (await look(store, NOBODY)).snapshot

        def act(writing: Writing) -> None:
            putting(*RULING, *PLAIN)(writing)
            writing.set("challenge_seconds", "60")

        await store.change(act)
        assert (await look(store, NOBODY)).snapshot.version == before.version + 1

    @pytest.mark.parametrize("record", OTHERS, ids=lambda record: type(record).__name__)
    async def test_what_does_not_rule_leaves_the_snapshot_alone(self, open_store: OpenStore, record: Record) -> None:
        store = await open_store()
        before = (await look(store, NOBODY)).snapshot
        await store.change(putting(record))
        assert (await look(store, NOBODY)).snapshot is before

    async def test_a_change_that_fails_leaves_the_snapshot_alone(self, open_store: OpenStore) -> None:
        store = await open_store()
        before = (await look(store, NOBODY)).snapshot

        def act(writing: Writing) -> None:
            putting(*RULING)(writing)
            writing.set("challenge_seconds", "60")
            raise Poison

        with pytest.raises(Poison):
            await store.change(act)
        assert (await look(store, NOBODY)).snapshot is before
        assert await store.read(lambda reading: reading.settings()) == {}

    async def test_rules_are_in_order_of_position(self, open_store: OpenStore) -> None:
        store = await open_store()
        places = {"a": 3, "b": 1, "c": 20, "d": 2, "0": 3}
        await store.change(putting(*(Rule(name, place, name, Outcome.ALLOW) for name, place in places.items())))
        assert [rule.id for rule in (await look(store, NOBODY)).snapshot.rules] == ["b", "d", "0", "a", "c"]
