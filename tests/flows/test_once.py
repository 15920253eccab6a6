"""A write is done once however often it is asked for, also at the same time, and only to what was seen."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.api_keys import PastRequest
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import User
from vestibule.flows import users
from vestibule.flows.desk import Desk, Told
from vestibule.flows.once import Done, Identity, OtherRequest, Stale, UnderWay, once
from vestibule.flows.refused import Refused

THIS = Identity("key and Idempotency-Key", "method, path and body")


async def add(desk: Desk, name: str = "alice") -> Told:
    return await users.add(desk, ACTOR, name=name)


async def in_two_slices(desk: Desk, *, broken: bool = False, begun: asyncio.Event | None = None) -> Told:
    """A flow that writes twice, and tells something else than its slices."""

    def act(writing: Writing) -> None:
        writing.put(User("1", "alice", "alice"))
        writing.note(desk.entry("first", ACTOR))

    await desk.store.change(act)
    if begun is not None:
        begun.set()
        await asyncio.Event().wait()
    if broken:
        raise Refused("no")
    await desk.store.change(lambda writing: writing.note(desk.entry("second", ACTOR)))
    return {"done": ["both"]}


async def rows(office: Office) -> list[PastRequest]:
    return await office.store.read(lambda reading: reading.page(PastRequest, "", 9))


async def test_the_same_request_tells_the_same_and_does_nothing(office: Office) -> None:
    first = await once(office.desk, add, THIS, None)
    again = await once(office.desk, add, THIS, None)
    assert again == Done(first.told, before=True)
    assert (await office.actions()).count("user.add") == 1
    with pytest.raises(Refused):
        await once(office.desk, add, None, None)


async def test_a_long_write_is_told_again_too(office: Office) -> None:
    first = await once(office.desk, in_two_slices, THIS, None)
    assert (first, await once(office.desk, in_two_slices, THIS, None)) == (
        Done({"done": ["both"]}),
        Done({"done": ["both"]}, before=True),
    )
    assert await office.actions() == ["first", "second"]


async def test_requests_at_the_same_time_are_one(office: Office) -> None:
    ends = await asyncio.gather(*[once(office.desk, add, THIS, None) for _ in range(8)])
    assert len({str(end.told) for end in ends}) == 1
    assert sum(not end.before for end in ends) == 1
    assert (await office.actions()).count("user.add") == 1


async def test_another_request_of_the_same_key_is_refused(office: Office) -> None:
    await once(office.desk, add, THIS, None)
    with pytest.raises(OtherRequest):
        await once(office.desk, partial(add, name="bob"), replace(THIS, digest="another"), None)


async def test_a_write_that_was_refused_is_not_remembered(office: Office) -> None:
    for act in (partial(add, name=" "), partial(in_two_slices, broken=True)):
        with pytest.raises(Refused):
            await once(office.desk, act, THIS, None)
        assert await rows(office) == []


async def test_one_that_was_broken_off_is_under_way(office: Office) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(once(office.desk, partial(in_two_slices, begun=begun), THIS, None))
    await begun.wait()
    with pytest.raises(UnderWay):
        await once(office.desk, in_two_slices, THIS, None)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await rows(office) == []


async def test_what_is_not_as_it_was_seen_is_not_changed(office: Office) -> None:
    def unchanged(reading: Reading) -> bool:
        return reading.count(User) == 0

    await once(office.desk, add, None, unchanged)
    for identity in (None, THIS):
        with pytest.raises(Stale):
            await once(office.desk, partial(add, name="bob"), identity, unchanged)
    assert (await office.actions()).count("user.add") == 1
    assert await rows(office) == []


async def test_a_repeated_request_is_told_again_also_when_its_own_change_made_it_stale(office: Office) -> None:
    def unchanged(reading: Reading) -> bool:
        return reading.count(User) == 0

    first = await once(office.desk, add, THIS, unchanged)
    assert await once(office.desk, add, THIS, unchanged) == Done(first.told, before=True)


@pytest.mark.requirement(47)
async def test_what_is_remembered_does_not_print(office: Office) -> None:
    await once(office.desk, add, THIS, None)
    (row,) = await rows(office)
    assert "alice" in row.answer.reveal().decode()
    assert "alice" not in repr(row)
