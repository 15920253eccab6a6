"""Which authorities are trusted, as the CA file has it now: a file that is replaced counts from the next connection.

Connections that stand keep what they were checked by. A file that can not be read changes nothing and is told once.
"""

import asyncio
import ssl
from typing import Protocol

from vestibule.core.errors import Malformed
from vestibule.directories.ldap.settings import LdapSettings

Seen = tuple[int, int, int] | None


class Log(Protocol):
    """Where a change is told."""

    def info(self, event: str, **details: object) -> object:
        """Say it."""

    def warning(self, event: str, **details: object) -> object:
        """Say that it is bad."""


class Trust:
    """Gives the context for the next connection."""

    def __init__(self, settings: LdapSettings, log: Log | None = None) -> None:
        """Load the file. Raises `Malformed` when it can not be read."""
        self._settings = settings
        self._log = log
        self._seen = self._look()
        self._context = settings.tls()
        self._looked_at = float("-inf")

    def context(self) -> ssl.SSLContext:
        """The context, made anew where the file has changed; looked at every few seconds at most."""
        now = asyncio.get_running_loop().time()
        if self._settings.ca_file is not None and now >= self._looked_at + self._settings.bounds.look_seconds:
            self._looked_at = now
            self._follow()
        return self._context

    def _follow(self) -> None:
        seen = self._look()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._context = self._settings.tls()
        except Malformed as malformed:
            self._tell_not_taken(str(malformed))
            return
        if self._log is not None:
            self._log.info("ca file taken", directory=self._settings.name, file=str(self._settings.ca_file))

    def _tell_not_taken(self, why: str) -> None:
        if self._log is not None:
            self._log.warning(
                "ca file not taken", directory=self._settings.name, why=why, goes_on="with the one before"
            )

    def _look(self) -> Seen:
        """What changes when the file is replaced; None where it is not there."""
        if self._settings.ca_file is None:
            return None
        try:
            found = self._settings.ca_file.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
