"""What changes in a real Active Directory is seen by the next run that asks only for changes, without a whole one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation, make_template
from tests.directories.samba import ADDRESS, ADMINISTRATOR, BASE, PASSWORD, SambaDomain, Somebody, missing
from tests.journeys.test_active_directory import run

pytestmark = [
    pytest.mark.directories,
    pytest.mark.skipif(bool(missing()), reason=missing() or "-"),
    pytest.mark.timeout(300),
]

STAFF = ("renamed", "moved", "deleted", "disabled", "leaver")
OTHERS = ("joiner", "nested", "stranger")


@dataclass(frozen=True)
class World:
    """A domain, and a server that has taken over the members of one group and of one unit."""

    domain: SambaDomain
    terminal: Terminal

    def follow(self) -> dict[str, Any]:
        """Ask for changes only, and give what happened."""
        report = self.terminal.json("directory", "sync", "corp", "--changes", "--json")
        assert report["partial"], report
        return {kind: report[kind] for kind in ("created", "changed", "gone", "disabled", "held_count") if report[kind]}

    def user(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.terminal.json("user", "show", f"{name}@corp.example", "--json")["user"]
        return told


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    domain = SambaDomain(tmp_path_factory.mktemp("samba") / "dc")
    domain.provision()
    domain.start()
    domain.add(*(Somebody(name) for name in (*STAFF, *OTHERS)))
    domain.add_unit("guests")
    domain.add_group("inner", "leaver")
    domain.add_group("staff", "renamed", "moved", "deleted", "disabled", "inner")
    terminal = Terminal(Installation(make_template(tmp_path_factory.mktemp("server"))).environment())
    with terminal.serving():
        for name in ("staff", "guests"):
            run(terminal, "group", "add", name)
        staff = f'{{"group": "cn=staff,cn=users,{BASE}", "groups": ["staff"]}}'
        guests = f'{{"base": "ou=guests,{BASE}", "groups": ["guests"]}}'
        settings = (
            f"servers=ldaps://{ADDRESS}",
            f"base={BASE}",
            f"bind_name={ADMINISTRATOR}",
            f"ca_file={domain.authority.file}",
            f"items=[{staff}, {guests}]",
        )
        run(terminal, "directory", "add", "corp", "ldap", *settings, "--secret-file", "-", given=PASSWORD)
        assert terminal.json("directory", "sync", "corp", "--json")["created"] == len(STAFF)
        yield World(domain, terminal)
    domain.stop()


def test_nothing_new_is_nothing(world: World) -> None:
    assert world.follow() == {}


def test_a_rename_keeps_the_person(world: World) -> None:
    before = world.user("renamed")["id"]
    world.domain.rename("renamed", "wedded")
    assert world.follow() == {"changed": 1}
    assert world.user("wedded")["id"] == before


def test_who_moves_comes_under_the_item_of_the_new_place(world: World) -> None:
    world.domain.drop_from_group("staff", "moved")
    world.domain.move("moved", "guests")
    assert world.follow() == {"changed": 1}
    assert world.user("moved")["groups"] == ["guests"]


def test_who_is_deleted_is_blocked(world: World) -> None:
    world.domain.remove("deleted")
    assert world.follow() == {"gone": 1}
    assert world.user("deleted")["blocked"]["reason"] == "gone from the directory"


def test_who_is_disabled_is_blocked(world: World) -> None:
    world.domain.disable("disabled")
    assert world.follow() == {"disabled": 1}


def test_who_joins_a_group_comes_in_though_nothing_of_theirs_changed(world: World) -> None:
    world.domain.add_to_group("staff", "joiner")
    assert world.follow() == {"created": 1}
    assert world.user("joiner")["groups"] == ["staff"]


def test_who_joins_a_group_within_the_group_comes_in_and_who_leaves_it_goes(world: World) -> None:
    world.domain.add_to_group("inner", "nested")
    world.domain.drop_from_group("inner", "leaver")
    assert world.follow() == {"created": 1, "gone": 1}
    assert world.user("leaver")["blocked"]["reason"] == "gone from the directory"
    assert world.follow() == {}
