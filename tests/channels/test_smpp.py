"""Texts over SMPP: the contract, parts, receipts in both forms, replies, and connections that die."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels.fakes.smsc import PASSWORD, SYSTEM_ID, FakeSmsc
from tests.conformance.provider_suite import NOW, NUMBER, TEXT, Act, ProviderSuite, outgoing, soon
from tests.journeys.certificates import Authority
from vestibule.apps.channels.smpp import SmppKind
from vestibule.channels.smpp.texts import SmppTexts
from vestibule.core.delivery import Fault, Medium, Outcome, Report, ReportKind
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.wire.smpp.pdu import ENQUIRE_LINK, GENERIC_NACK, OK, RECEIVER_BUSY, UNBIND, ShortMessage
from vestibule.wire.smpp.texts import number_address

SETTINGS = {"host": "127.0.0.1", "plain": True, "system_id": SYSTEM_ID, "sender": "+14255550100"}


def opened(port: int, password: str = PASSWORD, **more: object) -> SmppTexts:
    kind, secret = SmppKind(lambda: NOW), Secret.of(password)
    kept = json.dumps(dict(kind.checked("centre", SETTINGS | {"port": port} | more, secret)))
    return kind.open(ProviderRecord("centre", "smpp", kept, secret), "")


class SmppRig:
    medium = Medium.TEXT
    secret = PASSWORD

    def __init__(self, fake: FakeSmsc) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> SmppTexts:
        return opened(port)


@pytest.fixture
async def rig() -> AsyncIterator[SmppRig]:
    async with FakeSmsc() as fake:
        found = SmppRig(fake)
        yield found
        await found.provider.close()


class TestSmpp(ProviderSuite):
    """The whole contract; a throttle has no time in SMPP."""

    says_patience = False


class Ear:
    """Notes what is told; `deaf` makes telling fail."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.deaf = False

    async def __call__(self, report: Report) -> None:
        if self.deaf:
            raise Unavailable("the store is away")
        self.reports.append(report)


@asynccontextmanager
async def listening(rig: SmppRig) -> AsyncIterator[Ear]:
    ear = Ear()
    task = asyncio.ensure_future(rig.provider.listen(ear))
    await rig.fake.until_bound()
    yield ear
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_connection_carries_everything(rig: SmppRig) -> None:
    async with listening(rig):
        for _ in range(5):
            await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (rig.fake.binds, len(rig.carried)) == (1, 5)


async def test_a_long_text_goes_in_parts_and_asks_for_one_receipt(rig: SmppRig) -> None:
    text = "493817 ist Ihr Code. " + "Überlänge € " * 25
    sent = await rig.provider.send(outgoing(Medium.TEXT, text=text), soon())
    assert (sent.outcome, sent.parts) == (Outcome.ACCEPTED, 3)
    assert [message.registered for message in rig.fake.submitted] == [0, 0, 1]
    (carried,) = rig.carried
    assert (carried.text, carried.reference) == (text, sent.reference)


async def test_half_of_a_text_is_not_surely_nothing(rig: SmppRig) -> None:
    rig.next(Act.ACCEPT, Act.DESTINATION)
    sent = await rig.provider.send(outgoing(Medium.TEXT, text="x" * 200), soon())
    assert (sent.outcome, sent.fault) == (Outcome.UNKNOWN, None)


@pytest.mark.parametrize("as_text", [True, False])
async def test_receipts_are_told_and_then_answered(rig: SmppRig, *, as_text: bool) -> None:
    async with listening(rig) as ear:
        sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
        (carried,) = rig.carried
        for delivered in (True, True, False):
            assert (await rig.fake.report(carried, delivered=delivered, as_text=as_text)).status == OK
    first, again, failed = ear.reports
    assert first == again
    assert (first.kind, first.reference) == (ReportKind.DELIVERED, sent.reference)
    assert (failed.kind, failed.code) == (ReportKind.UNDELIVERED, "UNDELIV-011" if as_text else "UNDELIV")
    assert failed.id != first.id


async def test_a_receipt_that_comes_with_the_response_waits_until_it_is_known(rig: SmppRig) -> None:
    async with listening(rig) as ear:
        await rig.provider.send(outgoing(Medium.TEXT), soon())
        began = soon(0)
        await rig.fake.report(rig.carried[0], delivered=True)
        assert soon(0) - began >= 0.4
        again = soon(0)
        await rig.fake.report(rig.carried[0], delivered=True)
        assert soon(0) - again < 0.4
    assert len(ear.reports) == 2


@pytest.mark.parametrize(("notation", "written"), [("decimal", "439041025"), ("hexadecimal", "1a2b3c01")])
async def test_ids_of_receipts_in_another_notation_are_found(notation: str, written: str) -> None:
    async with FakeSmsc() as fake:
        provider = opened(fake.port, receipt_ids=notation)
        reference = "1a2b3c01" if notation == "decimal" else "439041025"
        report = provider._receipt(written, "DELIVRD", "")
        await provider.close()
    assert report is not None
    assert report.reference == reference


async def test_replies_are_told(rig: SmppRig) -> None:
    async with listening(rig) as ear:
        await rig.fake.write(NUMBER, "+14255550100", "493817 é ก")
    (report,) = ear.reports
    assert (report.kind, report.sender, report.recipient) == (ReportKind.REPLY, NUMBER, "+14255550100")
    assert report.text == Secret.of("493817 é ก")
    assert NUMBER not in repr(report)


async def test_what_could_not_be_told_comes_again(rig: SmppRig) -> None:
    ear = Ear()
    ear.deaf = True
    task = asyncio.ensure_future(rig.provider.listen(ear))
    await rig.fake.until_bound()
    response = await rig.fake.write(NUMBER, "+14255550100", "1")
    with pytest.raises(Unavailable):
        await task
    assert response.status == RECEIVER_BUSY
    async with listening(rig) as hearing:
        assert (await rig.fake.write(NUMBER, "+14255550100", "1")).status == OK
        assert len(hearing.reports) == 1


async def test_while_nobody_listens_replies_stay_with_the_centre(rig: SmppRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (await rig.fake.write(NUMBER, "+14255550100", "1")).status == RECEIVER_BUSY


async def test_what_can_not_be_read_is_answered_so_that_it_does_not_come_for_ever(rig: SmppRig) -> None:
    headed = ShortMessage(number_address(NUMBER), number_address("+1"), b"\x09x", esm_class=0x40)
    async with listening(rig) as ear:
        assert (await rig.fake.tell(b"\xff\xff")).status == OK
        assert (await rig.fake.deliver(headed)).status == OK
        assert (await rig.fake.tell(b"", ENQUIRE_LINK)).status == OK
        assert (await rig.fake.tell(b"", 0x99)).command == GENERIC_NACK
    assert ear.reports == []


async def test_after_the_centre_was_away_the_next_text_binds_anew(rig: SmppRig) -> None:
    assert (await rig.provider.send(outgoing(Medium.TEXT), soon())).outcome is Outcome.ACCEPTED
    port = rig.fake.port
    await rig.fake.stop()
    away = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert away.outcome in (Outcome.REJECTED, Outcome.UNKNOWN)
    await rig.fake.start(port)
    assert (await rig.provider.send(outgoing(Medium.TEXT), soon())).outcome is Outcome.ACCEPTED
    assert rig.fake.binds == 2


async def test_listening_ends_with_the_connection(rig: SmppRig) -> None:
    task = asyncio.ensure_future(rig.provider.listen(Ear()))
    await rig.fake.until_bound()
    unbound = await rig.fake.tell(b"", UNBIND)
    assert unbound.status == OK
    await asyncio.wait_for(task, 5)


async def test_a_connection_without_a_sign_of_life_is_given_up() -> None:
    async with FakeSmsc() as fake:
        fake.mute = True
        provider = opened(fake.port)
        provider._centre = type(provider._centre)(
            "127.0.0.1", fake.port, None, provider._centre.bind, enquire_seconds=0.05
        )
        task = asyncio.ensure_future(provider.listen(Ear()))
        await asyncio.wait_for(task, 5)
        assert fake.greetings >= 1
        await provider.close()


@pytest.mark.parametrize(("status", "fault"), [(0x0D, Fault.CONFIGURATION), (0x05, Fault.OTHER), (0x58, Fault.SAME)])
async def test_a_refused_bind_says_why(rig: SmppRig, status: int, fault: Fault) -> None:
    rig.fake.refuse_binds = status
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (sent.outcome, sent.fault, sent.code) == (Outcome.REJECTED, fault, f"0x{status:08x}")


async def test_a_wrong_password_is_the_configuration() -> None:
    async with FakeSmsc() as fake:
        provider = opened(fake.port, "wrong")
        sent = await provider.send(outgoing(Medium.TEXT), soon())
        with pytest.raises(Unavailable, match="0x0000000e"):
            await provider.listen(Ear())
        await provider.close()
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.CONFIGURATION)


async def test_a_listener_that_speaks_something_else_is_not_bound() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    provider = opened(server.sockets[0].getsockname()[1])
    sent = await provider.send(outgoing(Medium.TEXT), soon())
    await provider.close()
    server.close()
    assert (sent.outcome, sent.fault) == (Outcome.REJECTED, Fault.OTHER)


async def test_a_sender_that_no_field_holds_is_the_configuration(rig: SmppRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.TEXT, sender="Größe"), soon())
    assert (sent.outcome, sent.fault, rig.carried) == (Outcome.REJECTED, Fault.CONFIGURATION, [])


async def test_after_closing_nothing_is_carried(rig: SmppRig) -> None:
    await rig.provider.close()
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (sent.outcome, rig.carried) == (Outcome.REJECTED, [])
    assert TEXT not in repr(sent)


async def test_a_centre_is_known_by_its_certificate(tmp_path: Path) -> None:
    authority = Authority.made(tmp_path / "ca")
    fake = FakeSmsc()
    fake.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fake.tls.load_cert_chain(*authority.issue("centre", address="127.0.0.1"))
    async with fake:
        knowing = opened(fake.port, plain=False, ca_file=str(authority.file))
        stranger = opened(fake.port, plain=False)
        sent = await knowing.send(outgoing(Medium.TEXT), soon())
        refused = await stranger.send(outgoing(Medium.TEXT), soon())
        await knowing.close()
        await stranger.close()
    assert (sent.outcome, refused.outcome, refused.fault) == (Outcome.ACCEPTED, Outcome.REJECTED, Fault.OTHER)
    assert (fake.binds, len(fake.carried)) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "password", "words"),
    [
        ({}, "ninechars", "at most 8"),
        ({"host": "a/b"}, PASSWORD, "host"),
        ({"port": 0}, PASSWORD, "port"),
        ({"plain": True, "ca_file": "/ca.pem"}, PASSWORD, "ca_file"),
        ({"plain": False, "ca_file": "/nowhere.pem"}, PASSWORD, "nowhere"),
        ({"receipt_ids": "octal"}, PASSWORD, "receipt_ids"),
        ({"system_id": "x" * 16}, PASSWORD, "system_id"),
        ({"enquire_seconds": 1.0}, PASSWORD, "enquire_seconds"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], password: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        SmppKind(lambda: NOW).checked("centre", SETTINGS | settings, Secret.of(password))
