"""The pages of delivery: providers, routes, prices, limits, money and use, what was sent; telephones of people."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog import get_logger

from tests.delivery.scripted import Scripted, ScriptedKind
from tests.flows.desks import ACTOR, memory_office
from tests.portals.administration.setting_up import send, signed_in, somebody
from tests.portals.lobby import OWN, Browser, Lobby, lobby_of
from vestibule.apps.channels import LiveProviders, OpenProviderKind
from vestibule.apps.channels.smtp import SmtpKind
from vestibule.apps.channels.webhook import WebhookKind
from vestibule.core.credentials import Credential
from vestibule.core.delivery import Fault, Medium, Outcome, Sent
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.outbox import OutboxRow
from vestibule.core.pins import expired, pin_of
from vestibule.core.providers import Price, ProviderRecord
from vestibule.core.sends import Counted, Send, SendState
from vestibule.core.users import Role
from vestibule.flows import phones, providers, send_routes
from vestibule.flows.breaker import Breaker, Standing
from vestibule.flows.limits import HOUR, MILLION
from vestibule.flows.phones import WHY
from vestibule.portals.administration.charts import Bar, bars
from vestibule.portals.administration.saying import known

CANARY = "secret-canary-of-the-provider-0123456789"
NUMBER = "+14255550177"
HOOK = "https://mfa.test/hooks/sms/unguessable"


@pytest.fixture
def breakers() -> dict[str, Breaker]:
    """What this node has met, of texts."""
    return {}


@pytest.fixture
async def lobby(breakers: dict[str, Breaker]) -> AsyncIterator[Lobby]:
    office = memory_office()

    def standings(id: str) -> tuple[Standing, ...]:
        return (breakers[id].standing(Medium.TEXT, 110.0),) if id in breakers else ()

    kinds: dict[str, OpenProviderKind] = {
        "webhook": WebhookKind(lambda: 0.0),
        "smtp": SmtpKind(lambda: 0.0),
        "scripted": ScriptedKind({"one": Scripted()}),
    }
    live = LiveProviders(kinds, lambda: office.store.snapshot, lambda id: HOOK.replace("sms", id), get_logger())
    office.desk = replace(
        office.desk, providers=live, standings=standings, code_mac=lambda said: office.vault.mac("recovery", said)
    )
    async with lobby_of(office) as lobby:
        yield lobby
        assert lobby.counts.bugs == []
    await live.close()
    await office.store.close()


def typed(**more: str) -> dict[str, str]:
    given = {"id": "sms", "kind": "webhook", "set-url": "https://sms.example.org", "set-sender": "ACME"}
    return {**given, "secret": CANARY, "more": "", "enabled": "yes", **more}


async def set_up(lobby: Lobby) -> Browser:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-provider?kind=webhook")
    await send(browser, "/admin/new-provider", typed())
    assert browser.where == "/admin/providers/sms?done=added", browser.text
    await browser.follow()
    return browser


async def scripted(lobby: Lobby) -> None:
    await providers.add(lobby.office.desk, ACTOR, id="one", kind="scripted", settings={})


async def record(lobby: Lobby) -> ProviderRecord:
    found = await lobby.office.store.read(lambda reading: reading.get(ProviderRecord, "sms"))
    assert found
    return found


async def credentials(lobby: Lobby, user_id: str) -> list[Credential]:
    return await lobby.office.store.read(lambda reading: reading.find(Credential, "user_id", user_id))


# -- providers -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(47)
async def test_a_provider_is_set_up_and_its_secret_is_never_shown(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    assert (await record(lobby)).secret.reveal() == CANARY.encode()
    for path in ("/admin/delivery", "/admin/providers", "/admin/providers/sms", "/admin/providers/sms/change"):
        await browser.get(path)
        assert "sms" in browser.text
        assert CANARY not in browser.text
    assert 'value="https://sms.example.org"' in browser.text


async def test_settings_without_a_field_are_named_and_their_values_are_not_shown(
    lobby: Lobby,
) -> None:
    await providers.add(
        lobby.office.desk, ACTOR, id="one", kind="scripted", settings={"headers": {"Authorization": CANARY}}
    )
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get("/admin/providers/one")
    assert "headers" in browser.text
    assert CANARY not in browser.text


async def test_the_address_for_receipts_is_shown_to_who_sets_up_and_to_nobody_else(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await browser.get("/admin/providers/sms")
    assert HOOK in browser.text
    auditor = await signed_in(lobby, Role.AUDITOR, "otto")
    for path in ("/admin/providers", "/admin/providers/sms"):
        await auditor.get(path)
        assert "sms" in auditor.text
        assert "unguessable" not in auditor.text
        assert "/change" not in auditor.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"set-url": "sms.example.org"}, "https://"),
        ({"set-url": "http://sms.example.org"}, "plain HTTP"),
        ({"secret": ""}, "give a secret"),
        ({"more": "no_such_setting = 1"}, "there is no such setting"),
        ({"more": "nonsense without sense"}, "The further settings can not be read"),
    ],
)
async def test_what_does_not_fit_is_said_and_all_but_the_secret_stays_typed(
    lobby: Lobby, more: dict[str, str], said: str
) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/new-provider?kind=webhook")
    answer = await send(browser, "/admin/new-provider", typed(**more))
    assert answer.status_code == 422
    assert said in browser.text
    assert "ACME" in browser.text
    assert CANARY not in browser.text
    assert not lobby.office.store.snapshot.providers


async def test_a_provider_is_changed_switched_off_and_keeps_its_secret(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await browser.get("/admin/providers/sms/change")
    changed = typed(secret="", **{"set-sender": ""})
    del changed["enabled"]
    await send(browser, "/admin/providers/sms/change", changed)
    assert browser.where == "/admin/providers/sms?done=changed", browser.text
    kept = await record(lobby)
    assert (kept.enabled, "sender" in kept.settings, kept.secret.reveal()) == (False, False, CANARY.encode())
    await browser.follow()
    assert "switched off" in browser.text


async def test_the_secret_is_not_told_to_others_without_being_typed_again(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await browser.get("/admin/providers/sms/change")
    elsewhere = typed(secret="", **{"set-url": "https://evil.example"})
    answer = await send(browser, "/admin/providers/sms/change", elsewhere)
    assert answer.status_code == 422
    assert "The secret would be told to others than before." in browser.text
    assert "evil.example" not in (await record(lobby)).settings


async def test_a_test_goes_to_ones_own_telephone_and_to_nobody_elses(lobby: Lobby) -> None:
    await scripted(lobby)
    olga, browser = await somebody(lobby, Role.ADMINISTRATOR, "olga")
    alice = await lobby.person("alice")
    await browser.get("/admin/providers/one")
    assert "You have no telephone or address" in browser.text
    desk = lobby.office.desk
    theirs = (await phones.add(desk, ACTOR, user=alice.id, number="+14255550111"))["phone"]["id"]
    own = (await phones.add(desk, ACTOR, user=olga.id, number=NUMBER))["phone"]["id"]
    await browser.get("/admin/providers/one")
    answer = await send(browser, "/admin/providers/one/test", {"phone": theirs})
    assert answer.status_code == 422
    await browser.get("/admin/providers/one")
    assert NUMBER not in browser.text
    answer = await send(browser, "/admin/providers/one/test", {"phone": own})
    assert answer.status_code == 200
    assert "It is on its way." in browser.text
    rows = await lobby.office.store.read(lambda reading: reading.page(OutboxRow, "", 9))
    assert [(one.message.credential_id, one.message.template) for one in rows] == [(own, "test:one")]


async def test_a_provider_is_removed_once_no_route_names_it(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await send_routes.add(lobby.office.desk, ACTOR, name="all", medium="text", providers=["sms"])
    await browser.get("/admin/providers/sms/removal")
    assert (await send(browser, "/admin/providers/sms/removal", {})).status_code == 422
    assert "The route all names sms." in browser.text
    await browser.get("/admin/routes")
    await browser.get("/admin/routes/all/removal")
    await send(browser, "/admin/routes/all/removal", {})
    await browser.get("/admin/providers/sms/removal")
    await send(browser, "/admin/providers/sms/removal", {})
    assert browser.where == "/admin/providers?done=removed"
    assert not lobby.office.store.snapshot.providers


async def test_a_provider_that_is_left_alone_is_told_with_its_health(
    lobby: Lobby, breakers: dict[str, Breaker]
) -> None:
    await scripted(lobby)
    breakers["one"] = Breaker()
    browser = await signed_in(lobby)
    await browser.get("/admin/providers/one")
    assert "tried again" not in browser.text
    breakers["one"].ends(Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION), 100.0)
    for path in ("/admin/delivery", "/admin/providers", "/admin/providers/one"):
        await browser.get(path)
        assert "left alone" in browser.text, path
        assert "tried again in 20 s" in browser.text
    assert "100 %" in browser.text


# -- routes and prices -----------------------------------------------------------------------------------------------


async def test_a_route_is_added_with_its_senders_and_regions(lobby: Lobby) -> None:
    browser = await set_up(lobby)
    await scripted(lobby)
    await browser.get("/admin/new-route")
    fields = {"name": "us", "medium": "text", "providers": "one\nsms +1 425 555 0100", "regions": "us, CA"}
    await send(browser, "/admin/new-route", {**fields, "position": "0"})
    assert browser.where == "/admin/routes?done=added", browser.text
    (route,) = lobby.office.store.snapshot.routes
    assert (route.providers, route.senders) == (("one", "sms"), (("sms", "+1 425 555 0100"),))
    assert route.regions == ("US", "CA")
    await browser.follow()
    assert "+1 425 555 0100" in browser.text


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"providers": "nobody"}, "There is no provider nobody."),
        ({"providers": ""}, "Name at least one provider."),
        ({"regions": "USA"}, "USA is no region"),
        ({"position": "first"}, "Write a number here."),
        ({"providers": "one=x"}, "Write each provider as a line"),
    ],
)
async def test_a_route_that_does_not_fit_is_not_added(lobby: Lobby, more: dict[str, str], said: str) -> None:
    await scripted(lobby)
    browser = await signed_in(lobby)
    await browser.get("/admin/new-route")
    fields = {"name": "us", "medium": "text", "providers": "one", "regions": "", "position": "0", **more}
    assert (await send(browser, "/admin/new-route", fields)).status_code == 422
    assert said in browser.text
    assert lobby.office.store.snapshot.routes == ()


async def prices(lobby: Lobby) -> list[Price]:
    return await lobby.office.store.read(lambda reading: reading.page(Price, "", 10))


async def upload(browser: Browser, content: bytes, **fields: str) -> None:
    csrf = {"csrf": browser.hidden["csrf"]} if "csrf" not in fields else {}
    browser.page = await browser.http.post(
        "/admin/new-prices", files={"file": ("p.csv", content)}, data={**csrf, **fields}, headers=OWN
    )


async def test_prices_come_in_as_a_file_and_a_wrong_line_stops_all(lobby: Lobby) -> None:
    await scripted(lobby)
    browser = await signed_in(lobby)
    await browser.get("/admin/new-prices")
    table = b"provider,medium,place,price\none,text,*,0.0079\none,call,+1876,0.28\n"
    await upload(browser, table + b"one,text,JM,dear\n")
    assert "Line 4, column price" in browser.text
    await upload(browser, b"\xff\xfe\x00")
    assert "no text in UTF-8" in browser.text
    await upload(browser, table, dry="yes")
    assert "2 prices would be taken" in browser.text
    assert await prices(lobby) == []
    await upload(browser, table)
    assert browser.where == "/admin/prices?done=prices", browser.text
    assert len(await prices(lobby)) == 2
    await browser.follow()
    assert "+1876" in browser.text


async def test_a_file_of_prices_from_elsewhere_is_not_taken(lobby: Lobby) -> None:
    await scripted(lobby)
    browser = await signed_in(lobby)
    await browser.get("/admin/new-prices")
    await upload(browser, b"provider,medium,place,price\none,text,*,0.0079\n", csrf="guessed")
    assert browser.page
    assert browser.page.status_code == 403
    assert await prices(lobby) == []


# -- money, use, limits, what was sent -------------------------------------------------------------------------------


async def test_money_stands_against_its_hard_stop_as_bars_and_as_a_table(lobby: Lobby) -> None:
    day = datetime.fromtimestamp(lobby.office.clock.at, UTC).strftime("%Y-%m-%d")
    far = lobby.office.clock.at + 86400
    await lobby.put(
        Counted(f"money/{day}", far, money=50 * MILLION),
        Counted(f"money/{day[:7]}", far, money=410 * MILLION),
        Counted(f"money/JM/{day}", far, money=3 * MILLION),
        Counted("money/NL/2001-01-01", far, money=9 * MILLION),
    )
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get("/admin/delivery")
    assert "Today: the hard stop is reached." in browser.text
    assert "This month: the hard stop" not in browser.text
    assert "four fifths are gone" in browser.text
    assert "JM" in browser.text
    assert "NL" not in browser.text
    assert 'class="bad"' in browser.text
    assert "style=" not in browser.text


async def test_what_is_hardly_used_is_seen_by_region(lobby: Lobby) -> None:
    hour, far = int(lobby.office.clock.at // HOUR), lobby.office.clock.at + 86400
    await lobby.put(
        Counted(f"used/JM/{hour}", far, count=40, money=1),
        Counted(f"used/JM/{hour - 1}", far, count=20, money=1),
        Counted(f"used/NL/{hour}", far, count=10, money=9),
        Counted(f"used/DE/{hour - 2}", far, count=10, money=9),
    )
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get("/admin/delivery")
    assert "2/60" in browser.text
    assert "9/10" in browser.text
    assert "for numbers that were never proven" in browser.text
    assert ">DE<" not in browser.text


def test_a_bar_is_never_longer_than_its_place() -> None:
    over, none, half = bars([Bar("a", 9, 3, ""), Bar("b", 1, 0, ""), Bar("c", 1, 2, "")]).bars
    assert over.filled == over.long
    assert none.filled == 0
    assert half.filled == half.long / 2
    assert bars([Bar("a", 5, 5, ""), Bar("b", 10, 10, "")], longest=10).bars[0].long < over.long


async def test_every_limit_of_delivery_is_on_its_page_and_can_be_changed(lobby: Lobby) -> None:
    browser = await signed_in(lobby)
    await browser.get("/admin/delivery/limits")
    shown = re.findall(r"<code>(sending\.[a-z0-9_]+)</code>", browser.text)
    assert sorted(shown) == sorted(name for name in lobby.office.desk.settings if name.startswith("sending."))
    assert "/admin/settings/sending.money_in_day" in browser.text


@pytest.mark.requirement(47)
async def test_what_was_sent_has_a_story_without_a_number(lobby: Lobby) -> None:
    await scripted(lobby)
    alice = await lobby.person("alice")
    phone = (await phones.add(lobby.office.desk, ACTOR, user=alice.id, number=NUMBER))["phone"]["id"]
    at = lobby.office.clock.at
    detail = {"provider": "one", "medium": "text", "region": "US", "send": "s2"}
    entry = Entry(
        at, EntryKind.SYSTEM, "delivery.delivered", user_id=alice.id, attempt_id="a", credential_id=phone, detail=detail
    )
    sends = [
        Send("s1", "m1", "a", alice.id, phone, "two", Medium.TEXT, SendState.FAILED, fault="other", begun_at=at - 9),
        Send("s2", "m1", "a", alice.id, phone, "one", Medium.TEXT, SendState.DELIVERED, "ref-2", begun_at=at - 5),
    ]
    await lobby.put(*sends)
    await lobby.office.store.change(lambda writing: writing.note(entry))
    browser = await signed_in(lobby, Role.AUDITOR)
    await browser.get("/admin/delivery/lately")
    assert "A message arrived" in browser.text
    assert "alice" in browser.text
    assert NUMBER not in browser.text
    await browser.get("/admin/delivery/lately/m1")
    story = browser.text
    assert story.index("surely not carried") < story.index("arrived")
    assert "ref-2" in story
    assert "77" in story
    assert NUMBER not in story
    assert (await browser.get("/admin/delivery/lately/nothing")).status_code == 404


# -- telephones and PINs of people -----------------------------------------------------------------------------------


async def test_a_telephone_is_added_changed_and_removed_and_its_number_stays_masked(lobby: Lobby) -> None:
    alice, browser = await lobby.person("alice"), await signed_in(lobby)
    person = f"/admin/people/{alice.id}"
    await browser.get(f"{person}/phone")
    fields = {"number": "+1 425 555 0177", "kind": "office", "use-call": "yes", "asked": "yes", "label": "Desk"}
    await send(browser, f"{person}/phone", fields)
    assert browser.where == f"{person}?done=phone", browser.text
    await browser.follow()
    assert "It is added, and counts from now on." in browser.text
    assert "Desk" in browser.text
    assert NUMBER not in browser.text
    (one,) = [one for one in await credentials(lobby, alice.id) if one.method == "phone"]
    assert one.reach == NUMBER
    await browser.get(f"/admin/phones/{one.id}/number-change")
    assert NUMBER not in browser.text
    changed = {"number": "", "use-text": "yes", "asked": "no", "label": "Pocket"}
    await send(browser, f"/admin/phones/{one.id}/number-change", changed)
    await browser.follow()
    assert "The telephone is changed." in browser.text
    assert "Pocket" in browser.text
    await browser.get(f"/admin/phones/{one.id}/number-removal")
    await send(browser, f"/admin/phones/{one.id}/number-removal", {})
    await browser.follow()
    assert "The telephone or address is removed." in browser.text
    assert "Pocket" not in browser.text.split("</nav>")[1].split("Lately")[0]


@pytest.mark.parametrize(
    ("number", "said"),
    [("+1 900 555 0177", "Numbers of"), ("nonsense", ""), ("+53 7 8323456", "dear and often abused")],
)
async def test_a_number_that_is_never_sent_to_is_refused_in_words(lobby: Lobby, number: str, said: str) -> None:
    alice, browser = await lobby.person("alice"), await signed_in(lobby)
    path = f"/admin/people/{alice.id}/phone"
    await browser.get(path)
    answer = await send(browser, path, {"number": number, "kind": "mobile", "use-call": "yes", "asked": "default"})
    assert answer.status_code == 422
    assert said in browser.text
    assert 'aria-invalid="true"' in browser.text
    assert not [one for one in await credentials(lobby, alice.id) if one.reach]


def test_every_reason_against_a_number_has_words_on_pages() -> None:
    assert [why for why in WHY.values() if not known(f"{why}: call.")] == []


@pytest.mark.requirement(47)
async def test_a_pin_is_shown_once_must_be_changed_and_is_removed(lobby: Lobby) -> None:
    alice, browser = await lobby.person("alice"), await signed_in(lobby)
    person, now = f"/admin/people/{alice.id}", lobby.office.clock.at
    await browser.get(f"{person}/pin")
    await send(browser, f"{person}/pin", {})
    found = re.search(r'<pre id="secret1"[^>]*>([0-9]+)</pre>', browser.text)
    assert found
    kept = pin_of(await credentials(lobby, alice.id))
    assert kept
    assert not expired(kept, 0, now)
    await browser.get(person)
    assert "set; nobody can read it" in browser.text
    await browser.get(f"{person}/pin-change")
    await send(browser, f"{person}/pin-change", {})
    await browser.follow()
    assert "The PIN must be changed at its next use." in browser.text
    kept = pin_of(await credentials(lobby, alice.id))
    assert kept
    assert expired(kept, 0, now)
    await browser.get(f"{person}/pin-removal")
    await send(browser, f"{person}/pin-removal", {})
    assert pin_of(await credentials(lobby, alice.id)) is None
    assert found[1] not in repr([entry.detail for entry in await lobby.office.journal()])


@pytest.mark.requirement(34)
async def test_the_helpdesk_checks_who_is_calling_before_it_gives_a_telephone(lobby: Lobby) -> None:
    alice, browser = await lobby.person("alice"), await signed_in(lobby, Role.HELPDESK)
    path = f"/admin/people/{alice.id}/phone"
    await browser.get(path)
    fields = {"number": "+1 425 555 0177", "kind": "mobile", "use-text": "yes", "asked": "default"}
    await send(browser, path, fields)
    assert "/caller" in browser.where
    assert not [one for one in await credentials(lobby, alice.id) if one.reach]
