"""People of a directory become ours and stay as they are there; an error there takes nobody away."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.directories import DirectoryRecord
from vestibule.core.errors import Unavailable
from vestibule.core.people import Person, PhoneKind, Unreadable
from vestibule.core.secret import Secret
from vestibule.core.users import Alias, Mfa, Password, Role, User
from vestibule.flows import groups, tokens, users
from vestibule.flows.refused import Refused
from vestibule.flows.sync import PAGE, Sync
from vestibule.flows.sync_memory import LEASE_SECONDS
from vestibule.flows.sync_plan import FOREVER, GONE_KIND, Found, Gone, Leaving, Manners, Present, Roll, list_number

CORP = Manners("corp")


def person(name: str) -> Person:
    return Person(f"id of {name}", name, f"cn={name}", email=f"{name}@example.org")


PEOPLE = [person(f"p{n}") for n in range(3)]
DAY = 86_400.0


@pytest.fixture
async def office(office: Office) -> Office:
    """The office, with two directories."""
    for id in ("corp", "other"):
        record = DirectoryRecord(id, "ldap", "{}", Secret(b""))
        await office.store.change(lambda writing, record=record: writing.put(record))  # type: ignore[misc]  # bound at once
    return office


async def listed(entries: Iterable[Person | Unreadable | Found | Exception]) -> AsyncIterator[Found]:
    for one in entries:
        if isinstance(one, Exception):
            raise one
        yield one if isinstance(one, Found) else Found(one)


async def sync(
    office: Office,
    *entries: Person | Unreadable | Found | Exception,
    manners: Manners = CORP,
    dry_run: bool = False,
    approved: str = "",
    roll: Roll | None = None,
) -> dict[str, Any]:
    return await Sync(office.desk, manners, dry_run, approved, roll=roll).run(listed(entries))


def roll(*people: Person | Found | Present | Unreadable | Exception) -> Roll:
    """Who is there at all: people, people under an item, or only an id of somebody who may be under it."""

    async def present() -> AsyncIterator[Present | Unreadable]:
        for one in people:
            match one:
                case Exception():
                    raise one
                case Found(Person() as entry):
                    yield Present(entry.id, one.groups)
                case Found():
                    raise AssertionError("not listed so")
                case Person():
                    yield Present(one.id)
                case _:
                    yield one

    async def fetch(wanted: Iterable[Present]) -> AsyncIterator[Found]:
        known = {one.id: one for one in people if isinstance(one, Person)}
        known |= {one.entry.id: one.entry for one in people if isinstance(one, Found) and isinstance(one.entry, Person)}
        for one in wanted:
            if one.id in known:
                yield Found(known[one.id], one.groups)

    return Roll(present, fetch)


def counts(report: dict[str, Any]) -> dict[str, int]:
    kinds = ("created", "changed", "unchanged", "gone", "disabled", "back", "refused", "unreadable", "held_count")
    return {kind: report[kind] for kind in kinds if report[kind]}


async def user(office: Office, name: str) -> User:
    found = await office.store.read(lambda reading: reading.find(User, "key", name))
    assert len(found) == 1, name
    return found[0]


async def names(office: Office) -> dict[str, str]:
    aliases = await office.store.read(lambda reading: reading.page(Alias, "", 1000))
    known = {one.id: one.name for one in await office.store.read(lambda reading: reading.page(User, "", 1000))}
    return {alias.id: known[alias.user_id] for alias in aliases}


# -- those who are there --------------------------------------------------------------------------------------------


async def test_people_come_in_once_and_a_second_run_writes_nothing(office: Office) -> None:
    assert counts(await sync(office, *PEOPLE)) == {"created": 3}
    before = await office.actions()
    assert counts(await sync(office, *PEOPLE)) == {"unchanged": 3}
    assert await office.actions() == before
    alice = await user(office, "p1")
    assert (alice.directory, alice.external_id, alice.email) == ("corp", "id of p1", "p1@example.org")


async def test_what_changes_there_changes_here_and_the_person_stays_the_same(office: Office) -> None:
    await sync(office, *PEOPLE)
    before = await user(office, "p1")
    renamed = replace(PEOPLE[1], name="Renamed", last_name="Miller")
    assert counts(await sync(office, PEOPLE[0], renamed, PEOPLE[2])) == {"changed": 1, "unchanged": 2}
    after = await user(office, "renamed")
    assert (after.id, after.name, after.last_name, after.version) == (before.id, "Renamed", "Miller", 2)


async def test_many_people_come_in_slices(office: Office) -> None:
    crowd = [person(f"p{n:04}") for n in range(3 * PAGE + 1)]
    told: list[int] = []
    report = await Sync(office.desk, CORP, progress=lambda done, _total: told.append(done)).run(listed(crowd))
    assert counts(report) == {"created": len(crowd)}
    assert told == [PAGE, 2 * PAGE, 3 * PAGE, 3 * PAGE + 1]


async def test_a_dry_run_tells_the_same_and_writes_nothing(office: Office) -> None:
    assert counts(await sync(office, *PEOPLE, dry_run=True)) == {"created": 3}
    assert await office.actions() == []
    await sync(office, *PEOPLE)
    before = await office.actions()
    assert counts(await sync(office, PEOPLE[0], dry_run=True)) == {"unchanged": 1, "gone": 2}
    assert await office.actions() == before
    assert (await user(office, "p1")).block is None


async def test_the_first_item_that_names_a_person_wins(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="vpn")
    first = Found(PEOPLE[0], ("vpn",), Mfa.OFF, "nl")
    second = Found(replace(PEOPLE[0], last_name="other"), (), Mfa.ENFORCED, "en")
    assert counts(await sync(office, first, second)) == {"created": 1}
    one = await user(office, "p0")
    assert (one.groups, one.mfa, one.locale, one.last_name) == (("vpn",), Mfa.OFF, "nl", "")


async def test_an_items_groups_come_and_go_and_an_administrators_stay(office: Office) -> None:
    for name in ("vpn", "staff"):
        await groups.add(office.desk, ACTOR, name=name)
    manners = replace(CORP, managed_groups=("vpn",))
    await sync(office, PEOPLE[0], manners=manners)
    await users.change(office.desk, ACTOR, name="p0", changes={"groups": ["staff"]})
    assert counts(await sync(office, Found(PEOPLE[0], ("vpn",)), manners=manners)) == {"changed": 1}
    assert (await user(office, "p0")).groups == ("staff", "vpn")
    assert counts(await sync(office, Found(PEOPLE[0], ("vpn",)), manners=manners)) == {"unchanged": 1}
    await sync(office, PEOPLE[0], manners=manners)
    assert (await user(office, "p0")).groups == ("staff",)


async def test_what_an_administrator_set_for_a_person_stays(office: Office) -> None:
    await sync(office, PEOPLE[0])
    await users.change(office.desk, ACTOR, name="p0", changes={"mfa": "off", "locale": "nl", "phone": "+41446681800"})
    await users.block(office.desk, ACTOR, name="p0", reason="lost phone")
    assert counts(await sync(office, PEOPLE[0])) == {"unchanged": 1}
    one = await user(office, "p0")
    assert (one.mfa, one.locale, one.phone) == (Mfa.OFF, "nl", "+41446681800")
    assert one.block is not None


async def test_the_first_number_of_the_order_is_taken_and_a_bad_field_is_left_out_and_told(office: Office) -> None:
    phones = ((PhoneKind.BUSINESS, "+41 44 668 18 00"), (PhoneKind.MOBILE, "ask her"))
    report = await sync(office, replace(PEOPLE[0], phones=phones), replace(PEOPLE[1], phones=phones[:1], email="no"))
    assert [(one["place"], one["what"].split(":")[0]) for one in report["notes"]] == [
        ("cn=p0", "the telephone number is left out"),
        ("cn=p1", "the e-mail address is left out"),
    ]
    assert ((await user(office, "p0")).phone, (await user(office, "p1")).phone) == ("", "+41 44 668 18 00")


# -- names ----------------------------------------------------------------------------------------------------------


async def test_other_names_come_and_go(office: Office) -> None:
    await sync(office, replace(PEOPLE[0], other_names=("CORP\\P0", "zero", "p0")))
    assert await names(office) == {"corp\\p0": "p0", "zero": "p0"}
    assert counts(await sync(office, replace(PEOPLE[0], other_names=("zero", "nought")))) == {"changed": 1}
    assert await names(office) == {"nought": "p0", "zero": "p0"}


@pytest.mark.parametrize("together", [True, False])
async def test_a_name_that_two_would_answer_to_stays_with_the_first_and_is_told(
    office: Office, *, together: bool
) -> None:
    two = [replace(PEOPLE[0], other_names=("jane",)), replace(PEOPLE[1], other_names=("JANE", "one"))]
    reports = [await sync(office, *two)] if together else [await sync(office, two[0]), await sync(office, *two)]
    assert [one["what"] for one in reports[-1]["notes"]] == ["somebody else answers to jane, so this person does not"]
    assert await names(office) == {"jane": "p0", "one": "p1"}


async def test_a_persons_own_name_is_nobody_elses_other_name(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="jane")
    report = await sync(office, replace(PEOPLE[0], other_names=("jane",)))
    assert len(report["notes"]) == 1
    assert await names(office) == {}
    await sync(office, replace(PEOPLE[0], other_names=("zero",)))
    with pytest.raises(Refused, match="answers to this name"):
        await users.add(office.desk, ACTOR, name="Zero")


@pytest.mark.parametrize("together", [True, False])
async def test_two_people_of_one_name_do_not_become_one(office: Office, *, together: bool) -> None:
    twin = replace(PEOPLE[0], id="twin", place="cn=twin")
    if not together:
        await sync(office, PEOPLE[0])
    report = await sync(office, PEOPLE[0], twin)
    assert (report["refused"], [one["place"] for one in report["notes"]]) == (1, ["cn=twin"])
    assert (await user(office, "p0")).external_id == "id of p0"


async def test_a_local_user_is_taken_over_only_where_that_is_allowed(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="p0", mfa="enforced")
    before = await user(office, "p0")
    report = await sync(office, PEOPLE[0])
    assert (counts(report), "local user" in report["notes"][0]["what"]) == ({"refused": 1}, True)
    assert await user(office, "p0") == before
    assert counts(await sync(office, PEOPLE[0], manners=replace(CORP, adopt=True))) == {"changed": 1}
    after = await user(office, "p0")
    assert (after.id, after.directory, after.mfa) == (before.id, "corp", Mfa.ENFORCED)


async def test_a_person_of_another_directory_is_never_taken_over(office: Office) -> None:
    await sync(office, PEOPLE[0])
    report = await sync(office, replace(PEOPLE[0], id="x"), manners=Manners("other", adopt=True))
    assert counts(report) == {"refused": 1}
    assert (await user(office, "p0")).directory == "corp"


@pytest.mark.parametrize("name", ["", "   ", "x" * 257])
async def test_a_person_without_a_usable_name_is_told_and_keeps_nobody_back(office: Office, name: str) -> None:
    report = await sync(office, replace(PEOPLE[0], name=name), PEOPLE[1])
    assert counts(report) == {"refused": 1, "created": 1}


# -- those who are gone ---------------------------------------------------------------------------------------------


async def test_people_who_are_gone_are_blocked_and_come_back_as_they_were(office: Office) -> None:
    await sync(office, *PEOPLE)
    assert counts(await sync(office, *PEOPLE[1:])) == {"gone": 1, "unchanged": 2}
    gone = (await user(office, "p0")).block
    assert gone is not None
    assert (gone.by, gone.reason, gone.until) == ("directory corp", "gone from the directory", FOREVER)
    assert counts(await sync(office, *PEOPLE[1:])) == {"unchanged": 2}
    assert counts(await sync(office, *PEOPLE)) == {"changed": 1, "back": 1, "unchanged": 2}
    assert (await user(office, "p0")).block is None


async def test_more_than_the_brake_allows_are_held_until_they_are_approved(office: Office) -> None:
    crowd = [person(f"p{n}") for n in range(7)]
    await sync(office, *crowd)
    report = await sync(office, crowd[0])
    assert counts(report) == {"unchanged": 1, "held_count": 6}
    assert not report["nobody_listed"]
    assert report["held"] == [one.name for one in crowd[1:]]
    assert (await user(office, "p1")).block is None
    assert (await office.actions())[-1] == "directory.held"
    assert counts(await sync(office, *crowd[:2])) == {"unchanged": 2, "gone": 5}
    await sync(office, *crowd)
    assert counts(await sync(office, crowd[0], approved=report["held_as"])) == {"unchanged": 1, "gone": 6}


async def test_only_the_list_that_was_shown_is_approved(office: Office) -> None:
    crowd = [person(f"p{n}") for n in range(9)]
    await sync(office, *crowd)
    shown = (await sync(office, *crowd[:2], dry_run=True))["held_as"]
    assert shown.startswith("7-")
    report = await sync(office, crowd[0], approved=shown)
    assert counts(report) == {"unchanged": 1, "held_count": 8}
    assert shown in report["notes"][-1]["what"]
    other = await sync(office, *crowd[1:3], approved=shown)
    assert (counts(other), other["held_as"] != shown) == ({"unchanged": 2, "held_count": 7}, True)
    assert (await user(office, "p8")).block is None
    assert counts(await sync(office, *crowd[:2], approved=shown)) == {"unchanged": 2, "gone": 7}


async def test_one_list_of_disabled_and_gone_is_approved_together(office: Office) -> None:
    crowd = [person(f"p{n}") for n in range(15)]
    await sync(office, *crowd)
    off = [replace(one, enabled=False) for one in crowd[:6]]
    report = await sync(office, *off, *crowd[12:])
    assert (report["held_count"], report["held_as"].partition("-")[0]) == (12, "12")
    assert report["held"] == [f"p{n}" for n in range(6)] + sorted(f"p{n}" for n in range(6, 12))
    assert counts(await sync(office, *off, *crowd[12:], approved=report["held_as"])) == {
        "unchanged": 9,
        "disabled": 6,
        "gone": 6,
    }


async def test_they_can_be_removed_with_all_that_is_theirs(office: Office) -> None:
    await sync(office, replace(PEOPLE[0], other_names=("zero",)), PEOPLE[1])
    await tokens.add(office.desk, ACTOR, user="p0", serial="A1")
    assert counts(await sync(office, PEOPLE[1], manners=replace(CORP, gone=Gone.REMOVE))) == {"gone": 1, "unchanged": 1}
    assert await office.store.read(lambda reading: reading.find(User, "key", "p0")) == []
    assert await names(office) == {}
    assert (await tokens.show(office.desk, ACTOR, token="A1"))["token"]["user"] is None


async def test_or_kept(office: Office) -> None:
    await sync(office, *PEOPLE)
    assert counts(await sync(office, manners=replace(CORP, gone=Gone.KEEP))) == {}
    assert (await user(office, "p0")).block is None


async def test_our_own_people_and_those_of_other_directories_are_never_gone(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="local")
    await sync(office, PEOPLE[0], manners=Manners("other"))
    await sync(office, *PEOPLE[1:])
    assert counts(await sync(office, PEOPLE[2])) == {"gone": 1, "unchanged": 1}
    assert [(await user(office, name)).block for name in ("local", "p0")] == [None, None]


async def test_an_account_that_is_disabled_there_is_blocked_here_until_it_is_enabled(office: Office) -> None:
    off = replace(PEOPLE[0], enabled=False)
    await sync(office, off)
    block = (await user(office, "p0")).block
    assert block is not None
    assert block.reason == "disabled in the directory"
    assert counts(await sync(office, off)) == {"unchanged": 1}
    assert counts(await sync(office, PEOPLE[0])) == {"changed": 1, "back": 1}
    assert (await user(office, "p0")).block is None


async def test_a_block_by_an_administrator_is_not_ended_by_the_directory(office: Office) -> None:
    await sync(office, PEOPLE[0])
    await users.block(office.desk, ACTOR, name="p0", reason="left")
    await sync(office, replace(PEOPLE[0], enabled=False))
    await sync(office, PEOPLE[0])
    block = (await user(office, "p0")).block
    assert block is not None
    assert block.by == ACTOR


@pytest.mark.parametrize("how", ["gone", "disabled"])
async def test_a_block_that_is_over_keeps_nobody_from_being_blocked(office: Office, how: str) -> None:
    await sync(office, *PEOPLE)
    await users.block(office.desk, ACTOR, name="p0", reason="lost phone", days=1)
    later = PEOPLE[1:] if how == "gone" else [replace(PEOPLE[0], enabled=False), *PEOPLE[1:]]
    before = await office.actions()
    await sync(office, *later)
    assert await office.actions() == before
    office.clock.at += DAY
    assert counts(await sync(office, *later))[how] == 1
    blocked = await user(office, "p0")
    assert blocked.blocked(office.clock.at + 100 * DAY)
    assert counts(await sync(office, *PEOPLE))["back"] == 1


@pytest.mark.parametrize("partial", [False, True])
async def test_more_disabled_at_once_than_the_brake_allows_are_held(office: Office, *, partial: bool) -> None:
    who = roll(*(person(f"p{n}") for n in range(8))) if partial else None
    crowd = [person(f"p{n}") for n in range(8)]
    await sync(office, *crowd)
    off = [replace(one, enabled=False) for one in crowd[:6]]
    report = await sync(office, *off, *crowd[6:], roll=who)
    assert (counts(report), report["held"]) == ({"unchanged": 8, "held_count": 6}, [one.name for one in off])
    assert (await user(office, "p0")).block is None
    assert (await office.actions())[-1] == "directory.held"
    assert counts(await sync(office, *off[:5], *crowd[5:], dry_run=True)) == {"unchanged": 8, "disabled": 5}
    assert (await user(office, "p0")).block is None
    assert counts(await sync(office, *off, *crowd[6:], approved=report["held_as"])) == {"unchanged": 8, "disabled": 6}
    assert all([(await user(office, one.name)).block for one in off])
    assert counts(await sync(office, *off, *crowd[6:])) == {"unchanged": 8}


async def test_who_is_held_again_is_told_once_in_the_journal(office: Office) -> None:
    crowd = [person(f"p{n}") for n in range(8)]
    await sync(office, *crowd)
    for here in (1, 1, 2):
        await sync(office, *crowd[:here])
    assert (await office.actions()).count("directory.held") == 2


@pytest.mark.parametrize("how", ["told", "approved", "called"])
async def test_a_list_of_nobody_is_an_error_and_never_everybody_gone(office: Office, how: str) -> None:
    await sync(office, *PEOPLE)
    number = list_number([Leaving(GONE_KIND, (await user(office, one.name)).id, one.name) for one in PEOPLE])
    approved, who = number if how == "approved" else "", roll() if how == "called" else None
    report = await sync(office, approved=approved, roll=who)
    assert (counts(report), len(report["notes"])) == ({"held_count": 3}, 1)
    assert report["nobody_listed"]
    assert (await user(office, "p0")).block is None


async def test_somebody_whose_new_name_is_refused_follows_in_all_else(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="taken")
    await sync(office, *PEOPLE)
    renamed = replace(PEOPLE[0], name="taken", enabled=False, last_name="new")
    report = await sync(office, renamed, *PEOPLE[1:])
    assert counts(report) == {"refused": 1, "unchanged": 2, "disabled": 1}
    after = await user(office, "p0")
    assert (after.last_name, after.blocked(office.clock.at)) == ("new", True)


async def test_a_name_of_ones_own_is_nobodys_other_name_any_more(office: Office) -> None:
    await sync(office, replace(PEOPLE[0], other_names=("p1",)))
    assert await names(office) == {"p1": "p0"}
    assert counts(await sync(office, PEOPLE[1], roll=roll(*PEOPLE[:2]))) == {"created": 1}
    assert await names(office) == {}


async def test_nobody_who_administers_is_taken_over(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="p0")
    boss = replace(await user(office, "p0"), role=Role.HELPDESK)
    await office.store.change(lambda writing: writing.put(boss))
    report = await sync(office, PEOPLE[0], manners=replace(CORP, adopt=True))
    assert (counts(report), "role" in report["notes"][0]["what"]) == ({"refused": 1}, True)
    assert await user(office, "p0") == boss


async def test_who_is_taken_over_has_no_local_password_any_more(office: Office) -> None:
    await users.add(office.desk, ACTOR, name="p0", password="a long enough password")
    one = await user(office, "p0")
    await sync(office, PEOPLE[0], manners=replace(CORP, adopt=True))
    assert await office.store.read(lambda reading: reading.get(Password, one.id)) is None


# -- errors ---------------------------------------------------------------------------------------------------------


async def test_a_directory_that_was_removed_meanwhile_brings_nobody_in(office: Office) -> None:
    await office.store.change(lambda writing: writing.remove(DirectoryRecord, "corp"))
    with pytest.raises(Refused, match="no directory corp"):
        await sync(office, *PEOPLE)
    assert await office.store.read(lambda reading: reading.count(User)) == 0


async def test_a_lead_that_a_wrong_clock_took_keeps_nobody_out(office: Office) -> None:
    begun = asyncio.Event()
    office.clock.at += 1000 * DAY
    crashed = asyncio.create_task(Sync(office.desk, CORP).run(never(begun)))
    await begun.wait()
    office.clock.at -= 1000 * DAY
    assert counts(await sync(office, *PEOPLE)) == {"created": 3}
    crashed.cancel()


async def test_an_error_in_the_middle_keeps_what_came_before_and_takes_nobody_away(office: Office) -> None:
    crowd = [person(f"p{n:03}") for n in range(2 * PAGE)]
    await sync(office, *crowd)
    changed = [replace(one, last_name="new") for one in crowd]
    with pytest.raises(Unavailable):
        await sync(office, *changed[:PAGE], Unavailable("the directory does not answer"))
    assert [(await user(office, name)).last_name for name in ("p000", "p099")] == ["new", ""]
    assert (await user(office, "p099")).block is None


async def test_an_entry_that_can_not_be_read_takes_nobody_away(office: Office) -> None:
    await sync(office, *PEOPLE)
    report = await sync(office, PEOPLE[0], Unreadable("cn=p1", "has no objectGUID"))
    assert counts(report) == {"unchanged": 1, "unreadable": 1}
    assert [one["place"] for one in report["notes"]] == ["cn=p1", ""]
    assert [(await user(office, name)).block for name in ("p1", "p2")] == [None, None]


async def test_a_run_that_failed_leaves_the_lead_to_the_next(office: Office) -> None:
    with pytest.raises(Unavailable):
        await sync(office, *PEOPLE, Unavailable("the directory does not answer"))
    assert counts(await sync(office, *PEOPLE)) == {"created": 3}


async def test_one_run_at_a_time_and_one_that_hangs_loses_the_lead(office: Office) -> None:
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[Found]:
        begun.set()
        await go_on.wait()
        yield Found(PEOPLE[0])

    hanging = asyncio.create_task(Sync(office.desk, CORP).run(slow()))
    await begun.wait()
    with pytest.raises(Refused, match="just now"):
        await sync(office, *PEOPLE)
    assert counts(await sync(office, *PEOPLE, dry_run=True)) == {"created": 3}
    office.clock.at += LEASE_SECONDS
    assert counts(await sync(office, *PEOPLE)) == {"created": 3}
    office.clock.at += 1
    leads = asyncio.Event()
    other = asyncio.create_task(Sync(office.desk, CORP).run(never(leads)))
    await leads.wait()
    go_on.set()
    with pytest.raises(Refused, match="just now"):
        await hanging
    assert await office.store.read(lambda reading: reading.state("directory/corp/lease"))
    other.cancel()


async def never(begun: asyncio.Event) -> AsyncIterator[Found]:
    begun.set()
    await asyncio.Event().wait()
    yield Found(PEOPLE[0])


# -- only what changed, and who is there at all ---------------------------------------------------------------------

STAFF = Manners("corp", managed_groups=("staff", "guests"))


async def test_who_is_there_but_did_not_change_is_only_called(office: Office) -> None:
    await sync(office, *PEOPLE)
    before = await office.actions()
    assert counts(await sync(office, roll=roll(*PEOPLE))) == {}
    renamed = replace(PEOPLE[0], name="renamed")
    assert counts(await sync(office, renamed, roll=roll(*PEOPLE))) == {"changed": 1}
    assert len(await office.actions()) == len(before) + 1


async def test_who_is_not_there_any_more_is_gone_though_nothing_said_so(office: Office) -> None:
    await sync(office, *PEOPLE)
    report = await sync(office, roll=roll(*PEOPLE[1:]))
    assert (counts(report), report["partial"]) == ({"gone": 1}, True)
    assert (await user(office, "p0")).blocked(office.clock.at)


async def test_the_brake_holds_them_as_ever(office: Office) -> None:
    crowd = [person(f"p{n}") for n in range(8)]
    await sync(office, *crowd)
    report = await sync(office, roll=roll(*crowd[:2]))
    assert (counts(report), report["held_as"].partition("-")[0]) == ({"held_count": 6}, "6")


async def test_who_joined_without_a_change_of_their_own_is_asked_for_and_taken_over(office: Office) -> None:
    await sync(office, *PEOPLE[:2])
    assert counts(await sync(office, roll=roll(*PEOPLE))) == {"created": 1}


async def test_who_came_under_another_item_gets_its_groups(office: Office) -> None:
    for name in ("staff", "guests"):
        await groups.add(office.desk, ACTOR, name=name)
    await sync(office, *(Found(one, ("staff",)) for one in PEOPLE), manners=STAFF)
    moved = roll(Found(PEOPLE[0], ("guests",)), Found(PEOPLE[1]), Found(PEOPLE[2], ("staff",)))
    assert counts(await sync(office, manners=STAFF, roll=moved)) == {"changed": 2}
    assert [(await user(office, one.name)).groups for one in PEOPLE] == [("guests",), (), ("staff",)]


async def test_where_no_group_changed_nobody_joins_or_leaves_one(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    await sync(office, Found(PEOPLE[0], ("staff",)), manners=STAFF)
    unsure = roll(Present(PEOPLE[0].id, (), sure=False), Present(PEOPLE[1].id, ("staff",), sure=False))
    assert counts(await sync(office, manners=STAFF, roll=unsure)) == {}
    assert (await user(office, "p0")).groups == ("staff",)


@pytest.mark.parametrize("broken", [Unreadable("cn=x", "has no id"), Unavailable("it broke off")])
async def test_a_roll_that_is_not_whole_takes_nobody_away(office: Office, broken: Unreadable | Unavailable) -> None:
    await sync(office, *PEOPLE)
    try:
        report = await sync(office, roll=roll(PEOPLE[0], broken))
        assert counts(report) == {"unreadable": 1}
    except Unavailable:
        assert isinstance(broken, Unavailable)
    assert [(await user(office, one.name)).block for one in PEOPLE] == [None] * 3
