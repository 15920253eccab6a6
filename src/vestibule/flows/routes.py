"""Which providers may carry a message, in which order, shown from whom, and what that costs. Pure but for prices."""

from collections.abc import Iterator
from typing import NamedTuple

from vestibule.core.delivery import Medium
from vestibule.core.ports import Reading
from vestibule.core.providers import Price, price_id
from vestibule.core.snapshot import Snapshot
from vestibule.flows.limits import MILLION
from vestibule.flows.numbers import Number

ANYWHERE = "*"


class Leg(NamedTuple):
    """One provider that may be tried, and the sender that it shows ("" for its own)."""

    provider: str
    sender: str = ""


def legs(snapshot: Snapshot, medium: Medium, region: str) -> Iterator[Leg]:
    """The providers in order. Where no route speaks of the medium at all, everyone is tried, in order of id."""
    routes = [one for one in snapshot.routes if one.medium is medium]
    fitting = next((one for one in routes if not one.regions or region in one.regions), None)
    if fitting is not None:
        senders = dict(fitting.senders)
        wanted = [Leg(id, senders.get(id, "")) for id in fitting.providers]
    else:
        wanted = [] if routes else [Leg(id) for id in sorted(snapshot.providers)]
    return (one for one in wanted if one.provider in snapshot.providers and snapshot.providers[one.provider].enabled)


def cost_of(
    reading: Reading, snapshot: Snapshot, leg: Leg, medium: Medium, number: Number | None, *, parts: int
) -> int:
    """What one send is taken to cost, in millionths: the price of the longest beginning of the number that has one."""
    if number is None:
        return 0
    places = [number.e164[:length] for length in range(len(number.e164), 1, -1)]
    for place in (*places, number.region, ANYWHERE):
        price = reading.get(Price, price_id(leg.provider, medium, place))
        if price is not None:
            return price.cost * parts
    sending = snapshot.settings.sending
    assumed = sending.assumed_call_price if medium is Medium.CALL else sending.assumed_text_price
    return round(assumed * MILLION) * parts
