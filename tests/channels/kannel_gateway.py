"""A real Kannel: bearerbox and smsbox on loopback ports, with a fake message centre behind and a door of ours before.

It ends with the process that started it, however that ends.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.channels.fakes.http_server import Asked, FakeHttp, Said
from tests.channels.fakes.smsc import PASSWORD, SYSTEM_ID, FakeSmsc
from tests.conformance.provider_suite import Act, free_port
from vestibule.core.delivery import Hook

USER = "vestibule"
WORD = "kannel-canary-word"
PATH = "/hooks/kannel/0123456789abcdef"
PUBLIC = "http://mfa.example.org"
START_SECONDS = 20.0
LEASH = 'PATH=$PATH:/usr/sbin; "$@" & box=$!; read -r _; kill -KILL $box 2>/dev/null; wait $box'

CORE = """
group = core
admin-port = {admin}
admin-password = {word}
status-password = {word}
admin-interface = 127.0.0.1
smsbox-port = {inner}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 0
sms-resend-freq = 1

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
enquire-link-interval = 2
reconnect-delay = 1
source-addr-autodetect = true
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {inner}
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-level = 0
http-request-retry = 3
http-queue-delay = 1

group = sendsms-user
username = {user}
password = {word}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{door}{path}?id=%I&from=%p&to=%P&text=%b&charset=%C"
"""


class Door(FakeHttp):
    """Where Kannel calls us; each call is waited for by `hook`."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: asyncio.Queue[Hook] = asyncio.Queue()

    def accept(self, asked: Asked) -> Said:
        query = tuple(parse_qsl(urlsplit(asked.target).query, keep_blank_values=True))
        self._calls.put_nowait(Hook(asked.method, PUBLIC + asked.target, query, asked.headers, asked.body, "127.0.0.1"))
        return Said(200)

    def refuse(self, asked: Asked, act: Act) -> Said:
        return Said(503)

    async def hook(self) -> Hook:
        """The next call."""
        return await asyncio.wait_for(self._calls.get(), START_SECONDS)


@dataclass
class Gateway:
    """A Kannel that runs."""

    smsc: FakeSmsc
    door: Door
    sendsms: int
    admin: int
    bearerbox: "Box"
    smsbox: "Box"

    @property
    def hook(self) -> str:
        """Our URL, as it is given to Kannel here: by its own port."""
        return f"http://127.0.0.1:{self.door.port}{PATH}"


class Box:
    """One of Kannel's programs; what it says is read along."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._said = ""
        self._more = asyncio.Condition()
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def started(cls, program: str, configuration: Path, ready: str) -> "Box":
        box = cls(
            await asyncio.create_subprocess_exec(
                *("sh", "-c", LEASH, "sh", program, str(configuration)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                cwd=configuration.parent,
            )
        )
        await box.until(ready)
        return box

    async def until(self, words: str, times: int = 1) -> None:
        """Wait until it has said this so many times."""
        async with self._more:
            await asyncio.wait_for(
                self._more.wait_for(lambda: self._said.count(words) >= times or self._reading.done()), START_SECONDS
            )
        assert self._said.count(words) >= times, f"it never said {words!r}:\n{self._said[-3000:]}"

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            await self.process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            async with self._more:
                self._said += line.decode(errors="replace")
                self._more.notify_all()


@asynccontextmanager
async def kannel(folder: Path) -> AsyncIterator[Gateway]:
    """Run it, bound to its message centre."""
    async with FakeSmsc() as smsc, Door() as door:
        ports = {"admin": free_port(), "inner": free_port(), "sendsms": free_port()}
        configuration = folder / "kannel.conf"
        names = {"smsc": smsc.port, "door": door.port, "path": PATH, "user": USER, "word": WORD}
        configuration.write_text(CORE.format(**ports, **names, system_id=SYSTEM_ID, password=PASSWORD))
        bearerbox = await Box.started("bearerbox", configuration, "entering mainloop")
        try:
            smsbox = await Box.started("smsbox", configuration, "Connected to bearerbox")
            try:
                await bearerbox.until("Client connected from <127.0.0.1>")
                await smsc.until_bound()
                yield Gateway(smsc, door, ports["sendsms"], ports["admin"], bearerbox, smsbox)
            finally:
                await smsbox.stop()
        finally:
            await bearerbox.stop()
