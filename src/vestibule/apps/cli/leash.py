"""A program that ends when this one ends, however that comes about.

A shell stands between the two. When its standard input ends, which the kernel sees to when this process is gone, it
tells the program to stop. The program has a session of its own, so that Ctrl-C at the terminal is for us alone.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

SHELL = """
exec 3<&0
"$@" </dev/null 3<&- & program=$!
{ read -r _ <&3; kill -s "$0" $program; } 2>/dev/null & watcher=$!
wait $program
code=$?
kill $watcher 2>/dev/null
exit $code
"""


class Leashed:
    """One program under way."""

    def __init__(
        self,
        command: Sequence[str | Path],
        ending: signal.Signals,
        *,
        environment: Mapping[str, str],
        log: IO[bytes] | None = None,
    ) -> None:
        """Start it; `ending` is what tells it to stop, `log` takes what it says instead of our own terminal."""
        self._process = subprocess.Popen(  # noqa: S603 - what this program is made of
            ["/bin/sh", "-c", SHELL, ending.name.removeprefix("SIG"), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=dict(environment),
            start_new_session=True,
        )

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self._process.poll() is not None

    def stop(self, patience: float) -> None:
        """Tell it to stop, and end it with all its processes if it has not within `patience` seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
