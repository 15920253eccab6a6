"""Start a server on its core, look at it from outside, stop it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from bench.load import Run
from bench.machine import cpu_seconds, resident_megabytes
from bench.population import CACHE, ROOT, Population, copied

PROGRAM = Path(sys.executable).with_name("vestibule")
STOP_SECONDS = 20
T = TypeVar("T", bound=Run)


class DidNotStart(Exception):
    """A server ended before it was ready; the text is what it said."""


@dataclass(frozen=True)
class Load:
    """A run, and what the server spent on it."""

    run: Run
    cpu_microseconds: float  # a sign-in
    busy: float  # share of the server's core


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    process: "subprocess.Popen[str]"
    port: int
    ready_after: float  # seconds
    api: int = 0  # port of the HTTP API
    configuration: str = ""

    @property
    def resident(self) -> float:
        """Megabytes."""
        return resident_megabytes(self.process.pid)

    def under(self, load: Callable[[int], Run]) -> Load:
        """Run a load against the server."""
        return under([self], lambda: load(self.port))

    def told(self, *command: str) -> dict[str, Any]:
        """What the server answers an administrator who runs this command beside it."""
        asked = self.asked(*command, "--json")
        said: dict[str, Any] = json.loads(subprocess.run(asked, check=True, capture_output=True, cwd=ROOT).stdout)
        return said

    def asked(self, *command: str) -> Sequence[str]:
        """This command of the command line, with the server's configuration."""
        return [str(PROGRAM), "--config", self.configuration, *command]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


def under(servers: Sequence[Running], load: Callable[[], Run]) -> Load:
    """Run a load against several servers that share it."""
    cpu, begun = _spent(servers), perf_counter()
    run = load()
    spent, passed = _spent(servers) - cpu, perf_counter() - begun
    return Load(run, spent * 1e6 / max(run.done, 1), spent / passed)


def _spent(servers: Sequence[Running]) -> float:
    return sum(cpu_seconds(server.process.pid) for server in servers)


@contextmanager
def running(module: str, kind: str, core: int, *configuration: str) -> Iterator[Running]:
    """A server in a process of its own, until the block ends."""
    begun = perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", module, kind, str(core), *configuration],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=ROOT,
        )
        try:
            ports = _ports_of(process)
            if ports is None:
                said.seek(0)
                raise DidNotStart(f"{module} {kind}: {said.read()}")
            yield Running(process, ports["port"], perf_counter() - begun, ports.get("api", 0), *configuration)
        finally:
            _stop(process)


@contextmanager
def product(kind: str, core: int, population: Population) -> Iterator[Running]:
    """The product on a fresh copy of these people."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
        configuration = copied(population, Path(folder) / "node")
        with running("bench.product", kind, core, str(configuration)) as server:
            yield server


def _ports_of(process: "subprocess.Popen[str]") -> dict[str, int] | None:
    """Wait for the line that says where it listens; None when the process ends without it."""
    for line in process.stdout or ():
        if line.startswith('{"port"'):
            ports: dict[str, int] = json.loads(line)
            return ports
    return None


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
