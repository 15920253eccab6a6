"""What goes over the control socket: one JSON object a line, UTF-8, at most 64 MiB long.

    → {"command": "user.add", "arguments": {"name": "alice@example.org"}}
    ← {"progress": [200, 1000]}                          any number of times; the second is null when it is not known
    ← {"result": …}   or   {"error": {"kind": "refused", "text": "…", "fields": ["name"]}}

Requests of one connection are answered in order. The standard library only: the command line starts with this.
"""

import json
from typing import Any

LONGEST_LINE = 64 * 1024 * 1024

KINDS = ("refused", "malformed", "unavailable", "bug")


class CommandFailed(Exception):
    """A command did not do its work: what kind of failure, the text for a person, the arguments it is about."""

    def __init__(self, kind: str, text: str, fields: tuple[str, ...] = ()) -> None:
        """Say `text`; `kind` is one of `KINDS`."""
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.fields = fields


def line(message: dict[str, Any]) -> bytes:
    """One message as its line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def error(failed: CommandFailed) -> dict[str, Any]:
    """The message that tells of a failure."""
    return {"error": {"kind": failed.kind, "text": failed.text, "fields": list(failed.fields)}}


def request_of(octets: bytes) -> tuple[str, dict[str, Any]]:
    """The command and the arguments of one line; raises CommandFailed when it is no request."""
    try:
        message = json.loads(octets)
    except (ValueError, RecursionError):
        raise CommandFailed("malformed", "The line is no JSON.") from None
    match message:
        case {"command": str(command), "arguments": dict(arguments)} if len(message) == 2:
            return command, arguments
        case _:
            raise CommandFailed("malformed", 'A request has the members "command" and "arguments", and no other.')
