"""Kannel: its sendsms URL and account."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from vestibule.apps.channels.forms import Digits, Form, Url, demand_encrypted, demand_secret, kept, read, stored
from vestibule.apps.channels.webhook import exchange
from vestibule.channels.kannel import Kannel, KannelSettings
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret


class KannelForm(Form):
    """The settings of one sendsms user; its password is the secret."""

    url: Url = "http://127.0.0.1:13013/cgi-bin/sendsms"
    user: str = Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")
    sender: Digits = ""
    smsc: str = Field("", max_length=64, pattern=r"^[!-~]*$")
    status_url: Url | None = None
    plain: bool = False
    ca_file: str = ""


class KannelKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT})

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(KannelForm, settings)
        demand_secret(id, secret, "the password of the sendsms user")
        demand_encrypted("url", form.url, plain=form.plain)
        if form.status_url:
            demand_encrypted("status_url", form.status_url, plain=form.plain)
            if "?" in form.status_url:
                raise Malformed("status_url: leave out what follows the ?; the password is put in")
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> Kannel:
        """See `OpenProviderKind.open`."""
        form = read(KannelForm, stored(record))
        settings = KannelSettings(form.url, form.user, record.secret, form.sender, form.smsc, form.status_url or "")
        return Kannel(settings, exchange(form.ca_file), hook)
