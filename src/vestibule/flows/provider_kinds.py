"""What administration and delivery ask of providers, whatever kind they are of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vestibule.core.delivery import Medium, Provider
from vestibule.core.secret import Secret


class ProviderKind(Protocol):
    """A kind of provider: what its settings mean, and what it may carry."""

    @property
    def media(self) -> frozenset[Medium]:
        """What providers of this kind can carry at most."""

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """The settings as they are kept, without what is at its default. Raises Malformed: which field, what to do."""


class Providers(Protocol):
    """The providers of this process: all kinds, and those that are set up, opened."""

    @property
    def kinds(self) -> Mapping[str, ProviderKind]:
        """What can be set up."""

    def provider_of(self, id: str) -> Provider | None:
        """The provider with this id, None for one that is not set up. Raises Malformed for what does not work here."""

    def hook_of(self, id: str) -> str:
        """The URL at which this provider tells us things; "" where we have no public address."""


@dataclass(frozen=True, slots=True)
class NoProviders:
    """No provider, and no kind of them."""

    kinds: Mapping[str, ProviderKind] = field(default_factory=dict)

    def provider_of(self, id: str) -> Provider | None:  # noqa: ARG002 - none has any
        """None."""
        return None

    def hook_of(self, id: str) -> str:  # noqa: ARG002 - none has any
        """Nowhere."""
        return ""


NO_PROVIDERS = NoProviders()
