"""Mail: the server, how it is entered, and whose name stands in From."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from vestibule.apps.channels.forms import Form, Host, is_local, kept, read, stored, tls_context
from vestibule.channels.smtp import Mail, SmtpSettings
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

PORTS = {"starttls": 587, "tls": 465, "plain": 25}


def _address(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if (
        not (local and at and domain)
        or not text.isascii()
        or any(sign.isspace() or sign in '<>",;:\\' for sign in text)
    ):
        raise ValueError("is no e-mail address")
    return text


class SmtpForm(Form):
    """The settings of one server; the secret is the password of `user`."""

    host: Host
    port: int | None = Field(None, ge=1, le=65535)
    security: Literal["starttls", "tls", "plain"] = "starttls"
    ca_file: str = ""
    sender: Annotated[str, Field(max_length=254), AfterValidator(_address)]
    user: str = Field("", max_length=254)
    domain: str = Field("", max_length=253, pattern=r"^[0-9A-Za-z.-]*$")


class SmtpKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.MAIL})

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock (Unix seconds) of mails' dates."""
        self._clock = clock

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(SmtpForm, settings)
        if form.user and not secret:
            raise Malformed(f"provider {id}: give the password of {form.user}")
        if form.security == "plain" and form.user and not is_local(form.host):
            raise Malformed("security: a password does not go over the network in plain; use starttls or tls")
        if form.security != "plain":
            tls_context(form.ca_file)
        elif form.ca_file:
            raise Malformed("ca_file: certificates are for TLS, and security = plain turns it off")
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> Mail:  # noqa: ARG002 - mail tells nothing back
        """See `OpenProviderKind.open`."""
        form = read(SmtpForm, stored(record))
        settings = SmtpSettings(
            form.host,
            form.port or PORTS[form.security],
            form.security,
            form.sender,
            form.domain or form.sender.rpartition("@")[2],
            form.user,
            record.secret,
            None if form.security == "plain" else tls_context(form.ca_file),
        )
        return Mail(settings, self._clock)
