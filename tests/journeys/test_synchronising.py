"""A whole directory is taken over from a real OpenLDAP: renames, moves, people gone, an error in the middle.

`VESTIBULE_SYNC_PEOPLE=200000` makes it large; the usual run has some thousands.
"""

import os
import resource
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from structlog import get_logger

from tests.directories.ldap.slapd import BASE, OTHERS, SEARCHER, SEARCHER_SECRET, Entry, Slapd
from tests.flows.desks import ACTOR, Office, Template
from vestibule.apps.directories import LiveDirectories, OpenKind
from vestibule.apps.directories.ldap import LdapKind
from vestibule.apps.directories.radius import RadiusKind
from vestibule.core.errors import Unavailable
from vestibule.core.users import User
from vestibule.flows import directories, groups
from vestibule.flows.desk import Desk

pytestmark = [pytest.mark.directories, pytest.mark.timeout(1800)]

MANY = int(os.environ.get("VESTIBULE_SYNC_PEOPLE", "3000"))
GONE = 6
RENAMED, MOVED = 7, 8  # who is another in the second state
FLAT_MEGABYTES = 150
LONG_AGO = "20200101000000Z"


@dataclass(frozen=True)
class Crowd:
    """One state of the directory."""

    server: Slapd

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"ldaps://localhost:{self.server.tls_port}"],
            "base": BASE,
            "bind_name": SEARCHER,
            "ca_file": str(self.server.certificates.authority),
            "layout": "openldap",
        }


def entry(number: int, name: str = "", unit: str = "staff") -> Entry:
    uid = name or f"p{number:06}"
    attributes = {
        "objectClass": "inetOrgPerson",
        "cn": uid,
        "sn": uid.title(),
        "uid": uid,
        "mail": f"{uid}@example.org",
        "entryUUID": str(uuid.UUID(int=number)),
        "createTimestamp": LONG_AGO,
        "modifyTimestamp": LONG_AGO,
    }
    return Entry(f"uid={uid},ou={unit}", tuple(attributes.items()))


def units() -> Iterator[Entry]:
    for unit in ("staff", "alumni"):
        yield Entry(f"ou={unit}", (("objectClass", "organizationalUnit"), ("ou", unit)))


@pytest.fixture(scope="module")
def before() -> Iterator[Crowd]:
    server = Slapd.made([*OTHERS[:3], *units(), *(entry(number) for number in range(1, MANY + 1))])
    yield Crowd(server)
    server.remove()


@pytest.fixture(scope="module")
def after() -> Iterator[Crowd]:
    """One renamed, one moved, six gone."""
    others = (entry(number) for number in range(1, MANY + 1) if number not in {RENAMED, MOVED} and number > GONE)
    changed = [entry(RENAMED, "renamed"), entry(MOVED, unit="alumni")]
    server = Slapd.made([*OTHERS[:3], *units(), *changed, *others])
    yield Crowd(server)
    server.remove()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    office: Office = await Template.make(tmp_path).office(tmp_path / "copy")
    office.clock.at = time.time()  # as the directory's
    kinds: dict[str, OpenKind] = {"ldap": LdapKind(), "radius": RadiusKind(bytes, bytes, get_logger())}
    live = LiveDirectories(kinds, lambda: office.store.snapshot)
    yield replace(office.desk, directories=live)
    await live.close()
    await office.store.close()


SECRET = SEARCHER_SECRET.reveal().decode()


async def add(desk: Desk, crowd: Crowd) -> None:
    await directories.add(desk, ACTOR, id="corp", kind="ldap", settings=crowd.settings(), secret=SECRET)


async def run(desk: Desk, *, approve: bool = False, changes_only: bool = False) -> dict[str, int]:
    begun, memory = time.monotonic(), peak()
    report = await directories.sync(desk, ACTOR, id="corp", approve=approve, changes_only=changes_only)
    assert report["partial"] == changes_only
    print(f"{MANY} people in {time.monotonic() - begun:.1f} s, {peak() - memory:.0f} MB more")
    kinds = ("created", "changed", "unchanged", "gone", "held_count", "refused")
    return {kind: report[kind] for kind in kinds if report[kind]}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def named(desk: Desk, name: str) -> User:
    (user,) = await desk.store.read(lambda reading: reading.find(User, "key", name))
    return user


async def test_a_directory_is_taken_over_and_followed(desk: Desk, before: Crowd, after: Crowd) -> None:
    await add(desk, before)
    memory = peak()
    assert await run(desk) == {"created": MANY}
    renamed = await named(desk, f"p{RENAMED:06}")
    assert await run(desk) == {"unchanged": MANY}
    assert peak() - memory < FLAT_MEGABYTES
    await directories.change(desk, ACTOR, id="corp", settings=after.settings(), secret=SECRET)
    assert await run(desk) == {"changed": 1, "unchanged": MANY - GONE - 1, "held_count": GONE}
    assert (await named(desk, "renamed")).id == renamed.id
    assert (await named(desk, "p000001")).block is None
    assert await run(desk, approve=True) == {"unchanged": MANY - GONE, "gone": GONE}
    assert (await named(desk, "p000001")).block is not None


async def test_an_outage_in_the_middle_takes_nobody_away(desk: Desk, before: Crowd) -> None:
    await add(desk, before)
    assert await run(desk) == {"created": MANY}
    broken = Slapd.made([*OTHERS[:3], *units(), *(entry(number) for number in range(1, MANY + 1))])
    try:
        await directories.change(desk, ACTOR, id="corp", settings=Crowd(broken).settings(), secret=SECRET)
        with pytest.raises(Unavailable):
            await directories.sync(desk, ACTOR, id="corp", progress=lambda done, _: broken.kill() if done else None)
    finally:
        broken.remove()
    everybody = await desk.store.read(lambda reading: reading.page(User, "", MANY))
    assert all(user.block is None for user in everybody)
    await directories.change(desk, ACTOR, id="corp", settings=before.settings(), secret=SECRET)
    assert await run(desk) == {"unchanged": MANY}


async def test_what_changes_is_followed_without_reading_all_of_it(desk: Desk) -> None:
    staff = Entry(
        "cn=staff",
        (
            *(("objectClass", "groupOfNames"), ("cn", "staff"), ("modifyTimestamp", LONG_AGO)),
            *(("member", f"uid=p{number:06},ou=staff,{BASE}") for number in range(1, 4)),
        ),
    )
    server = Slapd.made([*OTHERS[:3], *units(), *(entry(number) for number in range(1, MANY + 1)), staff])
    try:
        await add(desk, Crowd(server))
        await groups.add(desk, ACTOR, name="staff")
        items = [{"group": staff.place, "groups": ["staff"]}, {"base": f"ou=staff,{BASE}"}]
        await directories.change(desk, ACTOR, id="corp", settings={"items": items}, secret=SECRET)
        assert await run(desk) == {"created": MANY}
        assert await run(desk, changes_only=True) == {}
        server.change(
            f"dn: uid=p000001,ou=staff,{BASE}\nchangetype: delete\n\n"
            f"dn: uid=p000009,ou=staff,{BASE}\nchangetype: modify\nreplace: mail\nmail: new@example.org\n\n"
        )
        assert await run(desk, changes_only=True) == {"changed": 1, "gone": 1}
        assert (await named(desk, "p000009")).email == "new@example.org"
        assert (await named(desk, "p000001")).block is not None
        server.change(
            f"dn: {staff.place}\nchangetype: modify\nadd: member\nmember: uid=p000008,ou=staff,{BASE}\n-\n"
            f"delete: member\nmember: uid=p000002,ou=staff,{BASE}\n\n"
        )
        assert await run(desk, changes_only=True) == {"changed": 2, "unchanged": 1}
        groups_of = {name: (await named(desk, name)).groups for name in ("p000002", "p000003", "p000008")}
        assert groups_of == {"p000002": (), "p000003": ("staff",), "p000008": ("staff",)}
    finally:
        server.remove()
