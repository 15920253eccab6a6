"""Every example of the pages on the API is run against a real server process: curl in a shell, Python in this one."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.apps.installation import Installation, make_template
from tests.frontends.http.test_description import ROUTES
from tests.house.sources import ROOT
from tests.journeys.program import Home, running
from vestibule.apps.commands.running import Commands
from vestibule.client import Accepted, Challenge, Problem, Vestibule, Waiting
from vestibule.core.api_keys import Right
from vestibule.core.oath import hotp
from vestibule.core.secret import Secret
from vestibule.frontends.http import examples
from vestibule.frontends.http.application import without_anything_behind
from vestibule.frontends.http.page import URL, main, page
from vestibule.frontends.http.sign_ins import Accepted as AcceptedShown
from vestibule.frontends.http.sign_ins import Pending
from vestibule.wire.pskc.writer import Passphrase, write_pskc
from vestibule.wire.token_csv import TokenRow

OPERATIONS = ROOT / "docs" / "api-operations.md"
API = ROOT / "docs" / "api.md"
CLIENT = ROOT / "docs" / "client.md"
CURE = "docs/api-operations.md is behind the code: run `python -m vestibule.frontends.http.page`"
PATIENCE = 20.0
BASE32 = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
KEY = b"Hello!\xde\xad\xbe\xefHello!\xde\xad\xbe\xef"
ALICE, PASSWORD = "alice@example.org", "correct horse battery staple"

FURNITURE = (
    "/policy/rules/staff by token",
    "/tokens/A1",
    f"/users/{ALICE}",
    "/users/alice",
    "/groups/staff",
    "/clients/web",
    "/directories/nps",
    "/directories/corp",
    "/routes/home",
    "/providers/sms",
)
LDAP = {"id": "corp", "kind": "ldap", "settings": {"servers": ["ldaps://127.0.0.1:1"], "base": "dc=corp,dc=example"}}
BEFORE: dict[str, list[tuple[str, str, Any]]] = {
    "addUser": [("DELETE", "/tokens/A1", None), ("DELETE", f"/users/{ALICE}", None)],
    "unblockUser": [("POST", f"/users/{ALICE}/block", {"reason": "lost"})],
    "addGroup": [("DELETE", "/policy/rules/staff by token", None), ("DELETE", "/groups/staff", None)],
    "removeGroup": [("DELETE", "/policy/rules/staff by token", None)],
    "addToken": [("DELETE", "/tokens/A1", None)],
    "importTokens": [("DELETE", "/tokens/A1", None)],
    "assignToken": [("POST", "/tokens/A1/unassign", None)],
    "enableToken": [("POST", "/tokens/A1/disable", None)],
    "activateToken": [
        ("DELETE", "/tokens/A1", None),
        ("POST", "/tokens", {"user": ALICE, "serial": "A1", "method": "hotp", "secret": BASE32, "pending": True}),
    ],
    "revokePass": [("POST", f"/users/{ALICE}/access-pass", {})],
    "cancelBypass": [("POST", f"/users/{ALICE}/bypass", {"reason": "left at home"})],
    "addDirectory": [("DELETE", "/directories/nps", None)],
    "getSync": [("POST", "/directories", LDAP)],
    "startSync": [("POST", "/directories", LDAP)],
    "addClient": [("DELETE", "/clients/web", None)],
    "addPhone": [("DELETE", f"/users/{ALICE}/phones/mine", None)],
    "removePin": [("PUT", f"/users/{ALICE}/pin", {})],
    "addProvider": [("DELETE", "/providers/sms", None)],
    "removeRoute": [("POST", "/routes", examples.SENT["addRoute"])],
    "addRule": [("DELETE", "/policy/rules/staff by token", None)],
}
"""What must have happened for an operation to make sense."""


@dataclass(frozen=True)
class Server:
    """A running server, a client that verifies and one that manages."""

    url: str
    keys: dict[str, str]
    folder: Path

    def client(self, name: str) -> Vestibule:
        return Vestibule(self.url, self.keys[name])

    def furnish(self) -> None:
        """Alice with her token, her group, a rule and a client, all as on the first day."""
        with self.client("admin") as mfa:
            for place in FURNITURE:
                with suppress(Problem):
                    mfa.call("DELETE", place)
            mfa.call("DELETE", "/settings/challenge_seconds")
            mfa.call("POST", "/groups", examples.SENT["addGroup"])
            mfa.call("POST", "/users", {"name": ALICE, "groups": ["staff"], "mfa": "enforced", "password": PASSWORD})
            token = {"user": ALICE, "serial": "A1", "method": "hotp", "secret": BASE32}
            mfa.call("POST", "/tokens", token)
            mfa.call("POST", "/clients", examples.SENT["addClient"])
            mfa.call("POST", "/directories", examples.SENT["addDirectory"])
            mfa.call("POST", "/providers", examples.SENT["addProvider"])
            mfa.call("POST", f"/users/{ALICE}/phones", examples.SENT["addPhone"])
            mfa.call("POST", "/policy/rules", {**examples.SENT["addRule"], "methods": []})

    def prepare(self, operation: str) -> dict[str, str]:
        """What the examples stand for, now."""
        self.furnish()
        with self.client("admin") as mfa:
            for method, place, body in BEFORE.get(operation, []):
                mfa.call(method, place, body)
        codes = (10, 11) if operation == "resyncToken" else (0, 1)
        stands_for = {URL: self.url, "123456": hotp(KEY, codes[0]), "654321": hotp(KEY, codes[1])}
        if operation == "undoChange":
            with self.client("admin") as mfa:
                mfa.call("PUT", "/settings/challenge_seconds", {"value": 61.0})
                newest = mfa.call("GET", "/settings/changes")["changes"][0]
            stands_for[examples.CHANGE["change"]] = newest["change"]
        if operation in ("answerAttempt", "chooseInAttempt", "waitForAttempt"):
            with self.client("shop") as mfa:
                asked = mfa.begin(ALICE)
            assert isinstance(asked, Challenge)
            stands_for |= {examples.ATTEMPT: asked.attempt, examples.NONCE: asked.nonce}
        return stands_for

    def shell(self, script: str, **more: str) -> str:
        """Run it as a person would who copies it."""
        environment = {"PATH": os.environ["PATH"], "URL": self.url, **more}
        ran = subprocess.run(
            ["bash", "-euc", script],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return ran.stdout


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Server]:
    installation = Installation(make_template(folder))
    pieces = await installation.open()
    commands = Commands(pieces)

    async def key(name: str, **wanted: object) -> str:
        told = await commands.run("api_key.add", {"name": name, **wanted}, "uid 0")
        return str(told["secret"])

    await commands.run("client.add", {"name": "shop", "sign_in": "code_only"}, "uid 0")
    await commands.run("client.add", {"name": "door", "sign_in": "password_then_code"}, "uid 0")
    keys = {
        "shop": await key("shop", client="shop"),
        "door": await key("door", client="door"),
        "admin": await key("admin", rights=list(Right)),
    }
    await pieces.close()
    (folder / "vestibule.toml").write_text(
        f'data_directory = "{installation.data}"\n[key]\nfile = "{installation.key}"\n[server]\nname = "mfa1"\n'
        '[radius]\nlisten = ["127.0.0.1:0"]\n[http]\nlisten = "127.0.0.1:0"\n[api]\nlisten = ["127.0.0.1:0"]\n'
    )
    async with running(Home(folder)) as server:
        yield Server(server.api, keys, folder)


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def sections() -> Iterator[tuple[str, str, str]]:
    """Each operation of the page with its curl and its Python."""
    for section in OPERATIONS.read_text(encoding="utf-8").split("\n### ")[1:]:
        name = re.search(r"^`(\w+)`", section, re.MULTILINE)
        assert name
        yield name[1], fenced(section, "sh")[0], fenced(section, "python")[0]


def replaced(text: str, stands_for: dict[str, str]) -> str:
    for example, real in stands_for.items():
        text = text.replace(example, real)
    return text


def fits(operation: str, told: dict[str, Any]) -> None:
    """Raises ValidationError unless it is what the operation tells when all goes well."""
    shape = ROUTES[operation].response_model
    assert shape
    if shape is AcceptedShown and told.get("decision") != "accept":
        Pending.model_validate(told)
    else:
        shape.model_validate(told)


def run_all(server: Server) -> list[str]:
    """Run each example of the page both ways; the operations that were run."""
    ran = []
    for operation, curl, python in sections():
        kind = "shop" if "Attempt" in operation else "admin"
        stands_for = server.prepare(operation)
        fits(operation, json.loads(server.shell(replaced(curl, stands_for), KEY=server.keys[kind])))
        stands_for = server.prepare(operation)
        names: dict[str, Any] = {"Challenge": Challenge, "Waiting": Waiting}
        with server.client(kind) as mfa:
            exec(replaced(python, stands_for), {**names, "mfa": mfa}, names)
        assert isinstance(names.get("decision", Accepted("")), Accepted | Challenge), operation
        ran.append(operation)
    return ran


@pytest.mark.timeout(180)
async def test_every_operation_is_shown_with_curl_and_python_that_work(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        ran = await asyncio.to_thread(run_all, server)
    assert sorted(ran) == sorted(ROUTES)


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    written = OPERATIONS.read_text(encoding="utf-8")
    assert page(without_anything_behind()) == written, CURE
    main([str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == written


# -- the pages that are written by hand --------------------------------------------------------------------------------


def examples_of(path: Path) -> dict[str, str]:
    """The shell examples that have a name."""
    found = re.findall(r"<!-- example: (\w+) -->\n```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    return dict(found)


def run_by_hand(server: Server) -> None:
    shown, keys = examples_of(API), server.keys
    server.furnish()
    with server.client("admin") as mfa:
        mfa.call("PATCH", f"/users/{ALICE}", {"name": "alice"})
    said = {"KEY": keys["shop"], "ADMIN": keys["admin"]}

    def told(name: str, **more: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(server.shell(shown.pop(name), **said, **more))
        return found

    assert told("verify", CODE=hotp(KEY, 0)) == {"decision": "accept", "user": "alice", "groups": ["staff"]}
    asked = told("begin")
    assert asked["decision"] == "challenge"
    question = {"ATTEMPT": asked["attempt"], "NONCE": asked["nonce"]}
    assert told("wait", **question) == asked
    assert told("answer", **question, CODE=hotp(KEY, 1))["decision"] == "accept"
    assert told("change")["user"]["first_name"] == "Alice"
    assert told("journal")["lines"] == []
    assert told("import")["created"] == 1
    rows = [TokenRow(0, None, "A8", Secret(bytes(20)), 30)]
    closed = "".join(write_pskc(rows, Passphrase(Secret.of("open sesame"), 10), bytes))
    (server.folder / "tokens.xml").write_text(closed)
    assert told("closed", PASSPHRASE="open sesame")["created"] == 1
    assert not shown


async def test_the_examples_on_the_page_of_the_api_work(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await asyncio.to_thread(run_by_hand, server)


def run_program(server: Server, program: str) -> None:
    """Run one, with what it asks for handed to it."""
    server.furnish()
    file = server.folder / "tokens.csv"
    file.write_text(f"A7,{BASE32[:-1]}A,30\n")
    kind = "admin" if "admin_key" in program else "door" if "password" in program else "shop"
    code = hotp(KEY, 0)
    names = {
        "ask": lambda _text: code,
        "user": ALICE,
        "password": PASSWORD,
        "code": code,
        "address": "203.0.113.7",
        "key": server.keys[kind],
        "admin_key": server.keys["admin"],
    }
    exec(program.replace(URL, server.url).replace("tokens.csv", str(file)), names)
    assert names.get("let_in", True) is True, program


def run_programs(server: Server) -> int:
    """Run each program on the page of the client; how many there are."""
    programs = fenced(CLIENT.read_text(encoding="utf-8"), "python")
    for program in programs:
        run_program(server, program)
    return len(programs)


async def test_the_programs_on_the_page_of_the_client_work(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        assert await asyncio.to_thread(run_programs, server) >= 4
