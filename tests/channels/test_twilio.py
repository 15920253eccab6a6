"""Texts by Twilio: the contract, its error table, its callbacks."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from tests.channels.fakes.twilio import ACCOUNT, TOKEN, FakeTwilio, callback, inbound_fields, status_fields
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
from vestibule.apps.channels.twilio import TwilioKind
from vestibule.channels.twilio.account import (
    CREDENTIALS,
    ELSEWHERE,
    FAULTS,
    LATER,
    NO_NUMBERS,
    POLICIES,
    SENDERS,
    UNREACHED,
    fault_of,
)
from vestibule.channels.twilio.texts import TwilioTexts
from vestibule.core.delivery import Fault, Forged, Hook, Medium, Outcome, ReportKind
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

HOOK = "https://mfa.example.org/hooks/tw/0123456789abcdef"


class TwilioRig:
    medium = Medium.TEXT
    secret = TOKEN

    def __init__(self, fake: FakeTwilio) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> TwilioTexts:
        settings = {"account": ACCOUNT, "sender": "+14255550100", "url": f"http://127.0.0.1:{port}"}
        kind, secret = TwilioKind(), Secret.of(TOKEN)
        kept = json.dumps(dict(kind.checked("tw", settings, secret)))
        found = kind.open(ProviderRecord("tw", "twilio", kept, secret), HOOK)
        assert isinstance(found, TwilioTexts)
        return found

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        status, error = ("delivered", "") if delivered else ("undelivered", "30003")
        return callback(carried.hook, status_fields(carried.reference, carried.to, status, error))

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        return callback(HOOK, inbound_fields(sender, recipient, text))

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        right = self.receipt(carried, delivered=False, now=now)
        fields = status_fields(carried.reference, carried.to, "delivered")
        other = HOOK + "?send=0192f0c5d7aa7c6b9c1b2d3e4f506173"
        return {
            "no signature": replace(right, headers={}),
            "another token": callback(right.url, fields, "another token"),
            "another URL": replace(right, url=other, query=(("send", other[-32:]),)),
            "another host": replace(right, url=right.url.replace("mfa.example.org", "mfa.example.com")),
            "another body": replace(right, body=right.body.replace(b"undelivered", b"delivered")),
            "one more field": replace(right, body=right.body + b"&ErrorCode2=1"),
            "the hash of another body": replace(right, url=right.url + "&bodySHA256=" + "0" * 64),
        }


@pytest.fixture
async def rig() -> AsyncIterator[TwilioRig]:
    async with FakeTwilio() as fake:
        found = TwilioRig(fake)
        yield found
        await found.provider.close()


class TestTwilio(ProviderSuite, HookSuite):
    """The whole contract."""

    fresh_for_minutes = False


async def test_the_callback_names_the_send(rig: TwilioRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert rig.carried[0].hook == f"{HOOK}?send={SEND_ID}"


async def test_a_callback_may_be_signed_with_the_usual_port_in_its_url(rig: TwilioRig) -> None:
    fields = status_fields("SM1", NUMBER, "delivered")
    signed = callback(HOOK.replace(".org/", ".org:443/"), fields)
    (report,) = rig.provider.understand(replace(signed, url=HOOK), NOW)
    assert report.kind is ReportKind.DELIVERED


async def test_states_on_the_way_are_no_reports(rig: TwilioRig) -> None:
    for status in ("queued", "sending", "sent", "accepted"):
        assert rig.provider.understand(callback(HOOK, status_fields("SM1", NUMBER, status)), NOW) == ()


async def test_who_writes_stop_has_opted_out(rig: TwilioRig) -> None:
    hook = callback(HOOK, inbound_fields(NUMBER, "+14255550100", "STOP", "STOP"))
    (report,) = rig.provider.understand(hook, NOW)
    assert (report.kind, report.sender) == (ReportKind.OPT_OUT, NUMBER)


async def test_a_messaging_service_sends_where_it_is_named(rig: TwilioRig) -> None:
    service = "MG" + "0" * 32
    rig.next(Act.POLICY)
    await rig.provider.send(outgoing(Medium.TEXT, sender=service), soon())
    form = rig.fake.asked[0].form()
    assert (form["MessagingServiceSid"], "From" in form) == (service, False)


async def test_what_became_of_a_text_can_be_asked_by_its_reference(rig: TwilioRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    found = await rig.provider.ask(SEND_ID, sent.reference, soon())
    assert found is not None
    assert (found.outcome, found.cost, found.currency) == (Outcome.ACCEPTED, 7900, "USD")
    assert await rig.provider.ask(SEND_ID, "SM" + "0" * 32, soon()) is None
    assert await rig.provider.ask(SEND_ID, "", soon()) is None


async def test_a_text_can_be_taken_back(rig: TwilioRig) -> None:
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    await rig.provider.cancel(SEND_ID, sent.reference, soon())
    assert rig.fake.asked[-1].form() == {"Status": "canceled"}
    assert sent.reference in rig.fake.asked[-1].path


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [("21610", 400, Fault.DESTINATION), ("99999", 400, Fault.OTHER), ("99999", 403, Fault.CONFIGURATION)],
)
def test_codes_that_are_not_known_are_read_by_their_status(code: str, status: int, fault: Fault) -> None:
    assert fault_of(code, status) is fault


def test_no_code_has_two_faults() -> None:
    assert len(FAULTS) == sum(
        len(one) for one in (NO_NUMBERS, UNREACHED, POLICIES, CREDENTIALS, SENDERS, LATER, ELSEWHERE)
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"account": "AC1", "sender": "+1"}, "account"),
        ({"account": ACCOUNT}, "sender: give a number"),
        ({"account": ACCOUNT, "sender": "+1", "url": "http://api.example.org"}, "plain HTTP"),
        ({"account": ACCOUNT, "sender": "+1", "token": "x"}, "token: there is no such setting"),
        ({"account": ACCOUNT, "sender": "+1\r\nX: y"}, "sender"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, str], words: str) -> None:
    with pytest.raises(Malformed, match=words):
        TwilioKind().checked("tw", settings, Secret.of(TOKEN))


def test_an_account_without_its_token_is_not_set_up() -> None:
    with pytest.raises(Malformed, match="auth token"):
        TwilioKind().checked("tw", {"account": ACCOUNT, "sender": "+1"}, Secret(b""))


async def test_a_signature_with_a_shared_key_is_not_believed(rig: TwilioRig) -> None:
    hook = callback(HOOK, status_fields("SM1", NUMBER, "delivered"), "a shared key")
    named = {**hook.headers, "x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}
    with pytest.raises(Forged):
        rig.provider.understand(replace(hook, headers=named), NOW)
