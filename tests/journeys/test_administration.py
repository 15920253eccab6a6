"""From a file of 10,000 tokens to a sign-in over RADIUS and the story behind it, over sockets, by pages alone."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from tests.journeys.nas import SECRET, radclient
from tests.journeys.program import Home, running
from tests.portals.administration.test_tokens import key_text, rows
from tests.portals.lobby import OWN
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, Seed
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, Password, Role, User

PASSWORD = "three quiet otters"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)"(?: autocomplete="\w+")? value="([^"]*)">')
KEYS = {name: name.encode() * 5 for name in ("olga", "adam")}
TOKEN = b"the key of the token"
TOKENS = 10_000


def shown_by(key: bytes) -> str:
    return hotp(key, time_step(time.time(), 30))


@dataclass
class Person:
    """Somebody with a browser; its cookie is kept by hand, since it is a Secure one and this is loopback."""

    http: httpx2.AsyncClient
    cookie: str = ""
    text: str = ""
    where: str = ""
    status: int = 0
    hidden: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, **more: object) -> None:
        answer = await self.http.request(method, path, headers={**OWN, "Cookie": self.cookie}, **more)  # type: ignore[arg-type]
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        self.text, self.where, self.status = (
            unescape(answer.text),
            answer.headers.get("location", ""),
            answer.status_code,
        )
        self.hidden = {name: unescape(value) for name, value in HIDDEN.findall(answer.text)}

    async def get(self, path: str) -> None:
        await self.ask("GET", path)

    async def send(self, path: str, **fields: str) -> None:
        await self.ask("POST", path, data={**self.hidden, **fields})

    async def form(self, path: str, **fields: str) -> None:
        """Open the page with the form, and send it."""
        await self.get(path)
        await self.send(path, **fields)

    async def sign_in(self, name: str, code: str = "") -> None:
        await self.form("/signin", name=name, password=PASSWORD)
        if code:
            await self.send("/signin/code", code=code)


async def populate(home: Home) -> None:
    """An owner and an auditor with apps, Alice with a password alone, and a client that sends both in one field."""
    hashed = await asyncio.to_thread(PasswordHasher().hash, PASSWORD)
    client = Client("vpn", "VPN", ("127.0.0.1",), (Secret(SECRET),), sign_in=SignIn.PASSWORD_AND_CODE)

    def act(writing: Writing) -> None:
        for name, role in (("olga", Role.OWNER), ("adam", Role.AUDITOR), ("alice", Role.NONE)):
            key = KEYS.get(name)
            writing.put(User(name, name, name, mfa=Mfa.ENFORCED if key else Mfa.ENABLED, role=role))
            writing.put(Password(name, hashed, 0.0))
            if key:
                writing.put(Seed(f"seed of {name}", Secret(key)))
                writing.put(Credential(f"app-{name}", "totp", name, seed_id=f"seed of {name}"))
        writing.put(client)

    async with home.opened() as store:
        await store.change(act)


@asynccontextmanager
async def somebody(url: str) -> AsyncIterator[Person]:
    async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
        yield Person(http)


async def imported(olga: Person) -> None:
    """10,000 rows, ten of which are bad, and one is Alice's."""
    file = f"{rows(TOKENS - 1, 10)},ALICES,{key_text(TOKEN)},30,Maker,C200\r\n"
    await olga.get("/admin/tokens/upload")
    await olga.ask("POST", "/admin/tokens/upload", data=olga.hidden, files={"file": ("tokens.csv", file.encode())})
    path = olga.where
    async with asyncio.timeout(120):
        while "The file is read." not in olga.text:
            await olga.get(path)
            assert olga.status == 200
    assert f"<dd>{TOKENS - 10}</dd>" in olga.text
    await olga.get(f"{path}/failures")
    assert len(olga.text.splitlines()) == 11


@pytest.mark.requirement(32)
async def test_from_a_file_of_tokens_to_a_sign_in_and_its_story(tmp_path: Path) -> None:
    home = Home.lay_out(tmp_path)
    await populate(home)
    async with running(home) as server, somebody(server.api) as olga, somebody(server.api) as alice:
        await olga.sign_in("olga", shown_by(KEYS["olga"]))
        await imported(olga)
        await olga.form("/admin/people/alice/token", serial="ALICES", pending="yes")
        assert olga.where == "/admin/people/alice?done=token"
        await alice.sign_in("alice")
        await alice.form("/security/token", serial="ALICES", code=shown_by(TOKEN))
        assert alice.where.startswith("/security")
        code = await another(TOKEN)
        said = await radclient(server.radius, 'User-Name = "alice"', f'User-Password = "{PASSWORD}{code}"')
        assert said.packet == "Access-Accept"
        await olga.get("/admin/journal?user=alice&client=vpn")
        [path] = re.findall(r'href="(/admin/journal/[^"]+/\d+)"', olga.text)
        await olga.get(path)
        for text in (
            "alice asked to be let in, by way of VPN.",
            "No rule of the policy matched, so a second factor was required.",
            "Hardware token" if "Hardware token" in olga.text else "Authenticator app",
            "ALICES: this one was proven.",
            "alice was let in, by:",
        ):
            assert text in olga.text, text
        async with somebody(server.api) as adam:
            await adam.sign_in("adam", shown_by(KEYS["adam"]))
            await adam.get(path)
            assert "alice was let in, by:" in adam.text
            await adam.get("/security")
            await adam.send("/admin/people/alice/block", reason="coup", days="1")
            assert adam.status == 403


async def another(key: bytes) -> str:
    """The next code of this key: the one that it shows now is spent."""
    return hotp(key, time_step(time.time(), 30) + 1)
