"""Providers, routes and prices, as administrators set them up."""

from dataclasses import replace

import pytest
from structlog import get_logger

from tests.delivery.scripted import Scripted, ScriptedKind
from tests.flows.desks import ACTOR, Office, memory_office
from vestibule.apps.channels import LiveProviders, OpenProviderKind
from vestibule.apps.channels.webhook import WebhookKind
from vestibule.core.outbox import OutboxRow
from vestibule.core.providers import Price
from vestibule.flows import phones, providers, send_routes, users
from vestibule.flows.refused import Missing, Refused

SECRET = "a secret of at least thirty-two octets"
HOOK = "https://mfa.example.org/hooks/one"


@pytest.fixture
def office() -> Office:
    opened = memory_office()
    kinds: dict[str, OpenProviderKind] = {
        "scripted": ScriptedKind({"one": Scripted(), "two": Scripted()}),
        "webhook": WebhookKind(lambda: 0.0),
    }
    live = LiveProviders(
        kinds, lambda: opened.store.snapshot, lambda id: f"https://mfa.example.org/hooks/{id}", get_logger()
    )
    return replace(opened, desk=replace(opened.desk, providers=live))


async def two(office: Office) -> None:
    for id in ("one", "two"):
        await providers.add(office.desk, ACTOR, id=id, kind="scripted", settings={})


async def test_a_provider_is_told_without_its_secret_and_with_its_url(office: Office) -> None:
    told = await providers.add(
        office.desk, ACTOR, id="one", kind="webhook", settings={"url": "https://sms.example.org"}, secret=SECRET
    )
    assert (told["provider"]["secret"], told["provider"]["hook"]) == (True, HOOK)
    assert SECRET not in repr(told) + repr(await office.journal()) + repr(office.store.snapshot)
    with pytest.raises(Refused, match="already"):
        await providers.add(office.desk, ACTOR, id="one", kind="scripted", settings={})
    with pytest.raises(Refused, match="kind"):
        await providers.add(office.desk, ACTOR, id="two", kind="pigeon", settings={})


async def test_the_secret_is_not_told_to_others_than_before(office: Office) -> None:
    settings = {"url": "https://sms.example.org"}
    await providers.add(office.desk, ACTOR, id="one", kind="webhook", settings=settings, secret=SECRET)
    with pytest.raises(Refused, match="told to others"):
        await providers.change(office.desk, ACTOR, id="one", settings={"url": "https://evil.example"})
    told = await providers.change(
        office.desk, ACTOR, id="one", settings={"url": "https://other.example"}, secret=SECRET, enabled=False
    )
    assert (told["changed"], told["provider"]["enabled"]) == (["url", "secret", "enabled"], False)


async def test_a_provider_that_a_route_names_stays(office: Office) -> None:
    await two(office)
    await send_routes.add(office.desk, ACTOR, name="home", medium="text", providers=["one", "two"], regions=["US"])
    with pytest.raises(Refused, match="home"):
        await providers.remove(office.desk, ACTOR, id="one")
    await send_routes.remove(office.desk, ACTOR, name="home")
    assert await providers.remove(office.desk, ACTOR, id="one") == {"removed": "one"}
    with pytest.raises(Missing):
        await providers.show(office.desk, ACTOR, id="one")


async def test_routes_keep_their_order(office: Office) -> None:
    await two(office)
    for name, position in (("a", 0), ("b", 0), ("c", 1)):
        await send_routes.add(office.desk, ACTOR, name=name, medium="text", providers=["one"], position=position)
    listed = await send_routes.listed(office.desk, ACTOR)
    assert [(one["name"], one["position"]) for one in listed["routes"]] == [("c", 1), ("a", 2), ("b", 3)]
    await send_routes.remove(office.desk, ACTOR, name="a")
    listed = await send_routes.listed(office.desk, ACTOR)
    assert [(one["name"], one["position"]) for one in listed["routes"]] == [("c", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"medium": "pigeon"}, "medium"),
        ({"providers": ["three"]}, "no provider three"),
        ({"providers": []}, "at least one"),
        ({"regions": ["us"]}, "two capital letters"),
        ({"senders": {"three": "+1"}}, "no provider three"),
    ],
)
async def test_a_route_that_makes_no_sense_is_refused(office: Office, given: dict[str, object], words: str) -> None:
    await two(office)
    whole = {"name": "home", "medium": "text", "providers": ["one"], **given}
    with pytest.raises(Refused, match=words):
        await send_routes.add(office.desk, ACTOR, **whole)  # type: ignore[arg-type]


async def test_prices_are_taken_whole_or_not_at_all(office: Office) -> None:
    await two(office)
    head = "provider,medium,place,price\n"
    good = f"\ufeff{head}one,text,*,0.0079\none,text,+1876,0.22\none,call,NL,0.031\n"
    assert await send_routes.set_prices(office.desk, ACTOR, content=good, dry_run=True) == {
        "prices": 3,
        "dry_run": True,
    }
    assert await office.store.read(lambda reading: reading.count(Price)) == 0
    await send_routes.set_prices(office.desk, ACTOR, content=good)
    told = await send_routes.prices(office.desk, ACTOR)
    assert [(one["place"], one["price"]) for one in told["prices"]] == [("NL", 0.031), ("*", 0.0079), ("+1876", 0.22)]
    for row, words in (
        ("three,text,*,1", "Line 2, column provider"),
        ("one,fax,*,1", "column medium"),
        ("one,text,everywhere,1", "column place"),
        ("one,text,*,-1", "column price"),
        ("one,text,*,1e9", "column price"),
    ):
        with pytest.raises(Refused, match=words):
            await send_routes.set_prices(office.desk, ACTOR, content=f"{head}{row}\n")
    with pytest.raises(Refused, match="no column price"):
        await send_routes.set_prices(office.desk, ACTOR, content="provider,medium,place\n")


@pytest.mark.requirement(25)
async def test_a_test_goes_to_a_number_of_the_record_and_to_no_other(office: Office) -> None:
    await two(office)
    await users.add(office.desk, ACTOR, name="anna")
    with pytest.raises(Missing, match="phone add"):
        await providers.probe(office.desk, ACTOR, id="one", user="anna")
    await phones.add(office.desk, ACTOR, user="anna", number="+1 425 555 0100")
    with pytest.raises(Missing):
        await providers.probe(office.desk, ACTOR, id="one", user="anna", phone="+14255550199")
    told = await providers.probe(office.desk, ACTOR, id="two", user="anna")
    (row,) = await office.store.read(lambda reading: reading.page(OutboxRow, "", 9))
    assert (row.id, row.message.template) == (told["message"], "test:two")
