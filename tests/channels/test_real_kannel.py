"""Texts through a real Kannel to a message centre: carried, reported, answered; and while the centre is away."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.channels.kannel_gateway import USER, WORD, Gateway, kannel
from tests.conformance.provider_suite import NOW, NUMBER, SEND_ID, TEXT, Act, free_port, outgoing, soon
from vestibule.apps.channels.kannel import KannelKind
from vestibule.channels.kannel import Kannel
from vestibule.core.delivery import Fault, Forged, Medium, Outcome, ReportKind
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

pytestmark = [
    pytest.mark.kannel,
    pytest.mark.skipif(
        shutil.which("bearerbox", path="/usr/sbin:/usr/bin") is None, reason="needs Kannel (Debian: kannel)"
    ),
]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with kannel(tmp_path) as found:
        yield found


def provider(gateway: Gateway, word: str = WORD, *, watched: bool = True, port: int = 0) -> Kannel:
    kind, secret = KannelKind(), Secret.of(word)
    settings = {
        "url": f"http://127.0.0.1:{port or gateway.sendsms}/cgi-bin/sendsms",
        "user": USER,
        "sender": "+14255550100",
    } | ({"status_url": f"http://127.0.0.1:{gateway.admin}/status.xml"} if watched else {})
    kept = json.dumps(dict(kind.checked("k", settings, secret)))
    return kind.open(ProviderRecord("k", "kannel", kept, secret), gateway.hook)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (TEXT, 1),
        ("493817 is it: {[~^|€]} £$¥ èéùìòÇ ΔΦΓΛΩ @ & + % \\ \"'", 1),
        ("493817 คือรหัสของคุณ 😀", 1),
        ("493817 " + "Überlänge € " * 25, 3),
        ("493817 " + "ยาว" * 40, 2),
    ],
)
async def test_a_text_arrives_as_it_was_written_and_is_reported(gateway: Gateway, text: str, parts: int) -> None:
    sending = provider(gateway)
    sent = await sending.send(outgoing(Medium.TEXT, text=text), soon(10))
    assert (sent.outcome, sent.code, sent.parts) == (Outcome.ACCEPTED, "0", parts)
    await gateway.bearerbox.until("Got PDU:", parts)
    carried = await gateway.smsc.taken(1)
    assert (carried.to, carried.text, carried.sender) == (NUMBER, text, "+14255550100")
    (reported,) = [message for message in gateway.smsc.submitted if message.registered & 1][:1]
    assert reported.validity, "Kannel tells the centre for how long"
    for id in [id for message, id in gateway.smsc.ids if message.registered & 1]:
        await gateway.smsc.report(carried, delivered=True, as_text=True, id=id)
    (report,) = sending.understand(await gateway.door.hook(), NOW)
    assert (report.kind, report.send_id) == (ReportKind.DELIVERED, SEND_ID)
    await sending.close()


async def test_what_the_centre_refuses_is_reported_with_its_word(gateway: Gateway) -> None:
    sending = provider(gateway)
    gateway.smsc.next(Act.DESTINATION)
    sent = await sending.send(outgoing(Medium.TEXT), soon(10))
    hook = await gateway.door.hook()
    (report,) = sending.understand(hook, NOW)
    assert sent.outcome is Outcome.ACCEPTED
    assert (report.kind, report.send_id, report.code) == (ReportKind.UNDELIVERED, SEND_ID, "0x0000000b")
    with pytest.raises(Forged):
        sending.understand(replace(hook, query=tuple((n, v) for n, v in hook.query if n != "mark")), NOW)
    await sending.close()


async def test_a_percent_sign_of_ours_is_not_kannels(gateway: Gateway) -> None:
    sending = provider(gateway)
    await sending.send(replace(outgoing(Medium.TEXT), id="a%dé%A"), soon(10))
    await gateway.smsc.report(await gateway.smsc.taken(1), delivered=True, as_text=True)
    (report,) = sending.understand(await gateway.door.hook(), NOW)
    assert report.send_id == "a%dé%A"
    await sending.close()


async def test_what_does_not_reach_the_telephone_is_reported(gateway: Gateway) -> None:
    sending = provider(gateway)
    await sending.send(outgoing(Medium.TEXT), soon(10))
    await gateway.smsc.report(await gateway.smsc.taken(1), delivered=False, as_text=True)
    (report,) = sending.understand(await gateway.door.hook(), NOW)
    assert (report.kind, report.code) == (ReportKind.UNDELIVERED, "UNDELIV-011")
    await sending.close()


@pytest.mark.parametrize("text", ["493817", "493817  é + & = €[]", "493817 ก 😀"])
async def test_a_reply_comes_in(gateway: Gateway, text: str) -> None:
    listening = provider(gateway)
    await gateway.smsc.write(NUMBER, "+14255550100", text)
    hook = await gateway.door.hook()
    (report,) = listening.understand(hook, NOW)
    assert (report.kind, report.sender, report.recipient) == (ReportKind.REPLY, NUMBER, "+14255550100")
    assert report.text is not None
    assert report.text.reveal().decode() == text
    assert listening.answer(hook, (), "en").body == b""
    await listening.close()


async def test_while_the_centre_is_away_another_provider_may_take_it(gateway: Gateway) -> None:
    watching, blind = provider(gateway), provider(gateway, watched=False)
    await gateway.smsc.stop()
    await gateway.bearerbox.until("Couldn't connect to SMS center", 2)
    down = await watching.send(outgoing(Medium.TEXT), soon(10))
    assert (down.outcome, down.fault, down.code) == (Outcome.REJECTED, Fault.OTHER, "smsc_down")
    queued = await blind.send(outgoing(Medium.TEXT), soon(10))
    assert (queued.outcome, queued.code) == (Outcome.ACCEPTED, "3"), "Kannel keeps it until the centre is back"
    for one in (watching, blind):
        await one.close()


async def test_a_wrong_password_is_the_configuration(gateway: Gateway) -> None:
    wrong = provider(gateway, "another word")
    sent = await wrong.send(outgoing(Medium.TEXT), soon(10))
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.CONFIGURATION)
    await wrong.close()


async def test_a_kannel_that_is_not_there_is_another_ones_turn(gateway: Gateway) -> None:
    away = provider(gateway, port=free_port())
    sent = await away.send(outgoing(Medium.TEXT), soon(10))
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)
    await away.close()
