"""What operations on numbers, providers, routes and prices tell."""

from typing import Any, Literal

from vestibule.frontends.http.fields import Shown

Medium = Literal["call", "text", "mail"]
Use = Literal["text", "call", "reply"]


class Phone(Shown):
    """A number or an address of a person, masked."""

    id: str
    method: Literal["phone", "mail"]
    to: str
    label: str
    kind: Literal["mobile", "office", "backup", ""]
    region: str
    extension: bool
    uses: list[Literal["text", "call", "reply", "mail"]]
    pin: bool | None
    state: Literal["pending", "active", "disabled"]
    proven_at: float | None
    changed_at: float | None


class Phones(Shown):
    """All of one person."""

    phones: list[Phone]


class PhoneMade(Shown):
    """One that was given."""

    phone: Phone


class PhoneChanged(PhoneMade):
    """One, and what was given."""

    changed: list[str]


class Removed(Shown):
    """What is gone."""

    removed: str


class PinSet(Shown):
    """A PIN that was drawn, this one time; null for one that was given."""

    pin: str | None
    must_change: bool


class Provider(Shown):
    """An account at a provider; whether it has a secret, never which. `hook` is the URL that it is given."""

    id: str
    kind: str
    media: list[Medium]
    settings: dict[str, Any]
    secret: bool
    enabled: bool
    hook: str
    created_at: float


class Providers(Shown):
    """All providers."""

    providers: list[Provider]


class ProviderMade(Shown):
    """One provider."""

    provider: Provider


class ProviderChanged(ProviderMade):
    """One provider, and which settings were given."""

    changed: list[str]


class Tested(Shown):
    """The message that is on its way; what became of it stands in the list of sends."""

    message: str


class Send(Shown):
    """What one provider was handed of one message, and what became of it."""

    id: str
    message: str
    provider: str
    medium: Medium
    state: Literal["dispatching", "unknown", "accepted", "failed", "undelivered", "delivered"]
    fault: str
    code: str
    reference: str
    region: str
    cost: float
    currency: str
    begun_at: float
    ended_at: float | None


class Sends(Shown):
    """A page of them."""

    sends: list[Send]
    next: str | None


class Route(Shown):
    """Who carries what where."""

    name: str
    position: int
    medium: Medium
    regions: list[str]
    providers: list[str]
    senders: dict[str, str]


class Routes(Shown):
    """All routes, in the order in which they are looked at."""

    routes: list[Route]


class Price(Shown):
    """What one text, or one begun minute of a call, costs there."""

    provider: str
    medium: Medium
    place: str
    price: float


class Prices(Shown):
    """A page of them."""

    prices: list[Price]
    next: str | None


class PricesTaken(Shown):
    """How many were taken, or would be."""

    prices: int
    dry_run: bool
