"""User files add people and change them; bad rows are named and handed back, a second time changes nothing."""

from typing import Any

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.flows import groups, user_import, users
from vestibule.flows.refused import Refused


async def bring_in(office: Office, content: str, **more: object) -> dict[str, Any]:
    return await user_import.bring_in(office.desk, ACTOR, content=content, file_name="users.csv", **more)  # type: ignore[arg-type]


def problems(report: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(one["line"], one["column"], one["field"]) for one in report["problems"]]


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    return report["created"], report["changed"], report["unchanged"]


async def test_people_are_added_and_a_second_time_changes_nothing(office: Office) -> None:
    content = "name,email\n" + "".join(f"user{i},u{i}@example.org\n" for i in range(450))
    seen: list[tuple[int, int | None]] = []
    report = await bring_in(office, content, progress=lambda done, total: seen.append((done, total)))
    assert counts(report) == (450, 0, 0)
    assert seen == [(199, 452), (398, 452), (450, 452)]
    before = await office.lines()
    assert counts(await bring_in(office, content)) == (0, 0, 450)
    assert await office.lines() == before
    assert [line.entry.detail["created"] for line in before] == [199, 199, 52]


async def test_only_what_a_row_says_is_changed(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    await groups.add(office.desk, ACTOR, name="admins")
    await users.add(office.desk, ACTOR, name="Alice", email="old@example.org", phone="12345", groups=["admins"])
    content = "Email;Name;Groups;MFA;locale\r\n;ALICE;staff;enforced;\r\nnew@example.org;alice2;;;de-CH\r\n"
    assert counts(await bring_in(office, content)) == (1, 1, 0)
    alice = (await users.show(office.desk, ACTOR, name="alice"))["user"]
    assert (alice["name"], alice["email"], alice["phone"]) == ("Alice", "old@example.org", "12345")
    assert (alice["groups"], alice["mfa"], alice["locale"]) == (["staff"], "enforced", "en")
    other = (await users.show(office.desk, ACTOR, name="alice2"))["user"]
    assert (other["email"], other["mfa"], other["locale"]) == ("new@example.org", "enabled", "de-CH")


async def test_bad_rows_are_named_and_come_back_in_a_file_that_is_taken_once_corrected(office: Office) -> None:
    content = "groups,name,email\nnone,alice,\n,bob,nowhere\nnone;more,carol,c@example.org\n,dave,\n"
    report = await bring_in(office, content)
    assert counts(report) == (1, 0, 0)
    assert problems(report) == [(2, 1, "groups"), (3, 3, "email"), (4, 1, "groups")]
    assert "there is no group none" in report["problems"][0]["reason"]
    for name in ("none", "more"):
        await groups.add(office.desk, ACTOR, name=name)
    again = await bring_in(office, report["failures"].replace("nowhere", "b@example.org"))
    assert (counts(again), again["failures"]) == ((3, 0, 0), "")
    carol = (await users.show(office.desk, ACTOR, name="carol"))["user"]
    assert (carol["groups"], carol["email"]) == (["none", "more"], "c@example.org")


async def test_a_dry_run_says_the_same_and_changes_nothing(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="alice")
    content = "name,first_name,groups\nalice,Ann,\nbob,Bob,\ncarol,,none\n"
    dry = await bring_in(office, content, dry_run=True)
    assert (counts(dry), problems(dry)) == ((1, 1, 0), [(4, 3, "groups")])
    assert await office.actions() == ["user.add"]
    assert await bring_in(office, content) | {"dry_run": True} == dry


@pytest.mark.parametrize("content", ["", "first_name\nAnn\n", "name,colour\na,red\n", "name,name\na,b\n"])
async def test_a_file_without_a_header_that_is_known_is_refused(office: Office, content: str) -> None:
    with pytest.raises(Refused, match="can not be read"):
        await bring_in(office, content)
