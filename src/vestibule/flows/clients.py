"""Clients: add, list, show, change and remove them, and change their shared secret without a gap."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from ipaddress import ip_network
from typing import Any

from vestibule.core.api_keys import ApiKey
from vestibule.core.clients import Client, SignIn
from vestibule.core.directories import DirectoryRecord
from vestibule.core.policy import Rule
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.flows.client_rules import BUILT_IN, MOST, is_portal, refuse_ambiguous, refuse_unfit, warnings_of
from vestibule.flows.desk import Desk, Told, checked, required
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.views import client_told
from vestibule.wire.names import BadField, checked_text

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
"""Letters and digits that are not taken for one another when they are read and typed."""

SECRET_CHARACTERS = 32  # 186 bits
LONGEST_SECRET = 128
LONGEST_ID = 64
LONGEST_NAS_IDENTIFIER = 253
DAY = 86_400.0
PASS_DAYS = 366


async def add(
    desk: Desk,
    actor: str,
    *,
    name: str,
    networks: Sequence[str] | None = None,
    id: str | None = None,
    sign_in: str = SignIn.PASSWORD_THEN_CODE.value,
    nas_identifier: str = "",
    require_user_match: bool = True,
    require_message_authenticator: bool = True,
    limit_proxy_state: bool = True,
    holds: bool = True,
    time_budget: float = 30.0,
    rejoin_seconds: int = 0,
    first_factor: str = "",
    pass_until: str = "",
    pass_through: bool = False,
    secret: str | None = None,
) -> Told:
    """Add a client; its shared secret is made here unless it is given.

    Without networks it asks over the HTTP API only, and has no shared secret.
    """
    named = required(name, "name")
    shared = None if networks is None else _secret(desk, secret)
    client = Client(
        id=made_id(named if id is None else id),
        name=named,
        networks=() if networks is None else _networks(networks),
        secrets=(shared.value,) if shared else (),
        nas_identifier=checked(nas_identifier, "nas_identifier", LONGEST_NAS_IDENTIFIER),
        sign_in=_sign_in(sign_in),
        require_user_match=require_user_match,
        require_message_authenticator=require_message_authenticator,
        limit_proxy_state=limit_proxy_state,
        holds=holds,
        time_budget=time_budget,
        rejoin_seconds=rejoin_seconds,
        first_factor=first_factor,
        pass_until=_pass_until(desk, pass_until),
        pass_through=pass_through,
        created_at=desk.clock(),
    )
    refuse_unfit(client)

    def act(writing: Writing) -> Told:
        if writing.get(Client, client.id) is not None:
            raise Refused(f"There is a client {client.id} already. Choose another id.", "id")
        return _stored(desk, writing, client, shared, action="client.add", actor=actor)

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All clients, in order of id."""
    clients = desk.store.snapshot.clients
    return {"clients": [client_told(clients[name]) for name in sorted(clients)]}


async def show(desk: Desk, actor: str, *, id: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One client, and what is weak about it."""

    def question(reading: Reading) -> Told:
        client = the_client(reading, id)
        return {"client": client_told(client), "warnings": warnings_of(reading, client, desk.clock())}

    return await desk.store.read(question)


async def change(
    desk: Desk,
    actor: str,
    *,
    id: str,
    name: str | None = None,
    networks: Sequence[str] | None = None,
    sign_in: str | None = None,
    nas_identifier: str | None = None,
    require_user_match: bool | None = None,
    require_message_authenticator: bool | None = None,
    limit_proxy_state: bool | None = None,
    holds: bool | None = None,
    time_budget: float | None = None,
    rejoin_seconds: int | None = None,
    first_factor: str | None = None,
    pass_until: str | None = None,
    pass_through: bool | None = None,
) -> Told:
    """Change what is given."""
    given: dict[str, Any] = {
        "name": None if name is None else required(name, "name"),
        "networks": None if networks is None else _networks(networks),
        "sign_in": None if sign_in is None else _sign_in(sign_in),
        "nas_identifier": None if nas_identifier is None else checked(nas_identifier, "nas_identifier"),
        "require_user_match": require_user_match,
        "require_message_authenticator": require_message_authenticator,
        "limit_proxy_state": limit_proxy_state,
        "holds": holds,
        "time_budget": time_budget,
        "rejoin_seconds": rejoin_seconds,
        "first_factor": first_factor,
        "pass_until": None if pass_until is None else _pass_until(desk, pass_until),
        "pass_through": pass_through,
    }
    return await _changed(desk, actor, id, {field: value for field, value in given.items() if value is not None})


async def remove(desk: Desk, actor: str, *, id: str) -> Told:
    """Remove a client; refused while a rule of the policy or an API key names it."""

    def act(writing: Writing) -> Told:
        client = the_client(writing, id)
        if is_portal(client):
            raise Refused(BUILT_IN, "id")
        naming = [rule.name for rule in writing.page(Rule, "", MOST) if client.id in rule.clients]
        if naming:
            raise Refused(f"The policy names {client.id} in {', '.join(naming)}. Remove these rules first.", "id")
        keys = [key.name for key in writing.find(ApiKey, "client_id", client.id)]
        if keys:
            raise Refused(f"API keys ask as {client.id}: {', '.join(keys)}. Remove these keys first.", "id")
        writing.remove(Client, client.id)
        writing.note(replace(desk.entry("client.remove", actor), client_id=client.id))
        return {"removed": client.id}

    return await desk.store.change(act)


async def change_secret(
    desk: Desk,
    actor: str,
    *,
    id: str,
    step: str,
    secret: str | None = None,
) -> Told:
    """Change the shared secret in two steps: `begin` takes a second, newer one, `finish` drops the older."""
    if step not in ("begin", "finish"):
        raise Refused("step must be begin or finish.", "step")
    shared = _secret(desk, secret) if step == "begin" else None

    def act(writing: Writing) -> Told:
        client = the_client(writing, id)
        if shared is not None and len(client.secrets) > 1:
            raise Refused(
                f"A change of the secret is under way. Finish it first: vestibule client secret {id} --finish", "step"
            )
        if shared is None and len(client.secrets) == 1:
            raise Refused(f"No change of the secret is under way. Begin one: vestibule client secret {id}", "step")
        secrets = (shared.value, *client.secrets) if shared else client.secrets[:1]
        renewed = replace(client, secrets=secrets, version=client.version + 1)
        return _stored(desk, writing, renewed, shared, action=f"client.secret.{step}", actor=actor)

    return await desk.store.change(act)


def the_client(reading: Reading, client_id: str, field: str = "id") -> Client:
    """The client with this id; refused when there is none."""
    client = reading.get(Client, client_id)
    if client is None:
        raise Missing(f"There is no client {client_id}. Look for its id with: vestibule client list", field)
    return client


def made_secret(desk: Desk) -> Secret:
    """A shared secret of 32 characters that people can read and type (186 bits)."""
    chosen = ""
    while len(chosen) < SECRET_CHARACTERS:
        drawn = desk.chance(2 * SECRET_CHARACTERS)
        fair = [octet % len(ALPHABET) for octet in drawn if octet < 256 - 256 % len(ALPHABET)]
        chosen += "".join(ALPHABET[place] for place in fair)
    return Secret.of(chosen[:SECRET_CHARACTERS])


# -- reading arguments ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shared:
    """A new shared secret; `shown` holds it once more where it was made here, for the one who has to type it."""

    value: Secret
    shown: str | None


def _secret(desk: Desk, given: str | None) -> _Shared:
    if given is None:
        made = made_secret(desk)
        return _Shared(made, made.reveal().decode())
    try:
        text = checked_text(given, "secret", LONGEST_SECRET)
    except BadField as bad:
        raise Refused(f"secret {bad.reason}.", "secret") from None
    if not text or text != text.strip():
        raise Refused("secret must not be empty, nor begin or end with a blank.", "secret")
    return _Shared(Secret.of(text), None)


def made_id(text: str) -> str:
    """The id itself, or one made of a name: lower case, a dash for what is neither letter nor digit."""
    made = re.sub(r"[^a-z0-9._]+", "-", text.strip().lower()).strip("-")[:LONGEST_ID]
    if not made:
        raise Refused("id must have letters a to z or digits; give one.", "id")
    return made


def _pass_until(desk: Desk, text: str) -> float:
    """The end of that day (UTC), or never for an empty text."""
    if not text.strip():
        return 0.0
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise Refused("pass_until must be a date as 2027-01-31, or empty for never.", "pass_until") from None
    until = datetime.combine(day, time.max, UTC).timestamp()
    if until < desk.clock():
        raise Refused("pass_until must be today or later; empty is for never.", "pass_until")
    if until > desk.clock() + PASS_DAYS * DAY:
        raise Refused(f"pass_until must be within {PASS_DAYS} days: nothing passes for good.", "pass_until")
    return until


def _sign_in(text: str) -> SignIn:
    try:
        return SignIn(text)
    except ValueError:
        raise Refused(f"sign_in must be one of {', '.join(SignIn)}.", "sign_in") from None


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    networks = tuple(dict.fromkeys(network(text) for text in texts))
    if not networks:
        raise Refused("networks is empty; name at least one, as 192.0.2.10 or 192.0.2.0/24.", "networks")
    return networks


def network(text: str) -> str:
    """A network in CIDR form; refused when it is none, or when its host part is not empty."""
    try:
        loose = ip_network(text.strip(), strict=False)
    except ValueError:
        raise Refused(f"{text!r} is no network; write one as 192.0.2.0/24 or 2001:db8::/64.", "networks") from None
    if "/" in text and str(loose.network_address) != text.strip().partition("/")[0].lower():
        raise Refused(f"{text} is an address inside {loose}; write the one that is meant.", "networks")
    if getattr(loose.network_address, "ipv4_mapped", None) is not None:
        raise Refused(f"{text} is an IPv4 network in the form of IPv6; write it as IPv4.", "networks")
    return str(loose)


# -- storing -------------------------------------------------------------------------------------------------------


async def _changed(desk: Desk, actor: str, client_id: str, given: Mapping[str, Any]) -> Told:
    def act(writing: Writing) -> Told:
        before = the_client(writing, client_id)
        client = replace(before, **given)
        names = [one.name for one in fields(Client) if getattr(client, one.name) != getattr(before, one.name)]
        refuse_unfit(client)
        if not names:
            return {
                "client": client_told(client),
                "changed": [],
                "warnings": warnings_of(writing, client, desk.clock()),
            }
        client = replace(client, version=before.version + 1)
        told = _stored(desk, writing, client, None, action="client.set", actor=actor, changed=names)
        return {"client": told["client"], "changed": names, "warnings": told["warnings"]}

    return await desk.store.change(act)


def _stored(
    desk: Desk, writing: Writing, client: Client, shared: _Shared | None, *, action: str, actor: str, **detail: object
) -> Told:
    """Store the client with one line in the journal, also about what is weak."""
    refuse_ambiguous(writing, client)
    if client.first_factor and writing.get(DirectoryRecord, client.first_factor) is None:
        raise Refused(
            f"There is no directory {client.first_factor}. See them with: vestibule directory list", "first_factor"
        )
    writing.put(client)
    warnings = warnings_of(writing, client, desk.clock())
    if warnings:
        detail["warnings"] = warnings
    writing.note(replace(desk.entry(action, actor, **detail), client_id=client.id))
    return {"client": client_told(client), "secret": shared.shown if shared else None, "warnings": warnings}
