"""The door for providers, put together."""

import time

from prometheus_client import CollectorRegistry

from vestibule.apps.delivery import hook_token
from vestibule.apps.pieces import Pieces
from vestibule.frontends.hooks.door import Behind, HookDoor
from vestibule.frontends.http.counts import Counts
from vestibule.frontends.http.guard import Manners
from vestibule.frontends.http.limits import Buckets
from vestibule.frontends.http.peers import caller_address

PER_SECOND, AT_ONCE = 200.0, 1000.0  # of one provider; a key of each of 20 calls a second is well within


def open_hooks(pieces: Pieces, manners: Manners, counts: Counts, registry: CollectorRegistry) -> HookDoor:
    """Open it in front of what is set up."""

    def address_of(peer: str, headers: list[tuple[bytes, bytes]]) -> str:
        return caller_address(peer, headers, manners.trusted_proxies)

    providers = pieces.delivery.providers
    behind = Behind(
        lambda id: hook_token(pieces.vault, id),
        providers.hook_of,
        providers.provider_of,
        pieces.reports.take,
        address_of,
        Buckets(PER_SECOND, AT_ONCE, time.monotonic),
        time.time,
        counts.bug,
    )
    return HookDoor(behind, registry)
