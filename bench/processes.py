"""Start a server on its core, look at it from outside, stop it."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from bench.load import Run
from bench.machine import cpu_seconds, resident_megabytes
from bench.population import CACHE, ROOT, Population, copied

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

    @property
    def resident(self) -> float:
        """Megabytes."""
        return resident_megabytes(self.process.pid)

    def under(self, load: Callable[[int], Run]) -> Load:
        """Run a load against the server."""
        cpu, begun = cpu_seconds(self.process.pid), perf_counter()
        run = load(self.port)
        spent, passed = cpu_seconds(self.process.pid) - cpu, perf_counter() - begun
        return Load(run, spent * 1e6 / max(run.done, 1), spent / passed)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


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
            port = _port_of(process)
            if port is None:
                said.seek(0)
                raise DidNotStart(f"{module} {kind}: {said.read()}")
            yield Running(process, port, perf_counter() - begun)
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


def _port_of(process: "subprocess.Popen[str]") -> int | None:
    """Wait for the line that says where it listens; None when the process ends without it."""
    for line in process.stdout or ():
        if line.startswith('{"port"'):
            return int(json.loads(line)["port"])
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
