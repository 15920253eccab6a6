"""MS-CHAP version 2 for people of a real Active Directory, by way of winbind; the domain takes no NTLM version 1."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation, make_template
from tests.directories.samba import PASSWORD, THRESHOLD, SambaDomain, Somebody, missing
from tests.journeys.nas import SECRET, Nas, nas
from tests.journeys.test_active_directory import RIGHT, SETTINGS, STATES, run
from tests.journeys.test_passing_through import microsoft
from tests.wire.ms_chap_client import Asked, answer, hash_of_hash
from vestibule.wire.radius.mschap import Response, authenticator_response, session_keys
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.salted import reveal_salted

WHY_NOT = missing() or ("" if shutil.which("ntlm_auth") else "Debian's package winbind is not installed")

pytestmark = [
    pytest.mark.directories,
    pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-"),
    pytest.mark.timeout(180),
]

PEOPLE = (
    Somebody("jane", RIGHT, email="jane.miller@corp.example"),
    Somebody("coded", RIGHT),
    Somebody("locked", RIGHT),
    *(Somebody(state, RIGHT, "active" if state == "disabled" else state) for state in STATES),
)


@dataclass(frozen=True)
class World:
    """A domain, a server that has taken its people over, and where it listens."""

    domain: SambaDomain
    terminal: Terminal
    radius: tuple[str, int]

    def ask(self, name: str, password: str) -> tuple[Packet, bytes, Asked]:
        """The reply to MS-CHAP version 2, the request, and what the client remembers."""
        return asyncio.run(_asked(self.radius, name, password))

    def last(self, name: str) -> dict[str, Any]:
        lines: list[dict[str, Any]] = self.terminal.json("journal", "list", "--user", name, "--json")
        return [line for line in lines if line["kind"] == "sign_in"][-1]


async def _asked(address: tuple[str, int], name: str, password: str) -> tuple[Packet, bytes, Asked]:
    asker: Nas
    async with nas(address) as asker:
        asked = answer(name, password)
        request = asker.bare_request((int(Attribute.USER_NAME), name.encode()), *asked.attributes)
        return await asker.ask(request), request, asked


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaDomain]:
    domain = SambaDomain(tmp_path_factory.mktemp("samba") / "dc", winbind=True)
    domain.provision()
    domain.start()
    domain.add(*PEOPLE)
    yield domain
    domain.stop()


@pytest.fixture(scope="module")
def world(domain: SambaDomain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    terminal = Terminal(Installation(make_template(tmp_path_factory.mktemp("server"))).environment())
    with terminal.serving() as server:
        settings = (*SETTINGS, "ntlm_domain=CORP", f"ca_file={domain.authority.file}")
        run(terminal, "directory", "add", "corp", "ldap", *settings, "--secret-file", "-", given=PASSWORD)
        run(terminal, "directory", "sync", "corp")
        client = ("127.0.0.0/8", "--first-factor", "corp", "--pass-through", "--secret-file", "-")
        run(terminal, "client", "add", "vpn", *client, given=SECRET.decode())
        for name in ("jane", "locked", *STATES):
            run(terminal, "user", "set", f"{name}@corp.example", "--mfa", "off")
        run(terminal, "token", "add", "coded@corp.example")
        host, _, port = server.radius.rpartition(":")
        yield World(domain, terminal, (host, int(port)))


@pytest.mark.parametrize("name", ["jane", "CORP\\jane", "jane@corp.example", "jane.miller@corp.example", "JANE"])
def test_a_person_is_let_in_by_each_of_their_names_and_the_client_gets_proof_and_keys(world: World, name: str) -> None:
    reply, request, asked = world.ask(name, RIGHT)
    assert reply.code == Code.ACCESS_ACCEPT, world.last("jane@corp.example")
    made = Response(asked.identifier, asked.attributes[0][1][6:], asked.peer_challenge, asked.nt_response)
    held, key = microsoft(reply), hash_of_hash(RIGHT)
    assert held[26] == bytes((asked.identifier,)) + authenticator_response(made, name, key).encode()
    assert [reveal_salted(held[kind], SECRET, request[4:20]) for kind in (16, 17)] == list(session_keys(made, key))


def test_who_has_only_codes_to_type_is_refused(world: World) -> None:
    assert world.ask("coded", RIGHT)[0].code == Code.ACCESS_REJECT
    assert world.last("coded@corp.example")["reason"] == "no_usable_prompt"


def test_why_the_domain_refuses_is_told_in_the_journal_with_its_status_and_not_on_the_wire(world: World) -> None:
    wrong = world.ask("jane", "Wrong-pass-1")[0]
    told = world.last("jane@corp.example")
    assert told["reason"] == "wrong_password"
    assert "status -1073741718 (0xC000006A, NT_STATUS_WRONG_PASSWORD)" in told["detail"]["directory"]
    world.domain.disable("disabled")
    for state, reason in STATES.items():
        refused = world.ask(state, RIGHT)[0]
        assert refused.code == wrong.code == Code.ACCESS_REJECT
        assert [kind for kind, _ in refused.attributes] == [kind for kind, _ in wrong.attributes]
        assert world.last(f"{state}@corp.example")["reason"] == reason
        assert "NT_STATUS_" in world.last(f"{state}@corp.example")["detail"]["directory"]


def test_a_locked_account_is_told(world: World) -> None:
    for _ in range(THRESHOLD):
        assert world.ask("locked", "Wrong-pass-1")[0].code == Code.ACCESS_REJECT
    assert world.ask("locked", RIGHT)[0].code == Code.ACCESS_REJECT
    assert world.last("locked@corp.example")["reason"] == "account_locked"


def test_nobody_of_the_domain_is_nobody_here(world: World) -> None:
    assert world.ask("somebody", RIGHT)[0].code == Code.ACCESS_REJECT
    assert world.ask("OTHER\\jane", RIGHT)[0].code == Code.ACCESS_REJECT
