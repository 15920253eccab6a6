"""One running ntlm_auth, asked by the protocol ntlm-server-1: lines of names and values, ended by a dot.

Rules of this file:
- Names go in Base64, so that no name can write a line of its own.
- One question at a time. A program that was left while it thought is ended: its next answer would be another's.
- ntlm_auth writes a second dot after a refusal; an answer without a word is none.
"""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from vestibule.core.errors import Unavailable

PROTOCOL: Final = ("--helper-protocol=ntlm-server-1", "--allow-mschapv2")
ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
MOST_LINES: Final = 50
KEY_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Said:
    """What ntlm_auth said: `key` is the hash of the password's hash with a yes, `error` its words with a no."""

    right: bool
    key: bytes = field(default=b"", repr=False)
    error: str = ""


class Program:
    """Belongs to one event loop."""

    def __init__(self, process: Process) -> None:
        """Take a running process."""
        self._process = process
        self._thinking = False

    @classmethod
    async def start(cls, command: Sequence[str]) -> "Program":
        """Start one. Raises Unavailable."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command, *PROTOCOL, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=ENVIRONMENT
            )
        except OSError as error:
            raise Unavailable(f"{command[0]} can not be started: {error.strerror}; is winbind installed?") from None
        return cls(process)

    @property
    def usable(self) -> bool:
        """Whether it lives and waits for a question."""
        return self._process.returncode is None and not self._thinking

    async def ask(self, user: str, domain: str, challenge: bytes, response: bytes) -> Said:
        """Whether this response of 24 octets to the challenge of 8 proves the password. Raises Unavailable."""
        stdin, self._thinking = self._process.stdin, True
        if stdin is None:
            raise AssertionError("started with pipes")
        lines = (
            f"Username:: {_coded(user)}",
            f"NT-Domain:: {_coded(domain)}",
            f"LANMAN-Challenge: {challenge.hex()}",
            f"NT-Response: {response.hex()}",
            "Request-User-Session-Key: Yes",
            ".",
            "",
        )
        try:
            stdin.write("\n".join(lines).encode())
            await stdin.drain()
            said = await self._answer()
        except (OSError, ValueError) as error:  # ValueError is a line without end
            raise Unavailable(f"ntlm_auth broke off: {type(error).__name__}") from None
        self._thinking = False
        return said

    async def end(self) -> None:
        """End it, whatever it does, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _answer(self) -> Said:
        held: dict[str, str] = {}
        stdout = self._process.stdout
        if stdout is None:
            raise AssertionError("started with pipes")
        for _ in range(MOST_LINES):
            line = await stdout.readline()
            if not line.endswith(b"\n"):
                raise Unavailable("ntlm_auth has ended; see its own log, or run it by hand")
            text = line.decode("utf-8", "replace").strip()
            if text == "." and held:
                return _said(held)
            name, colon, value = text.partition(":")
            if colon:
                held[name.lower()] = value.strip()
        raise Unavailable("what ntlm_auth says does not end")


def _said(held: dict[str, str]) -> Said:
    """Read an answer; a yes without the key that it must bring is no answer."""
    match held.get("authenticated"):
        case "Yes":
            key = _octets(held.get("user-session-key", ""))
            if len(key) != KEY_OCTETS:
                raise Unavailable("ntlm_auth said yes and gave no key")
            return Said(right=True, key=key)
        case "No":
            return Said(right=False, error=held.get("authentication-error", ""))
        case _:
            raise Unavailable(f"ntlm_auth said neither yes nor no: {held.get('error', '')}")


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()
