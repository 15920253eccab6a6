"""Telephones and mail addresses on the pages: added, proven, used, tried; PINs; and what people are told."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.carriers import Live, carriers
from tests.flows.desks import Office, Template, memory_office
from tests.portals.lobby import Browser, Lobby, Person, lobby_of
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Medium
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import PHONE, Phone, PhoneKind, phone_of
from vestibule.core.pins import pin_of
from vestibule.core.sent_codes import code_of, verifying
from vestibule.core.users import Mfa, User
from vestibule.flows import foreseen
from vestibule.flows.notice_mails import tell

NUMBER = "+1 425 555 0100"
LINK = re.compile(r'href="(/security/phones/\w+)"')


def delivering(office: Office, live: Live) -> Office:
    desk = office.desk
    methods = (*desk.methods, "text", "call", "reply", "mail")
    return replace(office, desk=replace(desk, providers=live, code_mac=desk.mac, methods=methods))


@pytest.fixture(params=["memory", "sqlite"])
async def lobby(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Lobby]:
    plain = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    office = delivering(plain, Live())
    await carriers(office)
    await office.store.change(lambda writing: writing.set("sending.regions", '["US"]'))
    async with lobby_of(office) as opened:
        yield opened
    await office.store.close()


async def alice_in(lobby: Lobby, **more: str) -> tuple[Person, Browser]:
    alice, browser = await lobby.person(**more), lobby.browser()  # type: ignore[arg-type]  # by name
    await browser.sign_in(alice)
    return alice, browser


async def add(browser: Browser, number: str = NUMBER, **fields: str) -> None:
    await browser.get("/security/phone")
    typed = {"number": number, "kind": "mobile", "text": "yes", "by": "text", **fields}
    await browser.post("/security/phone", **typed)  # type: ignore[arg-type]  # by name


async def outbox(lobby: Lobby) -> list[OutboxRow]:
    return await lobby.office.store.read(lambda reading: reading.page(OutboxRow, "", 99))


async def phones_of(lobby: Lobby, person: Person) -> list[Credential]:
    return [one for one in await lobby.factors(person) if one.method in {PHONE, "mail"}]


async def code_for(lobby: Lobby, person: Person) -> str:
    (one,) = [one for one in await phones_of(lobby, person) if one.state is CredentialState.PENDING]
    return code_of(lobby.office.desk.code_mac, one.id, verifying(one))


async def proven(lobby: Lobby, person: Person, browser: Browser, **fields: str) -> Credential:
    """A number that was added on the pages."""
    await add(browser, **fields)
    await browser.post("/security/phone/code", code=await code_for(lobby, person))
    (one,) = await phones_of(lobby, person)
    lobby.office.clock.at += 120  # so that no limit is in its way
    return one


# -- adding ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(27)
async def test_a_number_counts_after_the_code_that_was_sent_there(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await add(browser, kind="office", extension="123", call="yes", label="Desk")
    assert "A code goes to …00" in browser.text
    (row,) = await outbox(lobby)
    assert (row.message.channel, row.message.template) == ("text", "verify")
    (one,) = await phones_of(lobby, alice)
    assert one.state is CredentialState.PENDING
    before = await browser.token()
    await browser.post("/security/phone/code", code=await code_for(lobby, alice))
    assert browser.where == "/security?done=added"
    assert await browser.token() != before
    (one,) = await phones_of(lobby, alice)
    memory = phone_of(one)
    assert (one.state, one.label, memory.kind, memory.extension) == (
        CredentialState.ACTIVE,
        "Desk",
        PhoneKind.OFFICE,
        "123",
    )
    assert (memory.uses, memory.vouched) == (("text", "call"), False)
    await browser.follow()
    assert "Desk" in browser.text
    assert "4255550100" not in browser.text


@pytest.mark.requirement(14)
async def test_who_adds_a_telephone_is_told_that_it_is_restricted_and_offered_what_is_safer(lobby: Lobby) -> None:
    _, browser = await alice_in(lobby)
    await browser.get("/security/phone")
    assert "restricted method" in browser.text
    assert 'href="/security/passkey"' in browser.text
    assert 'href="/security/app"' in browser.text


@pytest.mark.requirement(14)
async def test_another_number_is_proven_anew_and_the_old_one_is_told(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    old = await proven(lobby, alice, browser)
    await browser.get(f"/security/phone?replaces={old.id}")
    await browser.post("/security/phone", number="+1 425 555 0111", kind="mobile", text="yes", by="text")
    assert {one.reach for one in await phones_of(lobby, alice) if one.state is CredentialState.ACTIVE} == {old.reach}
    await browser.post("/security/phone/code", code=await code_for(lobby, alice))
    assert {one.reach for one in await phones_of(lobby, alice) if one.state is CredentialState.ACTIVE} == {
        "+14255550111"
    }
    assert "number_changed" in {row.message.template for row in await outbox(lobby)}
    await browser.get("/security")
    assert "…00" not in browser.text


async def test_a_code_can_be_spoken_and_asked_for_once_more_within_the_limits(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await add(browser, call="yes", by="call")
    assert "press #" in browser.text
    (row,) = await outbox(lobby)
    assert row.message.channel == "call"
    await browser.post("/security/phone/again", by="text")
    assert "once more" in browser.text
    assert {row.message.channel for row in await outbox(lobby)} == {"call", "text"}
    await browser.post("/security/phone/code", code=await code_for(lobby, alice))
    assert browser.where == "/security?done=added"


async def test_a_number_without_its_country_is_of_the_one_that_was_chosen(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await add(browser, "(425) 555-0100", region="US")
    (one,) = await phones_of(lobby, alice)
    assert one.reach == "+14255550100"


@pytest.mark.requirement(25)
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"number": "nonsense"}, "no telephone number"),
        ({"number": "+44 7700 900123"}, "Numbers of this country"),
        ({"number": "+1 900 555 0123"}, "of this kind"),
        ({"number": "+881 612345678"}, "no country"),
        ({"number": NUMBER, "extension": "call me"}, "digits only"),
        ({"number": NUMBER, "text": ""}, "at least one"),
    ],
)
async def test_what_is_never_sent_to_is_refused_in_words_and_nothing_is_sent(
    lobby: Lobby, fields: dict[str, str], words: str
) -> None:
    alice, browser = await alice_in(lobby)
    await add(browser, **fields)
    assert browser.page
    assert browser.page.status_code == 422
    assert words in browser.text
    assert (await outbox(lobby), await phones_of(lobby, alice)) == ([], [])


@pytest.mark.requirement(24)
async def test_what_a_limit_refuses_is_said_at_once(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    await lobby.office.store.change(lambda writing: writing.set("sending.money_in_day", "0.01"))
    await browser.get(f"/security/phones/{one.id}")
    await browser.post(f"/security/phones/{one.id}/test", by="text")
    assert foreseen.MONEY in browser.text
    assert "test" not in {row.message.template for row in await outbox(lobby)}


@pytest.mark.requirement(24)
async def test_no_number_is_begun_that_no_code_could_go_to_now(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await lobby.office.store.change(lambda writing: writing.set("sending.money_in_day", "0.01"))
    await add(browser)
    assert foreseen.MONEY in browser.text
    assert (await outbox(lobby), await phones_of(lobby, alice)) == ([], [])


async def test_where_nobody_carries_anything_no_telephone_is_offered() -> None:
    office = delivering(memory_office(), Live(frozenset({Medium.MAIL})))
    await carriers(office)
    async with lobby_of(office) as lobby:
        _, browser = await alice_in(lobby)
        await browser.get("/security")
        assert "/security/phone" not in browser.text
        assert "/security/mail" in browser.text


@pytest.mark.requirement(8)
async def test_three_wrong_codes_end_it(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await add(browser)
    code = await code_for(lobby, alice)
    for _ in range(3):
        await browser.post("/security/phone/code", code=f"{(int(code) + 1) % 10**6:06}")
        assert "not right" in browser.text
    await browser.post("/security/phone/code", code=code)
    assert "too many" in browser.text
    assert [one.state for one in await phones_of(lobby, alice)] == [CredentialState.PENDING]


async def test_nothing_about_telephones_opens_without_a_fresh_proof(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    lobby.office.clock.at += 700
    for path in ("/security/phone", "/security/mail", f"/security/phones/{one.id}", "/security/pin"):
        await browser.get(path)
        assert browser.where.startswith("/signin?")


async def test_nobody_reaches_the_number_of_another(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    bob, other = await lobby.person("bob"), lobby.browser()
    await other.sign_in(bob)
    assert (await other.get(f"/security/phones/{one.id}")).status_code == 404
    for path in (f"/security/phones/{one.id}", f"/security/phones/{one.id}/test"):
        await other.get("/security/phone")
        assert (await other.post(path, text="yes", by="text")).status_code == 404


# -- registration ----------------------------------------------------------------------------------------------------


async def test_a_telephone_is_offered_last_to_who_has_no_factor(lobby: Lobby) -> None:
    alice, browser = await lobby.person(method="", mfa=Mfa.ENABLED), lobby.browser()
    await browser.password(alice)
    await browser.follow()
    offered = re.findall(r'class="choice" href="([^"]+)"', browser.text)
    assert offered[-1] == "/security/phone"
    await add(browser)
    await browser.post("/security/phone/code", code=await code_for(lobby, alice))
    user = await lobby.office.store.read(lambda reading: reading.get(User, alice.id))
    assert user
    assert user.mfa is Mfa.ENFORCED


async def test_a_pin_and_a_mail_address_are_no_factors_to_live_with(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    await browser.get("/security/pin")
    await browser.post("/security/pin", new="8264", again="8264")
    [app] = [held for held in await lobby.factors(alice) if held.method == "totp"]
    for id, last in ((one.id, False), (app.id, True)):
        await browser.get(f"/security/factors/{id}/removal")
        assert ("This is your last factor" in browser.text) is last
        await browser.post(f"/security/factors/{id}/removal")
    assert "last factor" in browser.text


# -- using -----------------------------------------------------------------------------------------------------------


async def test_what_a_number_serves_is_changed_and_tried(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    await browser.get("/security")
    [link] = LINK.findall(browser.text)
    await browser.get(link)
    await browser.post(link, call="yes", reply="yes")
    assert browser.where == "/security?done=phone"
    (kept,) = await phones_of(lobby, alice)
    assert phone_of(kept).uses == ("call", "reply")
    await browser.get(link)
    await browser.post(f"{link}/test", by="call")
    assert "rings in a moment" in browser.text
    assert ("call", "test", one.id) in {
        (row.message.channel, row.message.template, row.message.credential_id) for row in await outbox(lobby)
    }
    await browser.post(link)
    assert "at least one" in browser.text


async def test_a_pin_that_is_asked_for_with_a_telephone_stays(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    one = await proven(lobby, alice, browser)
    await browser.get("/security/pin")
    await browser.post("/security/pin", new="8264", again="8264")
    link = f"/security/phones/{one.id}"
    await browser.get(link)
    await browser.post(link, text="yes", pin="yes")
    await browser.get(link)
    await browser.post(link, text="yes")
    assert "Only the helpdesk" in browser.text
    (kept,) = await phones_of(lobby, alice)
    assert phone_of(kept).pin is True


async def test_a_pin_is_set_and_changed_by_the_old_one(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    await browser.get("/security/pin")
    assert browser.where == "/security"
    await proven(lobby, alice, browser)
    await browser.get("/security/pin")
    for new, again, words in (("1234", "1234", "Choose another PIN"), ("8264", "8265", "not the same")):
        await browser.post("/security/pin", new=new, again=again)
        assert words in browser.text
    await browser.post("/security/pin", new="8264", again="8264")
    assert browser.where == "/security?done=pin"
    first = pin_of(await lobby.factors(alice))
    await browser.get("/security/pin")
    await browser.post("/security/pin", old="8265", new="7391", again="7391")
    assert "not right" in browser.text
    await browser.post("/security/pin", old="8264", new="7391", again="7391")
    assert browser.where == "/security?done=pin"
    assert first != pin_of(await lobby.factors(alice))


# -- mail, and notices -----------------------------------------------------------------------------------------------


async def test_a_mail_address_is_proven_and_lifts_no_session(lobby: Lobby) -> None:
    alice, browser = await alice_in(lobby)
    before = await browser.token()
    await browser.get("/security/mail")
    await browser.post("/security/mail", number="+1 425 555 0100")
    assert "no mail address" in browser.text
    await browser.post("/security/mail", number="alice@example.org")
    (row,) = await outbox(lobby)
    assert row.message.channel == "mail"
    await browser.post("/security/phone/code", code=await code_for(lobby, alice))
    assert (browser.where, await browser.token()) == ("/security?done=added", before)


@pytest.mark.requirement(29)
async def test_each_change_is_told_by_mail_to_every_address_of_the_person(lobby: Lobby) -> None:
    await tell(lobby.office.desk)
    alice, browser = await alice_in(lobby, email="alice@example.org")
    await proven(lobby, alice, browser)
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    await browser.get("/security/password")
    await browser.post("/security/password", new="four loud badgers dig", again="four loud badgers dig")
    [app] = [one for one in await lobby.factors(alice) if one.method == "totp"]
    await browser.get(f"/security/factors/{app.id}/removal")
    await browser.post(f"/security/factors/{app.id}/removal", last="yes")
    assert await tell(lobby.office.desk) == 4
    rows = {row.message.template: row for row in await outbox(lobby) if row.message.template.startswith("notice_")}
    assert set(rows) == {"notice_added", "notice_recovered", "notice_password", "notice_removed"}
    to = {row.message.credential_id for row in rows.values()}
    held = [one for one in await lobby.factors(alice) if one.id in to]
    assert {(one.reach, one.state) for one in held} == {("alice@example.org", CredentialState.DISABLED)}
    assert await tell(lobby.office.desk) == 0
    await browser.get("/security")
    assert "earlier number" not in browser.text
    assert "alice@example.org" not in browser.text


async def test_without_mail_nothing_is_left_to_be_sent(lobby: Lobby) -> None:
    desk = replace(lobby.office.desk, providers=Live(frozenset({Medium.TEXT})))
    await tell(desk)
    _, browser = await alice_in(lobby, email="alice@example.org")
    await browser.get("/security/recovery")
    await browser.post("/security/recovery")
    assert await tell(desk) == 1
    assert await outbox(lobby) == []


def test_a_number_is_never_printed() -> None:
    one = Credential("1", PHONE, "a", memory=Phone().text(), reach="+14255550100")
    assert "4255550100" not in repr(one)
