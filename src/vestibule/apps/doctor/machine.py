"""The machine: disk, memory, ports, SQLite's version, the clock against the times of files, the demonstration."""

import errno
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from vestibule.apps.configuration import Configuration, Listener
from vestibule.apps.doctor.findings import Finding, Level

MIB = 1 << 20
DISK_FULL = 50 * MIB
DISK_NEARLY_FULL = 500 * MIB
FIXED_SQLITE = (3, 51, 3)
CLOCK_TOLERANCE = 5.0
MEMORY = Path("/proc/meminfo")


def findings(configuration: Configuration, now: float) -> Iterator[Finding]:
    """Look at the machine; `now` is its own idea of the time."""
    free = _free(configuration.data_directory)
    if free is not None:
        yield from disk_space(configuration.data_directory, free)
    if not configuration.database.postgresql:
        yield from sqlite_version(sqlite3.sqlite_version_info)
        yield from clock(configuration.database.file, now)
    yield from hashing_memory(configuration, available_memory(MEMORY))
    yield from demonstration(configuration)
    if not answers(configuration.server.control_socket):
        yield from _not_running(configuration)


def sqlite_version(found: tuple[int, ...]) -> Iterator[Finding]:
    """Name a release that can damage its log when two connections write it; this program uses one."""
    if found < FIXED_SQLITE:
        yield Finding(
            Level.NOTE,
            f"SQLite {_dotted(found)} can damage a database that two programs write at once (mended in "
            f"{_dotted(FIXED_SQLITE)}). Vestibule writes through one connection only, so this does not strike.",
            "Open the database with nothing else while the server runs; update SQLite when the system offers it.",
        )


def disk_space(directory: Path, free: int) -> Iterator[Finding]:
    """Name a disk that is full, or nearly: nobody signs in when the journal cannot be written."""
    if free < DISK_NEARLY_FULL:
        level = Level.ERROR if free < DISK_FULL else Level.WARNING
        yield Finding(
            level,
            f"Only {free // MIB} MiB are free at {directory}; when it is full, every sign-in is refused.",
            "Make room, or let the journal be shorter with: vestibule setting set journal_keep_days DAYS",
        )


def _free(directory: Path) -> int | None:
    """Octets that are free on its disk; None for a directory that is not there, or not for this user."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None


def clock(database: Path, now: float) -> Iterator[Finding]:
    """Name a database that was written in what this clock calls the future."""
    try:
        ahead = database.stat().st_mtime - now
    except OSError:  # none yet, or not for this user
        return
    if ahead > CLOCK_TOLERANCE:
        yield Finding(
            Level.ERROR,
            f"The clock is wrong, or was: the database was written {ahead:.0f} s from now. Codes depend on the time.",
            "Compare with a time you trust, and let a time service (chrony, systemd-timesyncd) keep the clock.",
        )


def available_memory(source: Path) -> int | None:
    """Octets that new work may use, as Linux estimates them; None where it does not say."""
    try:
        lines = dict(line.split(":", 1) for line in source.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def hashing_memory(configuration: Configuration, available: int | None) -> Iterator[Finding]:
    """Name a machine that cannot hash as many passwords at once as it was told to."""
    wanted = configuration.passwords
    needed = (wanted.workers or os.cpu_count() or 1) * wanted.memory_kib * 1024
    if available is not None and needed > available:
        yield Finding(
            Level.WARNING,
            f"Checking passwords may take {needed // MIB} MiB, and {available // MIB} MiB are free.",
            "Lower passwords.workers or passwords.memory_kib, or give the machine more memory.",
        )


def demonstration(configuration: Configuration) -> Iterator[Finding]:
    """Name a server that holds well-known contents."""
    if configuration.demo.enabled:
        yield Finding(
            Level.WARNING,
            "This is a demonstration: its user and secrets were made to be shown.",
            "Never protect anything with it; make a real one with: vestibule init",
        )


def answers(control_socket: Path) -> bool:
    """Whether a server listens at the control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        return trial.connect_ex(str(control_socket)) == 0


def _not_running(configuration: Configuration) -> Iterator[Finding]:
    path = configuration.server.control_socket
    if not path.parent.is_dir():
        yield Finding(
            Level.ERROR, f"The directory of the control socket {path} does not exist.", f"Make it: {path.parent}"
        )
    else:
        yield Finding(Level.NOTE, f"No server answers at {path}.", "If one should run: systemctl status vestibule")
    for key, listener, kind in _wanted(configuration):
        yield from port(key, listener, kind)


def port(key: str, listener: Listener, kind: socket.SocketKind) -> Iterator[Finding]:
    """Name an address that the server could not listen on."""
    with socket.socket(socket.AF_INET6 if ":" in listener.host else socket.AF_INET, kind) as trial:
        if kind is socket.SOCK_STREAM:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((listener.host, listener.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "another program has it" if taken else str(error.strerror)
            yield Finding(
                Level.ERROR, f"The server could not listen on {listener} ({key}): {why}.", "Stop it, or choose another."
            )


def _wanted(configuration: Configuration) -> Iterator[tuple[str, Listener, socket.SocketKind]]:
    yield "http.listen", configuration.http.listen, socket.SOCK_STREAM
    for one in configuration.radius.listen:
        yield "radius.listen", one, socket.SOCK_DGRAM
        if configuration.radius.accounting and one.port:
            yield "radius.listen, accounting", Listener(one.host, one.port + 1), socket.SOCK_DGRAM


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
