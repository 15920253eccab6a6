"""Processes that sweep an outbox until they are killed: `python -m tests.races.sender <URL of a database> <key file>`.

Each line on standard input, `<socket of the carrier> <idempotent: 0 or 1> <node>`, makes one by fork, whose process id
is printed. The carrier is told each send on its socket, one line each, and answers when it has taken it; when nothing
is left to do the process closes its store, tells `done`, and ends.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import structlog

from tests.delivery.scripted import ScriptedKind
from tests.delivery.world import mac
from tests.waist.rubberstamp import Rubberstamp
from vestibule.apps.channels import LiveProviders
from vestibule.core.delivery import Abilities, Medium, Outcome, Outgoing, Sent
from vestibule.core.engine import Engine
from vestibule.core.outbox import OutboxRow
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.dispatching import Dispatcher
from vestibule.flows.sending import Sending
from vestibule.flows.sweep import Sweep
from vestibule.stores.key_file import read_key_file
from vestibule.stores.sql import open_store, read_keys
from vestibule.stores.vault import Vault


class Line:
    """A provider at the other end of a socket."""

    def __init__(self, path: str, *, idempotent: bool) -> None:
        self.abilities = Abilities(frozenset({Medium.TEXT}), idempotent=idempotent)
        self._path = path

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        await told(self._path, outgoing.id)
        return Sent(Outcome.ACCEPTED, outgoing.id)

    async def close(self) -> None:
        """Nothing is open."""


async def told(path: str, line: str) -> None:
    """Tell the carrier, and wait until it has taken it."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"{line}\n".encode())
    await reader.readline()
    writer.close()


async def sweep_to_the_end(url: str, key: Path, path: str, idempotent: str, node: str) -> None:
    vault = Vault.open(read_key_file(key), await asyncio.to_thread(read_keys, url), secrets.token_bytes)
    store = await open_store(url, vault, node=node, now=time.time(), chance=secrets.token_bytes)
    kind = ScriptedKind({"line": Line(path, idempotent=idempotent == "1")})
    providers = LiveProviders({"scripted": kind}, lambda: store.snapshot, lambda _: "", structlog.get_logger())
    dispatcher = Dispatcher(lambda: store.snapshot, mac, secrets.token_bytes, node, "Vestibule")
    channels = {"text": Sending("text", store, dispatcher, providers, {}, time.time, time.monotonic)}
    authenticate = Authenticate(
        store, Engine([]), Rubberstamp(), channels, time.time, time.monotonic, secrets.token_bytes, mac
    )
    sweep, starting = Sweep(store, authenticate, channels, node, time.time), True
    while rows := await store.read(lambda reading: reading.page(OutboxRow, "", 9999)):
        if all(row.unknown for row in rows):
            break
        await sweep.outbox(starting=starting)
        await authenticate.close()
        starting = False
    await store.close()
    await told(path, "done")


def main(url: str, key: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return asyncio.run(sweep_to_the_end(url, Path(key), *line.split()))
        print(child, flush=True)
    return None


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    main(*sys.argv[1:])
