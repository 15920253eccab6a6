"""All clients at a glance: a page of them, those whose name, id or network has some text in it."""

from collections.abc import Iterable
from itertools import groupby

from vestibule.core.clients import Client
from vestibule.core.policy import parse_networks
from vestibule.flows.client_rules import is_portal, warnings_among
from vestibule.flows.desk import Desk, Told, page_size
from vestibule.flows.views import client_told


async def overview(desk: Desk, actor: str, *, text: str = "", after: str = "", limit: int = 50) -> Told:  # noqa: ARG001 - every flow is told who asks
    """A page of clients in order of id, each with how many warnings there are; `next` is where the next page begins."""
    size, clients, now = page_size(limit), desk.store.snapshot.clients, desk.clock()
    wanted = [clients[id] for id in sorted(clients) if id > after and _has(clients[id], text.strip().lower())]
    page, near = wanted[:size], overlapping(clients.values())
    return {
        "clients": [
            {
                **client_told(one),
                "warnings": len(warnings_among((), one, now)) + (one.id in near),
                "portal": is_portal(one),
            }
            for one in page
        ],
        "next": page[-1].id if len(wanted) > size else None,
        "total": len(clients),
    }


def overlapping(clients: Iterable[Client]) -> set[str]:
    """The ids of clients whose networks overlap another's of the same NAS-Identifier; in one pass over all networks.

    Two networks are apart or one lies in the other, so that those around a network are a stack.
    """
    spans = sorted(
        ((one.nas_identifier, net.version), int(net.network_address), -int(net.broadcast_address), one.id)
        for one in clients
        for net in parse_networks(one.networks)
    )
    found: set[str] = set()
    for _alike, together in groupby(spans, key=lambda span: span[0]):
        around: list[tuple[int, str]] = []
        for _, first, last, id in together:
            while around and around[-1][0] < first:
                around.pop()
            others = {other for _, other in around if other != id}
            found |= others | {id} if others else others
            around.append((-last, id))
    return found


def _has(client: Client, text: str) -> bool:
    """Whether the text stands in what a person would look for."""
    return not text or any(text in one.lower() for one in (client.id, client.name, *client.networks))
