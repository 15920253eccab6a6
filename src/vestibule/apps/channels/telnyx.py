"""Telnyx: the API key, the public key of its webhooks, who sends."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from vestibule.apps.channels.forms import Digits, Form, Url, demand_encrypted, demand_secret, kept, read, stored
from vestibule.apps.sounds import RecordingOf, public_base, under
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.telnyx.account import Account, read_key
from vestibule.channels.telnyx.both import Telnyx
from vestibule.channels.telnyx.texts import TelnyxTexts
from vestibule.channels.telnyx.voice import SPOKEN, CallManners, TelnyxCalls
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret


def _public_key(text: str) -> str:
    try:
        read_key(text)
    except ValueError:
        raise ValueError("is not the public key from the portal (44 signs of base64)") from None
    return text


class TelnyxForm(Form):
    """The settings of one account; its API key is the secret."""

    public_key: Annotated[str, AfterValidator(_public_key)]
    sender: Digits = ""
    profile: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{0,64}$")] = ""
    connection: Annotated[str, Field(pattern=r"^[0-9]{0,30}$")] = ""
    caller: Annotated[str, Field(pattern=r"^(\+[0-9]{5,15})?$")] = ""
    ring_seconds: int = Field(25, ge=5, le=60)
    detects_machines: bool = False
    url: Url = "https://api.telnyx.com"


class TelnyxKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT, Medium.CALL})
    speaks = tuple(SPOKEN)

    def __init__(self, recording: RecordingOf = lambda _names, _locale: "") -> None:
        """Take where recordings for calls are."""
        self._recording = recording

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(TelnyxForm, settings)
        demand_secret(id, secret, "the API key (KEY…)")
        demand_encrypted("url", form.url, plain=False)
        if bool(form.connection) != bool(form.caller):
            raise Malformed("caller: calls need both, the number that calls and the id of its connection")
        if not form.sender and not form.profile:
            raise Malformed("sender: give a number of the account (+1…), or the id of a messaging profile as profile")
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> TelnyxTexts | Telnyx:
        """See `OpenProviderKind.open`."""
        form = read(TelnyxForm, stored(record))
        account = Account(record.secret, form.public_key, form.url.rstrip("/"))
        texts = TelnyxTexts(account, form.sender, form.profile, HttpExchange(), hook)
        if not form.caller:
            return texts
        manners = CallManners(form.connection, form.caller, form.ring_seconds, form.detects_machines)
        return Telnyx(
            texts, TelnyxCalls(account, manners, HttpExchange(), hook, under(public_base(hook), self._recording))
        )
