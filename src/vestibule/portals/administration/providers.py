"""Providers: how they stand on this node, their settings, a test to one's own telephone, where they tell us things."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import delivery_state, phones, providers
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import Right
from vestibule.portals.administration.directory_forms import read_from, shown_in
from vestibule.portals.administration.entry import asked, form, looking, named, show
from vestibule.portals.administration.filled import filled
from vestibule.portals.administration.provider_forms import KINDS, MEDIA, fields_of
from vestibule.portals.administration.saying import said
from vestibule.portals.languages import marked
from vestibule.portals.visit import Visit

PATH = "/admin/providers"
NEW = "/admin/new-provider"
FORM = "provider_form.html"

NOTICES = {
    "added": marked("The provider is set up. Send a test to your own telephone."),
    "changed": marked("The change is in force."),
    "removed": marked("The provider is removed."),
}


# -- looking ---------------------------------------------------------------------------------------------------------


async def list_providers(visit: Visit) -> Response:
    """All providers with how they stand on this node."""
    found = (await providers.listed(visit.desk, visit.who.actor))["providers"]
    rows = [{**one, **_shown(visit, one)} for one in found]
    return show(visit, "providers.html", "delivery", providers=rows, media_words=MEDIA, notice=_notice(visit))


async def show_provider(visit: Visit) -> Response:
    """One provider."""
    return await _one(visit)


async def _one(visit: Visit, status: int = 200, /, **told: object) -> Response:
    provider = await _provider(visit)
    own = (await phones.listed(visit.desk, visit.who.actor, user=visit.who.user.id))["phones"]
    mail_only = provider["media"] == ["mail"]
    return show(
        visit,
        "provider.html",
        "delivery",
        status,
        provider=provider,
        phones=[(one["id"], one["label"] or one["to"]) for one in own if (one["method"] == "mail") == mail_only],
        fields=_settings(visit, provider),
        media_words=MEDIA,
        **{"notice": _notice(visit), "sent": "", **_shown(visit, provider), **told},
    )


def _shown(visit: Visit, provider: Mapping[str, Any]) -> dict[str, object]:
    return {
        "kind": visit.say(KINDS.get(provider["kind"], provider["kind"])),
        "state": delivery_state.state(visit.desk, provider["id"]),
    }


def _settings(visit: Visit, provider: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that differ from their defaults; what has no field may hold a secret, and is named only."""
    fields = fields_of(provider["kind"])
    values = shown_in(fields, provider["settings"])
    rows = []
    for one in fields:
        text = values[f"set-{one.name}"]
        if text and text != one.default:
            word = marked("yes") if one.sort == "tick" else dict(one.options).get(text)
            rows.append((visit.say(one.label), visit.say(word) if word else text))
    known = {one.name for one in fields}
    further = sorted(name for name in provider["settings"] if name not in known)
    return [*rows, (visit.say(marked("Further settings")), ", ".join(further))] if further else rows


async def _provider(visit: Visit) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (await providers.show(visit.desk, visit.who.actor, id=named(visit)))["provider"]
    return found


# -- setting up ------------------------------------------------------------------------------------------------------


async def ask_new(visit: Visit) -> Response:
    """The page for a new provider; first of which kind it is."""
    kind = _kind(visit)
    return _form(visit, {"id": "", **shown_in(fields_of(kind), {}), "enabled": "yes"}, kind)


async def add(visit: Visit) -> Response:
    """A new provider was typed."""
    kind = _kind(visit)
    kept = {"id": "", **shown_in(fields_of(kind), {}), "enabled": "yes"}
    values = filled(visit, kept)
    try:
        told = await providers.add(
            visit.desk,
            visit.who.actor,
            id=values["id"],
            kind=kind,
            settings=read_from(fields_of(kind), values),
            secret=values["secret"],
        )
    except Refused as refused:
        return _form(visit, kept, kind, refused=refused)
    return visit.go(f"{PATH}/{told['provider']['id']}", done="added")


async def ask_change(visit: Visit) -> Response:
    """The page with what is kept, but for the secret."""
    provider = await _provider(visit)
    return _form(visit, _kept(provider), provider["kind"], provider=provider)


async def change(visit: Visit) -> Response:
    """Other settings were typed; what is not there any more goes back to its default."""
    provider = await _provider(visit)
    kept, kind = _kept(provider), provider["kind"]
    values = filled(visit, kept)
    try:
        wanted = read_from(fields_of(kind), values)
        await providers.change(
            visit.desk,
            visit.who.actor,
            id=provider["id"],
            settings={**dict.fromkeys(provider["settings"]), **wanted},
            secret=values["secret"] or None,
            enabled=values["enabled"] == "yes",
        )
    except Refused as refused:
        return _form(visit, kept, kind, provider=provider, refused=refused)
    return visit.go(f"{PATH}/{provider['id']}", done="changed")


def _kept(provider: Mapping[str, Any]) -> dict[str, str]:
    values = shown_in(fields_of(provider["kind"]), provider["settings"])
    return {**values, "enabled": "yes" if provider["enabled"] else ""}


def _form(
    visit: Visit,
    kept: dict[str, str],
    kind: str,
    *,
    provider: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
) -> Response:
    return show(
        visit,
        FORM,
        "delivery",
        422 if refused else 200,
        values=filled(visit, kept),
        kind=kind,
        kinds=[(one, visit.say(KINDS.get(one, one))) for one in visit.desk.providers.kinds],
        fields=fields_of(kind),
        provider=provider,
        refused=said(visit.language, refused.text) if refused else "",
        wrong=refused.fields if refused else (),
    )


def _kind(visit: Visit) -> str:
    """The kind that was chosen; the first one otherwise."""
    kinds = list(visit.desk.providers.kinds)
    wanted = visit.form.get("kind") or asked(visit, "kind", 64)
    return wanted if wanted in kinds else next(iter(kinds), "")


async def ask_removal(visit: Visit) -> Response:
    """The page that says what the removal means."""
    return show(visit, "provider_removal.html", "delivery", provider=await _provider(visit))


async def remove(visit: Visit) -> Response:
    """It was confirmed."""
    provider = await _provider(visit)
    try:
        await providers.remove(visit.desk, visit.who.actor, id=provider["id"])
    except Refused as refused:
        why = said(visit.language, refused.text)
        return show(visit, "provider_removal.html", "delivery", 422, provider=provider, refused=why)
    return visit.go(PATH, done="removed")


# -- a test ----------------------------------------------------------------------------------------------------------


async def ask_test(visit: Visit) -> Response:
    """The form is on the page of the provider; who comes back from signing in finds it there."""
    return await _one(visit)


async def test(visit: Visit) -> Response:
    """Send a text or a mail, for real, to a telephone or an address of whoever asks."""
    id, phone = named(visit), visit.form.get("phone", "")
    await _provider(visit)
    try:
        told = await providers.probe(visit.desk, visit.who.actor, id=id, user=visit.who.user.id, phone=phone)
    except Missing as missing:
        return await _one(visit, 422, refused=said(visit.language, missing.text), wrong=("phone",))
    return await _one(visit, sent=told["message"])


def _notice(visit: Visit) -> str:
    return visit.say(NOTICES.get(asked(visit, "done"), ""))


ROUTES: list[Route] = [
    looking(PATH, list_providers),
    *form(NEW, ask_new, add, Right.SETUP),
    looking(f"{PATH}/{{id}}", show_provider),
    *form(f"{PATH}/{{id}}/change", ask_change, change, Right.SETUP),
    *form(f"{PATH}/{{id}}/removal", ask_removal, remove, Right.SETUP),
    *form(f"{PATH}/{{id}}/test", ask_test, test, Right.SETUP),
]
