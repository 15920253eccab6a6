"""What settings were before: listed from the journal, and put back only while nobody has changed them again."""

import pytest

from tests.flows.desks import ACTOR, NOON, Office
from vestibule.core.journal import Entry, EntryKind
from vestibule.flows import settings, settings_history, users
from vestibule.flows.refused import Missing, Refused

NAME = "challenge_seconds"


async def test_changes_are_listed_the_newest_first_with_who_when_and_why(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60, reason="people are slow")
    office.clock.at += 10
    await users.add(office.desk, ACTOR, name="alice")
    await settings.change(office.desk, "user olga", name="challenge_tries", value=3)
    office.clock.at += 10
    await settings.unset(office.desk, ACTOR, name=NAME)
    listed = (await settings_history.listed(office.desk, ACTOR))["changes"]
    assert [(one["name"], one["old"], one["new"], one["actor"], one["at"]) for one in listed] == [
        (NAME, 60, 120.0, ACTOR, NOON + 20),
        ("challenge_tries", 1, 3, "user olga", NOON + 10),
        (NAME, 120.0, 60, ACTOR, NOON),
    ]
    assert [one["reason"] for one in listed] == ["", "", "people are slow"]
    assert [one["undoable"] for one in listed] == [True, True, False]
    one = (await settings_history.listed(office.desk, ACTOR, name="challenge_tries"))["changes"]
    assert one == [listed[1]]
    assert (await settings_history.listed(office.desk, ACTOR, limit=2))["changes"] == listed[:2]


async def test_old_changes_are_found_as_well(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60)
    office.clock.at += 500 * 86400
    await settings.change(office.desk, ACTOR, name=NAME, value=70)
    listed = (await settings_history.listed(office.desk, ACTOR))["changes"]
    assert [one["new"] for one in listed] == [70, 60]


async def test_a_change_is_taken_back_and_that_is_a_change_too(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60)
    await settings.change(office.desk, ACTOR, name=NAME, value=70)
    newest = (await settings_history.listed(office.desk, ACTOR))["changes"][0]
    assert await settings_history.undo(office.desk, ACTOR, change=newest["change"]) == {"name": NAME, "value": 60}
    assert office.store.snapshot.settings.challenge_seconds == 60
    back = (await settings_history.listed(office.desk, ACTOR))["changes"][0]
    assert (back["old"], back["new"], back["undoes"], back["undoable"]) == (70, 60, newest["change"], True)
    await settings_history.undo(office.desk, ACTOR, change=back["change"])
    assert office.store.snapshot.settings.challenge_seconds == 70


async def test_what_was_the_default_is_the_default_again(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60)
    (change,) = (await settings_history.listed(office.desk, ACTOR))["changes"]
    await settings_history.undo(office.desk, ACTOR, change=change["change"])
    assert await office.store.read(lambda reading: reading.settings()) == {}


async def test_a_change_that_was_changed_again_stays_and_says_what_it_is_now(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60)
    (change,) = (await settings_history.listed(office.desk, ACTOR))["changes"]
    await settings.change(office.desk, ACTOR, name=NAME, value=70)
    with pytest.raises(Refused, match="challenge_seconds was changed again since, and is 70 now"):
        await settings_history.undo(office.desk, ACTOR, change=change["change"])
    assert office.store.snapshot.settings.challenge_seconds == 70


async def test_a_value_that_does_not_fit_any_more_is_refused(office: Office) -> None:
    await settings.change(office.desk, ACTOR, name=NAME, value=60)
    await office.store.change(
        lambda writing: writing.note(
            Entry(NOON, EntryKind.ADMINISTRATION, "setting.set", ACTOR, detail={"setting": NAME, "old": 1, "new": 60})
        )
    )
    newest = (await settings_history.listed(office.desk, ACTOR))["changes"][0]
    with pytest.raises(Refused, match="must be a number from 10 to 600"):
        await settings_history.undo(office.desk, ACTOR, change=newest["change"])


async def test_a_line_of_an_older_version_is_shown_and_not_taken_back(office: Office) -> None:
    entry = Entry(NOON, EntryKind.ADMINISTRATION, "setting.set", ACTOR, detail={"setting": NAME, "value": 60})
    await office.store.change(lambda writing: writing.note(entry))
    (change,) = (await settings_history.listed(office.desk, ACTOR))["changes"]
    assert (change["old"], change["new"], change["undoable"]) == (None, 60, False)
    with pytest.raises(Refused, match="does not know what challenge_seconds was"):
        await settings_history.undo(office.desk, ACTOR, change=change["change"])


@pytest.mark.parametrize("change", ["", "x", "x/1", "x/-1", "x/99999999999999999999", "CHAIN/1", "CHAIN/2", "CHAIN/ 1"])
async def test_a_change_that_there_is_not_is_refused(office: Office, change: str) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    (line,) = await office.lines()
    with pytest.raises(Missing, match="There is no such change"):
        await settings_history.undo(office.desk, ACTOR, change=change.replace("CHAIN", line.chain))


async def test_the_history_of_a_setting_that_there_is_not_is_refused(office: Office) -> None:
    with pytest.raises(Missing, match="There is no setting colour"):
        await settings_history.listed(office.desk, ACTOR, name="colour")
