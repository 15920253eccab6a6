"""What people are told by another channel: each change once, none missed, and nothing from before."""

from pathlib import Path

import pytest

from tests.flows.desks import NOON, Office, Template, memory_office
from tests.house.sources import python_files
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Writing
from vestibule.core.reasons import Reason
from vestibule.flows import notices
from vestibule.flows.notices import Notice


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("notices"))


@pytest.fixture(params=["memory", "sqlite"])
async def office(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> Office:
    return memory_office() if request.param == "memory" else await template.office(tmp_path)


async def note(office: Office, action: str, user_id: str = "a", **more: object) -> None:
    entry = Entry(NOON, EntryKind.ADMINISTRATION, action, user_id=user_id, client_address="192.0.2.1", **more)  # type: ignore[arg-type]  # by name
    await office.store.change(lambda writing: writing.note(entry))


async def told(office: Office) -> list[Notice]:
    found: list[Notice] = []
    count = await notices.collect(office.store, lambda _, notice: found.append(notice))
    assert count == len(found)
    return found


@pytest.mark.requirement(29)
async def test_a_change_of_a_factor_is_told_once_with_its_address(office: Office) -> None:
    assert await told(office) == []
    await note(office, "factor.add", detail={"method": "passkey"})
    await note(office, "session.begin")
    await note(office, "user.password", user_id="b")
    first, second = await told(office)
    assert (first.user_id, first.what, first.method, first.address) == ("a", "factor.add", "passkey", "192.0.2.1")
    assert (second.user_id, second.what) == ("b", "user.password")
    assert first.id != second.id
    assert await told(office) == []


async def test_what_happened_before_the_first_time_is_not_told(office: Office) -> None:
    await note(office, "factor.add")
    assert await told(office) == []
    await note(office, "factor.remove")
    assert [one.what for one in await told(office)] == ["factor.remove"]


async def test_a_copied_passkey_is_told_as_an_alarm(office: Office) -> None:
    await told(office)
    await note(office, "sign_in", method="passkey", accepted=False, reason=Reason.PASSKEY_COPIED)
    await note(office, "sign_in", method="totp", accepted=False, reason=Reason.WRONG_CODE)
    assert [one.what for one in await told(office)] == ["passkey_copied"]


async def test_what_could_not_be_written_is_told_the_next_time(office: Office) -> None:
    await told(office)
    await note(office, "factor.add")

    def fails(writing: Writing, notice: Notice) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        await notices.collect(office.store, fails)
    assert len(await told(office)) == 1


async def test_more_than_one_slice_is_told_whole(office: Office) -> None:
    await told(office)
    for _ in range(3):
        await office.store.change(
            lambda writing: [
                writing.note(Entry(NOON, EntryKind.ADMINISTRATION, "factor.add", user_id="a"))  # type: ignore[func-returns-value]  # a loop
                for _ in range(150)
            ]
        )
    found = await told(office)
    assert len({one.id for one in found}) == 450
    assert not await office.store.read(lambda reading: reading.page(OutboxRow, "", 10))


def test_every_act_that_is_told_of_is_one_that_some_flow_writes() -> None:
    flows = [source.text for source in python_files("src/vestibule/flows") if source.path.name != "notices.py"]
    missing = [act for act in notices.NOTICED if not any(f'"{act}"' in text for text in flows)]
    assert missing == []
