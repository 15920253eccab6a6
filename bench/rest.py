"""Rows 9 to 11: what the server takes at rest, how fast it and the command line start, and large imports."""

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench import goals
from bench.goals import Figure
from bench.population import CACHE, ROOT, Population, copied, key_of
from bench.processes import product
from bench.setting import Setting
from vestibule.core.secret import Secret
from vestibule.wire.pskc.writer import SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow

PROGRAM = Path(sys.executable).with_name("vestibule")


def at_rest(setting: Setting) -> Iterator[Figure]:
    """Row 9."""
    seconds, megabytes = [], []
    for _ in range(setting.scale.rounds):
        with product("serve", setting.cores.server, setting.scale.population) as server:
            seconds.append(server.ready_after)
            megabytes.append(server.resident)
    yield Figure(goals.REST_MEMORY, megabytes)
    yield Figure(goals.REST_READY, seconds)
    yield Figure(goals.REST_HELP, [_ran("--help").seconds for _ in range(setting.scale.helps)])


def token_import(setting: Setting) -> Iterator[Figure]:
    """Row 10: by the command, as an administrator does it; a second import must change nothing."""
    with _folder() as folder:
        file = folder / "tokens.csv"
        file.write_text("".join(_rows(setting.scale.tokens)), encoding="ascii")
        first, note = _imported(folder, setting.scale.tokens, str(file))
    yield Figure(goals.IMPORT_TIME, [first.seconds], note)
    yield Figure(goals.IMPORT_MEMORY, [first.megabytes], note)


def pskc_import(setting: Setting) -> Iterator[Figure]:
    """Row 11: the same with a PSKC file that is closed with a pre-shared key, every key with its MAC."""
    count = setting.scale.tokens // 10
    with _folder() as folder:
        file, key = folder / "tokens.xml", folder / "key"
        closing = SharedKey(Secret(secrets.token_bytes(32)))
        key.write_text(closing.key.reveal().hex(), encoding="ascii")
        file.write_text("".join(write_pskc(_tokens(count), closing, secrets.token_bytes)), encoding="utf-8")
        first, note = _imported(folder, count, str(file), "--key-file", str(key))
    yield Figure(goals.PSKC_TIME, [first.seconds], note)
    yield Figure(goals.PSKC_MEMORY, [first.megabytes], note)


@contextmanager
def _folder() -> Iterator[Path]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as name:
        yield Path(name)


def _imported(folder: Path, count: int, *arguments: str) -> tuple["Ran", str]:
    """Import into an empty database, and again; the first run, and a note on the second."""
    configuration = copied(Population(0, 0), folder / "node")
    command = ("--config", str(configuration), "token", "import", "--json", *arguments)
    first, again = _ran(*command), _ran(*command)
    _must(first, "created", count)
    _must(again, "unchanged", count)
    return first, f"{count:,} tokens; again, with nothing to change: {again.seconds:.1f} s"


def _rows(count: int) -> Iterator[str]:
    """Serial, Base32 secret, interval."""
    for number in range(count):
        serial = f"BENCH{number:07d}"
        yield f"{serial},{base64.b32encode(key_of(serial)).decode()},30\n"


def _tokens(count: int) -> Iterator[TokenRow]:
    for number in range(count):
        serial = f"BENCH{number:07d}"
        yield TokenRow(0, None, serial, Secret(key_of(serial)), 30, "Bench", "T1")


@dataclass(frozen=True)
class Ran:
    """A command that ended well."""

    said: str
    seconds: float
    megabytes: float


def _ran(*arguments: str) -> Ran:
    begun = perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen([PROGRAM, *arguments], stdout=said, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - begun
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"vestibule {' '.join(arguments)} ended with {process.returncode}: {said.read()}")
        return Ran(said.read(), seconds, used.ru_maxrss / 1024)


def _must(ran: Ran, word: str, number: int) -> None:
    report = json.loads(ran.said)
    if report[word] != number:
        raise RuntimeError(f"the import reports {report[word]} {word}, not {number}")
