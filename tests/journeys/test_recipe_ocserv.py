"""docs/recipes/ocserv.md: openconnect shows both questions, and gets a session."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.apps.cli.terminal import Done
from tests.journeys.certificates import Authority
from tests.journeys.recipes import (
    CLIENT,
    HERE,
    PASSWORD,
    SECRET,
    SERVER,
    Recipe,
    Site,
    daemon,
    free_port,
    opened,
    run,
    tunnels_possible,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts ocserv")

READY = "sec-mod initialized"


@dataclass(frozen=True)
class Gateway:
    """A running ocserv."""

    port: int
    authority: Path
    log: Path

    def connect(self, *answers: str) -> Done:
        """Sign in with openconnect, which prints the session's cookie."""
        there = f"https://localhost:{self.port}"
        words = ("--authenticate", "--non-inter", "--passwd-on-stdin", "--user=alice", f"--cafile={self.authority}")
        return run("openconnect", *words, there, given="".join(f"{answer}\n" for answer in answers))


def configure(site: Site, folder: Path, short: Path) -> tuple[Path, int, Path]:
    """Put the files of the page in place: ocserv's own, its port and the authority of its certificate."""
    recipe, port = Recipe.named("ocserv"), free_port()
    secret = site.follow(recipe, {CLIENT: HERE})["ocserv"]
    authority = Authority.made(folder / "ca")
    certificate, key = authority.issue("localhost", "localhost")
    client, servers, own = folder / "radiusclient.conf", folder / "servers", folder / "ocserv.conf"
    servers.touch(0o600)
    servers.write_text(recipe.file("/etc/radcli/servers", {SERVER: HERE, SECRET: secret}))
    addresses = {f"{SERVER}:1812": f"{HERE}:{site.radius}", f"{SERVER}:1813": f"{HERE}:{site.radius + 1}"}
    gaps = {**addresses, "/etc/radcli/servers": str(servers)}
    client.write_text(recipe.file("/etc/radcli/radiusclient.conf", gaps))
    places = {
        "/etc/radcli/radiusclient.conf": str(client),
        "/etc/ocserv/server-cert.pem": str(certificate),
        "/etc/ocserv/server-key.pem": str(key),
        "/var/lib/ocserv": str(short),
        "tcp-port = 443": f"tcp-port = {port}\nlisten-host = {HERE}",
    }
    own.write_text(recipe.file("/etc/ocserv/ocserv.conf", places))
    return own, port, authority.file


@pytest.fixture
def gateway(site: Site, tmp_path: Path) -> Iterator[Gateway]:
    log = tmp_path / "log"
    with TemporaryDirectory(prefix="vocserv-") as short:  # the path of a socket has about a hundred letters
        (Path(short) / "run").mkdir()
        Path(short).chmod(0o755)
        configuration, port, authority = configure(site, tmp_path, Path(short))
        command = ("ocserv", "-f", "-d", "3", "-c", configuration, "-p", tmp_path / "pid")
        with daemon(*command, log=log, ready=READY):
            yield Gateway(port, authority, log)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("server")) as site:
        yield site


def test_openconnect_asks_for_the_password_and_then_for_the_code(site: Site, gateway: Gateway) -> None:
    code = site.alice.press()
    done = gateway.connect(PASSWORD, code)
    assert done.returncode == 0, done.stdout
    assert "Enter your verification code" in done.stdout
    assert "COOKIE=" in done.stdout
    refused = gateway.connect(PASSWORD, code)
    assert refused.returncode != 0
    assert "COOKIE=" not in refused.stdout
    assert site.reasons() == ["accepted", "code_reused"]
    assert {line["source"] for line in site.lines()} == {HERE}


@pytest.mark.skipif(not tunnels_possible(), reason="this machine lets nobody make a tunnel")
def test_the_tunnel_stands_and_its_start_is_accounted(site: Site, gateway: Gateway, tmp_path: Path) -> None:
    done = gateway.connect(PASSWORD, site.alice.press())
    session = dict(re.findall(r"^(COOKIE|FINGERPRINT)='([^']*)'$", done.stdout, re.MULTILINE))
    words = (f"--cookie={session['COOKIE']}", f"--servercert={session['FINGERPRINT']}", "--no-dtls", "--script-tun")
    command = ("openconnect", *words, "--script=cat > /dev/null", f"https://localhost:{gateway.port}")
    with daemon(*command, log=tmp_path / "openconnect", ready="Configured as 10.20.0."):
        site.wait_for_report("start")
