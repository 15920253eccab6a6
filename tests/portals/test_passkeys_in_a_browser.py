"""Passkeys in Debian's Chromium, with its virtual authenticator: every journey, and what a false one meets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import BrowserContext, CDPSession, Page

from tests.portals.browsing import DESK
from tests.portals.lobby import Person
from tests.portals.test_in_a_browser import Visitor, visiting
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.reasons import Reason
from vestibule.core.users import Mfa

HOST = "localhost"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Device:
    """One virtual authenticator in one page."""

    cdp: CDPSession
    id: str

    @classmethod
    async def of(cls, page: Page, **more: object) -> "Device":
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("WebAuthn.enable")
        made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {**DEVICE, **more}})
        return cls(cdp, made["authenticatorId"])

    async def keys(self) -> list[dict[str, object]]:
        found = await self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        keys: list[dict[str, object]] = found["credentials"]
        return keys

    async def verifies(self, *, right: bool) -> None:
        await self.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": right})

    async def holds(self, key: dict[str, object]) -> None:
        """Put a copy of a passkey into this device."""
        known = ("credentialId", "isResidentCredential", "rpId", "privateKey", "userHandle", "signCount")
        copied = {name: key[name] for name in known}
        await self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": copied})

    async def forgets(self) -> None:
        await self.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})


NOTHING_OFFERED = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""A virtual device takes what is offered in the field for the name at once; where a button is tried, none is."""


@asynccontextmanager
async def at_localhost(size: dict[str, int] = DESK, *, offered: bool = False, **more: object) -> AsyncIterator[Visitor]:
    async with visiting(size, host=HOST, **more) as visitor:  # type: ignore[arg-type]  # by name
        if not offered:
            await visitor.context.add_init_script(NOTHING_OFFERED)
        yield visitor


async def add_passkey(visitor: Visitor, label: str = "Blue key") -> None:
    """From the page of one's own factors on."""
    await visitor.go("/security/passkey")
    await visitor.type(label=label)
    await visitor.page.click("text=Make it now")
    await visitor.page.wait_for_url("**/security?done=added")


async def refusals(visitor: Visitor) -> list[Reason | None]:
    journal = await visitor.lobby.office.journal()
    return [entry.reason for entry in journal if entry.action == "sign_in" and not entry.accepted]


async def passkeys(visitor: Visitor, person: Person) -> list[Credential]:
    whole = [one for one in await visitor.lobby.factors(person) if one.state is not CredentialState.PENDING]
    return [one for one in whole if one.method == "passkey"]


# -- getting in ------------------------------------------------------------------------------------------------------


async def test_a_passkey_is_added_and_opens_without_a_name() -> None:
    async with at_localhost() as visitor:
        alice, device = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        assert "Passkey, on one device" in await visitor.page.inner_text("main")
        assert len(await device.keys()) == 1
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.at("/security", "My security info")
        sessions = await visitor.lobby.sessions()
        assert {one.method for one in sessions} >= {"passkey"}


async def test_the_field_for_the_name_offers_the_passkey() -> None:
    async with at_localhost(offered=True) as visitor:
        alice = await visitor.lobby.person()
        await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.at("/security", "My security info")


async def test_a_passkey_comes_after_the_password_where_that_was_typed() -> None:
    async with at_localhost() as visitor:
        alice, _ = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.type(name="alice", password=alice.password)
        await visitor.at("/security", "My security info")


async def test_another_way_is_chosen_instead_of_the_passkey() -> None:
    async with at_localhost() as visitor:
        alice, device = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await device.forgets()
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.type(name="alice", password=alice.password)
        await visitor.page.wait_for_selector("[data-passkey-trouble]:not([hidden])")
        visitor.lobby.office.clock.at += 30
        await visitor.page.click("text=Sign in another way")
        await visitor.page.click("text=A code of an app, a token or a list")
        await visitor.type(code=alice.code())
        await visitor.at("/security", "My security info")


@pytest.mark.requirement(34)
async def test_a_first_sign_in_makes_a_passkey_and_is_asked_for_one_more() -> None:
    async with at_localhost() as visitor:
        new = await visitor.lobby.person("new", method="", mfa=Mfa.ENABLED)
        await Device.of(visitor.page)
        await visitor.go("/signin")
        await visitor.type(name="new", password=new.password)
        await visitor.page.wait_for_url("**/security/register*")
        first = visitor.page.locator(".choices a").first
        assert "Passkey" in await first.inner_text()
        await first.click()
        await visitor.type(label="")
        await visitor.page.click("text=Make it now")
        await visitor.page.wait_for_url("**/security/register")
        assert await visitor.page.inner_text("h1") == "One more factor"
        assert await visitor.faults() == []
        await visitor.page.click("text=Not now")
        await visitor.at("/security", "My security info")
        asked = [entry for entry in await visitor.lobby.office.journal() if entry.action == "registration.ask"]
        assert [entry.detail["why"] for entry in asked] == ["enabled"]


async def test_a_passkey_confirms_before_a_change() -> None:
    async with at_localhost() as visitor:
        alice, _ = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        visitor.lobby.office.clock.at += 700
        await visitor.go("/security/app")
        assert await visitor.page.inner_text("h1") == "Is it you?"
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.at("/security/app", "Add an authenticator app")


# -- not getting in --------------------------------------------------------------------------------------------------


async def test_a_device_that_does_not_know_the_person_is_told_so_and_nothing_is_sent() -> None:
    async with at_localhost() as visitor:
        alice, device = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.context.clear_cookies()
        await device.verifies(right=False)
        await visitor.go("/signin")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.page.wait_for_selector("[data-passkey-trouble]:not([hidden])")
        assert await refusals(visitor) == []


async def test_a_copy_of_a_passkey_switches_it_off_when_its_counter_falls_behind() -> None:
    async with at_localhost() as visitor:
        alice, device = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        [copy] = await device.keys()
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.at("/security", "My security info")
        await visitor.context.clear_cookies()
        await device.forgets()
        await device.holds(copy)
        await visitor.go("/signin")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.page.wait_for_selector("details.details")
        assert await refusals(visitor) == [Reason.PASSKEY_COPIED]
        [one] = await passkeys(visitor, alice)
        assert one.state is CredentialState.DISABLED


async def test_an_answer_of_another_origin_is_refused() -> None:
    async with at_localhost() as visitor:
        alice, _ = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.page.evaluate("""() => {
            const submit = HTMLFormElement.prototype.submit;
            HTMLFormElement.prototype.submit = function () {
              const told = JSON.parse(this.elements.answer.value);
              const client = JSON.parse(atob(told.response.clientDataJSON.replaceAll("-", "+").replaceAll("_", "/")));
              client.origin = "https://login.evil.example";
              const changed = btoa(JSON.stringify(client)).replaceAll("+", "-").replaceAll("/", "_");
              told.response.clientDataJSON = changed.replaceAll("=", "");
              this.elements.answer.value = JSON.stringify(told);
              submit.call(this);
            };
        }""")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.page.wait_for_selector("details.details")
        assert await refusals(visitor) == [Reason.PASSKEY_REFUSED]
        assert "Code: sign-in-refused" in (await visitor.page.text_content("#details") or "")


async def test_two_browsers_sign_in_with_the_same_passkey_at_once() -> None:
    async with at_localhost() as visitor:
        alice, device = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        [key] = await device.keys()
        other_context: BrowserContext = await visitor.context.browser.new_context()  # type: ignore[union-attr]  # it has one
        other = await other_context.new_page()
        await other.add_init_script(NOTHING_OFFERED)
        second = await Device.of(other)
        await second.holds({**key, "signCount": 5})
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await other.goto(f"{visitor.url}/signin")
        await visitor.page.click("text=Sign in with a passkey")
        await visitor.at("/security", "My security info")
        await other.click("text=Sign in with a passkey")
        await other.wait_for_url("**/security")
        await other_context.close()


# -- browsers as they are --------------------------------------------------------------------------------------------


async def test_a_double_click_and_the_back_button_harm_nothing() -> None:
    async with at_localhost() as visitor:
        alice, _ = await visitor.lobby.person(), await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.context.clear_cookies()
        await visitor.go("/signin")
        await visitor.page.dblclick("text=Sign in with a passkey")
        await visitor.at("/security", "My security info")
        await visitor.page.go_back()
        await visitor.page.wait_for_load_state()
        await visitor.go("/security")
        await visitor.at("/security", "My security info")
        assert await refusals(visitor) == []


async def test_the_same_device_is_not_registered_twice() -> None:
    async with at_localhost() as visitor:
        alice = await visitor.lobby.person()
        await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await add_passkey(visitor)
        await visitor.go("/security/passkey")
        await visitor.type(label="again")
        await visitor.page.click("text=Make it now")
        await visitor.page.wait_for_selector("[data-passkey-trouble]:not([hidden])")
        assert "a passkey for you already" in await visitor.page.inner_text("[data-passkey-trouble]")
        assert len(await passkeys(visitor, alice)) == 1


async def test_a_session_that_ends_while_the_device_is_asked_costs_nothing_but_signing_in() -> None:
    async with at_localhost() as visitor:
        alice = await visitor.lobby.person()
        await Device.of(visitor.page)
        await visitor.sign_in(alice)
        await visitor.go("/security/passkey")
        await visitor.type(label="Late")
        await visitor.page.wait_for_selector("text=Make it now")
        visitor.lobby.office.clock.at += 3700
        await visitor.page.click("text=Make it now")
        await visitor.page.wait_for_url("**/signin?*")
        assert "Your session has ended" in await visitor.page.inner_text("[role=status]")
        assert await passkeys(visitor, alice) == []


async def test_without_a_script_nothing_of_passkeys_is_in_the_way() -> None:
    async with at_localhost(java_script_enabled=False) as visitor:
        alice = await visitor.lobby.person()
        await visitor.go("/signin")
        assert not await visitor.page.is_visible("text=Sign in with a passkey")
        await visitor.sign_in(alice)
        await visitor.go("/security/passkey")
        assert "Passkeys need JavaScript" in await visitor.page.inner_text("main")
