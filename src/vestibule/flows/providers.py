"""Providers of calls, texts and mail: set them up, try them, remove them. What a kind needs, the kind knows."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vestibule.core.credentials import Credential
from vestibule.core.delivery import Medium
from vestibule.core.errors import Malformed
from vestibule.core.phones import MAIL
from vestibule.core.ports import Reading, Writing
from vestibule.core.providers import ProviderRecord, Route
from vestibule.core.secret import Secret
from vestibule.core.sends import Send
from vestibule.flows.clients import made_id
from vestibule.flows.desk import Desk, Told, page_after, page_size, the_user
from vestibule.flows.phones import send_soon, the_phone
from vestibule.flows.refused import Missing, Refused

TELLS_WHERE = ("url", "host", "port", "server", "tls", "plain", "ca", "verify", "base")
"""Parts of the names of settings that say who is told the secret, whatever the kind."""

TOLD_TO_OTHERS = "The secret would be told to others than before. Give it again together with these settings."
MOST_ROUTES = 1000
TEST_SECONDS = 300.0
TEST = "test"


async def add(desk: Desk, actor: str, *, id: str, kind: str, settings: Mapping[str, Any], secret: str = "") -> Told:
    """Set a provider up; nothing is sent yet."""
    named, kept = made_id(id), Secret.of(secret)
    record = ProviderRecord(named, kind, _kept(desk, named, kind, settings, kept), kept, desk.clock())

    def act(writing: Writing) -> Told:
        if writing.get(ProviderRecord, named) is not None:
            raise Refused(f"There is a provider {named} already. Change it with: vestibule provider set", "id")
        writing.put(record)
        writing.note(desk.entry("provider.add", actor, provider=named, kind=kind))
        return {"provider": provider_told(desk, record)}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All providers, in order of id."""
    records = desk.store.snapshot.providers
    return {"providers": [provider_told(desk, records[id]) for id in sorted(records)]}


async def show(desk: Desk, actor: str, *, id: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One provider."""
    record = await desk.store.read(lambda reading: the_provider(reading, id))
    return {"provider": provider_told(desk, record)}


async def change(
    desk: Desk,
    actor: str,
    *,
    id: str,
    settings: Mapping[str, Any] | None = None,
    secret: str | None = None,
    enabled: bool | None = None,
) -> Told:
    """Change what is given; a setting that is null goes back to its default.

    Where the secret would be told to others than before, it must be given again.
    """

    def act(writing: Writing) -> Told:
        before = the_provider(writing, id)
        kept = before.secret if secret is None else Secret.of(secret)
        merged = {**json.loads(before.settings), **(settings or {})}
        wanted = {name: one for name, one in merged.items() if one is not None}
        text = _kept(desk, id, before.kind, wanted, kept)
        on = before.enabled if enabled is None else enabled
        record = replace(before, settings=text, secret=kept, enabled=on, version=before.version + 1)
        if secret is None and kept and _where(record) != _where(before):
            raise Refused(TOLD_TO_OTHERS, "secret")
        given = [("secret", secret), ("enabled", enabled)]
        changed = [*sorted(settings or {}), *(name for name, value in given if value is not None)]
        writing.put(record)
        writing.note(desk.entry("provider.set", actor, provider=id, changed=changed))
        return {"provider": provider_told(desk, record), "changed": changed}

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, id: str) -> Told:
    """Remove a provider that no route names. What is under way with it ends as unknown."""

    def act(writing: Writing) -> Told:
        the_provider(writing, id)
        naming = [route.id for route in writing.page(Route, "", MOST_ROUTES) if id in route.providers]
        if naming:
            raise Refused(f"The route {naming[0]} names {id}. Remove it there first.", "id")
        writing.remove(ProviderRecord, id)
        writing.note(desk.entry("provider.remove", actor, provider=id))
        return {"removed": id}

    return await desk.store.change(act)


async def probe(desk: Desk, actor: str, *, id: str, user: str, phone: str = "") -> Told:
    """Send a test to a number or an address of a person, by this provider alone; limits and money hold as ever."""

    def act(writing: Writing) -> Told:
        the_provider(writing, id)
        person = the_user(writing, user)
        to = the_phone(writing, person, phone) if phone else _first(desk, writing, person.id, id)
        message = send_soon(desk, writing, to, f"{TEST}:{id}", desk.clock() + TEST_SECONDS)
        writing.note(desk.entry("provider.test", actor, person, to.id, provider=id))
        return {"message": message.id}

    return await desk.store.change(act)


async def sends(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    user: str | None = None,
    message: str | None = None,
    after: str = "",
    limit: int = 100,
) -> Told:
    """What was handed to providers: of one person, of one message, or all in order of id."""
    size = page_size(limit)

    def question(reading: Reading) -> Told:
        if message is not None:
            found = reading.find(Send, "message_id", message)
        elif user is not None:
            found = reading.find(Send, "user_id", the_user(reading, user).id)
        else:
            rows = reading.page(Send, after, size)
            return {"sends": [send_told(one) for one in rows], "next": page_after(rows, size, lambda one: one.id)}
        newest = sorted(found, key=lambda one: one.begun_at, reverse=True)[:size]
        return {"sends": [send_told(one) for one in newest], "next": None}

    return await desk.store.read(question)


def the_provider(reading: Reading, id: str) -> ProviderRecord:
    """The provider with this id; refused when there is none."""
    record = reading.get(ProviderRecord, id)
    if record is None:
        raise Missing(f"There is no provider {id}. See them with: vestibule provider list", "id")
    return record


def provider_told(desk: Desk, record: ProviderRecord) -> Told:
    """A provider, without its secret; `hook` is the URL that it is given, a secret of its own kind."""
    kind = desk.providers.kinds.get(record.kind)
    return {
        "id": record.id,
        "kind": record.kind,
        "media": sorted(kind.media) if kind else [],
        "settings": json.loads(record.settings),
        "secret": bool(record.secret),
        "enabled": record.enabled,
        "hook": desk.providers.hook_of(record.id),
        "created_at": record.created_at,
    }


def send_told(one: Send) -> Told:
    """A send: no number and no code stands in it."""
    return {
        "id": one.id,
        "message": one.message_id,
        "provider": one.provider,
        "medium": one.medium.value,
        "state": one.state.value,
        "fault": one.fault,
        "code": one.code,
        "reference": one.reference,
        "region": one.region,
        "cost": one.cost / 1_000_000,
        "currency": one.currency,
        "begun_at": one.begun_at,
        "ended_at": one.ended_at or None,
    }


def _first(desk: Desk, reading: Reading, user_id: str, provider: str) -> Credential:
    """The first of a person's numbers or addresses that this provider can reach."""
    kind = desk.providers.kinds.get(the_provider(reading, provider).kind)
    media = kind.media if kind else frozenset()
    for one in reading.find(Credential, "user_id", user_id):
        if media and one.reach and (one.method == MAIL) == (media == frozenset({Medium.MAIL})):
            return one
    raise Missing("This person has nothing that the provider could reach. Add it with: vestibule phone add", "user")


def _where(record: ProviderRecord) -> dict[str, Any]:
    settings = json.loads(record.settings)
    return {name: value for name, value in settings.items() if any(part in name for part in TELLS_WHERE)}


def _kept(desk: Desk, id: str, kind: str, settings: Mapping[str, Any], secret: Secret) -> str:
    """The settings as JSON, once the kind has found nothing wrong with them."""
    known = desk.providers.kinds.get(kind)
    if known is None:
        raise Refused(f"kind must be one of {', '.join(desk.providers.kinds)}.", "kind")
    try:
        return json.dumps(known.checked(id, settings, secret), ensure_ascii=False, sort_keys=True)
    except Malformed as malformed:
        raise Refused(f"{malformed}.", "settings") from None
