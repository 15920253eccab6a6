"""Twilio: the account, who sends, and where our URL for receipts and replies is."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from vestibule.apps.channels.forms import Digits, Form, Url, demand_encrypted, demand_secret, kept, read, stored
from vestibule.apps.sounds import RecordingOf, public_base, under
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.twilio.account import Account
from vestibule.channels.twilio.both import Twilio
from vestibule.channels.twilio.texts import TwilioTexts
from vestibule.channels.twilio.voice import SPOKEN, CallManners, TwilioCalls
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret


class TwilioForm(Form):
    """The settings of one account; its auth token is the secret."""

    account: Annotated[str, Field(pattern=r"^AC[0-9a-f]{32}$")]
    sender: Digits = ""
    service: Annotated[str, Field(pattern=r"^(MG[0-9a-f]{32})?$")] = ""
    caller: Annotated[str, Field(pattern=r"^(\+[0-9]{5,15})?$")] = ""
    ring_seconds: int = Field(25, ge=5, le=60)
    detects_machines: bool = False
    url: Url = "https://api.twilio.com"


class TwilioKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT, Medium.CALL})
    speaks = tuple(SPOKEN)

    def __init__(self, recording: RecordingOf = lambda _names, _locale: "") -> None:
        """Take where recordings for calls are."""
        self._recording = recording

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(TwilioForm, settings)
        demand_secret(id, secret, "the account's auth token")
        demand_encrypted("url", form.url, plain=False)
        if not form.sender and not form.service:
            raise Malformed("sender: give a number of the account (+1…), or the sid of a messaging service as service")
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> TwilioTexts | Twilio:
        """See `OpenProviderKind.open`."""
        form = read(TwilioForm, stored(record))
        account = Account(form.account, record.secret, form.url.rstrip("/"))
        texts = TwilioTexts(account, form.service or form.sender, HttpExchange(), hook)
        if not form.caller:
            return texts
        manners = CallManners(form.caller, form.ring_seconds, form.detects_machines)
        return Twilio(
            texts, TwilioCalls(account, manners, HttpExchange(), hook, under(public_base(hook), self._recording))
        )
