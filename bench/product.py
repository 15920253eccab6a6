"""The product in a process of its own: `python -m bench.product serve|patient CORE CONFIGURATION`; it ends by SIGTERM.

*serve* is the server as it is shipped. *patient* is the same with a method that is answered elsewhere, as a push or a
call will be; SIGUSR1 approves all that wait.
"""

import asyncio
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from bench.machine import pin
from tests.waist.methods import Tap
from vestibule.apps.cli.serving import run
from vestibule.apps.configuration import Configuration, load
from vestibule.apps.dictionary import dictionary
from vestibule.apps.pieces import Pieces, put_together
from vestibule.apps.server import Addresses
from vestibule.core.attempts import Attempt
from vestibule.core.engine import Engine
from vestibule.core.ports import Reading
from vestibule.core.secret import Secret
from vestibule.directories.local import LocalDirectory
from vestibule.flows.authenticate import Authenticate
from vestibule.frontends.radius.counts import Counts
from vestibule.frontends.radius.door import Manners, RadiusDoor

PAGE = 250


def ready(port: int, api: int = 0) -> None:
    print(json.dumps({"port": port, "api": api}), flush=True)


def shipped(configuration: Configuration) -> None:
    async def on_ready(_pieces: Pieces, addresses: Addresses) -> None:
        ready(addresses.radius[0].port, urlsplit(addresses.api[0]).port or 0)

    run(configuration, on_ready)


def patient(configuration: Configuration) -> None:
    uvloop.run(_patient(configuration))


async def _patient(configuration: Configuration) -> None:
    pieces = await put_together(configuration)
    authenticate = _with_tap(pieces)
    store = pieces.store
    counts = Counts(CollectorRegistry(), structlog.get_logger())
    door = RadiusDoor(
        authenticate, pieces.account, lambda: store.snapshot, dictionary(configuration), counts, Manners()
    )
    _, port = await door.listen("127.0.0.1", 0, accounting=False)
    ready(port)
    await _signal(signal.SIGUSR1)
    await _approve_all(pieces, authenticate)
    await _signal(signal.SIGTERM)
    await door.close()
    await pieces.close()


def _with_tap(pieces: Pieces) -> Authenticate:
    engine = Engine(pieces.methods, [Tap(channel="", seconds=120.0)])
    return Authenticate(
        pieces.store,
        engine,
        LocalDirectory(_no_password, pieces.passwords),
        {},
        time.time,
        time.monotonic,
        secrets.token_bytes,
        lambda said: pieces.vault.mac("token", said),
    )


async def _no_password(_user_id: str) -> None:
    """Nobody has one here."""


async def _approve_all(pieces: Pieces, authenticate: Authenticate) -> None:
    after = ""
    while page := await pieces.store.read(partial(_page, after)):
        await asyncio.gather(*(_approve(authenticate, one) for one in page if one.awaited))
        after = page[-1].id


def _page(after: str, reading: Reading) -> list[Attempt]:
    return reading.page(Attempt, after, PAGE)


async def _approve(authenticate: Authenticate, attempt: Attempt) -> None:
    if attempt.challenge is not None:
        number = Secret.of(attempt.challenge.memory)
        await authenticate.answer(attempt.id, attempt.challenge.nonce, number, f"{attempt.id}/approved")


async def _signal(number: signal.Signals) -> None:
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(number, arrived.set)
    await arrived.wait()
    loop.remove_signal_handler(number)


SERVERS: dict[str, Callable[[Configuration], None]] = {"serve": shipped, "patient": patient}

if __name__ == "__main__":
    pin(int(sys.argv[2]))
    SERVERS[sys.argv[1]](load(Path(sys.argv[3]), {}))
