"""A program of the operator's that carries texts or mail, asked by our own signed webhook."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from vestibule.apps.channels.forms import Form, Url, as_tuple, demand_encrypted, demand_secret, kept, read, stored
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.webhook import Webhook, WebhookSettings
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

LEAST_SECRET = 16


class WebhookForm(Form):
    """Where it listens and what it carries; the secret signs both ways."""

    url: Url
    plain: bool = False
    ca_file: str = ""
    sender: str = Field("", max_length=254)
    media: Annotated[
        tuple[Literal["text", "mail"], ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=2)
    ] = ("text",)


class WebhookKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT, Medium.MAIL})

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock (Unix seconds) of signatures."""
        self._clock = clock

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(WebhookForm, settings)
        demand_secret(id, secret, "a secret that is shared with the receiver")
        if len(secret) < LEAST_SECRET:
            raise Malformed(f"provider {id}: the secret has fewer than {LEAST_SECRET} octets; openssl rand -hex 32")
        demand_encrypted("url", form.url, plain=form.plain)
        return kept(form)

    def open(self, record: ProviderRecord, hook: str) -> Webhook:
        """See `OpenProviderKind.open`."""
        form = read(WebhookForm, stored(record))
        media = frozenset(Medium(one) for one in form.media)
        settings = WebhookSettings(form.url, record.secret, media, form.sender)
        return Webhook(settings, exchange(form.ca_file), hook, self._clock)


def exchange(ca_file: str) -> HttpExchange:
    """HTTP that trusts these certificates. Raises Malformed."""
    try:
        return HttpExchange(ca_file)
    except OSError:
        raise Malformed(f"ca_file: {ca_file} can not be read, or holds no certificates") from None
