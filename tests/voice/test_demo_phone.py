"""The telephone of the demonstration: as a provider, as a page, and only where there is a demonstration."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from starlette.testclient import TestClient

from tests.conformance.provider_suite import CODE, NUMBER, SEND_ID, TEXT, outgoing, soon
from tests.flows.desks import memory_office
from tests.voice.carrier import Carrier
from tests.voice.carrier import outgoing as call_to
from tests.voice.conversation import Engine
from vestibule.apps.channels.demo import DemoKind
from vestibule.apps.pieces import provider_kinds
from vestibule.apps.sounds import Sounds
from vestibule.channels import demo as demo_channel
from vestibule.channels.demo import Handset, State
from vestibule.core.delivery import CallCause, Medium, Over, ReportKind, Say, Silence
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.reasons import Result
from vestibule.core.secret import Secret
from vestibule.portals.demo_phone import PREFIX, application


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    handset = Handset(signs_a_second=1e9)
    found = Carrier(handset)
    listening = asyncio.create_task(handset.listen(found.tell))
    await asyncio.sleep(0)
    yield found
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await handset.close()


def handset_of(carrier: Carrier) -> Handset:
    assert isinstance(carrier.provider, Handset)
    return carrier.provider


async def presses(carrier: Carrier, keys: str) -> None:
    handset = handset_of(carrier)
    handset._answered[SEND_ID] -= 1  # the first moment is over
    for key in keys:
        await handset.press(SEND_ID, key)


async def test_a_call_rings_is_answered_and_ends(carrier: Carrier) -> None:
    handset = handset_of(carrier)
    await carrier.place(call_to(SEND_ID), Engine("8264"), stage="pin")
    assert handset.items[0].state is State.RINGING
    await handset.press(SEND_ID, "1")
    assert carrier.reports == []
    await handset.pick_up(SEND_ID)
    assert handset.items[0].said[0].startswith("Hello.")
    await presses(carrier, "8264#")
    await handset.hang_up(SEND_ID)
    assert carrier.calls[SEND_ID].entered == ["8264"]
    assert (handset.items[0].state, len(handset.items[0].said)) == (State.OVER, 2)
    with pytest.raises(Unavailable):
        await handset.say(SEND_ID, SEND_ID, Say(hang_up=True), "en", soon())


@pytest.mark.parametrize(("answered", "result"), [(False, Result.UNREACHABLE), (True, Result.HUNG_UP)])
async def test_a_call_is_refused_or_hung_up(carrier: Carrier, *, answered: bool, result: Result) -> None:
    handset = handset_of(carrier)
    await carrier.place(call_to(SEND_ID))
    if answered:
        await handset.pick_up(SEND_ID)
    await handset.hang_up(SEND_ID)
    await handset.hang_up(SEND_ID)
    assert [one.result for one in carrier.calls[SEND_ID].ended] == [result]


async def test_nobody_answering_and_nobody_speaking_take_their_time(carrier: Carrier) -> None:
    handset = handset_of(carrier)
    await carrier.place(call_to(SEND_ID, seconds=0.01))
    await carrier.over(SEND_ID, 5)
    assert carrier.reports[-1].event == Over(CallCause.NO_ANSWER)
    await carrier.place(call_to("other"))
    await handset.pick_up("other")
    await handset.say("other", "other", Say(("retry",), 0.01), "en", soon())
    async with asyncio.timeout(5):
        while Silence() not in [one.event for one in carrier.reports]:  # noqa: ASYNC110 - its clock makes it true
            await asyncio.sleep(0)
    await handset.say("other", "other", Say(("authentication_denied",), hang_up=True), "en", soon())
    await carrier.over("other", 5)
    assert carrier.reports[-1].event == Over(CallCause.DONE)


async def test_a_text_arrives_and_is_replied_to(carrier: Carrier) -> None:
    handset = handset_of(carrier)
    await handset.send(outgoing(Medium.TEXT, sender="+14255550199"), soon())
    await handset.send(outgoing(Medium.TEXT, sender="+14255550199"), soon())
    [item] = handset.items
    assert (item.text, item.to, item.state) == (TEXT, NUMBER, State.ARRIVED)
    assert CODE not in repr(item)
    await handset.reply(SEND_ID, CODE)
    reply = carrier.reports[-1]
    assert (reply.kind, reply.sender, reply.recipient) == (ReportKind.REPLY, NUMBER, "+14255550199")
    assert reply.text == Secret.of(CODE)


async def test_a_call_that_is_not_needed_stops_ringing(carrier: Carrier) -> None:
    await carrier.place(call_to(SEND_ID))
    await handset_of(carrier).cancel(SEND_ID, SEND_ID, soon())
    assert carrier.reports[-1].event == Over(CallCause.DONE)


async def test_only_what_came_last_is_kept() -> None:
    handset = Handset()
    for number in range(demo_channel.KEPT + 5):
        await handset.send(call_to(f"call-{number}"), soon())
    assert len(handset.items) == demo_channel.KEPT
    assert handset.items[0].id == f"call-{demo_channel.KEPT + 4}"
    await handset.close()


async def test_the_page_is_told_of_changes() -> None:
    handset = Handset()
    waiting = asyncio.create_task(handset.changes(0, 5))
    await asyncio.sleep(0)
    await handset.send(outgoing(Medium.TEXT), soon())
    assert await waiting == 1
    assert await handset.changes(1, 0.01) == 1
    await handset.close()


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_works_without_a_script() -> None:
    handset = Handset()
    with TestClient(application(handset), base_url="http://127.0.0.1:1") as browser:
        assert "Nothing has come yet." in browser.get(PREFIX).text
        assert browser.portal
        browser.portal.call(handset.send, call_to(SEND_ID), 1e12)
        assert "Answer" in browser.get(PREFIX).text
        shown = browser.post(PREFIX, data={"id": SEND_ID, "do": "answer"})
        assert 'value="#"' in shown.text
        browser.post(PREFIX, data={"id": SEND_ID, "do": "hang up"})
        assert "over" in browser.get(f"{PREFIX}/board").text
        browser.portal.call(handset.close)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
def test_another_site_presses_no_keys(name: str, value: str) -> None:
    with TestClient(application(Handset()), base_url="http://127.0.0.1:1") as browser:
        assert browser.post(PREFIX, data={"id": "x", "do": "answer"}, headers={name: value}).status_code == 403


def test_what_was_written_is_shown_as_text() -> None:
    handset = Handset()
    with TestClient(application(handset), base_url="http://127.0.0.1:1") as browser:
        assert browser.portal
        browser.portal.call(handset.send, outgoing(Medium.TEXT, text="<script>alert(1)</script>"), 1e12)
        assert "<script>alert" not in browser.get(f"{PREFIX}/board").text


# -- never in a real server -------------------------------------------------------------------------------------


def test_a_real_server_knows_no_such_kind(tmp_path: Path) -> None:
    office = memory_office()
    sounds = Sounds(office.desk.store, tmp_path, structlog.get_logger())
    assert "demo" not in provider_kinds(sounds, "mfa1")
    assert "demo" in provider_kinds(sounds, "mfa1", Handset())


def test_it_has_no_settings() -> None:
    kind = DemoKind(Handset())
    assert kind.checked("demo-phone", {}, Secret(b"")) == {}
    with pytest.raises(Malformed):
        kind.checked("demo-phone", {"url": "x"}, Secret(b""))
