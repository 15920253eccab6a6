"""Runs that are begun and looked at later."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.flows.desks import ACTOR, Office
from tests.flows.test_directories import BOB, Corp, Live, Silent, add
from vestibule.core.errors import Unavailable
from vestibule.flows.desk import Desk, Told
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sync_plan import Found
from vestibule.flows.sync_runs import SyncRuns


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def desk(office: Office, live: Live) -> Desk:
    return replace(office.desk, directories=live)


async def over(runs: SyncRuns, desk: Desk) -> Told:
    """Wait until nothing is under way here, and give how it stands."""
    await asyncio.gather(*runs._tasks)
    return await runs.show(desk, ACTOR, id="corp")


async def test_a_run_is_begun_and_its_report_is_there_when_it_is_over(desk: Desk) -> None:
    await add(desk)
    runs = SyncRuns()
    assert (await runs.show(desk, ACTOR, id="corp")) == {"run": None, "under_way": False, "last": None}
    begun = (await runs.begin(desk, ACTOR, id="corp"))["run"]
    assert (begun["state"], begun["report"]) == ("running", None)
    told = await over(runs, desk)
    assert (told["run"]["state"], told["run"]["report"]["created"], told["run"]["done"]) == ("done", 1, 1)
    assert told["last"]["counts"] == {"created": 1}


async def test_one_at_a_time(desk: Desk, live: Live) -> None:
    await add(desk)
    runs, gate, inside = SyncRuns(), asyncio.Event(), asyncio.Event()

    async def slow(since: float) -> AsyncIterator[Found]:
        inside.set()
        await gate.wait()
        yield Found(BOB)

    live.corp.found = slow  # type: ignore[method-assign]
    await runs.begin(desk, ACTOR, id="corp")
    await inside.wait()
    assert (await runs.show(desk, ACTOR, id="corp"))["under_way"]
    with pytest.raises(Refused, match="just now"):
        await runs.begin(desk, ACTOR, id="corp", dry_run=True)
    gate.set()
    assert (await over(runs, desk))["run"]["state"] == "done"
    assert (await runs.begin(desk, ACTOR, id="corp", dry_run=True))["run"]["dry_run"]
    await runs.close()


async def test_an_outage_is_told(desk: Desk, live: Live) -> None:
    await add(desk)
    runs = SyncRuns()

    async def away(since: float) -> AsyncIterator[Found]:
        if not since:
            raise Unavailable("no server answers")
        yield Found(BOB)

    live.corp.found = away  # type: ignore[method-assign]
    await runs.begin(desk, ACTOR, id="corp")
    run = (await over(runs, desk))["run"]
    assert (run["state"], "no server answers" in run["why"], run["report"]) == ("failed", True, None)


async def test_held_people_go_by_the_number_of_their_list(desk: Desk, live: Live) -> None:
    await add(desk)
    runs = SyncRuns()
    live.corp.people += [replace(BOB, id=f"id {n}", name=f"p{n}") for n in range(3)]
    await runs.begin(desk, ACTOR, id="corp")
    await over(runs, desk)
    live.corp.people = live.corp.people[:1]
    await runs.begin(desk, ACTOR, id="corp")
    held = (await over(runs, desk))["run"]["report"]["held_as"]
    await runs.begin(desk, ACTOR, id="corp", approve=held)
    assert (await over(runs, desk))["run"]["report"]["gone"] == 3


async def test_what_can_not_be_listed_is_refused_at_once(desk: Desk, live: Live) -> None:
    runs = SyncRuns()
    with pytest.raises(Missing):
        await runs.begin(desk, ACTOR, id="corp")
    with pytest.raises(Missing):
        await runs.show(desk, ACTOR, id="corp")
    await add(desk)
    live.directory_of = lambda id: Silent()  # type: ignore[method-assign]
    with pytest.raises(Refused, match="lists nobody"):
        await runs.begin(desk, ACTOR, id="corp")
    assert isinstance(live.corp, Corp)


async def test_closing_stops_what_is_under_way(desk: Desk, live: Live) -> None:
    await add(desk)
    runs, inside = SyncRuns(), asyncio.Event()

    async def endless(since: float) -> AsyncIterator[Found]:
        inside.set()
        await asyncio.Event().wait()
        yield Found(BOB)

    live.corp.found = endless  # type: ignore[method-assign]
    await runs.begin(desk, ACTOR, id="corp")
    await inside.wait()
    await runs.close()
    told = await runs.show(desk, ACTOR, id="corp")
    assert (told["run"]["state"], told["under_way"]) == ("failed", False)
