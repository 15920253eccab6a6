"""The TLS side of RadSec: a context that follows its files, and the names in a client's certificate."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LOOK_SECONDS = 5.0


class Log(Protocol):
    """Where a change of certificates is told."""

    def info(self, event: str, **details: object) -> object:
        """Say it."""

    def error(self, event: str, **details: object) -> object:
        """Say that it is wrong."""


@dataclass(frozen=True, slots=True)
class Files:
    """The server's certificate chain and its key, and the authorities that sign clients' certificates; all in PEM."""

    certificate: Path
    key: Path
    client_ca: Path

    def seen(self) -> tuple[tuple[int, int, int], ...]:
        """What changes when one of them is replaced. Raises OSError."""
        found = (self.certificate.stat(), self.key.stat(), self.client_ca.stat())
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


class Tls:
    """Gives the context for the next connection; those that are open keep theirs."""

    def __init__(self, files: Files, log: Log) -> None:
        """Load the files. Raises OSError, of which ssl.SSLError is one."""
        self._files = files
        self._log = log
        self._seen = files.seen()
        self.context = _context(files)

    def look(self) -> bool:
        """Take the files anew if they have changed; what does not fit is told, and the old ones go on."""
        try:
            seen = self._files.seen()
            if seen == self._seen:
                return False
            self._seen = seen
            self.context = _context(self._files)
        except OSError as error:
            self._log.error("radsec certificate not taken", file=str(self._files.certificate), error=str(error))
            return False
        self._log.info("radsec certificate taken", file=str(self._files.certificate))
        return True

    async def follow(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.look)


def names_in(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The names of a client, in lower case, from what `getpeercert` gives: DNS names, else the common name."""
    known = certificate or {}
    names = [value for kind, value in known.get("subjectAltName", ()) if kind == "DNS"]
    return tuple(name.lower() for name in names or _common_names(known.get("subject", ())))


def _common_names(subject: Iterable[Iterable[tuple[str, str]]]) -> list[str]:
    return [value for part in subject for kind, value in part if kind == "commonName"]


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # a resumed session would outlive the authority that its certificate was checked by
    context.load_cert_chain(files.certificate, files.key)
    context.load_verify_locations(files.client_ca)
    return context
