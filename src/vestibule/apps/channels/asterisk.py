"""Asterisk: where its REST interface is, how it calls, and what is shown to who is called."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from vestibule.apps.channels.forms import (
    Form,
    Url,
    demand_encrypted,
    demand_secret,
    kept,
    read,
    stored,
    tls_context,
)
from vestibule.apps.sounds import RecordingOf, public_base, under
from vestibule.channels.asterisk import Asterisk, Trunk
from vestibule.channels.asterisk.requests import Ari
from vestibule.channels.exchange import HttpExchange
from vestibule.core.delivery import Medium
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

NUMBER = "{number}"


def _endpoint(text: str) -> str:
    if text.count(NUMBER) != 1 or "{" in text.replace(NUMBER, ""):
        raise ValueError("must have {number} in it once, such as PJSIP/{number}@trunk")
    return text


class AsteriskForm(Form):
    """The settings of one Asterisk; the password of its ARI user is the secret."""

    url: Url
    user: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^:\x00-\x1f]+$")]
    application: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] = "vestibule"
    endpoint: Annotated[str, Field(max_length=200), AfterValidator(_endpoint)]
    plus: bool = False
    caller_id: Annotated[str, Field(pattern=r"^(\+?[0-9]{3,15})?$")] = ""
    caller_name: str = Field("", max_length=40)
    ring_seconds: int = Field(25, ge=5, le=60)
    context: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,60}$")] = ""
    sounds: Annotated[str, Field(max_length=2000, pattern=r"^(https?://[^\s?#]+)?$")] = ""
    plain: bool = False
    ca_file: str = ""


class AsteriskKind:
    """Has the shape `OpenProviderKind`. Each node has an application of its own there, named after the node."""

    media = frozenset({Medium.CALL})

    def __init__(self, recording: RecordingOf, node: str) -> None:
        """Take where recordings are, and our own name among the nodes."""
        self._recording = recording
        self._node = "".join(sign if sign.isalnum() else "-" for sign in node)

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(AsteriskForm, settings)
        demand_secret(id, secret, "the password of the ARI user")
        demand_encrypted("url", form.url, plain=form.plain)
        tls_context(form.ca_file)
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> Asterisk:
        """See `OpenProviderKind.open`. Asterisk fetches recordings at `sounds`, else at our public address."""
        form = read(AsteriskForm, stored(record))
        ari = Ari(form.url.rstrip("/"), form.user, record.secret, f"{form.application}-{self._node}")
        trunk = Trunk(
            form.endpoint,
            form.caller_id,
            form.caller_name,
            plus=form.plus,
            ring_seconds=form.ring_seconds,
            context=form.context,
        )
        recording = under(form.sounds.rstrip("/") or public_base(hook), self._recording)
        return Asterisk(ari, trunk, HttpExchange(form.ca_file), recording, tls_context(form.ca_file))
