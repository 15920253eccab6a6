"""What upkeep asks of a store: which rows delay nobody any more, and notes that the program keeps for itself."""

import pytest

from tests.conformance.store.opening import OpenStore, Poison, putting
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.ports import Writing

FACTOR, SOURCE = FailureKind.FACTOR, FailureKind.SOURCE


class KeepingUp:
    async def test_only_rows_that_delay_and_remember_nobody_are_idle(self, open_store: OpenStore) -> None:
        store = await open_store()
        idle = [
            Failures("a", SOURCE, "never accepted", 9, last_at=10.0, shares=(("password", 9),)),
            Failures("b", FACTOR, "cleared", 0, last_at=20.0),
            Failures("c", SOURCE, "accepted long ago", 1, last_at=30.0, accepted_at=4.9),
        ]
        kept = [
            Failures("d", FACTOR, "counts", 1, last_at=10.0),
            Failures("e", FACTOR, "cleared just now", 0, last_at=50.0),
            Failures("f", SOURCE, "failed just now", 1, last_at=50.0),
            Failures("g", SOURCE, "known", 1, last_at=10.0, accepted_at=5.0),
        ]
        await store.change(putting(*kept, *idle))
        assert await store.read(lambda reading: reading.idle_failures(50.0, 5.0, 99)) == idle

    async def test_idle_rows_come_oldest_first_and_up_to_the_limit(self, open_store: OpenStore) -> None:
        store = await open_store()
        rows = [Failures("user", SOURCE, name, 1, last_at=at) for name, at in (("z", 1.0), ("b", 2.0), ("a", 2.0))]
        await store.change(putting(*rows))
        found = await store.read(lambda reading: reading.idle_failures(50.0, 5.0, 2))
        assert [row.name for row in found] == ["z", "a"]

    async def test_a_note_is_read_as_it_was_set_and_forgotten_when_empty(self, open_store: OpenStore) -> None:
        store = await open_store()
        assert await store.read(lambda reading: reading.state("note")) == ""
        for text in ("one", 'two "Ω"', ""):
            await store.change(lambda writing, text=text: writing.set_state("note", text))  # type: ignore[misc]  # bound now
            assert await store.read(lambda reading: reading.state("note")) == text
        assert await store.read(lambda reading: reading.state("another")) == ""

    async def test_a_note_goes_back_with_its_slice(self, open_store: OpenStore) -> None:
        store = await open_store()
        await store.change(lambda writing: writing.set_state("note", "kept"))

        def act(writing: Writing) -> None:
            writing.set_state("note", "lost")
            assert writing.state("note") == "lost"
            raise Poison

        with pytest.raises(Poison):
            await store.change(act)
        assert await store.read(lambda reading: reading.state("note")) == "kept"
