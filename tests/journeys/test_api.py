"""The API of a real server process: one memory with the RADIUS door, and no secret in anything that comes out."""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.apps.installation import Installation, make_template
from tests.house.sources import ROOT
from tests.journeys.nas import nas, typed_state
from vestibule.apps.commands.running import Commands
from vestibule.core.api_keys import Right
from vestibule.core.oath import hotp, time_step
from vestibule.wire.radius.packet import Code

SEED = b"canary seed of alice"
PASSWORD = "canary-password-Xq7"
SHARED = "canary-shared-secret-of-the-vpn-Xq9"
PHONE = "+41 44 668 18 00"
BASE32 = base64.b32encode(SEED).decode()


@dataclass
class Server:
    """A server process with its log, and what it was furnished with."""

    process: asyncio.subprocess.Process
    radius: tuple[str, int]
    url: str
    keys: dict[str, str]
    recovery_code: str
    heard: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def program(self, key: str) -> AsyncIterator[httpx2.AsyncClient]:
        """A program with this key; whatever it is answered is heard."""

        async def hear(answer: httpx2.Response) -> None:
            self.heard.append(await answer.aread() + str(answer.headers).encode())

        headers = {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        hooks = {"response": [hear]}
        async with httpx2.AsyncClient(base_url=f"{self.url}/api/v1", headers=headers, event_hooks=hooks) as client:
            yield client


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Server]:
    installation = Installation(make_template(folder))
    pieces = await installation.open()
    commands = Commands(pieces)

    async def run(command: str, **arguments: object) -> dict[str, Any]:
        return await commands.run(command, arguments, "uid 0")

    await run("user.add", name="alice", phone=PHONE, password=PASSWORD, mfa="enforced")
    await run("token.add", user="alice", secret=BASE32, serial="A1")
    issued = await run("recovery.issue", user="alice")
    await run("client.add", name="vpn", networks=["127.0.0.0/8"], secret=SHARED)
    keys = {
        "vpn": (await run("api_key.add", name="vpn", client="vpn"))["secret"],
        "admin": (await run("api_key.add", name="admin", rights=list(Right)))["secret"],
    }
    await pieces.close()
    (folder / "vestibule.toml").write_text(
        f'data_directory = "{installation.data}"\n[key]\nfile = "{installation.key}"\n[server]\nname = "mfa1"\n'
        '[radius]\nlisten = ["127.0.0.1:0"]\n[http]\nlisten = "127.0.0.1:0"\n[api]\nlisten = ["127.0.0.1:0"]\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.journeys.launcher", str(folder / "vestibule.toml")),
        cwd=ROOT,
        env={"VESTIBULE_LOG_LEVEL": "debug", "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(40):
        said = json.loads(await process.stdout.readline())
    server = Server(process, tuple(said["radius"]), said["api"][0], keys, issued["codes"][0])
    try:
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        out, err = await process.communicate()
        server.heard += [out, err]


async def answered(server: Server, code: str) -> Code:
    """Sign in over RADIUS: the password, then the code."""
    async with nas(server.radius, SHARED.encode()) as asker:
        asked = await asker.ask(asker.request("alice", PASSWORD))
        if asked.code != Code.ACCESS_CHALLENGE:
            return Code(asked.code)
        return Code((await asker.ask(asker.request("alice", code, state=typed_state(asked)))).code)


@pytest.mark.requirement(4)
async def test_a_code_is_spent_for_all_doors(tmp_path: Path) -> None:
    async with served(tmp_path) as server, server.program("vpn") as asker:
        now = time_step(time.time(), 30)
        first, second = hotp(SEED, now), hotp(SEED, now + 1)
        said = {"user": "alice", "password": PASSWORD}
        assert (await asker.post("/attempts", json={**said, "code": first})).json()["decision"] == "accept"
        assert await answered(server, first) is Code.ACCESS_REJECT
        assert await answered(server, second) is Code.ACCESS_ACCEPT
        assert (await asker.post("/attempts", json={**said, "code": second})).status_code == 403


@pytest.mark.requirement(54)
async def test_a_question_of_one_door_is_answered_through_the_other(tmp_path: Path) -> None:
    """Both ask as the same client, so the question is that client's own."""
    async with (
        served(tmp_path) as server,
        server.program("vpn") as asker,
        nas(server.radius, SHARED.encode()) as radius,
    ):
        asked = (await asker.post("/attempts", json={"user": "alice", "password": PASSWORD})).json()
        state = f"{asked['attempt']}{asked['nonce']}".encode()
        code = hotp(SEED, time_step(time.time(), 30))
        reply = await radius.ask(radius.request("alice", code, state=state))
        assert reply.code == Code.ACCESS_ACCEPT


@pytest.mark.requirement(20)
async def test_failures_are_counted_in_one_place_for_all_doors(tmp_path: Path) -> None:
    async with served(tmp_path) as server, server.program("vpn") as asker, server.program("admin") as admin:
        limit = (await admin.get("/settings/limits.source_tries")).json()["value"]
        wrong = [asker.post("/attempts", json={"user": "alice", "password": "wrong"}) for _ in range(limit)]
        assert {answer.status_code for answer in await asyncio.gather(*wrong)} == {403}
        assert await answered(server, hotp(SEED, time_step(time.time(), 30))) is Code.ACCESS_REJECT
        lines = (await admin.get("/journal", params={"reason": "throttled"})).json()["lines"]
        assert lines


@pytest.mark.requirement(47)
async def test_no_secret_sings_in_an_answer_or_in_the_log(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        code = hotp(SEED, time_step(time.time(), 30))
        async with server.program("vpn") as asker:
            await sign_in_every_way(asker, server, code)
        async with server.program("admin") as admin:
            await administer(admin)
        async with server.program("vestibule_0123456789abcdef_" + "canary" * 7 + "A") as stranger:
            await stranger.get("/users")
        keys = [key.split("_", 2)[2] for key in server.keys.values()]
    heard = b"\n".join(server.heard).lower()
    assert b"sign-in-refused" in heard
    canaries = [SEED.decode(), SEED.hex(), BASE32, PASSWORD, SHARED, "canary", server.recovery_code, *keys]
    assert [canary for canary in canaries if canary.lower().encode() in heard] == []
    assert [canary for canary in canaries if base64.b64encode(canary.encode()).rstrip(b"=").lower() in heard] == []


async def sign_in_every_way(asker: httpx2.AsyncClient, server: Server, code: str) -> None:
    for said in (
        {"password": PASSWORD, "code": code},
        {"password": PASSWORD, "code": code},
        {"password": PASSWORD, "code": server.recovery_code},
        {"password": PASSWORD, "typed": PASSWORD},
        {"password": [PASSWORD]},
        {"password": f"{PASSWORD}x"},
        {PASSWORD: PASSWORD},
    ):
        await asker.post("/attempts", json={"user": "alice", **said})
    await asker.post("/attempts", content=f'{{"password": "{PASSWORD}'.encode())
    await asker.get(f"/attempts/{PASSWORD}")
    await asker.post("/users", json={"name": "bob", "password": PASSWORD})


async def administer(admin: httpx2.AsyncClient) -> None:
    for path in ("users", "tokens", "clients", "policy/rules", "settings", "journal", "status", "groups"):
        assert (await admin.get(f"/{path}")).status_code == 200
    for path in ("users/alice", "tokens/A1", "clients/vpn", "users/alice/credentials"):
        assert (await admin.get(f"/{path}")).status_code == 200
    await admin.post("/tokens", json={"user": "alice", "secret": f"{BASE32}!"})
    await admin.post("/tokens", json={"user": "alice", "serial": "A1", "secret": BASE32})
    await admin.post("/clients", json={"name": "vpn", "networks": ["nowhere"], "secret": SHARED})
    await admin.put("/users/alice/password", json={"password": PASSWORD[:10]})
    await admin.post("/users", json={"name": "alice", "password": PASSWORD})
    report = await admin.post("/tokens/import", content=f"A2,{BASE32}!,30\nA1,{BASE32[:-8]},30\n".encode())
    assert len(report.json()["problems"]) == 2
    await admin.post(f"/clients/{SHARED}/secret", json={"step": SHARED})


async def test_the_server_stops_with_an_answer_for_those_who_wait(tmp_path: Path) -> None:
    async with served(tmp_path) as server, server.program("vpn") as asker:
        refused = asyncio.create_task(asker.post("/attempts", json={"user": "nobody", "password": "x"}))
        await asker.post("/attempts", json={"user": "alice", "password": PASSWORD})
        server.process.terminate()
        assert (await refused).status_code == 403
        assert await server.process.wait() == 0
