"""Calls, texts and mail put together: the providers, the flow that sends, and the one that takes what they tell."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from vestibule.apps.channels import LiveProviders, OpenProviderKind
from vestibule.apps.configuration import Configuration
from vestibule.core.delivery import Medium
from vestibule.core.ports import BegunMethod, Channel, Store
from vestibule.flows.afterwards import Afterwards
from vestibule.flows.authenticate import Authenticate
from vestibule.flows.breaker import Breaker, Standing
from vestibule.flows.dispatching import Dispatcher
from vestibule.flows.reports import Reports
from vestibule.flows.sending import Sending
from vestibule.methods.call import Call
from vestibule.methods.mail import Mail
from vestibule.methods.reply import Reply
from vestibule.methods.text import Text
from vestibule.stores.vault import Vault

ISSUER = "Vestibule"
HOOKS = "/hooks"
TOKEN_OCTETS = 16

Mac = Callable[[bytes], bytes]


def mac_of(vault: Vault) -> Mac:
    """HMAC under the key for codes that are sent, PINs, and digests of numbers."""
    return lambda said: vault.mac("recovery", said)


def methods_by_message(mac: Mac) -> tuple[BegunMethod, ...]:
    """The methods behind the typed codes, in order of preference."""
    return Text(mac), Call(mac), Reply(mac), Mail(mac)


def hook_token(vault: Vault, provider: str) -> str:
    """What nobody can guess in the URL at which a provider tells us things."""
    return vault.mac("token", f"hook of {provider}".encode())[:TOKEN_OCTETS].hex()


def hook_of(configuration: Configuration, vault: Vault) -> Callable[[str], str]:
    """Our public URL for each provider; "" without a public address."""
    base = configuration.api.public_url
    return lambda id: f"{base.rstrip('/')}{HOOKS}/{id}/{hook_token(vault, id)}" if base else ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is put together before the flow that signs people in."""

    providers: LiveProviders
    dispatcher: Dispatcher
    channels: Mapping[str, Channel]
    sending: Sending
    afterwards: Afterwards
    store: Store
    mac: Mac
    breakers: Mapping[tuple[str, Medium], Breaker]
    counts: Mapping[tuple[str, str, str], int]

    def standings(self, provider: str) -> tuple[Standing, ...]:
        """How this node has found a provider, for each medium that it was asked for."""
        now, met = time.monotonic(), sorted(self.breakers.items())
        return tuple(breaker.standing(medium, now) for (id, medium), breaker in met if id == provider)

    def reports(self, authenticate: Authenticate) -> Reports:
        """Begin to hear what providers tell."""
        reports = Reports(
            self.store,
            authenticate,
            self.sending,
            self.dispatcher,
            self.providers,
            self.mac,
            time.time,
            time.monotonic,
        )
        self.providers.hear(reports)
        return reports

    async def close(self) -> None:
        """Let what is under way finish, then give up the connections."""
        await self.afterwards.close()
        await self.providers.close()


def open_delivery(
    configuration: Configuration, vault: Vault, store: Store, kinds: Mapping[str, OpenProviderKind]
) -> Delivery:
    """Put it together; nothing is connected yet."""
    mac, url = mac_of(vault), hook_of(configuration, vault)
    providers = LiveProviders(kinds, lambda: store.snapshot, url, structlog.get_logger())
    dispatcher = Dispatcher(lambda: store.snapshot, mac, secrets.token_bytes, configuration.server.name, ISSUER)
    breakers: dict[tuple[str, Medium], Breaker] = {}
    counts: Counter[tuple[str, str, str]] = Counter()

    def named(name: str) -> Sending:
        return Sending(name, store, dispatcher, providers, breakers, time.time, time.monotonic, counts)

    channels = {medium.value: named(medium.value) for medium in Medium}
    sending = channels[Medium.TEXT.value]
    afterwards = Afterwards(store, sending, time.time)
    return Delivery(providers, dispatcher, channels, sending, afterwards, store, mac, breakers, counts)
