"""Providers, sends, and what limits count, to rows and back."""

from typing import Any

from vestibule.core.delivery import Medium
from vestibule.core.providers import Price, ProviderRecord, Route
from vestibule.core.sends import Counted, OptOut, Send, SendState
from vestibule.core.sounds import Recording
from vestibule.stores.sql import schema
from vestibule.stores.sql.question_text import dump
from vestibule.stores.sql.shape import Row, Shape, pairs, texts
from vestibule.stores.vault import Vault


def _place(provider_id: str) -> str:
    return f"providers/{provider_id}/sealed"


def _provider_row(one: ProviderRecord, vault: Vault) -> Row:
    sealed = vault.seal(one.secret, _place(one.id))
    return one.id, one.kind, one.settings, sealed, one.created_at, one.version, int(one.enabled)


def _provider(row: Row, vault: Vault) -> ProviderRecord:
    secret = vault.open_sealed(row[3], _place(row[0]))
    return ProviderRecord(row[0], row[1], row[2], secret, row[4], row[5], bool(row[6]))


def _route_row(one: Route, vault: Vault) -> Row:
    return one.id, one.position, one.medium.value, dump(one.regions), dump(one.providers), dump(one.senders)


def _route(row: Row, vault: Vault) -> Route:
    return Route(row[0], row[1], Medium(row[2]), texts(row[3]), texts(row[4]), pairs(row[5]))


def _price_row(one: Price, vault: Vault) -> Row:
    return one.id, one.cost


def _price(row: Row, vault: Vault) -> Price:
    return Price(*row)


def _memory_place(send_id: str) -> str:
    return f"sends/{send_id}/sealed"


def _send_row(one: Send, vault: Vault) -> Row:
    return (
        one.id,
        one.message_id,
        one.attempt_id,
        one.user_id,
        one.credential_id,
        one.provider,
        one.medium.value,
        one.state.value,
        one.reference,
        one.fault,
        one.code,
        one.sender,
        one.region,
        one.prefix,
        one.cost,
        one.currency,
        one.reserved,
        one.begun_at,
        one.ended_at,
        vault.seal(one.memory, _memory_place(one.id)),
    )


def _send(row: Row, vault: Vault) -> Send:
    memory = vault.open_sealed(row[19], _memory_place(row[0]))
    fields = [*row[:6], Medium(row[6]), SendState(row[7]), *row[8:19], memory]
    return Send(*fields)


def _counted_row(one: Counted, vault: Vault) -> Row:
    return one.id, one.until, one.count, one.money, one.marks


def _counted(row: Row, vault: Vault) -> Counted:
    return Counted(*row)


def _opt_out_row(one: OptOut, vault: Vault) -> Row:
    return one.id, one.at, one.provider


def _opt_out(row: Row, vault: Vault) -> OptOut:
    return OptOut(*row)


def _recording_row(one: Recording, vault: Vault) -> Row:
    return one.id, one.digest, one.seconds, one.source, one.changed_at, one.octets


def _recording(row: Row, vault: Vault) -> Recording:
    fields = [*row[:5], bytes(row[5])]
    return Recording(*fields)


PROVIDERS = Shape(ProviderRecord, schema.providers, _provider_row, _provider, settings=True, sealed_in="sealed")
ROUTES = Shape(Route, schema.routes, _route_row, _route, settings=True)
SENDS = Shape(
    Send, schema.sends, _send_row, _send, ("message_id", "attempt_id", "user_id", "reference"), sealed_in="sealed"
)

DELIVERY: tuple[Shape[Any], ...] = (
    PROVIDERS,
    ROUTES,
    Shape(Price, schema.prices, _price_row, _price),
    SENDS,
    Shape(Counted, schema.counted, _counted_row, _counted),
    Shape(OptOut, schema.opt_outs, _opt_out_row, _opt_out),
    Shape(Recording, schema.recordings, _recording_row, _recording),
)
