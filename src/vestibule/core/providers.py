"""Providers of calls, texts and mail as administrators set them up, which of them carries what, and what it costs."""

from dataclasses import dataclass

from vestibule.core.delivery import Medium
from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class ProviderRecord:
    """One account at one provider. `settings` is the JSON text that its `kind` understands.

    `secret` is what it knows us by. One that is not `enabled` is sent nothing, and still heard.
    """

    id: str
    kind: str
    settings: str
    secret: Secret
    created_at: float = 0.0
    version: int = 1
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Route:
    """Who carries what where: the first route that names the medium and the region gives its providers, in order.

    `regions` () are all. `senders` are pairs of a provider and the sender (a number, a short code, a name, an address)
    that it is told to show; without one the provider's own. Routes are looked at in order of `position`, then of `id`.
    """

    id: str
    position: int
    medium: Medium
    regions: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    senders: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """What one text, or one begun minute of a call, costs in millionths of the installation's currency.

    `id` is "provider/medium/place"; a place is the beginning of a number (+1876), a region (JM), or "*".
    """

    id: str
    cost: int


def price_id(provider: str, medium: Medium, place: str) -> str:
    """Where the price stands."""
    return f"{provider}/{medium}/{place}"
