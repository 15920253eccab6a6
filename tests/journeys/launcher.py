"""Run the server as a process, which tells where it listens when it is ready.

`python -m tests.journeys.launcher vestibule.toml` is one server. Without a file, each file that is named on standard
input gets a server in a process of its own, made by fork, so that the libraries are loaded once for all of them.

One line of JSON on standard output: {"pid": 7, "radius": ["127.0.0.1", 40001], "http": ["127.0.0.1", 40002],
"api": ["http://127.0.0.1:40003"], "radsec": []}.
"""

import json
import os
import signal
import sys
from pathlib import Path

import structlog
import uvloop

from vestibule.apps.configuration import current_url, load
from vestibule.apps.pieces import Pieces
from vestibule.apps.server import Addresses, serve

TRIES = 5  # a free port whose neighbour, for accounting, is taken is tried again


async def tell(_pieces: Pieces, addresses: Addresses) -> None:
    radius, http = addresses.radius[0], addresses.http
    said = {
        "pid": os.getpid(),
        "radius": (radius.host, radius.port),
        "http": (http.host, http.port),
        "api": addresses.api,
        "radsec": [(one.host, one.port) for one in addresses.radsec],
    }
    print(json.dumps(said), flush=True)


def run(file: Path) -> None:
    # only these: what makes a test longer begins with VESTIBULE, too, and is no key
    named = {name: value for name, value in os.environ.items() if name.startswith("VESTIBULE_DATABASE_")}
    configuration = load(file, named)
    for left in reversed(range(TRIES)):
        try:
            return uvloop.run(serve(configuration, tell, current_url(configuration, file, named)))
        except OSError:
            if not left:
                raise
    return None


def run_each() -> None:
    """Give each named file a process; the system buries those that end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return run(Path(line.strip()))
    return None


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    run(Path(sys.argv[1])) if len(sys.argv) > 1 else run_each()
