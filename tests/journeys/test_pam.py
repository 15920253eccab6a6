"""Debian's pam_radius signs in through PAM: the password, the question that comes back, the code."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.nas import SECRET, Address
from tests.journeys.world import World, a_client

SERVICES = Path("/etc/pam.d")


@pytest.fixture
def service() -> Iterator[Path]:
    """A service of PAM, which reads nothing but /etc/pam.d."""
    if os.geteuid() != 0:
        pytest.skip("only root may write to /etc/pam.d")
    path = SERVICES / f"vestibule-test-{os.getpid()}"
    yield path
    path.unlink(missing_ok=True)


def configure(service: Path, folder: Path, server: Address) -> None:
    configuration = folder / "pam_radius.conf"
    configuration.write_text(f"{server[0]}:{server[1]} {SECRET.decode().replace(' ', '-')} 10\n")
    configuration.chmod(0o600)
    service.write_text(f"auth required pam_radius_auth.so conf={configuration}\naccount required pam_permit.so\n")


async def authenticate(service: Path, name: str, *answers: str) -> str:
    """Sign in with pamtester, answering each prompt when it comes; gives all that was printed."""
    process = await asyncio.create_subprocess_exec(
        "pamtester",
        service.name,
        name,
        "authenticate",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdin
    assert process.stdout
    said = b""
    async with asyncio.timeout(20):
        for answer in answers:
            while not said.rstrip().endswith((b":", b"code")):
                said += await process.stdout.read(1000) or pytest.fail(said.decode())
            process.stdin.write(f"{answer}\n".encode())
            said += b"\n"
        process.stdin.close()
        said += await process.stdout.read()
        await process.wait()
    return said.decode()


async def test_pam_radius_asks_for_the_code_after_the_password(world: World, service: Path, tmp_path: Path) -> None:
    secret = type(a_client().secrets[0])(SECRET.replace(b" ", b"-"))
    await world.put(a_client(secrets=(secret,), require_message_authenticator=False))
    alice = await world.person("alice")
    configure(service, tmp_path, world.radius)
    said = await authenticate(service, "alice", "secret", alice.press())
    assert "Enter your verification code" in said
    assert "successfully authenticated" in said
    assert "Authentication failure" in await authenticate(service, "alice", "secret", alice.wrong())
