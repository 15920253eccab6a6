"""SMPP 3.4: where the message centre is and how it is entered."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field

from vestibule.apps.channels.forms import (
    Digits,
    Form,
    Host,
    demand_secret,
    kept,
    read,
    stored,
    tls_context,
)
from vestibule.channels.smpp.session import Centre
from vestibule.channels.smpp.texts import Manner, SmppTexts
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.wire.smpp.pdu import Bind

LONGEST_PASSWORD = 8


class SmppForm(Form):
    """The settings of one account; its password is the secret."""

    host: Host
    port: int = Field(2775, ge=1, le=65535)
    plain: bool = False
    ca_file: str = ""
    system_id: str = Field(min_length=1, max_length=15, pattern=r"^[ -~]+$")
    system_type: str = Field("", max_length=12, pattern=r"^[ -~]*$")
    sender: Digits = ""
    receipt_ids: Literal["same", "decimal", "hexadecimal"] = "same"
    enquire_seconds: float = Field(30.0, ge=5, le=600)


class SmppKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT})

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock (Unix seconds) that tells replies apart."""
        self._clock = clock

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(SmppForm, settings)
        demand_secret(id, secret, "the password of the account")
        if len(secret) > LONGEST_PASSWORD:
            raise Malformed(f"provider {id}: an SMPP password has at most {LONGEST_PASSWORD} octets")
        if not form.plain:
            tls_context(form.ca_file)
        elif form.ca_file:
            raise Malformed("ca_file: certificates are for TLS, and plain = true turns it off")
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> SmppTexts:  # noqa: ARG002 - the connection goes both ways
        """See `OpenProviderKind.open`."""
        form = read(SmppForm, stored(record))
        bind = Bind(form.system_id, record.secret, form.system_type)
        tls = None if form.plain else tls_context(form.ca_file)
        centre = Centre(form.host, form.port, tls, bind, form.enquire_seconds)
        return SmppTexts(centre, Manner(form.sender, form.receipt_ids), self._clock)
