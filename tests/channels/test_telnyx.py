"""Texts by Telnyx: the contract, its keys, its signed events."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.channels.fakes.telnyx import HOOK, KEY, PUBLIC, FakeTelnyx, event, finalized, received, signed
from tests.conformance.provider_suite import (
    NOW,
    NUMBER,
    SEND_ID,
    Act,
    Carried,
    HookSuite,
    ProviderSuite,
    outgoing,
    soon,
)
from vestibule.apps.channels.telnyx import TelnyxKind
from vestibule.channels.telnyx.texts import TelnyxTexts
from vestibule.core.delivery import Hook, Medium, Outcome, ReportKind
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

SETTINGS = {"public_key": PUBLIC, "sender": "+14255550100"}


def at(hook: Hook, url: str) -> Hook:
    """The same request at another URL; the signature does not cover it."""
    return replace(hook, url=url, query=tuple(parse_qsl(urlsplit(url).query)))


class TelnyxRig:
    medium = Medium.TEXT
    secret = KEY

    def __init__(self, fake: FakeTelnyx) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> TelnyxTexts:
        kind, secret = TelnyxKind(), Secret.of(KEY)
        kept = json.dumps(dict(kind.checked("tx", SETTINGS | {"url": f"http://127.0.0.1:{port}"}, secret)))
        found = kind.open(ProviderRecord("tx", "telnyx", kept, secret), HOOK)
        assert isinstance(found, TelnyxTexts)
        return found

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        status, error = ("delivered", "") if delivered else ("delivery_failed", "40008")
        payload = finalized(carried.reference, carried.to, status, error)
        told = event("message.finalized", payload, now, id=f"0199{carried.reference[:8]}{delivered}")
        return at(told, carried.hook)

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        return event("message.received", received(sender, recipient, text), now)

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        right = self.receipt(carried, delivered=False, now=now)
        stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
        later = {**right.headers, "telnyx-timestamp": str(int(now) + 1)}
        return {
            "no signature": replace(right, headers={"telnyx-timestamp": str(int(now))}),
            "no time": replace(right, headers={k: v for k, v in right.headers.items() if "time" not in k}),
            "another key": event("message.finalized", finalized("m", carried.to, "delivered"), now, stranger),
            "another body": replace(right, body=right.body.replace(b"delivery_failed", b"delivered")),
            "another time": replace(right, headers=later),
            "the URL of another send": at(right, right.url.replace(SEND_ID, SEND_ID[::-1])),
            "a mark of nothing": at(right, right.url.partition("&mark=")[0]),
            "a signature of no sense": replace(right, headers={**right.headers, "telnyx-signature-ed25519": "é"}),
        }


@pytest.fixture
async def rig() -> AsyncIterator[TelnyxRig]:
    async with FakeTelnyx() as fake:
        found = TelnyxRig(fake)
        yield found
        await found.provider.close()


class TestTelnyx(ProviderSuite, HookSuite):
    """The whole contract."""


async def test_a_send_has_its_id_as_its_key(rig: TelnyxRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert rig.fake.keys == [SEND_ID]


async def test_the_same_send_once_more_reaches_the_person_once(rig: TelnyxRig) -> None:
    rig.fake.once = True
    rig.next(Act.DROP)
    assert rig.provider.abilities.idempotent
    lost = await rig.provider.send(outgoing(Medium.TEXT), soon())
    again = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (lost.outcome, again.outcome) == (Outcome.UNKNOWN, Outcome.ACCEPTED)
    assert len(rig.carried) == 1
    assert again.reference == rig.carried[0].reference


async def test_what_a_text_costs_is_told_at_once_and_later(rig: TelnyxRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (sent.cost, sent.currency) == (4000, "USD")
    payload = finalized("m1", NUMBER, "delivered") | {"cost": {"amount": "0.0051", "currency": "USD"}}
    delivered, cost = rig.provider.understand(event("message.finalized", payload, NOW, id="e1"), NOW)
    assert (delivered.kind, delivered.id) == (ReportKind.DELIVERED, "e1")
    assert (cost.kind, cost.id, cost.cost) == (ReportKind.COST, "e1/cost", 5100)


async def test_a_receipt_names_a_send_whose_answer_was_lost(rig: TelnyxRig) -> None:
    rig.next(Act.DROP)
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    (report,) = rig.provider.understand(rig.receipt(rig.carried[0], delivered=True, now=NOW), NOW)
    assert report.send_id == SEND_ID


async def test_events_that_are_about_nothing_here_are_no_reports(rig: TelnyxRig) -> None:
    assert rig.provider.understand(event("message.sent", finalized("m", NUMBER, "sent"), NOW), NOW) == ()
    assert rig.provider.understand(event("call.initiated", {}, NOW), NOW) == ()


@pytest.mark.parametrize("value", [{}, {"data": []}, {"data": {"id": "e"}}, {"data": {"id": "", "payload": {}}}, []])
async def test_a_signed_event_of_another_shape_is_malformed(rig: TelnyxRig, value: object) -> None:
    with pytest.raises(Malformed):
        rig.provider.understand(signed(value, NOW), NOW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"public_key": "short", "sender": "+1"}, "public_key"),
        ({"public_key": PUBLIC}, "sender: give a number"),
        ({"public_key": PUBLIC, "sender": "+1", "url": "http://api.example.org"}, "plain HTTP"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, str], words: str) -> None:
    with pytest.raises(Malformed, match=words):
        TelnyxKind().checked("tx", settings, Secret.of(KEY))
