"""The doctor: a sound server has no complaint, and each fault that is put in is named with its cure."""

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.apps.installation import Installation
from tests.conformance.store.opening import noting, putting, sign_in
from vestibule.apps.background import heads_file
from vestibule.apps.commands.running import Commands
from vestibule.apps.configuration import Listener
from vestibule.apps.doctor import Finding, Level, examine, machine
from vestibule.apps.pieces import Pieces
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential
from vestibule.core.heads import Head, Heads
from vestibule.core.secret import Secret
from vestibule.flows.clock import Clock, ClockWatch
from vestibule.flows.heads import current_heads
from vestibule.flows.journal import VERIFIED_AT_ONCE
from vestibule.stores.heads_file import write_heads

DAY = 86400.0
SOUND = Client("vpn", "VPN", ("192.0.2.0/24",), (Secret.of("a shared secret that is long enough"),))


async def examined(installation: Installation, more: dict[str, str] | None = None) -> list[Finding]:
    """What the doctor says; without the notes about this machine."""
    pieces = await installation.open()
    pieces = replace(pieces, configuration=installation.configuration(more))
    found = await examine(pieces.configuration, pieces, now=time.time(), environment=more or {})
    return [one for one in found if "SQLite" not in one.what and "No server answers" not in one.what]


async def complaint(
    installation: Installation, level: Level, *said: str, more: dict[str, str] | None = None
) -> Finding:
    """The one finding of this level that says all this."""
    found = await examined(installation, more)
    matching = [one for one in found if one.level is level and all(part in one.what for part in said)]
    assert len(matching) == 1, found
    return matching[0]


async def with_heads(installation: Installation) -> None:
    pieces = await installation.open()
    write_heads(heads_file(pieces.configuration, {}), await current_heads(pieces.store, time.time()))


async def noted(pieces: Pieces, times: range) -> None:
    """A line for each of these times, in slices."""
    for first in times[::200]:
        some = range(first, min(first + 200, times.stop))
        await pieces.store.change(noting(*(sign_in(float(at)) for at in some)))


async def put(installation: Installation, *records: Client | Credential) -> None:
    await (await installation.open()).store.change(putting(*records))


async def owned(installation: Installation) -> None:
    """Somebody who administers."""
    commands = Commands(await installation.open())
    for name, arguments in (
        ("user.add", {"name": "olga", "password": "maple river quartz"}),
        ("token.add", {"user": "olga"}),
        ("user.role", {"name": "olga", "role": "owner"}),
    ):
        await commands.run(name, arguments, "uid 0 (root)")


# -- files --------------------------------------------------------------------------------------------------------


async def test_a_sound_server_has_no_complaint(installation: Installation) -> None:
    await put(installation, SOUND)
    await owned(installation)
    await with_heads(installation)
    assert await examined(installation) == []


async def test_that_nobody_administers_is_named_with_its_cure(installation: Installation) -> None:
    finding = await complaint(installation, Level.NOTE, "Nobody is an owner who can sign in")
    assert "vestibule owner link" in finding.remedy


async def test_what_cannot_be_opened_is_still_looked_at_from_outside(installation: Installation) -> None:
    installation.key.unlink()
    found = await examine(installation.configuration(), None, now=time.time(), environment={})
    assert found[0].level is Level.ERROR
    assert "no master key" in found[0].what


@pytest.mark.requirement(52)
@pytest.mark.parametrize("name", ["data", "data/vestibule.db", "key/master.key.heads.json"])
async def test_a_file_that_others_can_open_is_named_with_its_cure(installation: Installation, name: str) -> None:
    await with_heads(installation)
    path = installation.folder / name
    path.chmod(path.stat().st_mode | 0o040)
    found = await complaint(installation, Level.ERROR, str(path), "open to other users")
    assert found.remedy == f"Close it with: chmod {'700' if path.is_dir() else '600'} {path}"


@pytest.mark.requirement(52)
async def test_a_master_key_that_others_can_read_is_named(installation: Installation) -> None:
    pieces = await installation.open()
    installation.key.chmod(0o644)
    found = await examine(pieces.configuration, None, now=time.time(), environment={})
    assert [one.what for one in found if "can be read by others" in one.what]


@pytest.mark.requirement(52)
async def test_a_configuration_that_others_can_change_is_named(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "vestibule.toml"
    file.write_text("")
    file.chmod(0o664)
    await complaint(
        installation, Level.ERROR, str(file), "can be changed by others", more={"VESTIBULE_CONFIG": str(file)}
    )


async def test_heads_that_are_missing_or_lie_with_the_data_are_named(installation: Installation) -> None:
    await complaint(installation, Level.WARNING, "no heads of the journal")
    configuration = installation.configuration()
    handed_over = {"CREDENTIALS_DIRECTORY": str(installation.key.parent)}
    found = await examine(configuration, None, now=time.time(), environment=handed_over)
    assert [one.level for one in found if "heads lie in the data directory" in one.what] == [Level.NOTE]


# -- the machine --------------------------------------------------------------------------------------------------


def test_an_sqlite_that_can_be_damaged_is_named() -> None:
    assert [one.level for one in machine.sqlite_version((3, 51, 2))] == [Level.NOTE]
    assert list(machine.sqlite_version((3, 51, 3))) == []


@pytest.mark.parametrize(("free", "levels"), [(600, []), (499, [Level.WARNING]), (49, [Level.ERROR])])
def test_a_disk_that_fills_is_named(free: int, levels: list[Level]) -> None:
    assert [one.level for one in machine.disk_space(Path("/srv"), free * machine.MIB)] == levels


async def test_too_little_memory_for_hashing_is_named(installation: Installation) -> None:
    configuration = installation.configuration(
        {"VESTIBULE_PASSWORDS_WORKERS": "4", "VESTIBULE_PASSWORDS_MEMORY_KIB": "65536"}
    )
    assert list(machine.hashing_memory(configuration, 256 * machine.MIB)) == []
    assert [one.level for one in machine.hashing_memory(configuration, 255 * machine.MIB)] == [Level.WARNING]
    assert list(machine.hashing_memory(configuration, None)) == []


def test_memory_is_read_where_the_system_tells_it(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal: 100 kB\nMemAvailable:      64 kB\n")
    assert machine.available_memory(told) == 65536
    told.write_text("MemTotal: 100 kB\n")
    assert machine.available_memory(told) is None
    assert machine.available_memory(tmp_path / "none") is None


@pytest.mark.requirement(56)
async def test_a_database_from_the_future_is_named(installation: Installation) -> None:
    ahead = time.time() + 3600
    os.utime(installation.database, (ahead, ahead))
    found = await examine(installation.configuration(), None, now=time.time(), environment={})
    assert [one.level for one in found if "The clock is wrong" in one.what] == [Level.ERROR]


def test_what_this_user_cannot_reach_is_passed_over(tmp_path: Path) -> None:
    beyond = tmp_path / "file" / "beyond"
    beyond.parent.touch()
    for place in (beyond, tmp_path / "none"):
        assert list(machine.clock(place, 0.0)) == []
        configuration = Installation(place).configuration()
        assert not [one for one in machine.findings(configuration, time.time()) if "free at" in one.what]


async def test_a_demonstration_is_named(installation: Installation) -> None:
    await complaint(installation, Level.WARNING, "This is a demonstration", more={"VESTIBULE_DEMO_ENABLED": "true"})


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (socket.SOCK_DGRAM, "VESTIBULE_RADIUS_LISTEN"),
        (socket.SOCK_STREAM, "VESTIBULE_HTTP_LISTEN"),
    ],
)
async def test_a_port_that_another_program_has_is_named(
    installation: Installation, kind: socket.SocketKind, more: str
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        await complaint(installation, Level.ERROR, address, "another program has it", more={more: address})


def test_the_port_behind_is_tried_for_accounting() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = Listener("127.0.0.1", other.getsockname()[1])
        (found,) = machine.port("radius.listen, accounting", taken, socket.SOCK_DGRAM)
        assert "radius.listen, accounting" in found.what


async def test_a_control_socket_without_a_place_is_named_and_one_that_answers_is_not(
    installation: Installation, tmp_path: Path
) -> None:
    nowhere = {"VESTIBULE_SERVER_CONTROL_SOCKET": str(tmp_path / "nowhere" / "s")}
    await complaint(installation, Level.ERROR, "control socket", "does not exist", more=nowhere)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        configuration = installation.configuration({"VESTIBULE_SERVER_CONTROL_SOCKET": str(tmp_path / "s")})
        found = await examine(configuration, None, now=time.time(), environment={})
    assert not [one for one in found if "answers" in one.what]


# -- contents -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(39)
@pytest.mark.parametrize(("octets", "weak"), [(12, 1), (13, 0)])
async def test_a_short_shared_secret_is_named(installation: Installation, octets: int, weak: int) -> None:
    await put(installation, replace(SOUND, secrets=(Secret(b"x" * octets),)))
    found = [one for one in await examined(installation) if "octets or fewer" in one.what]
    assert len(found) == weak
    assert all("x" * octets not in one.what + one.remedy for one in found)


@pytest.mark.parametrize(
    ("level", "said", "changes"),
    [
        (Level.WARNING, "without Message-Authenticator are taken, so", {"require_message_authenticator": False}),
        (Level.NOTE, "with Proxy-State", {"limit_proxy_state": False}),
        (Level.WARNING, "finds the password by trying", {"pass_through": True, "first_factor": "corp"}),
        (Level.NOTE, "for 5 s a used code is taken again", {"rejoin_seconds": 5}),
        (Level.WARNING, "people without a second factor are let in", {"pass_until": time.time() + DAY}),
        (
            Level.WARNING,
            "whom nobody knows",
            {"pass_until": time.time() + DAY, "require_user_match": False, "first_factor": "corp"},
        ),
        (Level.NOTE, "the old one still works", {"secrets": (*SOUND.secrets, Secret.of("another one, as long"))}),
    ],
)
async def test_a_client_that_is_weaker_than_need_be_is_named(
    installation: Installation, level: Level, said: str, changes: dict[str, object]
) -> None:
    await put(installation, replace(SOUND, **changes))  # type: ignore[arg-type]  # by name
    await complaint(installation, level, "Client vpn", said)


@pytest.mark.parametrize(
    ("networks", "identifier", "levels"),
    [
        (("192.0.2.0/24",), "", [Level.ERROR]),
        (("192.0.2.0/24",), "wifi", []),
        (("192.0.2.7/32",), "", [Level.NOTE]),
        (("2001:db8::/32", "198.51.100.0/24"), "", []),
    ],
)
async def test_clients_that_cannot_be_told_apart_are_named(
    installation: Installation, networks: tuple[str, ...], identifier: str, levels: list[Level]
) -> None:
    other = replace(SOUND, id="wifi", networks=networks, nas_identifier=identifier)
    await put(installation, SOUND, other)
    assert [one.level for one in await examined(installation) if "Clients vpn and wifi" in one.what] == levels


async def test_waivers_that_run_out_are_named_by_serial(installation: Installation) -> None:
    now = time.time()
    await put(
        installation,
        Credential("1", "totp", "user", serial="OVER", waiver_until=now - 1),
        Credential("2", "totp", "user", serial="SOON", waiver_until=now + 29 * DAY),
        Credential("3", "totp", "user", serial="LATER", waiver_until=now + 31 * DAY),
        Credential("4", "totp", "", serial="IN THE DRAWER", waiver_until=now - 1),
        Credential("5", "totp", "user", serial="NEVER"),
    )
    over = await complaint(installation, Level.ERROR, "Waivers have run out")
    soon = await complaint(installation, Level.WARNING, "Waivers run out within 30 days")
    assert (over.what.count("OVER"), soon.what.count("SOON")) == (1, 1)
    assert not [name for name in ("LATER", "DRAWER", "NEVER") if name in over.what + soon.what]


@pytest.mark.requirement(56)
async def test_a_clock_that_was_moved_is_named(installation: Installation) -> None:
    pieces = await installation.open()
    now = time.time()
    await Clock(pieces.store, ClockWatch(now - 61, 0.0)).tick(now, 1.0)
    found = await complaint(installation, Level.ERROR, "The clock was moved by 60 s")
    assert "vestibule clock confirm" in found.remedy


@pytest.mark.requirement(49)
@pytest.mark.parametrize("at", [1.0, VERIFIED_AT_ONCE + 3.0, VERIFIED_AT_ONCE + 12.0])
async def test_a_changed_line_is_named_whatever_its_chain_and_its_page(installation: Installation, at: float) -> None:
    pieces = await installation.open()
    await noted(pieces, range(VERIFIED_AT_ONCE + 10))
    pieces = await installation.open()
    await noted(pieces, range(VERIFIED_AT_ONCE + 10, VERIFIED_AT_ONCE + 20))
    await with_heads(installation)
    assert not [one for one in await examined(installation) if "journal" in one.what]
    await pieces.store.change(
        lambda writing: writing._cursor.execute("UPDATE journal SET action = 'x' WHERE at = ?", (at,))  # type: ignore[attr-defined]
    )
    await complaint(installation, Level.ERROR, "The journal was changed", "was changed.")


async def test_how_far_the_journal_is_verified_is_told(installation: Installation) -> None:
    pieces = await installation.open()
    await noted(pieces, range(VERIFIED_AT_ONCE + 10))
    told: list[tuple[int, int | None]] = []
    await examine(pieces.configuration, pieces, now=time.time(), environment={}, progress=lambda *far: told.append(far))
    assert told == [(VERIFIED_AT_ONCE, VERIFIED_AT_ONCE + 10), (VERIFIED_AT_ONCE + 10, VERIFIED_AT_ONCE + 10)]


@pytest.mark.requirement(49)
async def test_a_journal_that_is_behind_its_heads_is_named(installation: Installation) -> None:
    write_heads(installation.heads, Heads(time.time(), {"c0ffee": Head(7, "ff")}))
    await complaint(installation, Level.ERROR, "lacks lines that were written", "c0ffee (missing)")


async def test_heads_that_cannot_be_read_are_named(installation: Installation) -> None:
    installation.heads.write_text("{")
    await complaint(installation, Level.ERROR, "heads of the journal cannot be read")


async def test_the_worst_comes_first(installation: Installation) -> None:
    await put(installation, replace(SOUND, rejoin_seconds=5, require_message_authenticator=False))
    installation.heads.write_text("{")
    levels = [one.level for one in await examined(installation)]
    assert levels == sorted(levels, key=[Level.ERROR, Level.WARNING, Level.NOTE, Level.OK].index)
    assert set(levels) == {Level.ERROR, Level.WARNING, Level.NOTE}
