"""docs/recipes/openvpn.md: a client of OpenVPN gets its tunnel through either plugin, and nobody else does.

The server's device gets no addresses and the client's is `null`: all but the packets in the tunnel is real.
"""

import base64
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.certificates import Authority
from tests.journeys.recipes import (
    CLIENT,
    HERE,
    PASSWORD,
    PATIENCE,
    SECRET,
    SERVER,
    Recipe,
    Site,
    daemon,
    free_port,
    opened,
    tunnels_possible,
)

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may write to /etc/pam.d"),
    pytest.mark.skipif(not tunnels_possible(), reason="this machine lets nobody make a tunnel"),
]

DEVICE = "dev tun\nifconfig-noexec\nroute-noexec"  # a device without addresses, so that tests can run side by side
FOUR_DIGITS = range(5_000, 9_000)  # openvpn-auth-radius leaves the fifth digit of a port out
NAME = "vpn.example.org"


@dataclass(frozen=True)
class Tunnels:
    """A running server, and the file of its clients."""

    folder: Path
    client: Path

    def connect(self, password: str, code: str) -> str:
        """Connect, answering as a graphical client does through the management interface; what the client said."""
        with socket.create_server((HERE, 0)) as listener:
            listener.settimeout(PATIENCE)
            words = ("--config", self.client, "--management", HERE, str(listener.getsockname()[1]))
            command = ("openvpn", *words, "--management-client", "--management-query-passwords")
            process = subprocess.Popen(
                list(map(str, command)), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
            try:
                with listener.accept()[0] as link:
                    answer(link, password, code)
                    return read_until(process, ("Initialization Sequence Completed", "AUTH_FAILED"))
            finally:
                process.terminate()
                process.communicate(timeout=PATIENCE)


def answer(link: socket.socket, password: str, code: str) -> None:
    """Answer the one question: in one field, or in two where the client has a static challenge."""
    link.settimeout(PATIENCE)
    asked = b""
    while not (found := re.search(rb">PASSWORD:Need 'Auth' username/password(.*)\r\n", asked)):
        asked += link.recv(1000) or pytest.fail(asked.decode())
    two = [base64.b64encode(one.encode()).decode() for one in (password, code)]
    typed = f"SCRV1:{two[0]}:{two[1]}" if b"SC:" in found[1] else f"{password}{code}"
    link.sendall(f'username "Auth" alice\r\npassword "Auth" "{typed}"\r\n'.encode())


def read_until(process: "subprocess.Popen[str]", ends: tuple[str, ...]) -> str:
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if any(end in line for end in ends):
            break
    return "".join(said)


@contextmanager
def tunnels(folder: Path, which: str, more: dict[str, str]) -> Iterator[Tunnels]:
    """Run the server with the files of the page; `more` are the gaps that only one of the two ways has."""
    recipe, port = Recipe.named("openvpn"), free_port()
    authority = Authority.made(folder / "ca")
    certificate, key = authority.issue(NAME, NAME)
    server, client = folder / "server.conf", folder / "client.ovpn"
    gaps = {
        "dev tun": DEVICE,
        "port 1194": f"port {port}\nlocal {HERE}",
        "/etc/openvpn/server/ca.pem": str(authority.file),
        "/etc/openvpn/server/server.pem": str(certificate),
        "/etc/openvpn/server/server.key": str(key),
        **more,
    }
    server.write_text(recipe.file(f"/etc/openvpn/server/server.conf{which}", gaps))
    there = {
        "dev tun": "dev null\nifconfig-noexec\nroute-noexec",
        f"remote {NAME} 1194": f"remote {HERE} {port}",
        "ca.pem": str(authority.file),
    }
    client.write_text(recipe.file(f"client.ovpn{which}", there))
    command = ("openvpn", "--config", server, "--tmp-dir", folder)
    with daemon(*command, log=folder / "log", ready="Initialization Sequence Completed"):
        yield Tunnels(folder, client)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("server"), radius=free_port(FOUR_DIGITS)) as site:
        yield site


def test_the_radius_plugin_takes_both_in_one_field_and_accounts(site: Site, tmp_path: Path) -> None:
    recipe, plugin, status = Recipe.named("openvpn"), tmp_path / "radius.cnf", tmp_path / "status.log"
    secret = site.follow(recipe, {CLIENT: HERE}, only="openvpn")["openvpn"]
    (tmp_path / "ccd").mkdir()
    gaps = {
        "acctport=1813": f"acctport={site.radius + 1}",
        "authport=1812": f"authport={site.radius}",
        f"name={SERVER}": f"name={HERE}",
        "/etc/openvpn/server/server.conf": f"{tmp_path}/server.conf",
        SECRET: secret,
    }
    plugin.write_text(recipe.file("/etc/openvpn/server/radius.cnf", gaps))
    more = {
        "/etc/openvpn/server/radius.cnf": str(plugin),
        "/etc/openvpn/server/ccd": f"{tmp_path}/ccd",
        "/run/openvpn-server/status.log": str(status),
    }
    with tunnels(tmp_path, "", more) as server:
        code = site.alice.press()
        said = server.connect(PASSWORD, code)
        assert "Initialization Sequence Completed" in said, said + (tmp_path / "log").read_text()
        site.wait_for_report("start")
        assert "AUTH_FAILED" in server.connect(PASSWORD, code)
    assert site.reasons() == ["accepted", "code_reused"]
    assert {line["source"] for line in site.lines()} == {HERE}


def test_the_pam_plugin_takes_the_code_in_a_field_of_its_own(site: Site, tmp_path: Path) -> None:
    recipe, radius = Recipe.named("openvpn"), tmp_path / "pam_radius_auth.conf"
    secret = site.follow(recipe, {"192.0.2.11": HERE}, only="openvpn-pam")["openvpn-pam"]
    radius.touch(0o600)
    radius.write_text(
        recipe.file("/etc/pam_radius_auth.conf", {f"{SERVER}:1812": f"{HERE}:{site.radius}", SECRET: secret})
    )
    service = Path("/etc/pam.d") / f"vestibule-test-{os.getpid()}-{secrets.token_hex(2)}"
    service.write_text(recipe.file("/etc/pam.d/openvpn", {"/etc/pam_radius_auth.conf": str(radius)}))
    try:
        with tunnels(tmp_path, ", PAM", {'"openvpn login': f'"{service.name} login'}) as server:
            code = site.alice.press()
            said = server.connect(PASSWORD, code)
            assert "Initialization Sequence Completed" in said, said + (tmp_path / "log").read_text()
            assert "AUTH_FAILED" in server.connect(PASSWORD, code)
    finally:
        service.unlink()
    assert site.reasons() == ["accepted", "code_reused"]
    assert {line["source"] for line in site.lines()} == {HERE}
