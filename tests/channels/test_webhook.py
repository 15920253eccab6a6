"""Our own webhook against a receiver that was written from its page alone."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from tests.channels.fakes.webhook import HOOK, SECRET, Receiver, told
from tests.conformance.provider_suite import (
    MAIL,
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
from vestibule.apps.channels.webhook import WebhookKind
from vestibule.channels.webhook import Webhook
from vestibule.core.delivery import Forged, Hook, Medium, Outcome, ReportKind
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret


def clock() -> float:
    return NOW


class WebhookRig:
    medium = Medium.TEXT
    secret = SECRET

    def __init__(self, fake: Receiver) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> Webhook:
        settings = {"url": f"http://127.0.0.1:{port}/texts", "sender": "+14255550100", "media": ["text", "mail"]}
        kind, secret = WebhookKind(clock), Secret.of(SECRET)
        kept = json.dumps(dict(kind.checked("own", settings, secret)))
        return kind.open(ProviderRecord("own", "webhook", kept, secret), HOOK)

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        kind, code = ("delivered", "") if delivered else ("undelivered", "expired")
        return told({"id": f"{carried.reference}-{kind}", "kind": kind, "send": carried.send_id, "code": code}, now)

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        return told({"id": "r1", "kind": "reply", "from": sender, "to": recipient, "text": text}, now)

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        right = self.receipt(carried, delivered=False, now=now)
        later = {**right.headers, "vestibule-timestamp": str(int(now) + 1)}
        return {
            "no headers": replace(right, headers={}),
            "another secret": told(json.loads(right.body), now, "another secret"),
            "another body": replace(right, body=right.body.replace(b"undelivered", b"delivered")),
            "another time": replace(right, headers=later),
            "an old version": replace(right, headers={k: v.replace("v1=", "v0=") for k, v in right.headers.items()}),
        }


@pytest.fixture
async def rig() -> AsyncIterator[WebhookRig]:
    async with Receiver() as fake:
        found = WebhookRig(fake)
        yield found
        await found.provider.close()


class TestWebhook(ProviderSuite, HookSuite):
    """The whole contract."""


async def test_the_same_send_once_more_reaches_the_person_once(rig: WebhookRig) -> None:
    rig.fake.once = True
    rig.next(Act.DROP)
    lost = await rig.provider.send(outgoing(Medium.TEXT), soon())
    again = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (lost.outcome, again.outcome, len(rig.carried)) == (Outcome.UNKNOWN, Outcome.ACCEPTED, 1)
    assert again.reference == rig.carried[0].reference
    assert {asked.headers["idempotency-key"] for asked in rig.fake.asked} == {SEND_ID}


async def test_it_carries_mail_too(rig: WebhookRig) -> None:
    await rig.provider.send(outgoing(Medium.MAIL), soon())
    message = rig.fake.asked[0].json()
    assert (message["medium"], message["to"], message["subject"]) == ("mail", MAIL, "Sign-in")


async def test_what_we_send_can_not_be_turned_back_on_us(rig: WebhookRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    asked = rig.fake.asked[0]
    with pytest.raises(Malformed):
        rig.provider.understand(Hook("POST", HOOK, (), asked.headers, asked.body, "192.0.2.9"), NOW)


async def test_while_the_secret_changes_one_of_two_signatures_is_enough(rig: WebhookRig) -> None:
    value = {"id": "1", "kind": "delivered", "send": SEND_ID}
    old, new = told(value, NOW, "the old secret"), told(value, NOW)
    both = {**new.headers, "vestibule-signature": ", ".join(h.headers["vestibule-signature"] for h in (old, new))}
    (report,) = rig.provider.understand(replace(new, headers=both), NOW)
    assert report.send_id == SEND_ID


async def test_what_it_cost_and_who_has_opted_out_can_be_told(rig: WebhookRig) -> None:
    value = {"id": "1", "kind": "cost", "send": SEND_ID, "cost": 7900, "currency": "EUR"}
    (cost,) = rig.provider.understand(told(value, NOW), NOW)
    assert (cost.kind, cost.cost, cost.currency) == (ReportKind.COST, 7900, "EUR")
    (stop,) = rig.provider.understand(told({"id": "2", "kind": "opt_out", "from": NUMBER}, NOW), NOW)
    assert (stop.kind, stop.sender) == (ReportKind.OPT_OUT, NUMBER)


@pytest.mark.parametrize(
    "value", [[], {}, {"id": "1"}, {"kind": "delivered"}, {"id": "1", "kind": "call"}, {"id": 1, "kind": "delivered"}]
)
async def test_a_signed_body_of_another_shape_is_malformed(rig: WebhookRig, value: object) -> None:
    with pytest.raises(Malformed):
        rig.provider.understand(told(value, NOW), NOW)


async def test_a_time_that_is_no_number_is_a_forgery(rig: WebhookRig) -> None:
    right = told({"id": "1", "kind": "delivered"}, NOW)
    for time in ("", "soon", "1e9", "٣", "9" * 40, "-1"):
        with pytest.raises(Forged):
            rig.provider.understand(replace(right, headers={**right.headers, "vestibule-timestamp": time}), NOW)


@pytest.mark.parametrize(
    ("settings", "secret", "words"),
    [
        ({"url": "https://sms.example.org/"}, "short", "fewer than 16"),
        ({"url": "http://sms.example.org/"}, SECRET, "plain HTTP"),
        ({"url": "ftp://sms.example.org/"}, SECRET, "url: is no URL"),
        ({"url": "https://user:word@sms.example.org/"}, SECRET, "a name, a password"),
        ({"url": "https://sms.example.org/", "media": []}, SECRET, "media"),
        ({"url": "https://sms.example.org/", "media": ["fax"]}, SECRET, "media"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], secret: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        WebhookKind(clock).checked("own", settings, Secret.of(secret))


def test_a_file_of_certificates_that_is_not_there_is_named() -> None:
    kind, secret = WebhookKind(clock), Secret.of(SECRET)
    settings = json.dumps({"url": "https://sms.example.org/", "ca_file": "/nowhere.pem"})
    with pytest.raises(Malformed, match=r"/nowhere\.pem"):
        kind.open(ProviderRecord("own", "webhook", settings, secret), HOOK)
