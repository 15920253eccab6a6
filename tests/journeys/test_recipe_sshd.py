"""docs/recipes/sshd.md: OpenSSH asks PAM, PAM asks us; ssh shows both questions."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apps.cli.terminal import Done
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
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may write to /etc/pam.d")

ACCOUNT = "nobody"  # an account that every machine has; its session is SFTP, which needs no shell
FRAME = """
Port {port}
ListenAddress 127.0.0.1
PidFile none
HostKey {folder}/host
AuthorizedKeysCommand /usr/bin/cat {folder}/person.pub
AuthorizedKeysCommandUser root
Subsystem sftp internal-sftp
"""
ANSWERING = """#!/bin/sh
echo "$1" >> {folder}/asked
head -n 1 {folder}/answers
sed -i 1d {folder}/answers
"""


@dataclass(frozen=True)
class Machine:
    """A machine that people reach by ssh."""

    folder: Path
    port: int

    def ssh(self, *answers: str) -> Done:
        """Sign in, giving an answer to each question; `asked` are the questions."""
        (self.folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        (self.folder / "asked").write_text("")
        options = {
            "UserKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "no",
            "NumberOfPasswordPrompts": "1",
            "IdentityFile": str(self.folder / "person"),
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        asking = {"SSH_ASKPASS": str(self.folder / "ask"), "SSH_ASKPASS_REQUIRE": "force", "PATH": os.environ["PATH"]}
        return run("ssh", "-F", "none", *words, "-p", str(self.port), "-s", f"{ACCOUNT}@{HERE}", "sftp", more=asking)

    @property
    def asked(self) -> list[str]:
        return [line.split(") ")[-1].strip() for line in (self.folder / "asked").read_text().splitlines() if line]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("server"), ACCOUNT) as site:
        yield site


@pytest.fixture(scope="module")
def secret(site: Site) -> str:
    return site.follow(Recipe.named("sshd"), {CLIENT: HERE})["ssh"]


@contextmanager
def machine(site: Site, secret: str, folder: Path, which: str = "") -> Iterator[Machine]:
    """The files of the page in place. PAM knows a service by the program's name, so sshd gets one of its own."""
    recipe, port = Recipe.named("sshd"), free_port()
    service = Path("/etc/pam.d") / f"vestibule-test-{os.getpid()}-{secrets.token_hex(2)}"
    radius, mine, program = folder / "pam_radius_auth.conf", folder / "mfa.conf", folder / service.name
    radius.touch(0o600)
    gaps = {f"{SERVER}:1812": f"{HERE}:{site.radius}", SECRET: secret}
    radius.write_text(recipe.file("/etc/pam_radius_auth.conf", gaps))
    mine.write_text(recipe.file(f"/etc/ssh/sshd_config.d/mfa.conf{which}"))
    configuration = folder / "sshd_config"
    configuration.write_text(f"Include {mine}\n{FRAME.format(folder=folder, port=port)}")
    for key in ("host", "person"):
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key).returncode == 0
    (folder / "ask").write_text(ANSWERING.format(folder=folder))
    (folder / "ask").chmod(0o755)
    program.symlink_to("/usr/sbin/sshd")
    Path("/run/sshd").mkdir(exist_ok=True)
    service.write_text(recipe.file(f"/etc/pam.d/sshd{which}", {"/etc/pam_radius_auth.conf": str(radius)}))
    try:
        with daemon(program, "-D", "-e", "-f", configuration, log=folder / "log", ready="Server listening"):
            yield Machine(folder, port)
    finally:
        service.unlink()


def test_ssh_asks_for_the_password_and_then_for_the_code(site: Site, secret: str, tmp_path: Path) -> None:
    with machine(site, secret, tmp_path) as reached:
        code = site.alice.press()
        assert reached.ssh(PASSWORD, code).returncode == 0
        assert reached.asked == ["Password:", "Enter your verification code"]
        assert "Permission denied" in reached.ssh(PASSWORD, code).stdout
        assert "Permission denied" in reached.ssh("wrong", site.alice.press()).stdout
        assert reached.asked == ["Password:"]
    assert site.reasons()[-3:] == ["accepted", "code_reused", "wrong_password"]
    assert {line["source"] for line in site.lines()} == {HERE}


def test_ssh_with_a_key_asks_for_the_code_alone(site: Site, secret: str, tmp_path: Path) -> None:
    site.run("client", "set", "ssh", "--sign-in", "code_only")
    with machine(site, secret, tmp_path, ", key and code") as reached:
        assert reached.ssh(site.alice.press()).returncode == 0
        assert reached.asked == ["Code:"]
        (tmp_path / "person.pub").write_text("")
        assert "Permission denied (publickey)" in reached.ssh(site.alice.press()).stdout
        assert reached.asked == []
    site.run("client", "set", "ssh", "--sign-in", "password_then_code")
    assert site.reasons()[-1] == "accepted"
