"""Mail by a server of one's own: encrypted, signed in, the code before everything else and no link.

Rules of this file:
- Until the server has taken the text on (DATA), nothing was carried. From there on, no answer means that nobody knows.
- What stands in a header is on one line; the library refuses anything else, and so does the server.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE_FORM
from email.utils import format_datetime, formataddr
from typing import Final, Literal

import aiosmtplib

from vestibule.core.delivery import Abilities, Fault, Medium, Outcome, Outgoing, Sent
from vestibule.core.secret import Secret
from vestibule.wire.exchange import harmless

CONNECT_SECONDS: Final = 3.0
ABILITIES: Final = Abilities(frozenset({Medium.MAIL}))
LATER: Final = 30.0
"""How long a server that says 4xx is left alone, in seconds; greylisting asks for more than a sign-in has."""


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The server and how it is entered; `sender` is the address in From, `domain` the right side of Message-IDs."""

    host: str
    port: int
    security: Literal["starttls", "tls", "plain"]
    sender: str
    domain: str
    user: str = ""
    password: Secret = Secret(b"")  # noqa: RUF009 - a Secret is frozen
    tls: ssl.SSLContext | None = None


class Mail:
    """Has the shape `Provider`."""

    def __init__(self, settings: SmtpSettings, clock: Callable[[], float]) -> None:
        """Take the settings, and the clock (Unix seconds) of the Date."""
        self._settings = settings
        self._clock = clock

    @property
    def abilities(self) -> Abilities:
        """See `Provider`; a server may take the same Message-ID twice."""
        return ABILITIES

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        try:
            written = self._written(outgoing)
        except ValueError:
            return Sent(Outcome.REJECTED, fault=Fault.DESTINATION, code="address", text="a header can not hold this")
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0:
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_carried", text="no time was left")
        server = self._server(left)
        try:
            refused = await self._entered(server, outgoing, deadline)
            return refused or await _handed_over(server, outgoing, written, self._reference(outgoing), deadline)
        finally:
            server.close()

    def _server(self, left: float) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=left,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=settings.tls,
            local_hostname=settings.domain,
        )

    async def _entered(self, server: aiosmtplib.SMTP, outgoing: Outgoing, deadline: float) -> Sent | None:
        """Everything before DATA: what fails here was not carried. None when the server waits for the text."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._greet(server)
                await server.mail(outgoing.sender or self._settings.sender)
                await server.rcpt(outgoing.to.address)
        except aiosmtplib.SMTPRecipientRefused as error:
            return _refused(error, Fault.DESTINATION, outgoing)
        except aiosmtplib.SMTPResponseException as error:  # who we are, whom we write as
            return _refused(error, Fault.CONFIGURATION, outgoing)
        except OSError as error:  # of the connection, of its encryption, of time
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="not_carried", text=type(error).__name__)
        except aiosmtplib.SMTPException:
            text = "the server offers no encryption, or no way to sign in that we speak"
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="not_supported", text=text)
        return None

    async def _greet(self, server: aiosmtplib.SMTP) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            await server.connect()
        if self._settings.user:
            await server.login(self._settings.user, self._settings.password.reveal().decode())

    def _written(self, outgoing: Outgoing) -> bytes:
        """The mail (RFC 5322); Auto-Submitted (RFC 3834) keeps out-of-office notes away. Raises ValueError."""
        mail = EmailMessage(policy=WIRE_FORM)
        mail["From"] = formataddr((outgoing.organisation, outgoing.sender or self._settings.sender))
        mail["To"] = outgoing.to.address
        mail["Subject"] = outgoing.subject
        mail["Date"] = format_datetime(datetime.fromtimestamp(self._clock(), UTC))
        mail["Message-ID"] = f"<{self._reference(outgoing)}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(outgoing.text.reveal().decode())
        mail["Content-Language"] = outgoing.locale
        return mail.as_bytes()

    def _reference(self, outgoing: Outgoing) -> str:
        return f"{outgoing.id}@{self._settings.domain}"

    async def close(self) -> None:
        """See `Provider`; no connection outlives a mail."""


async def _handed_over(
    server: aiosmtplib.SMTP, outgoing: Outgoing, written: bytes, reference: str, deadline: float
) -> Sent:
    """From here on only the server's own word tells that it was not carried."""
    try:
        async with asyncio.timeout_at(deadline):
            await server.data(written)
    except aiosmtplib.SMTPDataError as error:
        return _refused(error, Fault.POLICY, outgoing)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Sent(Outcome.UNKNOWN, code="lost", text=type(error).__name__)
    return Sent(Outcome.ACCEPTED, reference)


def _refused(error: aiosmtplib.SMTPResponseException, fault: Fault, outgoing: Outgoing) -> Sent:
    """4xx is for now (RFC 5321 section 4.2.1), 5xx is for good and the fault's."""
    text = harmless(error.message, outgoing)
    if 400 <= error.code < 500:
        return Sent(Outcome.REJECTED, fault=Fault.SAME, code=str(error.code), text=text, retry_after=LATER)
    return Sent(Outcome.REJECTED, fault=fault, code=str(error.code), text=text)
