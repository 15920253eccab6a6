"""The store: one SQLite file for one node, or a PostgreSQL for several."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from pydantic import AfterValidator, Field

from vestibule.apps.configuration.kinds import DefaultText, Kind, Section, Sensitive
from vestibule.apps.configuration.problems import Refused

SQLITE = "sqlite:///"
OPTIONS = frozenset(
    {"host", "port", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "target_session_attrs"}
)
_POSTGRESQL = re.compile(
    r"postgresql://(?:[^:@/?]*(?::(?P<password>[^@/?]*))?@)?(?P<hosts>[^/?@]*)/(?P<name>[^/?]+)(?:\?(?P<options>.*))?"
)


def holds_password(url: object) -> bool:
    """Whether a password stands in this URL."""
    form = _POSTGRESQL.fullmatch(url) if isinstance(url, str) else None
    return form is not None and form["password"] is not None


def checked_url(text: str) -> str:
    """The URL of a database, as it may stand in the configuration. Raises Refused, which never repeats it."""
    if text.startswith("postgres") and text.isprintable():
        _check_postgresql(text)
    elif not text.startswith(f"{SQLITE}/") or not text.isprintable() or "?" in text:
        raise Refused(
            "This is neither sqlite:/// followed by an absolute path (four slashes in all) and nothing more, nor "
            "postgresql://user@host/database."
        )
    return text


def _check_postgresql(text: str) -> None:
    form = _POSTGRESQL.fullmatch(text)
    if form is None:
        raise Refused(
            "This is not of the form postgresql://user@host/database; no driver is named, no # or space used."
        )
    options = _options(form["options"] or "")
    if not OPTIONS.issuperset(options):
        raise Refused("An option of the URL is not known.", f"The options are {', '.join(sorted(OPTIONS))}.")
    if "sslmode" not in options and not all(map(_near, _hosts(form["hosts"], options))):
        raise Refused(
            "The server is reached over a network, and it is not said how the way to it is protected.",
            "Add ?sslmode=verify-full, or ?sslmode=disable if the network itself protects it.",
        )


def _options(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, strict_parsing=True)) if text else {}
    except ValueError:
        raise Refused("The options of the URL are not of the form name=value&name=value.") from None


def _hosts(written: str, options: dict[str, str]) -> Iterator[str]:
    for host in (written or options.get("host", "")).split(","):
        bracketed = re.fullmatch(r"\[(.*)\](?::[0-9]+)?", host)
        yield bracketed[1] if bracketed else host.partition(":")[0]


def _near(host: str) -> bool:
    """Whether this is a unix socket or this machine."""
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


DatabaseUrl = Annotated[str, AfterValidator(checked_url), Kind("a database URL"), Sensitive()]


class Database(Section):
    """The store."""

    url: Annotated[DatabaseUrl, DefaultText("sqlite:///<data_directory>/vestibule.db")] = Field(
        description="Where users, credentials and the journal are kept: SQLite, or PostgreSQL for several nodes.",
        examples=["sqlite:////var/lib/vestibule/vestibule.db"],
    )
    queue_limit: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Decisions that may wait for the database at once; more are answered as unavailable.",
    )
    checkpoint_pages: int = Field(
        default=512,
        ge=1,
        le=100_000,
        description="Database pages after which SQLite folds its write-ahead log back; more makes rare sign-ins slow.",
    )
    connect_seconds: float = Field(
        default=3.0,
        ge=0.5,
        le=60,
        description="Seconds that a connection to PostgreSQL may take to open.",
    )
    statement_seconds: float = Field(
        default=5.0,
        ge=0.5,
        le=60,
        description="Seconds that PostgreSQL may work on one statement; what takes longer is answered as unavailable.",
    )
    reading_connections: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Connections to PostgreSQL that answer questions; each node has two more, to write and to listen.",
    )

    @property
    def postgresql(self) -> bool:
        """Whether `url` names a PostgreSQL."""
        return not self.url.startswith(SQLITE)

    @property
    def file(self) -> Path:
        """The SQLite file that `url` names; raises ValueError for a PostgreSQL, which is none."""
        if self.postgresql:
            raise ValueError("a PostgreSQL is no file")
        return Path(self.url.removeprefix(SQLITE))

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of this machine that are closed to others: SQLite's with its log, or what a PostgreSQL is opened with.

        None of them need be there.
        """
        if self.postgresql:
            return (self.passfile,) if self.passfile else ()
        return self.file, self.file.with_name(f"{self.file.name}-wal")

    @property
    def passfile(self) -> Path | None:
        """The file with the password for a PostgreSQL, if the URL names one."""
        form = _POSTGRESQL.fullmatch(self.url)
        named = _options(form["options"] or "").get("passfile") if form else None
        return Path(named) if named else None
