"""A command to a running server: `call` sends it over the control socket and waits for what comes of it.

The standard library only, so that a command which a server answers starts fast.
"""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from vestibule.frontends.control.protocol import CommandFailed, line

__all__ = ["CommandFailed", "call"]

Progress = Callable[[int, int | None], None]

GONE = "The server went away before it answered. What it had done by then is done; look, then try again."


def call(path: Path, command: str, arguments: dict[str, Any], progress: Progress | None = None) -> dict[str, Any]:
    """Run `command` on the server that listens at `path`. Raises CommandFailed; OSError when nobody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(path))
        try:
            connection.sendall(line({"command": command, "arguments": arguments}))
            with connection.makefile("rb") as answers:
                return _result(answers, progress)
        except ConnectionError:
            raise CommandFailed("unavailable", GONE) from None


def _result(answers: BinaryIO, progress: Progress | None) -> dict[str, Any]:
    for answer in answers:
        match json.loads(answer):
            case {"progress": [done, total]}:
                if progress is not None:
                    progress(done, total)
            case {"error": {"kind": str(kind), "text": str(text), "fields": list(fields)}}:
                raise CommandFailed(kind, text, tuple(fields))
            case {"result": dict(result)}:
                return result
            case _:
                break
    raise CommandFailed("unavailable", GONE)
