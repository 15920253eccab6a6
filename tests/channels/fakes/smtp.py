"""A mail server of one's own: STARTTLS, TLS or neither, AUTH, one mail after the other (RFC 5321, 3207, 4954).

`python -m tests.channels.fakes.smtp --port 2525` runs it by hand, without encryption.
"""

import argparse
import asyncio
import base64
import ssl
from collections import deque
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self

from tests.conformance.provider_suite import Act, Carried

USER = "vestibule"
PASSWORD = "smtp-canary-word-16180339"
REFUSALS = {
    Act.SAME: ("rcpt", "450 4.7.1 <{to}>: greylisted, come again"),
    Act.DESTINATION: ("rcpt", "550 5.1.1 <{to}>: no such mailbox"),
    Act.POLICY: ("text", "554 5.7.1 the message to {to} looks like spam"),
    Act.CONFIGURATION: ("mail", "553 5.7.1 sender address rejected: not owned by user"),
    Act.OTHER: ("greeting", ""),
}


class FakeSmtp:
    """Keeps what it takes in `mails`, as they came."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, at_once: bool = False, offers_tls: bool = True) -> None:
        self.carried: list[Carried] = []
        self.mails: list[EmailMessage] = []
        self.said: list[str] = []
        self._tls = tls
        self._at_once = at_once
        self._offers_tls = offers_tls and tls is not None and not at_once
        self._acts: deque[Act] = deque()
        self._released = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def next(self, *acts: Act) -> None:
        self._acts = deque(acts)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int = 0) -> None:
        tls = self._tls if self._at_once else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._released.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await _Conversation(self, reader, writer, self._acts.popleft() if self._acts else Act.ACCEPT).hold()
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


class _Conversation:
    """One connection."""

    def __init__(self, server: FakeSmtp, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, act: Act) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.act = act
        self.encrypted = server._at_once
        self.entered = False
        self.sender = self.to = ""

    async def hold(self) -> None:
        if self.act is Act.OTHER:
            return
        self.say("220 mail.example.org ESMTP")
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            self.server.said.append(line)
            verb, _, rest = line.partition(" ")
            if not await self.does(verb.upper(), rest):
                return

    async def does(self, verb: str, rest: str) -> bool:
        """One command; whether the conversation goes on."""
        match verb:
            case "EHLO":
                self.greet()
            case "STARTTLS" if self.server._offers_tls:
                await self.encrypt()
            case "AUTH":
                await self.enter(rest)
            case "MAIL":
                self.sender = rest[rest.index("<") + 1 : rest.index(">")]
                self.say(self.refusal("mail") or "250 ok")
            case "RCPT":
                self.to = rest[rest.index("<") + 1 : rest.index(">")]
                self.say(self.refusal("rcpt") or "250 ok")
            case "DATA":
                return await self.take()
            case "QUIT":
                self.say("221 bye")
                return False
            case _:
                self.say("502 what?")
        return True

    async def encrypt(self) -> None:
        self.say("220 go ahead")
        assert self.server._tls is not None
        await self.writer.start_tls(self.server._tls)
        self.encrypted = True

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")

    def refusal(self, place: str) -> str:
        where, line = REFUSALS.get(self.act, ("", ""))
        return line.format(to=self.to) if where == place else ""

    def greet(self) -> None:
        offers = ["mail.example.org", "8BITMIME", "SMTPUTF8"]
        if self.server._offers_tls and not self.encrypted:
            offers.append("STARTTLS")
        else:
            offers.append("AUTH PLAIN LOGIN")
        for offer in offers[:-1]:
            self.say(f"250-{offer}")
        self.say(f"250 {offers[-1]}")

    async def enter(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            _authority, user, word = base64.b64decode(first).decode().split("\0")
        else:
            if not first:
                self.say("334 VXNlcm5hbWU6")
                first = (await self.reader.readline()).decode()
            user = base64.b64decode(first).decode()
            self.say("334 UGFzc3dvcmQ6")
            word = base64.b64decode(await self.reader.readline()).decode()
        self.entered = (user, word) == (USER, PASSWORD)
        self.say("235 welcome" if self.entered else "535 5.7.8 authentication failed")

    async def take(self) -> bool:
        """The text; whether the conversation goes on."""
        self.say("354 go ahead")
        octets = await self.reader.readuntil(b"\r\n.\r\n")
        if refusal := self.refusal("text"):
            self.say(refusal)
            return True
        octets = octets[:-3].replace(b"\r\n..", b"\r\n.")
        mail = message_from_bytes(octets, policy=default)
        self.server.mails.append(mail)
        reference = str(mail["Message-ID"]).strip("<>")
        self.server.carried.append(Carried(self.to, mail.get_content(), self.sender, None, "", reference))
        match self.act:
            case Act.HANG:
                await self.server._released.wait()
                return False
            case Act.DROP | Act.BROKEN:
                return False
            case Act.NONSENSE:
                self.say("<html>Welcome to the hotel's network</html>")
                await self.server._released.wait()
                return False
            case _:
                self.say("250 2.0.0 taken as 4F2A")
                return True


async def _run(port: int) -> None:
    server = FakeSmtp()
    await server.start(port)
    print(f"port {server.port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A mail server that keeps what it takes.")
    parser.add_argument("--port", type=int, default=2525)
    asyncio.run(_run(parser.parse_args().port))
