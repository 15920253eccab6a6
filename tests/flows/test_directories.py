"""Directories of others are set up, tried, synchronised and removed, and nothing that still stands on one is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.clients import Client
from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, DirectoryRecord, Verdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import Ambiguous, Person, Unreadable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows import clients, directories, groups, users
from vestibule.flows.desk import SLICE, Desk
from vestibule.flows.directories import MARGIN_SECONDS, WHOLE_SECONDS
from vestibule.flows.kinds import Kind, Takeover
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.sync_plan import Found, Manners, Present, Roll

ALICE = Person("guid", "alice@corp", "cn=alice", other_names=("alice",))
BOB = Person("other guid", "bob@corp", "cn=bob")
RIGHT = Verdict(right=True, attributes=(("Class", "staff"),))
WRONG = Verdict(right=False, refusal=Reason.ACCOUNT_LOCKED, detail="data 775")


@dataclass
class Corp:
    """A directory of one person."""

    people: list[Person] = field(default_factory=lambda: [ALICE])
    asked: list[Account] = field(default_factory=list)
    away: bool = False
    since: list[float] = field(default_factory=list)
    there: list[Person] = field(default_factory=lambda: [ALICE])

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        if self.away:
            raise Unavailable("no server answered")
        self.asked.append(account)
        return RIGHT if password.reveal() == b"right" else WRONG

    async def find(self, name: str, deadline: float) -> Person | Ambiguous | None:
        known: dict[str, Person | Ambiguous] = {"alice": ALICE, "twin": Ambiguous(("cn=a", "cn=b"))}
        return known.get(name)

    async def found(self, since: float) -> AsyncIterator[Found]:
        self.since.append(since)
        for person in self.people:
            yield Found(person)

    def roll(self, since: float) -> Roll:
        async def present() -> AsyncIterator[Present | Unreadable]:
            for person in self.there:
                yield Present(person.id)

        async def fetch(wanted: Iterable[Present]) -> AsyncIterator[Found]:
            ids = {one.id for one in wanted}
            for person in self.there:
                if person.id in ids:
                    yield Found(person)

        return Roll(present, fetch)


class Ldap:
    """A kind with one setting that it needs."""

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        if "base" not in settings:
            raise Malformed("base: is missing")
        return settings

    def takeover(self, record: DirectoryRecord, live: AccountDirectory) -> Takeover | None:
        return Takeover(Manners(record.id, brake=1), 60.0, live.found, live.roll) if isinstance(live, Corp) else None

    def groups(self, record: DirectoryRecord) -> tuple[str, ...]:
        return ("vpn",) if "vpn" in record.settings else ()


@dataclass
class Live:
    corp: Corp = field(default_factory=Corp)
    kinds: Mapping[str, Kind] = field(default_factory=lambda: {"ldap": Ldap()})

    def directory_of(self, id: str) -> AccountDirectory | None:
        return self.corp if id == "corp" else None


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def desk(office: Office, live: Live) -> Desk:
    return replace(office.desk, directories=live)


async def add(desk: Desk, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as the command takes them
    arguments: dict[str, Any] = {"id": "corp", "kind": "ldap", "settings": {"base": "dc=corp"}, "secret": "s3cret"}
    return await directories.add(desk, ACTOR, **(arguments | more))


async def test_a_directory_is_set_up_shown_and_changed_and_its_secret_never_shown(desk: Desk, office: Office) -> None:
    told = (await add(desk, id="Corp"))["directory"]
    assert (told["id"], told["kind"], told["settings"], told["secret"]) == ("corp", "ldap", {"base": "dc=corp"}, True)
    assert (await directories.listed(desk, ACTOR))["directories"] == [told]
    assert await directories.show(desk, ACTOR, id="corp") == {"directory": told, "last_sync": None}
    changed = await directories.change(desk, ACTOR, id="corp", settings={"base": "dc=b", "x": 1}, secret="new")
    assert changed["changed"] == ["base", "x", "secret"]
    back = await directories.change(desk, ACTOR, id="corp", settings={"x": None})
    assert back["directory"]["settings"] == {"base": "dc=b"}
    assert desk.store.snapshot.directories["corp"].secret == Secret.of("new")
    assert await office.actions() == ["directory.add", "directory.set", "directory.set"]
    assert "s3cret" not in repr(await office.journal())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"id": "local"}, "local is the name"),
        ({"id": "??"}, "id must have"),
        ({"kind": "nis"}, "kind must be one of ldap"),
        ({"settings": {}}, "base: is missing"),
        ({"settings": {"base": "x", "vpn": 1}}, "There is no group vpn"),
    ],
)
async def test_what_is_wrong_is_refused_and_nothing_is_kept(desk: Desk, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        await add(desk, **wrong)
    assert desk.store.snapshot.directories == {}


async def test_an_id_is_given_once_and_a_wrong_change_leaves_the_directory_as_it_was(desk: Desk) -> None:
    await add(desk)
    with pytest.raises(Refused, match="already"):
        await add(desk)
    with pytest.raises(Refused, match="base: is missing"):
        await directories.change(desk, ACTOR, id="corp", settings={"base": None})
    assert desk.store.snapshot.directories["corp"].version == 1
    await groups.add(desk, ACTOR, name="vpn")
    assert (await directories.change(desk, ACTOR, id="corp", settings={"vpn": 1}))["changed"] == ["vpn"]


@pytest.mark.parametrize("act", [directories.show, directories.change, directories.remove, directories.sync])
async def test_what_is_not_there_is_told(desk: Desk, act: Any) -> None:  # noqa: ANN401 - one of several flows
    with pytest.raises(Missing, match="no directory nowhere"):
        await act(desk, ACTOR, id="nowhere")


# -- trying ---------------------------------------------------------------------------------------------------------


async def test_a_person_is_looked_for_and_their_password_tried_once(desk: Desk, live: Live) -> None:
    await add(desk)
    looked = await directories.probe(desk, ACTOR, id="corp", user="alice")
    assert (looked["found"]["name"], looked["password"], live.corp.asked) == ("alice@corp", None, [])
    right = await directories.probe(desk, ACTOR, id="corp", user="alice", password="right")
    assert right["password"] == {"right": True, "reason": None, "detail": "", "attributes": [["Class", "staff"]]}
    wrong = await directories.probe(desk, ACTOR, id="corp", user="twin", password="no")
    assert wrong["found"] == {"ambiguous": ["cn=a", "cn=b"]}
    assert (wrong["password"]["reason"], wrong["password"]["detail"]) == ("account_locked", "data 775")
    assert live.corp.asked == [Account("corp", "", "alice"), Account("corp", "", "twin")]


async def test_a_directory_that_is_away_is_told(desk: Desk, live: Live) -> None:
    await add(desk)
    live.corp.away = True
    with pytest.raises(Refused, match="could not be asked: no server answered"):
        await directories.probe(desk, ACTOR, id="corp", user="alice", password="right")


# -- synchronising --------------------------------------------------------------------------------------------------


async def test_people_are_taken_over_and_let_go_after_approval(desk: Desk, live: Live, office: Office) -> None:
    await add(desk)
    others = [replace(ALICE, id=f"id {n}", name=f"p{n}", other_names=()) for n in range(2)]
    live.corp.people += others
    assert (await directories.sync(desk, ACTOR, id="corp"))["created"] == 3
    live.corp.people = [ALICE]
    held = await directories.sync(desk, ACTOR, id="corp")
    assert held["held"] == ["p0", "p1"]
    last = (await directories.show(desk, ACTOR, id="corp"))["last_sync"]
    assert (last["at"], last["counts"], last["held"]) == (office.clock.at, {"unchanged": 1}, 2)
    assert last["held_as"] == held["held_as"]
    assert (await directories.sync(desk, ACTOR, id="corp", dry_run=True, approve=True))["gone"] == 2
    assert "directory.approve" not in await office.actions()
    assert (await directories.sync(desk, ACTOR, id="corp", approve=True))["gone"] == 2
    assert "directory.approve" in await office.actions()
    with pytest.raises(Refused, match="Nobody is held"):
        await directories.sync(desk, ACTOR, id="corp", approve=True)


async def test_what_is_approved_without_a_number_is_what_the_last_run_held(desk: Desk, live: Live) -> None:
    await add(desk)
    live.corp.people += [replace(ALICE, id=f"id {n}", name=f"p{n}", other_names=()) for n in range(3)]
    everybody = live.corp.people
    await directories.sync(desk, ACTOR, id="corp")
    live.corp.people = everybody[:2]
    shown = (await directories.sync(desk, ACTOR, id="corp"))["held_as"]
    live.corp.people = everybody[:1]
    more = await directories.sync(desk, ACTOR, id="corp", approve=True)
    assert (more["gone"], more["held_count"]) == (0, 3)
    assert (await directories.sync(desk, ACTOR, id="corp", approve=shown))["held_count"] == 3
    assert (await directories.sync(desk, ACTOR, id="corp", approve=more["held_as"]))["gone"] == 3


async def test_a_run_that_asks_for_changes_calls_who_is_there(desk: Desk, live: Live, office: Office) -> None:
    await add(desk)
    start = office.clock.at
    first = await directories.sync(desk, ACTOR, id="corp", changes_only=True)
    assert (first["created"], first["partial"]) == (1, False)
    live.corp.people = []
    office.clock.at += 60
    second = await directories.sync(desk, ACTOR, id="corp", changes_only=True)
    assert (second["gone"], second["partial"]) == (0, True)
    live.corp.there = [BOB]
    office.clock.at += 60
    third = await directories.sync(desk, ACTOR, id="corp", changes_only=True)
    assert (third["created"], third["gone"], third["partial"]) == (1, 1, True)
    assert live.corp.since == [0.0, start - MARGIN_SECONDS, start + 60 - MARGIN_SECONDS]


@pytest.mark.parametrize("why", ["a day has passed", "the settings changed", "the clock went back", "it was told to"])
async def test_a_whole_run_comes_when_it_must(desk: Desk, live: Live, office: Office, why: str) -> None:
    await add(desk)
    live.corp.people = [ALICE, BOB]
    await directories.sync(desk, ACTOR, id="corp")
    live.corp.people = [BOB]
    if why == "a day has passed":
        office.clock.at += WHOLE_SECONDS
    elif why == "the settings changed":
        await directories.change(desk, ACTOR, id="corp", settings={"x": 1})
    elif why == "the clock went back":
        office.clock.at -= 1
    report = await directories.sync(desk, ACTOR, id="corp", changes_only=why != "it was told to")
    assert (report["gone"], live.corp.since[-1]) == (1, 0.0)


async def test_people_who_are_held_are_looked_at_and_told_each_time(desk: Desk, live: Live, office: Office) -> None:
    await add(desk)
    live.corp.people += [replace(BOB, id=f"id {n}", name=f"p{n}") for n in range(2)]
    await directories.sync(desk, ACTOR, id="corp")
    live.corp.people = [ALICE]
    await directories.sync(desk, ACTOR, id="corp")
    office.clock.at += 60
    report = await directories.sync(desk, ACTOR, id="corp", changes_only=True)
    assert (report["partial"], report["held_count"]) == (False, 2)
    assert (await directories.show(desk, ACTOR, id="corp"))["last_sync"]["held"] == 2
    await directories.sync(desk, ACTOR, id="corp", approve=True)
    assert (await directories.sync(desk, ACTOR, id="corp", changes_only=True))["partial"]


async def test_a_directory_that_lists_nobody_is_not_synchronised(desk: Desk, live: Live) -> None:
    await add(desk)
    live.directory_of = lambda id: Silent()  # type: ignore[method-assign]
    with pytest.raises(Refused, match="lists nobody"):
        await directories.sync(desk, ACTOR, id="corp")


class Silent:
    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:
        return WRONG


# -- removing -------------------------------------------------------------------------------------------------------


async def test_a_directory_with_people_is_removed_only_when_they_are_released(desk: Desk) -> None:
    await add(desk)
    await users.add(desk, ACTOR, name="local")
    await directories.sync(desk, ACTOR, id="corp")
    with pytest.raises(Refused, match="--release"):
        await directories.remove(desk, ACTOR, id="corp")
    assert await directories.remove(desk, ACTOR, id="corp", release=True) == {"removed": "corp", "released": 1}
    everybody = await desk.store.read(lambda reading: reading.page(User, "", 10))
    assert sorted((one.name, one.directory, one.external_id) for one in everybody) == [
        ("alice@corp", "", ""),
        ("local", "", ""),
    ]
    assert desk.store.snapshot.directories == {}


async def test_another_directory_of_the_same_id_begins_anew(desk: Desk, live: Live) -> None:
    await add(desk)
    await directories.sync(desk, ACTOR, id="corp")
    await directories.remove(desk, ACTOR, id="corp", release=True)
    await add(desk)
    assert (await directories.show(desk, ACTOR, id="corp"))["last_sync"] is None
    await directories.sync(desk, ACTOR, id="corp", changes_only=True)
    assert live.corp.since == [0.0, 0.0]


async def test_a_directory_is_not_removed_under_a_run_and_a_refusal_leaves_the_lead(desk: Desk, live: Live) -> None:
    await add(desk)
    await directories.sync(desk, ACTOR, id="corp")
    begun = asyncio.Event()

    async def slow(since: float) -> AsyncIterator[Found]:
        begun.set()
        await asyncio.Event().wait()
        yield Found(ALICE)

    live.corp.found = slow  # type: ignore[method-assign]
    run = asyncio.create_task(directories.sync(desk, ACTOR, id="corp"))
    await begun.wait()
    with pytest.raises(Refused, match="just now"):
        await directories.remove(desk, ACTOR, id="corp", release=True)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    with pytest.raises(Refused, match="--release"):
        await directories.remove(desk, ACTOR, id="corp")
    assert (await directories.remove(desk, ACTOR, id="corp", release=True))["released"] == 1


@pytest.mark.parametrize("where", [{"servers": ["ldaps://mine"]}, {"plain": True}, {"ca_file": "/mine"}])
async def test_a_secret_is_told_to_other_servers_only_by_who_knows_it(desk: Desk, where: dict[str, Any]) -> None:
    await add(desk)
    with pytest.raises(Refused, match="Give it again") as refused:
        await directories.change(desk, ACTOR, id="corp", settings=where)
    assert refused.value.fields == ("secret",)
    assert desk.store.snapshot.directories["corp"].version == 1
    await directories.change(desk, ACTOR, id="corp", settings=where, secret="s3cret")
    await directories.change(desk, ACTOR, id="corp", settings={**where, "base": "dc=other"})
    await add(desk, id="anonymous", secret="")
    await directories.change(desk, ACTOR, id="anonymous", settings=where)


async def test_a_directory_that_any_client_asks_is_not_removed(desk: Desk) -> None:
    await add(desk)
    crowd = [Client(f"c{n:04}", "c", ("192.0.2.7",), ()) for n in range(SLICE)]
    last = Client("last", "c", ("192.0.2.8",), (), first_factor="corp")
    for one in (*crowd, last):
        await desk.store.change(lambda writing, one=one: writing.put(one))  # type: ignore[misc]  # bound at once
    with pytest.raises(Refused, match="client last"):
        await directories.remove(desk, ACTOR, id="corp")


async def test_a_client_can_have_its_first_factors_checked_by_a_directory_that_is_there(desk: Desk) -> None:
    await clients.add(desk, ACTOR, name="vpn", networks=["192.0.2.7"])
    with pytest.raises(Refused, match="no directory corp"):
        await clients.change(desk, ACTOR, id="vpn", first_factor="corp")
    await add(desk)
    assert (await clients.change(desk, ACTOR, id="vpn", first_factor="corp"))["changed"] == ["first_factor"]
    with pytest.raises(Refused, match="client vpn"):
        await directories.remove(desk, ACTOR, id="corp", release=True)
    await clients.change(desk, ACTOR, id="vpn", first_factor="")
    await directories.remove(desk, ACTOR, id="corp")


# -- the first factor alone -----------------------------------------------------------------------------------------


async def test_a_client_passes_people_until_the_end_of_a_day_and_says_so(desk: Desk, office: Office) -> None:
    told = await clients.add(desk, ACTOR, name="vpn", networks=["192.0.2.7"], pass_until="2027-02-01")
    assert told["client"]["pass_until"] == pytest.approx(1801526399.999999)
    assert any("Until the end of 2027-02-01" in warning for warning in told["warnings"])
    told = await clients.change(desk, ACTOR, id="vpn", require_user_match=False)
    assert any("nobody passes by it" in warning for warning in told["warnings"])
    await add(desk)
    told = await clients.change(desk, ACTOR, id="vpn", first_factor="corp")
    assert any("whom nobody knows here are let in" in warning for warning in told["warnings"])
    office.clock.at = 1801526400.0
    assert not any("Until" in warning for warning in (await clients.show(desk, ACTOR, id="vpn"))["warnings"])
    assert (await clients.change(desk, ACTOR, id="vpn", pass_until=""))["client"]["pass_until"] is None


@pytest.mark.requirement(42)
async def test_a_client_hands_ms_chap_on_only_when_told_and_says_what_that_risks(desk: Desk) -> None:
    await add(desk)
    added = await clients.add(desk, ACTOR, name="vpn", networks=["192.0.2.7"], first_factor="corp")
    assert added["client"]["pass_through"] is False
    told = await clients.change(desk, ACTOR, id="vpn", pass_through=True)
    assert told["client"]["pass_through"] is True
    assert any("breaks an MS-CHAP password within a day" in warning for warning in told["warnings"])
    with pytest.raises(Refused, match="first_factor must name a directory"):
        await clients.change(desk, ACTOR, id="vpn", first_factor="")
    told = await clients.change(desk, ACTOR, id="vpn", pass_through=False)
    assert not any("MS-CHAP" in warning for warning in told["warnings"])


@pytest.mark.parametrize("wrong", ["soon", "2027-13-01", "2099-01-01", "01.02.2027", "2027-01-14"])
async def test_a_day_that_is_none_or_too_far_is_refused(desk: Desk, wrong: str) -> None:
    with pytest.raises(Refused, match="pass_until must be"):
        await clients.add(desk, ACTOR, name="vpn", networks=["192.0.2.7"], pass_until=wrong)


@pytest.mark.parametrize("more", [{"first_factor": "corp"}, {"pass_until": "2027-02-01"}])
async def test_where_nobody_here_sees_a_first_factor_there_is_none_to_pass_by(desk: Desk, more: dict[str, str]) -> None:
    await add(desk)
    with pytest.raises(Refused, match="code_only"):
        await clients.add(desk, ACTOR, name="vpn", networks=["192.0.2.7"], sign_in="code_only", **more)  # type: ignore[arg-type]  # texts only
