"""Clients: who may ask us for sign-ins, by which secret, and what is weak about it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.core.clients import SignIn
from vestibule.flows import api_keys, client_overview, clients
from vestibule.flows.client_rules import PORTAL
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.entry import address, asked, form, looking, named, show
from vestibule.portals.administration.filled import Values, filled, lines, number, ticked, whole
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/clients"
PAGE = 50
RADIUS, HTTP = "radius", "http"

SIGN_INS = {
    SignIn.PASSWORD_THEN_CODE.value: marked("Password first, then the code is asked"),
    SignIn.PASSWORD_AND_CODE.value: marked("Password and code in one field, the code at its end"),
    SignIn.CODE_AND_PASSWORD.value: marked("Code and password in one field, the code at its beginning"),
    SignIn.CODE_ONLY.value: marked("The code alone: the other system checks the password itself"),
}
KINDS = {
    RADIUS: marked("By RADIUS: a VPN, a gateway, a switch"),
    HTTP: marked("By the HTTP API: a program of yours"),
}
NOTICES = {
    "changed": marked("The change is in force from the next sign-in on."),
    "removed": marked("The client is removed. It gets no answers any more."),
    "finished": marked("The older secret is dropped. Only the newer one counts now."),
}
EMPTY: Values = {
    "name": "",
    "id": "",
    "kind": RADIUS,
    "networks": "",
    "nas_identifier": "",
    "sign_in": SignIn.PASSWORD_THEN_CODE.value,
    "require_user_match": "yes",
    "require_message_authenticator": "yes",
    "limit_proxy_state": "yes",
    "holds": "yes",
    "time_budget": "30",
    "rejoin_seconds": "0",
    "first_factor": "",
    "pass_until": "",
    "pass_through": "",
}
SWITCHES = ("require_user_match", "require_message_authenticator", "limit_proxy_state", "holds", "pass_through")


# -- looking ---------------------------------------------------------------------------------------------------------


async def list_clients(visit: Visit) -> Response:
    """All clients, narrowed down by a text."""
    text, after = asked(visit, "text", 64), asked(visit, "after", 64)
    found = await client_overview.overview(visit.desk, visit.who.actor, text=text, after=after, limit=PAGE)
    onward = address(PATH, {"text": text, "after": found["next"]}) if found["next"] else ""
    return show(
        visit,
        "clients.html",
        "clients",
        found=found,
        text=text,
        sign_ins=SIGN_INS,
        onward=onward,
        first=address(PATH, {"text": text}) if after else "",
        notice=_notice(visit),
    )


async def show_client(visit: Visit) -> Response:
    """One client, its warnings and its keys."""
    found = await clients.show(visit.desk, visit.who.actor, id=named(visit))
    keys = await api_keys.listed(visit.desk, visit.who.actor)
    client = found["client"]
    return show(
        visit,
        "client.html",
        "clients",
        client=client,
        warnings=[said(visit.language, text) for text in found["warnings"]],
        keys=[key for key in keys["keys"] if key["client"] == client["id"]],
        sign_ins=SIGN_INS,
        portal=client["id"] == PORTAL and not client["networks"],
        notice=_notice(visit),
    )


# -- adding ----------------------------------------------------------------------------------------------------------


async def ask_new(visit: Visit) -> Response:
    """The page for a new client."""
    return _form(visit, EMPTY, new=True)


async def add(visit: Visit) -> Response:
    """A new client was typed; its secret is shown this one time."""
    values, over_http = filled(visit, EMPTY), visit.form.get("kind") == HTTP
    own = visit.form.get("secret", "")
    try:
        told = await clients.add(
            visit.desk,
            visit.who.actor,
            id=values["id"].strip() or None,
            networks=None if over_http else lines(values["networks"]),
            secret=own if own and not over_http else None,
            **_given(visit, values),
        )
    except Refused as refused:
        return _form(visit, EMPTY, new=True, refused=refused)
    return show(
        visit,
        "client_secret.html",
        "clients",
        client=told["client"],
        secret=told["secret"],
        warnings=[said(visit.language, text) for text in told["warnings"]],
        added=True,
        name=visit.desk.issuer,
    )


# -- changing --------------------------------------------------------------------------------------------------------


async def ask_change(visit: Visit) -> Response:
    """The page with what is kept."""
    client = (await clients.show(visit.desk, visit.who.actor, id=named(visit)))["client"]
    return _form(visit, _kept(client), client=client)


async def change(visit: Visit) -> Response:
    """Other values were typed."""
    client = (await clients.show(visit.desk, visit.who.actor, id=named(visit)))["client"]
    values = filled(visit, _kept(client))
    try:
        networks = lines(values["networks"]) if client["networks"] else None
        await clients.change(visit.desk, visit.who.actor, id=client["id"], networks=networks, **_given(visit, values))
    except Refused as refused:
        return _form(visit, _kept(client), client=client, refused=refused)
    return visit.go(f"{PATH}/{client['id']}", done="changed")


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return await _removal(visit)


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    try:
        await clients.remove(visit.desk, visit.who.actor, id=named(visit))
    except Refused as refused:
        return await _removal(visit, refused)
    return visit.go(PATH, done="removed")


async def _removal(visit: Visit, refused: Refused | None = None) -> Response:
    found = await clients.show(visit.desk, visit.who.actor, id=named(visit))
    why = said(visit.language, refused.text) if refused else ""
    return show(visit, "client_removal.html", "clients", 422 if refused else 200, client=found["client"], refused=why)


# -- the shared secret -----------------------------------------------------------------------------------------------


async def ask_secret(visit: Visit) -> Response:
    """The page about the secret: one that counts, or two while it is changed."""
    return await _secret(visit)


async def change_secret(visit: Visit) -> Response:
    """A second secret is made, or the older one dropped."""
    step, own = visit.form.get("step", ""), visit.form.get("secret", "")
    try:
        told = await clients.change_secret(
            visit.desk, visit.who.actor, id=named(visit), step=step, secret=own if own and step == "begin" else None
        )
    except Refused as refused:
        return await _secret(visit, refused)
    if step == "finish":
        return visit.go(f"{PATH}/{told['client']['id']}", done="finished")
    return show(
        visit,
        "client_secret.html",
        "clients",
        client=told["client"],
        secret=told["secret"],
        warnings=[said(visit.language, text) for text in told["warnings"]],
        added=False,
        name=visit.desk.issuer,
    )


async def _secret(visit: Visit, refused: Refused | None = None) -> Response:
    found = await clients.show(visit.desk, visit.who.actor, id=named(visit))
    why = said(visit.language, refused.text) if refused else ""
    wrong = refused.fields if refused else ()
    return show(
        visit,
        "client_change_secret.html",
        "clients",
        422 if refused else 200,
        client=found["client"],
        refused=why,
        wrong=wrong,
    )


# -- forms -----------------------------------------------------------------------------------------------------------


def _form(
    visit: Visit,
    kept: Values,
    *,
    new: bool = False,
    client: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> Response:
    directories = sorted(visit.desk.store.snapshot.directories)
    return show(
        visit,
        "client_form.html",
        "clients",
        422 if refused else 200,
        values=filled(visit, kept),
        new=new,
        client=client,
        kinds=[(kind, visit.say(text)) for kind, text in KINDS.items()],
        sign_ins=[(mode, visit.say(text)) for mode, text in SIGN_INS.items()],
        directories=directories,
        radius=new or bool(client and client["networks"]),
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
    )


def _given(visit: Visit, values: Values) -> dict[str, Any]:
    """What both adding and changing take. Refused for what is no number."""
    return {
        "name": values["name"],
        "sign_in": values["sign_in"],
        "nas_identifier": values["nas_identifier"],
        "time_budget": number(visit, "time_budget"),
        "rejoin_seconds": whole(visit, "rejoin_seconds"),
        "first_factor": values["first_factor"],
        "pass_until": values["pass_until"],
        **{name: ticked(visit, name) for name in SWITCHES},
    }


def _kept(client: Mapping[str, Any]) -> Values:
    """A client as its form shows it."""
    until = client["pass_until"]
    return {
        **EMPTY,
        **{name: str(client[name]) for name in ("name", "id", "nas_identifier", "sign_in", "first_factor")},
        **{name: "yes" if client[name] else "" for name in SWITCHES},
        "kind": RADIUS if client["networks"] else HTTP,
        "networks": "\n".join(client["networks"]),
        "time_budget": f"{client['time_budget']:g}",
        "rejoin_seconds": str(client["rejoin_seconds"]),
        "pass_until": datetime.fromtimestamp(until, UTC).date().isoformat() if until else "",
    }


def _notice(visit: Visit) -> str:
    return visit.say(NOTICES.get(asked(visit, "done"), ""))


ROUTES: list[Route] = [
    looking(PATH, list_clients),
    *form("/admin/new-client", ask_new, add, Right.SETUP),
    looking(f"{PATH}/{{id}}", show_client),
    *form(f"{PATH}/{{id}}/change", ask_change, change, Right.SETUP),
    *form(f"{PATH}/{{id}}/secret", ask_secret, change_secret, Right.SETUP),
    *form(f"{PATH}/{{id}}/removal", ask_removal, remove, Right.SETUP),
]
