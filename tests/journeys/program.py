"""The server as a process of its own, to be watched, stopped and killed.

home = Home.lay_out(tmp_path)
async with home.opened() as store: ...      # people and clients, before it starts or after it is gone
async with running(home) as server: ...     # server.radius, server.process
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.journeys.nas import Address
from vestibule.core.ports import Store
from vestibule.stores.key_file import create_key_file, read_key_file
from vestibule.stores.sql import add_keys, open_store, read_keys
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.vault import Vault

PATIENCE = 40.0
CONFIGURATION = """
data_directory = "{folder}/data"
[server]
name = "mfa1"
[key]
file = "{folder}/key/master.key"
[radius]
listen = ["127.0.0.1:0"]
[http]
listen = "127.0.0.1:0"
[api]
listen = ["127.0.0.1:0"]
"""


@dataclass(frozen=True)
class Home:
    """A data directory with its key and its configuration."""

    folder: Path

    @classmethod
    def lay_out(cls, folder: Path) -> "Home":
        home = cls(folder)
        (folder / "data").mkdir(mode=0o700)
        home.configuration.write_text(CONFIGURATION.format(folder=folder))
        master = create_key_file(home.key, secrets.token_bytes)
        upgrade(home.url)
        _, rows = Vault.create(master, secrets.token_bytes)
        add_keys(home.url, rows)
        return home

    @property
    def configuration(self) -> Path:
        return self.folder / "vestibule.toml"

    @property
    def key(self) -> Path:
        return self.folder / "key" / "master.key"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder}/data/vestibule.db"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Store]:
        """Open the store from here, while no server runs."""
        vault = Vault.open(read_key_file(self.key), read_keys(self.url), secrets.token_bytes)
        store = await open_store(self.url, vault, node="test", now=time.time(), chance=secrets.token_bytes)
        try:
            yield store
        finally:
            await store.close()


@dataclass(frozen=True)
class Server:
    """A running one, or one that was killed."""

    pid: int
    radius: Address
    http: Address
    api: str
    radsec: tuple[Address, ...] = ()

    @property
    def accounting(self) -> Address:
        return self.radius[0], self.radius[1] + 1

    async def end(self, by: signal.Signals) -> None:
        """Send a signal and wait until the process is gone; one that is gone already is left alone."""
        try:
            watched = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        gone, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(watched, gone.set)
        try:
            signal.pidfd_send_signal(watched, by)
            await gone.wait()
        finally:
            loop.remove_reader(watched)
            os.close(watched)

    async def kill(self) -> None:
        """End it as a power cut would end the process."""
        await self.end(signal.SIGKILL)


Start = Callable[[Home], AbstractAsyncContextManager[Server]]


@asynccontextmanager
async def running(home: Home, *before: str) -> AsyncIterator[Server]:
    """Start the server, under the program `before` if one is given, and stop it in the end if it still runs."""
    process = await _launcher(home.folder, *before, arguments=(str(home.configuration),))
    try:
        async with _stopped_in_the_end(process, home.folder) as server:
            yield server
    finally:
        await process.wait()


@asynccontextmanager
async def nursery(folder: Path) -> AsyncIterator[Start]:
    """Start many servers, one after the other, by fork: each is a process of its own and costs little to start."""
    process = await _launcher(folder)
    files = process.stdin
    assert files

    @asynccontextmanager
    async def start(home: Home) -> AsyncIterator[Server]:
        files.write(f"{home.configuration}\n".encode())
        async with _stopped_in_the_end(process, folder) as server:
            yield server

    try:
        yield start
    finally:
        files.close()
        await process.wait()


async def _launcher(folder: Path, *before: str, arguments: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    command = (*before, sys.executable, "-m", "tests.journeys.launcher", *arguments)
    with _log(folder).open("ab") as log:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=log)


@asynccontextmanager
async def _stopped_in_the_end(process: asyncio.subprocess.Process, folder: Path) -> AsyncIterator[Server]:
    server = await _ready(process, folder)
    try:
        yield server
    finally:
        await server.end(signal.SIGTERM)


async def _ready(process: asyncio.subprocess.Process, folder: Path) -> Server:
    """Wait for the addresses; a server that never tells them says why in its log."""
    assert process.stdout
    try:
        async with asyncio.timeout(PATIENCE):
            said = json.loads(await process.stdout.readline())
    except (TimeoutError, ValueError):
        process.kill()
        pytest.fail(f"the server never was ready: {await asyncio.to_thread(_log(folder).read_text)}")
    return Server(
        said["pid"], tuple(said["radius"]), tuple(said["http"]), said["api"][0], tuple(map(tuple, said["radsec"]))
    )


def _log(folder: Path) -> Path:
    return folder / "log"
