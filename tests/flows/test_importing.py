"""What all imports share: which rows go in together, and ids that lie together on the disk."""

from tests.flows.desks import ACTOR, Office
from vestibule.core.ports import Reading
from vestibule.flows.desk import quiet
from vestibule.flows.importing import WINDOW, Import, Plan, Way
from vestibule.wire.tabular import RowProblem


async def test_rows_that_lie_together_go_in_together_and_bad_ones_keep_nobody_back(office: Office) -> None:
    slices: list[list[int]] = []

    def plan(reading: Reading, rows: list[int]) -> Plan:
        slices.append(rows)
        return Plan(unchanged=len(rows))

    work = Import(office.desk, ACTOR, "test", "file", dry_run=True, progress=quiet)
    bad = RowProblem(7, 1, "name", "is bad", ())
    rows = [*range(WINDOW - 1, 0, -1), bad, *range(WINDOW + 300, WINDOW, -1)]
    report = await work.run(rows, Way(plan, 1000, lambda row: f"{row:09}"), len(rows))
    assert [row for rows in slices for row in rows] == [*range(1, WINDOW), *range(WINDOW + 1, WINDOW + 301)]
    assert [len(rows) for rows in slices] == [1000, 1000, 1000, 999, 300]
    assert (report["unchanged"], [one["line"] for one in report["problems"]]) == (WINDOW + 299, [7])


async def test_ids_rise_with_time_and_never_repeat(office: Office) -> None:
    ids = []
    for _ in range(100):
        ids.append(office.desk.new_id())
        office.clock.at += 0.25
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {32}
    assert len({office.desk.new_id() for _ in range(1000)}) == 1000
