"""Providers of calls, texts and mail for a desk: they stand there, and nothing is sent by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.delivery.scripted import Scripted
from tests.flows.desks import Office
from vestibule.core.delivery import Abilities, Medium, Provider
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.flows.provider_kinds import ProviderKind


@dataclass
class Live:
    """Every provider carries `media`."""

    media: frozenset[Medium] = frozenset(Medium)
    replies: bool = True
    kinds: Mapping[str, ProviderKind] = field(default_factory=dict)

    def provider_of(self, id: str) -> Provider | None:
        return Scripted(Abilities(self.media, replies=self.replies))

    def hook_of(self, id: str) -> str:
        return ""


async def carriers(office: Office) -> None:
    """Set one up."""
    await office.store.change(lambda writing: writing.put(ProviderRecord("one", "scripted", "{}", Secret(b""))))
