"""The demonstration: make it if it is not there yet, run it, say what to try."""

import json
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestibule.apps.cli.beginning import begin
from vestibule.apps.cli.demo_contents import ADMIN, API_KEY_FILE, USER, Contents, contents, write_private
from vestibule.apps.cli.demo_text import Node, Shown, told
from vestibule.apps.cli.exits import Code, Stop, Taken
from vestibule.apps.cli.output import say
from vestibule.apps.cli.serving import run as serve
from vestibule.apps.cli.start import told as errors_told
from vestibule.apps.commands.running import Commands
from vestibule.apps.configuration import Configuration, load
from vestibule.apps.pieces import Pieces
from vestibule.apps.server import Addresses
from vestibule.core.api_keys import Right
from vestibule.core.secret import Secret
from vestibule.wire.otpauth import write_key

HOST = "127.0.0.1"
RADIUS_PORT = 18120
HTTP_PORT = 19464
ACTOR = "demo"
FREE_PORTS = "For free ports: VESTIBULE_RADIUS_PORT=0 VESTIBULE_HTTP_PORT=0 make demo"
LAST_WORDS = "Stopped. The next start goes on with the same user, password and secrets."

PROVIDER = "demo-phone"
PIN = "8264"
NUMBERS: tuple[dict[str, Any], ...] = (
    {"number": "+14255550100", "uses": ["text", "call", "reply"], "pin": False, "label": "Mobile"},
    {"number": "+14255550101", "kind": "office", "uses": ["call"], "pin": True, "label": "Office, with a PIN"},
)

PATIENT: dict[str, Any] = {
    "sending.regions": ["US"],
    "sending.text_gap": 1,
    "sending.call_gap": 1,
    "sending.person_attempts": 100,
    "sending.person_in_5_minutes": 100,
    "sending.person_in_hour": 1000,
    "sending.person_in_day": 1000,
    "sending.number_in_10_minutes": 100,
    "sending.number_in_hour": 1000,
    "sending.number_in_day": 1000,
    "sending.new_number_in_day": 100,
    "sending.address_in_hour": 1000,
}
"""Limits that a telephone on a page does not need; whoever tries things out would meet them at once."""

BUDGET = 60.0  # seconds: a call rings and is answered within them
CLIENTS: tuple[dict[str, Any], ...] = (
    {"id": "demo", "name": "Demo", "sign_in": "password_then_code", "time_budget": BUDGET},
    {"id": "demo-one-field", "name": "Demo, one field", "sign_in": "password_and_code", "time_budget": BUDGET},
    {"id": "demo-code-only", "name": "Demo, code only", "sign_in": "code_only", "time_budget": BUDGET},
)

KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "api_key": (API_KEY_FILE, {"name": "demo", "client": CLIENTS[0]["id"]}),
    "admin_key": ("admin-key", {"name": "demo-admin", "rights": list(Right)}),
}
"""By their names for machines: the file that a key of the API is kept in, and what it is for."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One demonstration: `directory` is what the user named, `home` where this one keeps its files.

    `configuration` is the file of its first node.
    """

    directory: Path
    home: Path
    configuration: Path
    known: Contents

    @property
    def place(self) -> Path:
        """Where programs read how to reach it."""
        return self.directory / "demo.json"

    async def show(self, pieces: Pieces, addresses: Addresses, *further: Node) -> None:
        """Make what is missing, and say to programs and people what there is to try."""
        commands = Commands(pieces)
        await _fill(commands, self.known)
        keys = {name: await _key(commands, self.home, *wanted) for name, wanted in KEYS.items()}
        radius = addresses.radius[0]
        nodes = (Node(radius.host, radius.port, addresses.api[0]), *further)
        write_private(self.place, json.dumps({**_for_machines(self.known, nodes), **keys}, indent=2) + "\n")
        say(told(Shown(self.known, nodes, str(addresses.http), self.directory, self.home, self.configuration)))


def run() -> None:
    """Run until Ctrl-C."""
    directory = demo_directory()
    file = directory / "vestibule.toml"
    if not file.exists():
        write_private(file, _toml(directory))
    configuration = loaded(file, Ports(radius_port() or free_pair(), http_port()))
    demonstration = Demonstration(directory, directory, file, contents(directory))
    demonstration.place.unlink(missing_ok=True)
    if not configuration.database.file.exists():
        begin(configuration)
    serve_until_stopped(configuration, demonstration.show)
    say(LAST_WORDS)


def serve_until_stopped(
    configuration: Configuration,
    ready: Callable[[Pieces, Addresses], Awaitable[None]],
    remedy: str = FREE_PORTS,
) -> None:
    """Serve; where a port is taken, `remedy` says what to type."""
    try:
        serve(configuration, ready)
    except Taken as taken:
        raise Stop(f"{taken} {remedy}", taken.code) from None


def demo_directory() -> Path:
    """The directory that was named, made if need be. Raises Stop."""
    directory = Path(os.environ.get("VESTIBULE_DEMO_DIR") or ".demo").absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(
            f"{directory} cannot be made: {error.strerror}. Name another place in VESTIBULE_DEMO_DIR.", Code.USAGE
        ) from None
    return directory


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one node listens; the port after `radius` is for accounting, `http` may be 0."""

    radius: int
    http: int

    def variables(self) -> dict[str, str]:
        """The same for the environment of the node."""
        return {
            "VESTIBULE_RADIUS_LISTEN": f"{HOST}:{self.radius}",
            "VESTIBULE_HTTP_LISTEN": f"{HOST}:{self.http}",
            "VESTIBULE_API_LISTEN": f"{HOST}:{self.http}",
        }


def loaded(file: Path, ports: Ports) -> Configuration:
    """A node's own configuration; nothing else of the environment counts."""
    with errors_told():
        return load(file, ports.variables())


def radius_port() -> int:
    """The chosen port for RADIUS, 0 = a free one. Raises Stop."""
    return _port("VESTIBULE_RADIUS_PORT", RADIUS_PORT)


def http_port() -> int:
    """The chosen port for HTTP, 0 = a free one. Raises Stop."""
    return _port("VESTIBULE_HTTP_PORT", HTTP_PORT)


def _toml(directory: Path) -> str:
    data, key = json.dumps(str(directory / "data")), json.dumps(str(directory / "key" / "master.key"))
    return (
        "# Made by `vestibule demo`, for this machine only.\n"
        f"data_directory = {data}\n\n"
        f"[key]\nfile = {key}\n\n"
        f'[radius]\nlisten = ["{HOST}:{RADIUS_PORT}"]\n\n'
        f'[http]\nlisten = "{HOST}:{HTTP_PORT}"\n\n'
        f'[api]\nlisten = ["{HOST}:{HTTP_PORT}"]\n\n'
        '[log]\nformat = "console"\nlevel = "warning"\n\n'
        "[demo]\nenabled = true\n"
    )


def _port(variable: str, usual: int) -> int:
    text = os.environ.get(variable) or str(usual)
    if not (text.isascii() and text.isdigit() and int(text) < 65535):
        raise Stop(f"{variable} must be a port below 65535, or 0 for a free one.", Code.USAGE)
    return int(text)


def free_pair() -> int:
    """A free port whose neighbour, for accounting, is free too."""
    while True:
        with (
            suppress(OSError, OverflowError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as neighbour,
        ):
            one.bind((HOST, 0))
            port: int = one.getsockname()[1]
            neighbour.bind((HOST, port + 1))
            return port


async def _fill(commands: Commands, known: Contents) -> None:
    """Add what is missing; a start that was broken off is made whole by the next."""
    clients = {one["id"] for one in (await commands.run("client.list", {}, ACTOR))["clients"]}
    for client in CLIENTS:
        if client["id"] not in clients:
            await commands.run("client.add", _client(client, known), ACTOR)
    if not (await commands.run("user.list", {"search": USER}, ACTOR))["users"]:
        user = {"name": USER, "first_name": "Demo", "password": known.password, "mfa": "enforced"}
        await commands.run("user.add", user, ACTOR)
    await _connect(commands)
    serials = {one["serial"] for one in (await commands.run("token.list", {"user": USER}, ACTOR))["tokens"]}
    for token in _tokens(known):
        if token["serial"] not in serials:
            await commands.run("token.add", token, ACTOR)
    await _fill_owner(commands, known)


async def _fill_owner(commands: Commands, known: Contents) -> None:
    """Somebody who administers, with a second factor as they all have."""
    if not (await commands.run("user.list", {"search": ADMIN}, ACTOR))["users"]:
        admin = {"name": ADMIN, "first_name": "Owner", "password": known.admin_password, "mfa": "enforced"}
        await commands.run("user.add", admin, ACTOR)
    if not (await commands.run("token.list", {"user": ADMIN}, ACTOR))["tokens"]:
        token = {"user": ADMIN, "serial": "ADMIN-TOTP", "method": "totp", "secret": known.admin_totp_secret}
        await commands.run("token.add", token, ACTOR)
    if not (await commands.run("user.roles", {}, ACTOR))["users"]:
        await commands.run("user.role", {"name": ADMIN, "role": "owner"}, ACTOR)


async def _connect(commands: Commands) -> None:
    """Give the demo user a number that is called and texted, and one that asks for a PIN; both are the telephone's."""
    if PROVIDER in {one["id"] for one in (await commands.run("provider.list", {}, ACTOR))["providers"]}:
        return
    await commands.run("provider.add", {"id": PROVIDER, "kind": "demo", "settings": {}}, ACTOR)
    for number in NUMBERS:
        await commands.run("phone.add", {"user": USER, **number}, ACTOR)
    for name, value in PATIENT.items():
        await commands.run("setting.set", {"name": name, "value": value, "reason": "a demonstration"}, ACTOR)
    await commands.run("pin.set", {"user": USER, "pin": PIN, "must_change": False}, ACTOR)


def _client(client: dict[str, Any], known: Contents) -> dict[str, Any]:
    nas_identifier = "" if client["id"] == CLIENTS[0]["id"] else client["id"]
    return {**client, "networks": [HOST], "secret": known.radius_secret, "nas_identifier": nas_identifier}


def _tokens(known: Contents) -> tuple[dict[str, Any], ...]:
    hotp_key = write_key(Secret(bytes.fromhex(known.hotp_secret)))
    return (
        {"user": USER, "serial": "DEMO-TOTP", "method": "totp", "secret": known.totp_secret},
        {"user": USER, "serial": "DEMO-HOTP", "method": "hotp", "secret": hotp_key},
    )


async def _key(commands: Commands, home: Path, file: str, wanted: dict[str, Any]) -> str:
    """The key that is kept; made anew where the file or the server has lost it."""
    kept = home / "secrets" / file
    known = {one["name"]: one["id"] for one in (await commands.run("api_key.list", {}, ACTOR))["keys"]}
    if kept.exists() and wanted["name"] in known:
        return kept.read_text().strip()
    if wanted["name"] in known:
        await commands.run("api_key.remove", {"id": known[wanted["name"]]}, ACTOR)
    made: str = (await commands.run("api_key.add", wanted, ACTOR))["secret"]
    kept.unlink(missing_ok=True)
    write_private(kept, f"{made}\n")
    return made


def _for_machines(known: Contents, nodes: Sequence[Node]) -> dict[str, Any]:
    """The first node, as ever, and all of them."""
    first = nodes[0]
    return {
        "radius": {"host": first.host, "port": first.port, "secret": known.radius_secret},
        "http": first.http,
        "signin": first.sign_in,
        "phone": first.phone,
        "administration": first.administration,
        "nodes": [{"http": node.http, "radius": {"host": node.host, "port": node.port}} for node in nodes],
        "user": {
            "name": USER,
            "password": known.password,
            "totp_secret": known.totp_secret,
            "hotp_secret": known.hotp_secret,
        },
        "admin": {"name": ADMIN, "password": known.admin_password, "totp_secret": known.admin_totp_secret},
    }
