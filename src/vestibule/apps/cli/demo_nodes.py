"""The demonstration of two nodes on one PostgreSQL: the database, the second node beside us, the first one in here."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vestibule.apps.background import heads_file
from vestibule.apps.cli.beginning import begin
from vestibule.apps.cli.demo_contents import contents, write_private
from vestibule.apps.cli.demo_database import postgresql
from vestibule.apps.cli.demo_server import (
    FREE_PORTS,
    HOST,
    LAST_WORDS,
    Demonstration,
    Ports,
    demo_directory,
    free_pair,
    http_port,
    loaded,
    radius_port,
    serve_until_stopped,
)
from vestibule.apps.cli.demo_text import Node
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.leash import Leashed
from vestibule.apps.cli.lock import locked
from vestibule.apps.cli.output import say
from vestibule.apps.cli.start import told
from vestibule.apps.configuration import Configuration
from vestibule.apps.pieces import Pieces
from vestibule.apps.server import Addresses
from vestibule.stores.sql.beginning import in_use

START_SECONDS = 30.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.1
LAST_RADIUS_PORT = 65_534
REMEDY = f"{FREE_PORTS} DATABASE=postgresql"
TOML = """\
# Made by `vestibule demo --database postgresql` at each start, for this machine only.
data_directory = {data}

[server]
name = "{name}"
control_socket = {control_socket}

[key]
file = {key}

[database]
url = {url}

[radius]
listen = ["{host}:{radius}"]

[http]
listen = "{host}:{http}"

[api]
listen = ["{host}:{http}"]

[log]
format = "console"
level = "warning"

[demo]
enabled = true
"""


def run() -> None:
    """Run until Ctrl-C."""
    directory = demo_directory()
    home = directory / "postgresql"
    home.mkdir(mode=0o700, exist_ok=True)
    first, second = _ports()
    with locked(home), postgresql(home) as url:
        demonstration = Demonstration(directory, home, _file(home, 1, url, first), contents(home))
        demonstration.place.unlink(missing_ok=True)
        configuration = loaded(demonstration.configuration, first)
        other = _file(home, 2, url, second)
        _begin(configuration, loaded(other, second))
        with _running(other, second) as beside:

            async def ready(pieces: Pieces, addresses: Addresses) -> None:
                await asyncio.to_thread(_wait, beside, second)
                await demonstration.show(pieces, addresses, Node(HOST, second.radius, f"http://{HOST}:{second.http}"))

            serve_until_stopped(configuration, ready, REMEDY)
    say(LAST_WORDS)


def _ports() -> tuple[Ports, Ports]:
    """The chosen ports, and the next ones; free ones where the first node has some."""
    radius, http = radius_port(), http_port()
    further = radius + 2 if 0 < radius < LAST_RADIUS_PORT - 2 else 0
    return Ports(radius or free_pair(), http), Ports(further or free_pair(), http + 1 if http else _free_port())


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return int(trial.getsockname()[1])


def _file(home: Path, number: int, url: str, ports: Ports) -> Path:
    """The configuration of a node; written anew, for the place of the database stands in it."""
    name = f"node{number}"
    text = TOML.format(
        name=name,
        data=json.dumps(str(home / name)),
        control_socket=json.dumps(str(home / f"{name}.sock")),
        key=json.dumps(str(home / f"{name}-key" / "master.key")),
        url=json.dumps(url),
        host=HOST,
        radius=ports.radius,
        http=ports.http,
    )
    write_private(home / f"{name}.toml", text)
    return home / f"{name}.toml"


def _begin(first: Configuration, second: Configuration) -> None:
    """Make the database, and let the second node join it; a start that was broken off is made whole."""
    with told():
        begun = in_use(first.database.url)
    if not begun:
        first.key.file.unlink(missing_ok=True)  # nothing is sealed with it
        begin(first)
    if not heads_file(second, {}).exists():
        second.key.file.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(first.key.file, second.key.file)
        begin(second)


@contextmanager
def _running(file: Path, ports: Ports) -> Iterator[Leashed]:
    """The second node as `vestibule serve` runs it, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    command: list[str | Path] = [Path(sys.argv[0]).absolute(), "--config", file, "serve"]
    beside = Leashed(command, signal.SIGTERM, environment={**kept, **ports.variables()})
    try:
        yield beside
    finally:
        beside.stop(STOP_SECONDS)


def _wait(beside: Leashed, ports: Ports) -> None:
    """Until the second node can decide. Raises Stop when it never can."""
    end = time.monotonic() + START_SECONDS
    while not _answers(ports):
        if beside.ended or time.monotonic() > end:
            raise Stop(f"The second node has not started; it says above why. {REMEDY}", Code.UNAVAILABLE)
        time.sleep(LOOK_SECONDS)


def _answers(ports: Ports) -> bool:
    asking = http.client.HTTPConnection(HOST, ports.http, timeout=LOOK_SECONDS * 10)
    try:
        asking.request("GET", "/readyz")
        return asking.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        asking.close()
