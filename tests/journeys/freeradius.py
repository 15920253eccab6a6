"""FreeRADIUS as a process of its own, with a configuration that a test writes: an upstream server, or a proxy.

async with freeradius(tmp_path, UPSTREAM) as server: ...   # server.address, server.pause(), server.resume()
"""

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.nas import SECRET, Address

PROGRAM = "/usr/sbin/freeradius"
READY = b"Ready to process requests"
PATIENCE = 20.0

FRAME = """
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {folder}
run_dir = {folder}
raddbdir = {folder}
modconfdir = {folder}
max_request_time = 30
security {{
    reject_delay = 0
    status_server = yes
    allow_vulnerable_openssl = yes
}}
client here {{
    ipaddr = 127.0.0.0/8
    secret = "{secret}"
}}
{more}
"""

LISTEN = """
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
"""

SIGNED = "update reply {{ &Message-Authenticator := 0x00 }}"

UPSTREAM = """
modules {{
    pap {{
    }}
    mschap {{
    }}
    chap {{
    }}
    eap {{
        default_eap_type = md5
        md5 {{
        }}
        mschapv2 {{
        }}
    }}
    files {{
        usersfile = ${{raddbdir}}/users
    }}
}}
server upstream {{
    LISTEN
    authorize {{
        chap
        mschap
        eap
        files
        pap
        SIGNED
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type CHAP {{
            chap
        }}
        Auth-Type MS-CHAP {{
            mschap
        }}
        eap
    }}
    post-auth {{
        Post-Auth-Type REJECT {{
            SIGNED
        }}
        Post-Auth-Type Challenge {{
            SIGNED
        }}
    }}
}}
""".replace("LISTEN", LISTEN).replace("SIGNED", SIGNED)

UNSIGNED_UPSTREAM = UPSTREAM.replace(SIGNED, "")

PROXY = """
modules {{
}}
home_server behind {{
    type = auth
    ipaddr = {host}
    port = {behind}
    secret = "{shared}"
    response_window = 20
    status_check = status-server
}}
home_server_pool behind {{
    home_server = behind
}}
realm behind {{
    auth_pool = behind
}}
server proxy {{
    LISTEN
    authorize {{
        update control {{
            &Proxy-To-Realm := behind
        }}
    }}
}}
""".replace("LISTEN", LISTEN)

USERS = """
alice Cleartext-Password := "secret"
    Class = "staff",
    Filter-Id = "inside"

frank Cleartext-Password := "secret", Auth-Type := Reject
    Reply-Message = "Your account is locked"

carol Cleartext-Password := "secret", Response-Packet-Type := Access-Challenge
    Reply-Message = "What is the number on your card?",
    State = 0x0102
"""


@dataclass
class FreeRadius:
    """A running one."""

    address: Address
    process: asyncio.subprocess.Process

    def pause(self) -> None:
        """Let it hang: its socket is open and nobody reads."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


def free_port() -> int:
    """A free port below those that the system hands out by itself, so that nobody takes it before we do."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def freeradius(
    folder: Path, servers: str, *, users: str = USERS, port: int = 0, secret: bytes = SECRET, **named: object
) -> AsyncIterator[FreeRadius]:
    """Run it until the test has ended; `named` are the gaps in `servers`."""
    port = port or free_port()
    _lay_out(folder, servers.format(port=port, secret=secret.decode(), **named), users, secret.decode())
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("-f", "-x", "-l", "stdout", "-d", str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    server = FreeRadius(("127.0.0.1", port), process)
    try:
        reader = await _ready(process)
        yield server
        reader.cancel()
    finally:
        await server.stop()


def _lay_out(folder: Path, servers: str, users: str, secret: str) -> None:
    if not Path(PROGRAM).exists():
        pytest.fail(f"{PROGRAM} is missing; on Debian: apt-get install freeradius")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "radiusd.conf").write_text(FRAME.format(folder=folder, secret=secret, more=servers))
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    (folder / "users").write_text(users)


async def _ready(process: asyncio.subprocess.Process) -> "asyncio.Task[None]":
    """Wait until it listens; then read along, so that it never waits for us."""
    assert process.stdout
    said = []
    async with asyncio.timeout(PATIENCE):
        async for line in process.stdout:
            said.append(line)
            if READY in line:
                return asyncio.create_task(_read(process.stdout))
    pytest.fail(f"FreeRADIUS did not start: {b''.join(said).decode()}")


async def _read(stream: asyncio.StreamReader) -> None:
    async for _ in stream:
        pass
