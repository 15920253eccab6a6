"""The demonstration: make it if it is not there yet, run it, say what to try."""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from vestibule.apps.cli.beginning import begin
from vestibule.apps.cli.demo_contents import API_KEY_FILE, USER, Contents, contents, write_private
from vestibule.apps.cli.demo_text import Shown, told
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

CLIENTS = (
    {"id": "demo", "name": "Demo", "sign_in": "password_then_code"},
    {"id": "demo-one-field", "name": "Demo, one field", "sign_in": "password_and_code"},
    {"id": "demo-code-only", "name": "Demo, code only", "sign_in": "code_only"},
)

KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "api_key": (API_KEY_FILE, {"name": "demo", "client": CLIENTS[0]["id"]}),
    "admin_key": ("admin-key", {"name": "demo-admin", "rights": list(Right)}),
}
"""By their names for machines: the file that a key of the API is kept in, and what it is for."""


def run() -> None:
    """Run until Ctrl-C."""
    directory = _directory()
    configuration = _configured(directory)
    known = contents(directory)
    place = directory / "demo.json"
    place.unlink(missing_ok=True)
    if not configuration.database.file.exists():
        begin(configuration)

    async def ready(pieces: Pieces, addresses: Addresses) -> None:
        commands = Commands(pieces)
        await _fill(commands, known)
        keys = {name: await _key(commands, directory, *wanted) for name, wanted in KEYS.items()}
        write_private(place, json.dumps({**_for_machines(known, addresses), **keys}, indent=2) + "\n")
        radius = addresses.radius[0]
        say(told(Shown(known, radius.host, radius.port, str(addresses.http), directory)))

    try:
        serve(configuration, ready)
    except Taken as taken:
        remedy = "For free ports: VESTIBULE_RADIUS_PORT=0 VESTIBULE_HTTP_PORT=0 make demo"
        raise Stop(f"{taken} {remedy}", taken.code) from None
    say("Stopped. The next start goes on with the same user, password and secrets.")


def _directory() -> Path:
    directory = Path(os.environ.get("VESTIBULE_DEMO_DIR") or ".demo").absolute()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(
            f"{directory} cannot be made: {error.strerror}. Name another place in VESTIBULE_DEMO_DIR.", Code.USAGE
        ) from None
    return directory


def _configured(directory: Path) -> Configuration:
    """The demonstration's own configuration; nothing else of the environment counts."""
    file = directory / "vestibule.toml"
    if not file.exists():
        write_private(file, _toml(directory))
    radius = _port("VESTIBULE_RADIUS_PORT", RADIUS_PORT) or _free_pair()
    http = _port("VESTIBULE_HTTP_PORT", HTTP_PORT)
    overriding = {
        "VESTIBULE_RADIUS_LISTEN": f"{HOST}:{radius}",
        "VESTIBULE_HTTP_LISTEN": f"{HOST}:{http}",
        "VESTIBULE_API_LISTEN": f"{HOST}:{http}",
    }
    with errors_told():
        return load(file, overriding)


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


def _free_pair() -> int:
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
    serials = {one["serial"] for one in (await commands.run("token.list", {"user": USER}, ACTOR))["tokens"]}
    for token in _tokens(known):
        if token["serial"] not in serials:
            await commands.run("token.add", token, ACTOR)


def _client(client: dict[str, str], known: Contents) -> dict[str, Any]:
    nas_identifier = "" if client["id"] == CLIENTS[0]["id"] else client["id"]
    return {**client, "networks": [HOST], "secret": known.radius_secret, "nas_identifier": nas_identifier}


def _tokens(known: Contents) -> tuple[dict[str, Any], ...]:
    hotp_key = write_key(Secret(bytes.fromhex(known.hotp_secret)))
    return (
        {"user": USER, "serial": "DEMO-TOTP", "method": "totp", "secret": known.totp_secret},
        {"user": USER, "serial": "DEMO-HOTP", "method": "hotp", "secret": hotp_key},
    )


async def _key(commands: Commands, directory: Path, file: str, wanted: dict[str, Any]) -> str:
    """The key that is kept; made anew where the file or the server has lost it."""
    kept = directory / "secrets" / file
    known = {one["name"]: one["id"] for one in (await commands.run("api_key.list", {}, ACTOR))["keys"]}
    if kept.exists() and wanted["name"] in known:
        return kept.read_text().strip()
    if wanted["name"] in known:
        await commands.run("api_key.remove", {"id": known[wanted["name"]]}, ACTOR)
    made: str = (await commands.run("api_key.add", wanted, ACTOR))["secret"]
    kept.unlink(missing_ok=True)
    write_private(kept, f"{made}\n")
    return made


def _for_machines(known: Contents, addresses: Addresses) -> dict[str, Any]:
    radius = addresses.radius[0]
    return {
        "radius": {"host": radius.host, "port": radius.port, "secret": known.radius_secret},
        "http": addresses.api[0],
        "user": {
            "name": USER,
            "password": known.password,
            "totp_secret": known.totp_secret,
            "hotp_secret": known.hotp_secret,
        },
    }
