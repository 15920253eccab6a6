"""Which provider carries what where, and what that costs: routes and prices, as administrators set them up."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

from vestibule.core.delivery import Medium
from vestibule.core.ports import Reading, Writing
from vestibule.core.providers import Price, Route, price_id
from vestibule.flows.clients import made_id
from vestibule.flows.desk import SLICE, Desk, Told, page_after, page_size
from vestibule.flows.limits import MILLION
from vestibule.flows.providers import MOST_ROUTES, the_provider
from vestibule.flows.refused import Missing, Refused

COLUMNS = ("provider", "medium", "place", "price")
REGION = re.compile(r"[A-Z]{2}")
PLACE = re.compile(r"\+[0-9]{1,14}|[A-Z]{2}|\*")
PRICE = re.compile(r"[0-9]{1,4}(\.[0-9]{1,6})?")
MOST_ROWS = 100_000


async def add(
    desk: Desk,
    actor: str,
    *,
    name: str,
    medium: str,
    providers: Sequence[str],
    regions: Sequence[str] = (),
    senders: Mapping[str, object] | None = None,
    position: int = 0,
) -> Told:
    """Add a route: these providers, in order, for this medium, in these regions or in all. 0 puts it last."""
    id, one_medium = made_id(name), _medium(medium)
    shown = tuple((provider, str(sender)) for provider, sender in (senders or {}).items())

    def act(writing: Writing) -> Told:
        if writing.get(Route, id) is not None:
            raise Refused(f"There is a route {id} already. Remove it first.", "name")
        for provider in (*providers, *(provider for provider, _ in shown)):
            the_provider(writing, provider)
        if not providers:
            raise Refused("Name at least one provider.", "providers")
        known = _in_order(writing)
        place = position or len(known) + 1
        route = Route(id, place, one_medium, _regions(regions), tuple(providers), shown)
        moved = [*known[: place - 1], route, *known[place - 1 :]]
        _put_in_order(writing, moved)
        writing.note(desk.entry("route.add", actor, route=id, medium=medium, providers=list(providers)))
        return {"routes": [route_told(one) for one in _in_order(writing)]}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All routes, in the order in which they are looked at."""
    return {"routes": [route_told(one) for one in desk.store.snapshot.routes]}


async def remove(desk: Desk, actor: str, *, name: str) -> Told:
    """Remove a route."""

    def act(writing: Writing) -> Told:
        if writing.get(Route, name) is None:
            raise Missing(f"There is no route {name}. See them with: vestibule route list", "name")
        writing.remove(Route, name)
        _put_in_order(writing, _in_order(writing))
        writing.note(desk.entry("route.remove", actor, route=name))
        return {"removed": name}

    return await desk.store.change(act)


async def set_prices(desk: Desk, actor: str, *, content: str, dry_run: bool = False) -> Told:
    """Take prices from a table: provider, medium, place (+1876, JM or *), price in the installation's currency.

    A price that is there already for the same place is replaced; a row that is wrong stops all of them.
    """
    prices = _read(content, frozenset(desk.store.snapshot.providers))
    if dry_run:
        return {"prices": len(prices), "dry_run": True}
    for start in range(0, len(prices), SLICE):
        some = prices[start : start + SLICE]

        def act(writing: Writing, some: Sequence[Price] = some) -> None:
            for price in some:
                writing.put(price)

        await desk.store.change(act)
    note = desk.entry("price.set", actor, prices=len(prices))
    await desk.store.change(lambda writing: writing.note(note))
    return {"prices": len(prices), "dry_run": False}


async def prices(desk: Desk, actor: str, *, after: str = "", limit: int = 100) -> Told:  # noqa: ARG001 - as above
    """What is known to cost what, in order of provider, medium and place."""
    size = page_size(limit)
    rows = await desk.store.read(lambda reading: reading.page(Price, after, size))
    return {"prices": [_price_told(one) for one in rows], "next": page_after(rows, size, lambda one: one.id)}


def route_told(one: Route) -> Told:
    """A route."""
    return {
        "name": one.id,
        "position": one.position,
        "medium": one.medium.value,
        "regions": list(one.regions),
        "providers": list(one.providers),
        "senders": dict(one.senders),
    }


def _price_told(one: Price) -> Told:
    provider, medium, place = one.id.split("/")
    return {"provider": provider, "medium": medium, "place": place, "price": one.cost / MILLION}


def _in_order(reading: Reading) -> list[Route]:
    return sorted(reading.page(Route, "", MOST_ROUTES), key=lambda one: (one.position, one.id))


def _put_in_order(writing: Writing, routes: Sequence[Route]) -> None:
    for position, one in enumerate(routes, start=1):
        writing.put(Route(one.id, position, one.medium, one.regions, one.providers, one.senders))


def _medium(text: str) -> Medium:
    try:
        return Medium(text)
    except ValueError:
        raise Refused(f"medium must be one of {', '.join(Medium)}.", "medium") from None


def _regions(regions: Sequence[str]) -> tuple[str, ...]:
    wrong = next((one for one in regions if not REGION.fullmatch(one)), None)
    if wrong is not None:
        raise Refused(f"{wrong} is no region; write two capital letters (ISO 3166), as US.", "regions")
    return tuple(regions)


def _read(content: str, providers: frozenset[str]) -> list[Price]:
    rows = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise Refused(f"The table has no column {missing[0]}. Its first line names {', '.join(COLUMNS)}.", "content")
    found = []
    for number, row in enumerate(rows, start=2):
        if number > MOST_ROWS:
            raise Refused(f"The table has more than {MOST_ROWS} rows.", "content")
        found.append(_price(row, number, providers))
    return found


def _price(row: Mapping[str, str | None], number: int, providers: frozenset[str]) -> Price:
    provider, medium, place, price = ((row[name] or "").strip() for name in COLUMNS)
    faults = (
        (provider in providers, f"there is no provider {provider}", "provider"),
        (medium in set(Medium), f"medium must be one of {', '.join(Medium)}", "medium"),
        (bool(PLACE.fullmatch(place)), "place must be the beginning of a number (+1876), a region (JM) or *", "place"),
        (bool(PRICE.fullmatch(price)), "price must be a number such as 0.0075", "price"),
    )
    for right, words, column in faults:
        if not right:
            raise Refused(f"Line {number}, column {column}: {words}. Nothing was taken.", "content")
    return Price(price_id(provider, Medium(medium), place), round(float(price) * MILLION))
