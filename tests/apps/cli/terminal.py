"""The command line as a process of its own, as a person or a script starts it.

terminal = Terminal(installation.environment())
done = terminal.run("user", "list", "--json")
with terminal.serving() as server: ...
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VESTIBULE = Path(sys.executable).with_name("vestibule")
PATIENCE = 40


Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Server:
    """A running one: where it listens, as its log says."""

    process: subprocess.Popen[str]
    radius: str
    http: str


@dataclass(frozen=True)
class Terminal:
    """An environment to run commands in."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, given: str = "", more: Mapping[str, str] | None = None) -> Done:
        """Run one command to its end; `given` is what it reads, `more` of the environment."""
        return subprocess.run(
            [VESTIBULE, *arguments],
            env=self.whole(more),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Run one command that must work, and read what it prints."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def serving(self, more: Mapping[str, str] | None = None) -> Iterator[Server]:
        """Run a server until the block ends; its log goes through a pipe, one JSON object a line."""
        process = subprocess.Popen([VESTIBULE, "serve"], env=self.whole(more), stderr=subprocess.PIPE, text=True)
        assert process.stderr
        try:
            ready = next(line for line in map(json.loads, process.stderr) if line["event"] == "ready")
            yield Server(process, ready["radius"][0], ready["http"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)

    def whole(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
        fewer = {"VESTIBULE_RADIUS_ACCOUNTING": "false", "VESTIBULE_API_LISTEN": ""}
        return {**kept, **self.environment, **fewer, "COLUMNS": "80", **dict(more or {})}
