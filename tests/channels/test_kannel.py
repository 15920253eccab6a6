"""Texts by Kannel, against a smsbox that fails when it is told to."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest

from tests.channels.fakes.http_server import Said
from tests.channels.fakes.smsbox import HOOK, USER, WORD, FakeSmsbox, called, inbound, told
from tests.conformance.provider_suite import (
    NOW,
    NUMBER,
    SEND_ID,
    TEXT,
    Carried,
    HookSuite,
    ProviderSuite,
    outgoing,
    soon,
)
from vestibule.apps.channels.kannel import KannelKind
from vestibule.channels.kannel import Kannel
from vestibule.core.delivery import Fault, Hook, Medium, Outcome
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

RECEIPT = "id:1a2b3c01 sub:001 dlvrd:001 submit date:2611202100 done date:2611202101 stat:{} err:{} text:4938"


def opened(port: int, **more: object) -> Kannel:
    kind, secret = KannelKind(), Secret.of(WORD)
    url = f"http://127.0.0.1:{port}"
    settings = {"url": f"{url}/cgi-bin/sendsms", "user": USER, "sender": "+14255550100"}
    watched = {"status_url": f"{url}/status.xml"} | more
    kept = json.dumps(dict(kind.checked("k", settings | watched, secret)))
    return kind.open(ProviderRecord("k", "kannel", kept, secret), HOOK)


class KannelRig:
    medium = Medium.TEXT
    secret = WORD

    def __init__(self, fake: FakeSmsbox) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> Kannel:
        return opened(port)

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        if delivered:
            return told(carried.hook, "1", RECEIPT.format("DELIVRD", "000"))
        return told(carried.hook, "16", "NACK/0x0000000b/Invalid Destination Address")

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        return inbound(sender, recipient, text)

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        bare = carried.hook.partition("&mark=")[0]
        return {
            "no mark": called(f"{bare}&type=1&answer="),
            "another mark": called(f"{bare}&mark={'0' * 32}&type=1&answer="),
            "another send": told(carried.hook.replace(SEND_ID, SEND_ID[::-1]), "1", ""),
            "a mark of no send": told(carried.hook.replace(SEND_ID, ""), "1", ""),
        }


@pytest.fixture
async def rig() -> AsyncIterator[KannelRig]:
    async with FakeSmsbox() as fake:
        found = KannelRig(fake)
        yield found
        await found.provider.close()


class TestKannel(ProviderSuite, HookSuite):
    """The whole contract; smsbox tells three faults apart."""

    told = frozenset({Fault.OTHER, Fault.DESTINATION, Fault.CONFIGURATION})
    fresh_for_minutes = False


async def test_nothing_of_a_text_stands_in_a_url(rig: KannelRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    (asked,) = [asked for asked in rig.fake.asked if asked.path != "/status.xml"]
    assert (asked.method, asked.target) == ("POST", "/cgi-bin/sendsms")


async def test_kannel_is_asked_for_final_receipts_only(rig: KannelRig) -> None:
    await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert rig.fake.asked[-1].headers["x-kannel-dlr-mask"] == "19"
    for kind in ("4", "8"):
        assert rig.provider.understand(told(rig.carried[0].hook, kind, "ACK/"), NOW) == ()


async def test_a_percent_sign_of_ours_is_not_kannels(rig: KannelRig) -> None:
    await rig.provider.send(replace(outgoing(Medium.TEXT), id="a%dé"), soon())
    (report,) = rig.provider.understand(told(rig.carried[0].hook, "1", ""), NOW)
    assert report.send_id == "a%dé"


@pytest.mark.parametrize(
    ("first", "second", "smsc", "carried"),
    [
        ("online", "online", "", True),
        ("re-connecting", "online", "", True),
        ("re-connecting", "dead", "", False),
        ("re-connecting", "online", "first", False),
        ("online", "dead", "first", True),
        ("dead", "dead", "unheard-of", True),
    ],
)
async def test_with_no_centre_to_go_to_nothing_is_handed_over(
    first: str, second: str, smsc: str, *, carried: bool
) -> None:
    async with FakeSmsbox() as fake:
        fake.first, fake.second = first, second
        provider = opened(fake.port, smsc=smsc)
        sent = await provider.send(outgoing(Medium.TEXT), soon())
        await provider.close()
    assert (sent.outcome is Outcome.ACCEPTED) is carried
    assert bool(fake.carried) is carried
    assert carried or (sent.fault, sent.code) == (Fault.OTHER, "smsc_down")


@pytest.mark.parametrize("page", [Said(403), Said(200, b"<gateway>"), Said(200, b""), Said(200, b"<!DOCTYPE x><x/>")])
async def test_a_status_page_that_says_nothing_stops_nothing(rig: KannelRig, page: Said) -> None:
    rig.fake.page = page
    assert (await rig.provider.send(outgoing(Medium.TEXT), soon())).outcome is Outcome.ACCEPTED


async def test_the_status_page_is_not_asked_for_every_text(rig: KannelRig) -> None:
    for _ in range(5):
        await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert sum(asked.path == "/status.xml" for asked in rig.fake.asked) == 1


async def test_what_kannel_keeps_for_later_says_so(rig: KannelRig) -> None:
    rig.fake.queues = True
    sent = await rig.provider.send(outgoing(Medium.TEXT), soon())
    assert (sent.outcome, sent.code) == (Outcome.ACCEPTED, "3")


async def test_a_reply_in_ucs2_is_read_by_its_charset(rig: KannelRig) -> None:
    octets = "".join(f"%{octet:02X}" for octet in "493817 é😀".encode("utf-16-be"))
    hook = called(f"{HOOK}?id=1&from=%2B14255550142&to=%2B1&text={octets}&charset=UTF-16BE")
    (report,) = rig.provider.understand(hook, NOW)
    assert (report.sender, report.text) == (NUMBER, Secret.of("493817 é😀"))


async def test_a_plus_that_became_a_space_is_a_plus_again(rig: KannelRig) -> None:
    (report,) = rig.provider.understand(called(f"{HOOK}?id=1&from=+14255550142&to=%2B1&text=1"), NOW)
    assert report.sender == NUMBER


@pytest.mark.parametrize("query", ["", "id=1", "id=1&from=2&to=3", "&".join("a=b" for _ in range(99))])
async def test_a_call_of_another_shape_is_malformed(rig: KannelRig, query: str) -> None:
    with pytest.raises(Malformed):
        rig.provider.understand(called(f"{HOOK}?{query}"), NOW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"user": ""}, "user"),
        ({"url": "http://sms.example.org/cgi-bin/sendsms"}, "plain HTTP"),
        ({"status_url": "http://127.0.0.1/status.xml?password=x"}, "leave out"),
        ({"smsc": "a b"}, "smsc"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(Malformed, match=words) as caught:
        KannelKind().checked("k", {"user": USER} | settings, Secret.of(WORD))
    assert WORD not in str(caught.value)
    assert TEXT not in str(caught.value)
