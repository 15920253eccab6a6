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
from vestibule.flows import directories
from vestibule.flows.desk import Desk

pytestmark = [pytest.mark.directories, pytest.mark.timeout(1800)]

MANY = int(os.environ.get("VESTIBULE_SYNC_PEOPLE", "3000"))
GONE = 6
RENAMED, MOVED = 7, 8  # who is another in the second state
FLAT_MEGABYTES = 150


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
    kinds: dict[str, OpenKind] = {"ldap": LdapKind(), "radius": RadiusKind(bytes, bytes, get_logger())}
    live = LiveDirectories(kinds, lambda: office.store.snapshot)
    yield replace(office.desk, directories=live)
    await live.close()
    await office.store.close()


SECRET = SEARCHER_SECRET.reveal().decode()


async def add(desk: Desk, crowd: Crowd) -> None:
    await directories.add(desk, ACTOR, id="corp", kind="ldap", settings=crowd.settings(), secret=SECRET)


async def run(desk: Desk, *, approve: bool = False) -> dict[str, int]:
    begun, memory = time.monotonic(), peak()
    report = await directories.sync(desk, ACTOR, id="corp", approve=approve)
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
