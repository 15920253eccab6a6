"""What would keep a message from going out now, so that a page can say so at once.

Nothing is decided or counted here: the slice that sends looks once more, and counts.
"""

from collections.abc import Callable

from vestibule.core.credentials import Credential
from vestibule.core.delivery import Medium, Provider
from vestibule.core.errors import Malformed
from vestibule.core.phones import CALL_USE, PHONE, REPLY_USE, TEXT_USE, destination_digest, phone_of
from vestibule.core.ports import Reading
from vestibule.core.sends import Counted, OptOut
from vestibule.flows.desk import Desk
from vestibule.flows.limits import Asking, admitted
from vestibule.flows.numbers import known_number
from vestibule.flows.routes import Leg, cost_of, legs

NO_PROVIDER = "no_provider"
OPTED_OUT = "opted_out"
MEDIA = {TEXT_USE: Medium.TEXT, CALL_USE: Medium.CALL, REPLY_USE: Medium.TEXT}

SOON = "A message went there a moment ago. Wait a minute, then ask for the next one."
OFTEN = "There were too many messages for now. Try again in an hour, or take another way."
DAY_FULL = "No more messages go out there today. Try again tomorrow, or take another way."
MONEY = "Nothing can be sent now: what was set aside for messages is spent. Ask your helpdesk."
NOBODY = "There is nobody here who carries this at the moment. Take another way, or ask your helpdesk."
STOPPED = "This number has asked to get no messages any more. Reply START to the number that they came from."
STRANGE = "Messages to such numbers are held back for now. Ask your helpdesk."
WORDS = {
    "person_attempts": OFTEN,
    "person_gap": SOON,
    "person_in_5_minutes": SOON,
    "person_in_hour": OFTEN,
    "person_in_day": DAY_FULL,
    "number_in_10_minutes": OFTEN,
    "number_in_hour": OFTEN,
    "number_in_day": DAY_FULL,
    "new_number_in_day": DAY_FULL,
    "prefix_in_hour": STRANGE,
    "prefix_numbers_in_hour": STRANGE,
    "numbers_in_a_row": STRANGE,
    "address_in_hour": OFTEN,
    "unused": STRANGE,
    "money_in_day": MONEY,
    "money_in_month": MONEY,
    "region_money_in_day": MONEY,
    NO_PROVIDER: NOBODY,
    OPTED_OUT: STOPPED,
}
"""What a person is told, by the name of the limit."""


class _Looking:
    """A ledger that forgets what is put into it."""

    def __init__(self, reading: Reading) -> None:
        self._get: Callable[[type[Counted], str], Counted | None] = reading.get

    def get(self, kind: type[Counted], key: str, /) -> Counted | None:
        return self._get(kind, key)

    def put(self, record: Counted, /) -> None:
        """Nothing is kept."""


def obstacle(desk: Desk, reading: Reading, one: Credential, medium: Medium) -> str:
    """Which limit would refuse a message to this number or address now, "" for none; a key of `WORDS`."""
    number = known_number(one.reach) if one.method == PHONE else None
    leg = next((leg for leg in _legs(desk, medium, number.region if number else "")), None)
    if leg is None:
        return NO_PROVIDER
    to = destination_digest(desk.code_mac, one.reach)
    if medium is Medium.TEXT and reading.get(OptOut, to):
        return OPTED_OUT
    snapshot = desk.store.snapshot
    cost = cost_of(reading, snapshot, leg, medium, number, parts=1)
    asking = Asking(one.user_id, to, number, phone_of(one), medium, "", cost, desk.clock())
    return admitted(_Looking(reading), asking, snapshot.settings.sending).refusal


def carried(desk: Desk) -> frozenset[Medium]:
    """What anybody here carries at all."""
    return frozenset(
        medium for medium in Medium if any(_able(desk, id, medium) for id in desk.store.snapshot.providers)
    )


def uses_here(desk: Desk) -> tuple[str, ...]:
    """What a telephone could be used for here."""
    media = carried(desk)
    able = [use for use, medium in MEDIA.items() if medium in media]
    return tuple(use for use in able if use != REPLY_USE or _hears(desk))


def _hears(desk: Desk) -> bool:
    """Whether replies to texts come in."""
    found = (_open(desk, id) for id in desk.store.snapshot.providers)
    return any(one is not None and one.abilities.replies for one in found)


def _legs(desk: Desk, medium: Medium, region: str) -> list[Leg]:
    return [leg for leg in legs(desk.store.snapshot, medium, region) if _able(desk, leg.provider, medium)]


def _able(desk: Desk, id: str, medium: Medium) -> bool:
    provider = _open(desk, id)
    return provider is not None and medium in provider.abilities.media


def _open(desk: Desk, id: str) -> Provider | None:
    record = desk.store.snapshot.providers.get(id)
    try:
        return desk.providers.provider_of(id) if record and record.enabled else None
    except Malformed:
        return None  # the look at all providers has logged it
