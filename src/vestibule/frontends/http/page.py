"""Keep `docs/api-operations.md` true: `python -m vestibule.frontends.http.page [path]` writes it anew.

Every operation with a line of curl and a line of Python, made of the examples; a test runs them all.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from vestibule.frontends.http import examples
from vestibule.frontends.http.application import without_anything_behind
from vestibule.frontends.http.description import TAGS, operations, right_of

PAGE = Path("docs/api-operations.md")
URL = "https://mfa.example.org"
WIDE = 110
WIDEST = 120 - len("mfa.call()")
HEAD = """\
# HTTP API: every operation

Made by `python -m vestibule.frontends.http.page`; how it all hangs together is in [HTTP API](api.md). `$KEY` is a key
that verifies or has the right that is named. In Python:

```python
from vestibule.client import Challenge, Vestibule, Waiting

mfa = Vestibule("https://mfa.example.org", key)
```
"""
NAMES = {"user": "alice@example.org", "token": "A1", "id": "web", "attempt": examples.ATTEMPT}
NAMES |= {"provider": "sms", "route": "home", "phone": "mine"}
NAMES |= dict(zip(("chain", "seq"), examples.CHANGE["change"].split("/"), strict=True))
RULE, GROUP, SETTING, DIRECTORY = "staff by token", "staff", "challenge_seconds", "nps"
LISTED = "corp"
"""A directory whose people can be listed."""

QUERIES = {
    "listUsers": {"search": "al"},
    "listTokens": {"unassigned": "true"},
    "listJournal": {"kind": "sign_in", "limit": "20"},
    "importUsers": {"file_name": "users.csv", "dry_run": "true"},
    "importTokens": {"file_name": "tokens.csv"},
    "removeUser": {"erase": "true"},
    "waitForAttempt": {"seconds": "0"},
}
PYTHON = {
    "beginAttempt": 'decision = mfa.begin("alice@example.org", code="123456", address="203.0.113.7")',
    "answerAttempt": f'challenge = Challenge("alice@example.org", "{examples.ATTEMPT}", "{examples.NONCE}", "")\n'
    'decision = mfa.answer(challenge, "123456")',
    "chooseInAttempt": f'challenge = Challenge("alice@example.org", "{examples.ATTEMPT}", "{examples.NONCE}", "")\n'
    'decision = mfa.choose(challenge, "code")',
    "waitForAttempt": "waiting = Waiting(\n"
    f'    "alice@example.org", "{examples.ATTEMPT}", "{examples.NONCE}", "", "", 0.0\n'
    ")\n"
    "decision = mfa.wait(waiting, 0.0)",
}


def page(app: FastAPI) -> str:
    """The whole page."""
    description = app.openapi()
    parts = [HEAD]
    for tag, text in TAGS:
        parts += [f"## {tag}\n\n{text}\n"]
        parts += [_operation(*one) for one in operations(description) if tag == one[2]["tags"][-1]]
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    name, place = operation["operationId"], _place(path, operation["operationId"])
    summary = f"### {operation['summary']}\n\n`{name}`, `{method} {path}`, takes `{right_of(operation)}`."
    return f"{summary}\n\n```sh\n{_curl(method, place, name)}\n```\n\n```python\n{_python(method, place, name)}\n```\n"


def _place(path: str, operation: str) -> str:
    """The path with the names of the examples."""
    named = {
        **NAMES,
        "id": LISTED if path.endswith("/sync") else DIRECTORY if "directories" in path else NAMES["id"],
        "name": RULE if "rules" in path else GROUP if "groups" in path else SETTING,
    }
    found = re.sub(r"{(\w+)}", lambda one: named[one[1]].replace(" ", "%20"), path)
    query = "&".join(f"{name}={value}" for name, value in QUERIES.get(operation, {}).items())
    return f"{found}?{query}" if query else found


def _curl(method: str, place: str, operation: str) -> str:
    parts = ["curl -s", *([] if method == "GET" else [f"-X {method}"]), shlex.quote(f"{URL}{place}")]
    parts.append('-H "Authorization: Bearer $KEY"')
    sent = examples.SENT.get(operation)
    if isinstance(sent, str):
        parts += ["-H 'Content-Type: text/csv'", f"--data-binary {shlex.quote(sent)}"]
    elif sent is not None:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(sent))}"]
    return " \\\n".join(_lines(parts))


def _lines(parts: list[str]) -> Iterator[str]:
    """As many parts on a line as have room, the following lines set in."""
    line = ""
    for part in parts:
        if line and len(line) + len(part) > WIDE:
            yield line
            line = f"    {part}"
        else:
            line = f"{line} {part}" if line else part
    yield line


def _python(method: str, place: str, operation: str) -> str:
    if operation in PYTHON:
        return PYTHON[operation]
    path, _, _ = place.removeprefix("/api/v1").partition("?")
    sent = examples.SENT.get(operation)
    arguments = [repr(method), repr(path)]
    if sent is not None:
        arguments.append(repr(sent.encode()) if isinstance(sent, str) else repr(sent))
    arguments += [f"{name}={value!r}" for name, value in QUERIES.get(operation, {}).items()]
    said = ", ".join(arguments).replace("'", '"')
    return f"mfa.call({said})" if len(said) <= WIDEST else f"mfa.call(\n    {said}\n)"


def main(arguments: list[str]) -> None:
    """Write the page that the arguments name, or the usual one."""
    path = Path(arguments[0]) if arguments else PAGE
    path.write_text(page(without_anything_behind()), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
