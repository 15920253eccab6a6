"""Heads: what a chain alone cannot show (a cut end, an older database, a chain that is gone) shows against them."""

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.conformance.store.opening import noting, sign_in
from vestibule.core.errors import Malformed
from vestibule.core.heads import Fault, Gap, Head, Heads, gaps, heads_of
from vestibule.core.journal import Line, Query
from vestibule.core.ports import ChainHead, Store
from vestibule.flows.heads import RolledBack, accept_rollback, current_heads, require_whole
from vestibule.stores.chain import first_fault
from vestibule.stores.heads_file import heads_path, read_heads, write_heads
from vestibule.stores.memory import MemoryStore

KEY = bytes(range(32))


def new_store(node: str = "mfa1") -> MemoryStore:
    return MemoryStore(KEY, secrets.token_bytes, node=node)


async def with_lines(count: int, node: str = "mfa1") -> MemoryStore:
    store = new_store(node)
    await store.change(noting(*(sign_in(float(i)) for i in range(1, count + 1))))
    return store


async def gaps_of(store: Store, known: Heads) -> list[Gap]:
    return await store.read(lambda reading: gaps(known, reading))


@dataclass
class Found:
    """One chain as somebody left it."""

    lines_left: list[Line]
    head: ChainHead = field(default_factory=lambda: ChainHead("mfa1", 0.0, "mfa1", "", 1, "", 0, ""))

    def chains(self) -> list[ChainHead]:
        newest = self.lines_left[-1] if self.lines_left else None
        return [replace(self.head, seq=newest.seq, mac=newest.mac) if newest else self.head]

    def chain(self, chain: str, after: int, limit: int) -> list[Line]:
        return [line for line in self.lines_left if line.seq > after][:limit]

    def fault(self, known: Heads) -> str | None:
        """What an offline verifier finds: in the lines themselves, then against the heads."""
        fault = first_fault(self.lines_left, KEY, self.head.first_previous_mac, self.head.first_seq)
        return fault or next((gap.fault for gap in gaps(known, self)), None)


async def written(count: int = 7) -> tuple[list[Line], Heads]:
    store = await with_lines(count)
    lines = await store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 99))
    return lines, await current_heads(store, 1.0)


@pytest.mark.requirement(49)
async def test_a_whole_journal_has_no_fault() -> None:
    lines, known = await written()
    assert Found(lines).fault(known) is None


@pytest.mark.requirement(49)
@pytest.mark.parametrize("place", range(7))
async def test_a_changed_line_is_found_wherever_it_is(place: int) -> None:
    lines, known = await written()
    lines[place] = replace(lines[place], entry=replace(lines[place].entry, action="other"))
    assert Found(lines).fault(known)


@pytest.mark.requirement(49)
@pytest.mark.parametrize("place", range(7))
async def test_a_removed_line_is_found_even_the_last(place: int) -> None:
    lines, known = await written()
    del lines[place]
    assert Found(lines).fault(known)


@pytest.mark.requirement(49)
@pytest.mark.parametrize("place", range(6))
async def test_lines_in_another_order_are_found(place: int) -> None:
    lines, known = await written()
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    assert Found(lines).fault(known)


@pytest.mark.requirement(49)
@pytest.mark.parametrize("left", range(7))
async def test_a_cut_at_the_end_is_found_only_by_the_head(left: int) -> None:
    lines, known = await written()
    cut = Found(lines[:left])
    assert first_fault(cut.lines_left, KEY, "", 1) is None
    assert cut.fault(known) == Fault.SHORTER


@pytest.mark.requirement(49)
async def test_an_end_that_was_cut_and_written_anew_is_found() -> None:
    store = await with_lines(5)
    known = await current_heads(store, 1.0)
    forged = await with_lines(9)
    assert await gaps_of(forged, known) == [Gap("mfa1", Fault.CHANGED, known.chains["mfa1"], 9)]


@pytest.mark.requirement(49)
async def test_a_chain_that_is_gone_is_found() -> None:
    known = await current_heads(await with_lines(3, "mfa1"), 1.0)
    assert await gaps_of(await with_lines(3, "mfa2"), known) == [Gap("mfa1", Fault.MISSING, known.chains["mfa1"])]


async def test_lines_that_came_later_are_no_gap() -> None:
    store = await with_lines(3)
    known = await current_heads(store, 1.0)
    await store.change(noting(sign_in(9.0)))
    assert await gaps_of(store, known) == []


async def test_a_chain_without_lines_is_known_too() -> None:
    store = new_store()
    known = await current_heads(store, 1.0)
    assert known.chains == {"mfa1": Head(0, "")}
    assert await gaps_of(store, known) == []
    await store.change(noting(sign_in()))
    assert await gaps_of(store, known) == []


@pytest.mark.parametrize("pruned_before", [3.0, 6.0, 7.0, 99.0])
async def test_what_retention_pruned_is_no_gap(pruned_before: float) -> None:
    store = await with_lines(5)
    known = await current_heads(store, 1.0)
    await store.change(noting(sign_in(6.0), sign_in(7.0)))
    await store.change(lambda writing: writing.prune_journal(pruned_before, 99))
    assert await gaps_of(store, known) == []


@pytest.mark.requirement(49)
async def test_a_pruned_beginning_must_end_in_the_known_head() -> None:
    store, forged = await with_lines(5), await with_lines(5)
    known = await current_heads(store, 1.0)
    await forged.change(lambda writing: writing.prune_journal(99.0, 99))
    assert [gap.fault for gap in await gaps_of(forged, known)] == [Fault.CHANGED]


# -- the flow -----------------------------------------------------------------------------------------------------


async def test_a_journal_of_which_nothing_is_known_is_taken_as_it_is() -> None:
    await require_whole(new_store(), None)


@pytest.mark.requirement(49)
async def test_an_old_database_is_refused_with_the_way_out() -> None:
    known = await current_heads(await with_lines(5), 1.0)
    with pytest.raises(RolledBack) as refused:
        await require_whole(new_store(), known)
    for said in ("line 5 of chain mfa1", "ends at line 0", "vestibule journal accept-rollback", "vestibule restore"):
        assert said in str(refused.value)


async def test_an_accepted_rollback_is_journalled_and_then_whole() -> None:
    known = await current_heads(await with_lines(5), 1.0)
    store = await with_lines(2)
    (gap,) = await accept_rollback(store, known, actor="uid:0", at=50.0)
    line = (await store.read(lambda reading: reading.chain("mfa1", 2, 9)))[0]
    assert (line.entry.action, line.entry.actor, line.entry.at) == ("journal.rollback_accepted", "uid:0", 50.0)
    assert line.entry.detail == {
        "chain": "mfa1",
        "fault": "shorter",
        "known_seq": 5,
        "known_mac": gap.known.mac,
        "found_seq": 2,
    }
    await require_whole(store, await current_heads(store, 51.0))


async def test_a_whole_journal_accepts_nothing_and_writes_nothing() -> None:
    store = await with_lines(2)
    assert await accept_rollback(store, await current_heads(store, 1.0), actor="uid:0", at=50.0) == []
    assert (await store.read(lambda reading: heads_of(reading, 1.0))).chains["mfa1"].seq == 2


# -- the file -----------------------------------------------------------------------------------------------------


HEADS = Heads(1_800_000_000.25, {"a1": Head(3, "ff"), "b2": Head(0, "")})


def test_heads_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    path = heads_path(tmp_path / "master.key")
    assert path.name == "master.key.heads.json"
    assert read_heads(path) is None
    write_heads(path, Heads(1.0))
    write_heads(path, HEADS)
    assert read_heads(path) == HEADS
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_heads(tmp_path: Path) -> None:
    path = tmp_path / "heads.json"
    write_heads(path, HEADS)
    path.with_name("heads.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_heads(path, Heads(2.0))
    assert read_heads(path) == HEADS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "at": 1, "chains": {}}',
        '{"format": 1, "at": "x", "chains": {}}',
        '{"format": 1, "at": 1, "chains": []}',
        '{"format": 1, "at": 1, "chains": {"a": {"seq": "1", "mac": ""}}}',
        '{"format": 1, "at": 1, "chains": {"a": 1}}',
    ],
)
def test_a_damaged_file_of_heads_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "heads.json"
    path.write_text(text)
    with pytest.raises(Malformed, match=r"heads\.json is damaged"):
        read_heads(path)
