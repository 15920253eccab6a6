"""Clients at a glance: as many warnings as each client's own page has, however many clients there are."""

import time

from tests.flows.desks import ACTOR, Office
from vestibule.core.clients import Client
from vestibule.core.secret import Secret
from vestibule.flows.client_overview import overlapping, overview
from vestibule.flows.client_rules import warnings_among

STRONG = (Secret(b"a strong shared secret of 32 cha"),)
NETWORKS = (
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "10.1.2.3/32",
    "192.0.2.0/25",
    "192.0.2.128/25",
    "2001:db8::/32",
)


async def test_the_overview_counts_what_the_clients_own_page_says(office: Office) -> None:
    clients = [
        Client(f"c{n}", f"C{n}", (network,), STRONG, nas_identifier="a" if n in (1, 13) else "", rejoin_seconds=n % 2)
        for n, network in enumerate(NETWORKS * 2)
        if n < len(NETWORKS) or network.startswith("2001")
    ]

    def act(writing: object) -> None:
        for one in clients:
            writing.put(one)  # type: ignore[attr-defined]  # a Writing

    await office.store.change(act)
    told = await overview(office.desk, ACTOR)
    assert {one["id"]: one["warnings"] for one in told["clients"]} == {
        one.id: len(warnings_among(clients, one, office.clock.at)) for one in clients
    }


def test_overlaps_are_found_among_thousands_at_once() -> None:
    clients = [Client(f"c{n}", "", (f"10.{n // 250}.{n % 250}.0/24",), STRONG) for n in range(5000)]
    began = time.perf_counter()
    assert overlapping(clients) == set()
    assert overlapping([*clients, Client("wide", "", ("10.3.0.0/16",), STRONG)]) == {
        "wide",
        *(f"c{n}" for n in range(750, 1000)),
    }
    assert time.perf_counter() - began < 1.0
