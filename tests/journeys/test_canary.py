"""Secrets that sing: put in everywhere, used in real sign-ins, and then looked for in everything that comes out."""

import asyncio
import base64
import json
import os
import re
import secrets
import sys
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.apps.installation import Installation, make_template
from tests.journeys.nas import nas, typed_state
from vestibule.apps.backup import backup
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.configuration import ConfigurationWrong, load
from vestibule.apps.doctor import examine
from vestibule.apps.pieces import Pieces
from vestibule.core.journal import Query
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Reading, Record
from vestibule.wire.radius.packet import Code

SEED = b"canary seed of alice"
SHORT_SEED = b"canary seed"
PASSWORD = "canary-password-Xq7"
WRONG_PASSWORD = "canary-wrong-password-Xq8"
SHARED = "canary-shared-secret-of-the-vpn-Xq9"
PHONE = "+41 44 668 18 00"
PATIENCE = 30.0

PROGRAM = """
import json, os, pathlib, sys
from vestibule.apps.cli.serving import run
from vestibule.apps.configuration import load

async def tell(pieces, addresses):
    path = pathlib.Path(sys.argv[1])
    radius, http = addresses.radius[0], addresses.http
    path.write_text(json.dumps([radius.host, radius.port, http.host, http.port]))
    print("told", flush=True)

run(load(None, os.environ), tell)
"""


@dataclass
class Ears:
    """Everything that came out, by where it came from."""

    heard: dict[str, bytes] = field(default_factory=dict)

    def hear(self, where: str, what: object) -> None:
        octets = what if isinstance(what, bytes) else str(what).encode()
        self.heard[where] = self.heard.get(where, b"") + octets

    def singing(self, canaries: Mapping[str, Iterable[bytes]], *, but: tuple[str, ...] = ()) -> list[str]:
        """Who sang, and where."""
        return [
            f"{name} in {where}"
            for where, octets in self.heard.items()
            if where not in but
            for name, forms in canaries.items()
            if any(form.lower() in octets.lower() for form in forms)
        ]


def forms(secret: bytes) -> list[bytes]:
    """A secret as it is, and as programs like to write it."""
    base32 = base64.b32encode(secret).rstrip(b"=")
    escaped = json.dumps(secret.decode())[1:-1].encode()
    return [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="), base32, escaped]


def digits(text: str) -> str:
    return re.sub(r"\D", "", text)


async def run(ears: Ears, commands: Commands, command: str, /, **arguments: object) -> dict[str, Any]:
    """Run a command, and listen to what it says unless that is shown once."""
    told = await commands.run(command, arguments, "uid:0")
    if command not in ("token.add", "recovery.issue", "client.add"):
        ears.hear(f"command {command}", json.dumps(told, ensure_ascii=False))
    return told


async def fails(ears: Ears, commands: Commands, command: str, /, **arguments: object) -> None:
    with pytest.raises(CommandFailed) as failed:
        await commands.run(command, arguments, "uid:0")
    ears.hear(f"problem of {command}", failed.value)


async def set_up(ears: Ears, pieces: Pieces) -> str:
    """People, tokens and a client, by the commands that administrators use; the recovery code that is used later."""
    commands = Commands(pieces)
    await run(ears, commands, "user.add", name="alice", phone=PHONE, password=PASSWORD, mfa="enforced")
    base32 = base64.b32encode(SEED).decode()
    await run(ears, commands, "token.add", user="alice", secret=base32, serial="A1")
    issued = await run(ears, commands, "recovery.issue", user="alice")
    await run(ears, commands, "client.add", name="vpn", id="vpn", networks=["127.0.0.0/8"], secret=SHARED)
    short = base64.b32encode(SHORT_SEED).decode()
    rows = f"A2,{short},30\nA3,{base32}!,30\nA4,{base32},31\n"
    report = await commands.run("token.import", {"content": rows.encode(), "file_name": "tokens.csv"}, "uid:0")
    ears.hear("report of an import", {name: value for name, value in report.items() if name != "failures"})
    await fails(ears, commands, "token.add", user="alice", secret=short, serial="A5")
    await fails(ears, commands, "token.add", user="alice", secret=f"{base32}!", serial="A5")
    await fails(ears, commands, "user.add", name="alice", password=PASSWORD)
    await fails(ears, commands, "client.add", name="wifi", networks=["no network"], secret=SHARED)
    await fails(ears, commands, "client.add", name="wifi", networks=["127.0.0.0/8"], secret=SHARED, shared=SHARED)
    await fails(ears, commands, "user.password", name="alice", password="x")
    return str(issued["codes"][0])


async def sign_in_every_way(ears: Ears, radius: tuple[str, int], recovery_code: str) -> None:
    """Right, wrong, twice, and in disorder."""
    async with nas(radius, SHARED.encode()) as asker:

        async def answered(typed: str) -> Code:
            asked = await asker.ask(asker.request("alice", PASSWORD))
            ears.hear("replies", asked.attributes)
            reply = await asker.ask(asker.request("alice", typed, state=typed_state(asked)))
            ears.hear("replies", reply.attributes)
            return Code(reply.code)

        code = hotp(SEED, time_step(time.time(), 30))
        assert await answered(code) is Code.ACCESS_ACCEPT
        assert await answered(code) is Code.ACCESS_REJECT
        assert await answered(recovery_code) is Code.ACCESS_ACCEPT
        assert await answered(recovery_code) is Code.ACCESS_REJECT
        for name, typed in (("alice", WRONG_PASSWORD), ("nobody", PASSWORD), ("alice", "")):
            reply = await asker.ask(asker.request(name, typed))
            ears.hear("replies", reply.attributes)
            assert reply.code == Code.ACCESS_REJECT
        asker.send(asker.request("alice", PASSWORD, signed=False))  # dropped, and logged
        asker.send(PASSWORD.encode() * 3)
    async with nas(radius, WRONG_PASSWORD.encode()) as stranger:
        stranger.send(stranger.request("alice", PASSWORD))


async def serve_and_sign_in(ears: Ears, installation: Installation, recovery_code: str) -> None:
    """The real server as a process of its own, its log wide open."""
    told = installation.folder / "addresses.json"
    environment = {**os.environ, **installation.environment({"VESTIBULE_LOG_LEVEL": "debug"})}
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PROGRAM, str(told)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert server.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"told" not in (line := await server.stdout.readline()):
            ears.hear("log", line)
            assert line, ears.heard["log"].decode()
    host, port, *http = json.loads(told.read_text())
    try:
        await sign_in_every_way(ears, (host, port), recovery_code)
        for page in ("metrics", "healthz", "readyz", f"{PASSWORD}?x={PASSWORD}"):
            ears.hear(f"/{page[:8]}", await asyncio.to_thread(fetched, f"http://{http[0]}:{http[1]}/{page}"))
    finally:
        server.terminate()
        out, _ = await server.communicate()
    ears.hear("log", out)
    assert b"radius packet dropped" in ears.heard["log"]


def fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return bytes(error.read())


def all_records(reading: Reading) -> list[Any]:
    kinds = get_args(Record)
    found: list[Any] = [record for kind in kinds for record in reading.page(kind, "", 999)]
    return [*found, *reading.lines(Query(), (0.0, "", 0), 999)]


async def look_at_all(ears: Ears, pieces: Pieces, installation: Installation) -> None:
    """What administrators can see, what lies on the disk, and what a programmer would print."""
    commands = Commands(pieces)
    await run(ears, commands, "user.list")
    await run(ears, commands, "user.show", name="alice")
    for name in ("token.list", "token.export", "client.list", "policy.list", "setting.list", "group.list", "status"):
        await run(ears, commands, name)
    await run(ears, commands, "token.show", token="A1")
    await run(ears, commands, "client.show", id="vpn")
    journal = await run(ears, commands, "journal.list", limit=1000)
    assert {"sign_in", "user.add"} <= {line["action"] for line in journal["lines"]}
    await run(ears, commands, "journal.verify")
    ears.hear("repr of records", repr(await pieces.store.read(all_records)))
    ears.hear("repr of the pieces", f"{pieces!r} {pieces.store.snapshot!r} {vars(pieces.store)!r}")
    ears.hear("doctor", await examine(pieces.configuration, pieces, now=time.time(), environment={}))
    done = await backup(pieces, installation.folder / "backup.db", actor="uid:0", at=time.time())
    ears.hear("backup", done.path.read_bytes())
    for path in sorted(installation.data.iterdir()):
        if path.is_file():
            ears.hear("disk", path.read_bytes())
    ears.hear("heads", installation.heads.read_bytes())


def wrong_configuration(ears: Ears, folder: Path) -> None:
    file = folder / "vestibule.toml"
    file.write_text(f'[database]\nurl = "{PASSWORD}"\n{PASSWORD} = 1\n[log]\nlevel = "{SHARED}"\n')
    with pytest.raises(ConfigurationWrong) as wrong:
        load(file, {"VESTIBULE_RADIUS_LISTEN": PASSWORD})
    ears.hear("problem of the configuration", str(wrong.value).replace(f"database.{PASSWORD}", ""))


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("canary"))


@pytest.mark.requirement(47)
async def test_no_secret_sings_in_any_output(new_server: Path, tmp_path: Path) -> None:
    ears, installation = Ears(), Installation.copied(new_server, tmp_path / "server")
    pieces = await installation.open()
    recovery_code = await set_up(ears, pieces)
    await pieces.close()
    await serve_and_sign_in(ears, installation, recovery_code)
    pieces = await installation.open()
    await look_at_all(ears, pieces, installation)
    await pieces.close()
    wrong_configuration(ears, tmp_path)

    bare = recovery_code.replace("-", "")
    canaries = {
        "seed": forms(SEED),
        "short seed": forms(SHORT_SEED),
        "password": forms(PASSWORD.encode()),
        "wrong password": forms(WRONG_PASSWORD.encode()),
        "shared secret": forms(SHARED.encode()),
        "recovery code": [*forms(bare.encode()), *forms(recovery_code.encode())],
        "master key": [installation.key.read_text().split(":")[1].encode()],
    }
    assert ears.singing(canaries) == []
    # The number itself is personal data in the database, and what administrators of users look up.
    number = {"telephone number": [PHONE.encode(), digits(PHONE).encode()]}
    lawful = ("disk", "backup", "command user.add", "command user.list", "command user.show")
    assert ears.singing(number, but=lawful) == []
    assert ears.singing(number) == [f"telephone number in {where}" for where in ears.heard if where in lawful]


def test_a_canary_that_sings_is_heard() -> None:
    for form in forms(SEED):
        ears = Ears()
        ears.hear("somewhere", b"..." + form + b"...")
        assert ears.singing({"seed": forms(SEED)}) == ["seed in somewhere"]
        assert ears.singing({"seed": forms(SEED)}, but=("somewhere",)) == []
        assert ears.singing({"seed": forms(secrets.token_hex(8).encode())}) == []
