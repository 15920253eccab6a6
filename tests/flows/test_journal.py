"""The journal is read in pages, its chains are walked, and old lines go from their beginnings."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, NODE, NOON, Office
from vestibule.core.heads import Head, Heads
from vestibule.core.journal import Entry, EntryKind, Line
from vestibule.core.ports import Reading, Store, T, Writing
from vestibule.core.reasons import Reason
from vestibule.flows import journal, users
from vestibule.flows.refused import Refused
from vestibule.stores.chain import first_fault


async def note(office: Office, count: int, start: int = 0) -> None:
    def act(writing: Writing) -> None:
        for i in range(start, start + count):
            writing.note(
                Entry(
                    NOON + i,
                    EntryKind.SIGN_IN,
                    f"line {i}",
                    user_id=str(i % 2),
                    accepted=i % 2 == 0,
                    reason=Reason.WRONG_CODE if i % 2 else None,
                )
            )

    await office.store.change(act)


async def told(office: Office, **asked: object) -> list[str]:
    return [line["action"] for line in (await journal.listed(office.desk, ACTOR, **asked))["lines"]]  # type: ignore[arg-type]


async def test_pages_follow_each_other_and_go_on_with_what_is_new(office: Office) -> None:
    await note(office, 5)
    first = await journal.listed(office.desk, ACTOR, limit=3)
    assert [line["action"] for line in first["lines"]] == ["line 0", "line 1", "line 2"]
    second = await journal.listed(office.desk, ACTOR, limit=3, after=first["next"])
    assert [line["action"] for line in second["lines"]] == ["line 3", "line 4"]
    assert second["next"] is None
    empty = await journal.listed(office.desk, ACTOR, after=second["position"])
    assert (empty["lines"], empty["position"]) == ([], second["position"])
    await note(office, 1, start=5)
    assert await told(office, after=empty["position"]) == ["line 5"]


async def test_a_line_is_told_whole_with_the_server_that_wrote_it(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    (line,) = (await journal.listed(office.desk, ACTOR))["lines"]
    assert (line["actor"], line["user_name"], line["server_name"], line["seq"]) == (ACTOR, "alice", NODE, 1)
    assert set(line) >= {"full_name", "email", "phone", "device", "method", "accepted", "result", "client_address"}
    assert line["erased"] is False


async def test_lines_are_chosen_by_person_time_kind_and_outcome(office: Office) -> None:
    alice = (await users.add(office.desk, ACTOR, name="alice"))["user"]["id"]
    await note(office, 4)
    assert await told(office, user="ALICE") == ["user.add"] == await told(office, user_id=alice)
    assert await told(office, user_id="1") == ["line 1", "line 3"]
    assert await told(office, since=NOON + 1, until=NOON + 3) == ["line 1", "line 2"]
    assert await told(office, kind="administration") == ["user.add"]
    assert await told(office, reason="wrong_code") == ["line 1", "line 3"]
    assert await told(office, accepted=True) == ["line 0", "line 2"]
    assert await told(office, accepted=False) == ["line 1", "line 3"]
    for asked in ({"user": "nobody"}, {"kind": "x"}, {"reason": "x"}, {"after": "x"}, {"limit": 1001}):
        with pytest.raises(Refused):
            await told(office, **asked)


@pytest.mark.requirement(49)
async def test_whole_chains_are_found_intact_with_their_heads(office: Office) -> None:
    await note(office, 2500)
    seen: list[tuple[int, int | None]] = []
    found = await journal.verify(office.desk, ACTOR, progress=lambda done, total: seen.append((done, total)))
    newest = (await office.lines())[-1]
    (chain,) = found["chains"]
    assert (found["intact"], found["fault"], found["lines"]) == (True, None, 2500)
    assert (chain["chain"], chain["seq"], chain["mac"], chain["lines"]) == (newest.chain, 2500, newest.mac, 2500)
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500)]


@pytest.mark.requirement(49)
async def test_a_line_that_does_not_fit_is_named(office: Office) -> None:
    await note(office, 30)
    wrong = replace(office.desk, chain_fault=lambda lines, chain, mac, seq: "line 7: was changed" if seq == 1 else None)
    found = await journal.verify(wrong, ACTOR)
    assert (found["intact"], found["fault"]) == (False, "line 7: was changed")


async def test_lines_that_are_pruned_while_a_chain_is_walked_are_not_missed(office: Office) -> None:
    await note(office, 3000)
    office.clock.at = NOON + 3000
    busy = replace(office.desk, store=PrunedMeanwhile(office.store))  # type: ignore[arg-type]  # the part that is used
    found = await journal.verify(busy, ACTOR)
    assert (found["intact"], found["fault"]) == (True, None)
    assert await told(office, limit=1) == ["line 2500"]


@pytest.mark.requirement(49)
async def test_another_key_fits_no_chain(office: Office) -> None:
    await note(office, 3)
    other = replace(office.desk, chain_fault=_with_another_key)
    assert (await journal.verify(other, ACTOR))["intact"] is False


@pytest.mark.requirement(49)
async def test_a_cut_at_the_end_shows_against_the_head_that_is_known_from_outside(office: Office) -> None:
    await note(office, 3)
    newest = (await office.lines())[-1]
    ahead = Heads(NOON, {newest.chain: Head(newest.seq + 2, "f" * 64)})
    cut = replace(office.desk, known_heads=lambda: ahead)
    found = await journal.verify(cut, ACTOR)
    assert found["intact"] is False
    assert found["fault"] == f"line 5 of chain {newest.chain} was written, and the chain ends at line 3"
    same = replace(office.desk, known_heads=lambda: Heads(NOON, {newest.chain: Head(newest.seq, newest.mac)}))
    assert (await journal.verify(same, ACTOR))["intact"] is True


async def test_old_lines_go_in_slices_and_the_rest_is_still_whole(office: Office) -> None:
    await note(office, 500)
    office.clock.at = NOON + 1000
    seen: list[tuple[int, int | None]] = []
    pruned = await journal.prune(
        office.desk, ACTOR, before=NOON + 450, progress=lambda done, total: seen.append((done, total))
    )
    assert pruned == {"pruned": 450}
    assert seen == [(200, None), (400, None), (450, None)]
    assert await told(office, limit=1) == ["line 450"]
    assert (await journal.verify(office.desk, ACTOR))["lines"] == 51
    assert (await office.journal())[-1].detail == {"before": NOON + 450, "lines": 450}
    with pytest.raises(Refused):
        await journal.prune(office.desk, ACTOR, before=NOON + 1001)


class PrunedMeanwhile:
    """A store whose first 2500 lines go after the second question."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._questions = 0

    async def read(self, question: Callable[[Reading], T]) -> T:
        answer = await self._store.read(question)
        self._questions += 1
        if self._questions == 2:
            await self._store.change(lambda writing: writing.prune_journal(NOON + 2500, 5000))
        return answer


def _with_another_key(lines: Iterable[Line], chain: str, mac: str, seq: int) -> str | None:
    return first_fault(lines, bytes(32), mac, seq)
