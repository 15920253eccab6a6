"""The machine: its cores, what a process uses of it, and one line that describes it."""

import os
import platform
import sqlite3
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class TooSmall(Exception):
    """The machine can not tell server and load apart."""


@dataclass(frozen=True)
class Cores:
    """One core for the server, another for the load."""

    server: int
    load: int


def cores() -> Cores:
    """Choose the first and the last core that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise TooSmall("The bench needs two cores: one for the server and one for the load.")
    return Cores(allowed[0], allowed[-1])


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core})


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU that all threads of the process have used (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_megabytes(pid: int) -> float:
    """Memory that is in use now (proc(5): VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def described() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": f"{os.cpu_count()}, of which the server has one and the load another",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "sqlite": sqlite3.sqlite_version,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
