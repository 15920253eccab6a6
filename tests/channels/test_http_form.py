"""A provider that is configuration alone, and what may not be done with its places."""

import json
from collections.abc import AsyncIterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from tests.channels.fakes.gateway import ANSWER, HEARING, KEY, REQUEST, FakeGateway, called, written
from tests.channels.fakes.http_server import Asked, FakeHttp, Said
from tests.conformance.provider_suite import (
    NOW,
    NUMBER,
    SEND_ID,
    TEXT,
    Act,
    Carried,
    HookSuite,
    ProviderSuite,
    outgoing,
    soon,
)
from vestibule.apps.channels.http import HttpKind
from vestibule.channels.http_form import HttpForm
from vestibule.core.delivery import Fault, Hook, Medium, Outcome
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret

HOOK = "https://mfa.example.org/hooks/gw/0123"


def opened(settings: Mapping[str, Any], hook: str = HOOK) -> HttpForm:
    kind, secret = HttpKind(), Secret.of(KEY)
    kept = json.dumps(dict(kind.checked("gw", settings, secret)))
    return kind.open(ProviderRecord("gw", "http", kept, secret), hook)


class GatewayRig:
    medium = Medium.TEXT
    secret = KEY

    def __init__(self, fake: FakeGateway) -> None:
        self.fake = fake
        self.carried = fake.carried
        self.next = fake.next
        self.provider = self.at(fake.port)

    def at(self, port: int) -> HttpForm:
        request = REQUEST | {"url": f"http://127.0.0.1:{port}/v1/send"}
        return opened({"request": request, "answer": ANSWER, "hook": HEARING, "sender": "Example"})

    def receipt(self, carried: Carried, *, delivered: bool, now: float) -> Hook:
        fields = {"state": "delivered"} if delivered else {"state": "failed", "reason": "27"}
        return called(carried.hook, fields | {"id": carried.reference})

    def reply(self, sender: str, recipient: str, text: str, now: float) -> Hook:
        return written(HOOK, {"id": "r1", "msisdn": sender, "to": recipient, "text": text})

    def forgeries(self, carried: Carried, now: float) -> Mapping[str, Hook]:
        fields = {"state": "delivered", "id": carried.reference}
        bare = carried.hook.partition("&mark=")[0]
        return {
            "no mark": called(bare, fields),
            "another mark": called(bare + "&mark=" + "0" * 32, fields),
            "another send": called(carried.hook.replace(SEND_ID, SEND_ID[::-1]), fields),
            "a mark of no send": called(carried.hook.replace(SEND_ID, ""), fields),
            "a mark of strange signs": called(bare + "&mark=%C3%A9", fields),
        }


@pytest.fixture
async def rig() -> AsyncIterator[GatewayRig]:
    async with FakeGateway() as fake:
        found = GatewayRig(fake)
        yield found
        await found.provider.close()


class TestHttpForm(ProviderSuite, HookSuite):
    """The whole contract."""

    fresh_for_minutes = False


class Echo(FakeHttp):
    """Says yes to everything."""

    def __init__(self, said: Said) -> None:
        super().__init__()
        self.said = said

    def accept(self, asked: Asked) -> Said:
        return self.said

    def refuse(self, asked: Asked, act: Act) -> Said:
        return self.said


STRANGE = "a&b=c\r\nX-Evil: 1 \"'<script>&amp;{to}%0d%0a;\\😀/../?#"


async def test_places_in_a_url_can_not_leave_their_value() -> None:
    async with Echo(Said(200)) as fake:
        url = f"http://127.0.0.1:{fake.port}/send/{{to}}?text={{text}}&key={{secret}}&end=1"
        provider = opened({"request": {"url": url, "method": "GET"}})
        await provider.send(outgoing(Medium.TEXT, text=STRANGE), soon())
        await provider.close()
        (asked,) = fake.asked
    assert asked.path == "/send/%2B14255550142"
    assert asked.query == {"text": STRANGE, "key": KEY, "end": "1"}
    assert "x-evil" not in asked.headers


async def test_places_in_a_form_can_not_leave_their_value() -> None:
    async with Echo(Said(200)) as fake:
        form = {"to": "{to}", "a&b": "x{text}y", "literal": "{{to}}"}
        provider = opened({"request": {"url": f"http://127.0.0.1:{fake.port}/", "form": form}})
        await provider.send(outgoing(Medium.TEXT, text=STRANGE), soon())
        await provider.close()
        (asked,) = fake.asked
    assert asked.form() == {"to": NUMBER, "a&b": f"x{STRANGE}y", "literal": "{to}"}


async def test_places_in_xml_can_not_leave_their_element() -> None:
    async with Echo(Said(200)) as fake:
        xml = '<sms to="{to}"><text>{text}</text></sms>'
        provider = opened({"request": {"url": f"http://127.0.0.1:{fake.port}/", "xml": xml}})
        await provider.send(outgoing(Medium.TEXT, text="</text><to>\x00\ud7ff&'\""), soon())
        await provider.close()
        (asked,) = fake.asked
    assert asked.headers["content-type"] == "application/xml"
    assert asked.body.decode() == (
        '<sms to="+14255550142"><text>&lt;/text&gt;&lt;to&gt;\ud7ff&amp;&apos;&quot;</text></sms>'
    )


async def test_a_header_takes_no_second_line() -> None:
    async with Echo(Said(200)) as fake:
        request = {"url": f"http://127.0.0.1:{fake.port}/", "headers": {"X-Text": "{text}"}, "form": {"to": "{to}"}}
        provider = opened({"request": request})
        sent = await provider.send(outgoing(Medium.TEXT, text=STRANGE), soon())
        await provider.close()
        assert (sent.outcome, sent.fault, fake.asked) == (Outcome.REJECTED, Fault.CONFIGURATION, [])


@pytest.mark.parametrize(
    ("body", "outcome", "fault"),
    [
        (b"OK 12345", Outcome.ACCEPTED, None),
        (b"ERR 301 no credit", Outcome.REJECTED, Fault.CONFIGURATION),
        (b"ERR 999", Outcome.REJECTED, Fault.OTHER),
        (b"<html>", Outcome.UNKNOWN, None),
        (b"", Outcome.UNKNOWN, None),
    ],
)
async def test_an_answer_in_words_is_read_by_how_it_begins(body: bytes, outcome: Outcome, fault: Fault | None) -> None:
    words = {"OK*": "accepted", "ERR*": "other", "ERR 301*": "configuration"}
    async with Echo(Said(200, body)) as fake:
        request = {"url": f"http://127.0.0.1:{fake.port}/", "form": {"text": "{text}"}}
        provider = opened({"request": request, "answer": {"words": words}})
        sent = await provider.send(outgoing(Medium.TEXT), soon())
        await provider.close()
    assert (sent.outcome, sent.fault) == (outcome, fault)


async def test_a_redirect_is_not_followed_for_it_would_take_the_code_along() -> None:
    async with Echo(Said(302, headers={"Location": "http://127.0.0.1:1/elsewhere"})) as fake:
        provider = opened({"request": {"url": f"http://127.0.0.1:{fake.port}/", "form": {"text": "{text}"}}})
        sent = await provider.send(outgoing(Medium.TEXT), soon())
        await provider.close()
        assert (sent.outcome, sent.fault, len(fake.asked)) == (Outcome.REJECTED, Fault.CONFIGURATION, 1)


async def test_an_endless_answer_is_cut() -> None:
    async with Echo(Said(200, b"x" * 5_000_000)) as fake:
        provider = opened({"request": {"url": f"http://127.0.0.1:{fake.port}/", "form": {"text": "{text}"}}})
        sent = await provider.send(outgoing(Medium.TEXT), soon())
        await provider.close()
        assert sent.outcome is Outcome.ACCEPTED


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in deepcopy(REQUEST).items() if key != name}


URL = {"url": "https://sms.example.org/send"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"request": URL | {"form": {"text": "{texts}"}}}, "there is no place {texts}"),
        ({"request": URL | {"form": {"text": "{text.__class__}"}}}, "there is no place"),
        ({"request": URL | {"form": {"text": "{text[0]}"}}}, "there is no place"),
        ({"request": URL | {"form": {"text": "{text!r}"}}}, "there is no place"),
        ({"request": URL | {"form": {"text": "{text:>9}"}}}, "there is no place"),
        ({"request": URL | {"form": {"text": "{}"}}}, "there is no place"),
        ({"request": URL | {"form": {"text": "a } b"}}}, "a brace stands alone"),
        ({"request": URL | {"form": {"to": "{to}"}}}, "stands nowhere"),
        ({"request": URL | {"form": {"t": "{text}"}, "json": {"t": "{text}"}}}, "one body"),
        ({"request": URL | {"method": "GET", "form": {"t": "{text}"}}}, "GET has no body"),
        ({"request": {"url": "https://{to}.example.org/{text}"}}, "a place in its host"),
        ({"request": {"url": "http://sms.example.org/{text}"}}, "plain HTTP"),
        ({"request": URL | {"headers": {"X:": "{text}"}}}, "request.headers"),
        ({"request": URL | {"form": {"t": "{text}"}}, "answer": {"words": {"0": "fine"}}}, "means nothing"),
        ({"request": URL | {"form": {"t": "{text}"}}, "answer": {"statuses": {"x": "accepted"}}}, "answer.statuses"),
        ({"request": URL | {"json": {"a": [{"b": "{nothing} {text}"}]}}}, "there is no place {nothing}"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(Malformed) as caught:
        HttpKind().checked("gw", settings, Secret.of(KEY))
    assert words in str(caught.value)
    assert TEXT not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"request": URL | {"form": {"t": "{text}", "k": "{secret}"}}},
        {"request": URL | {"form": {"t": "{text}"}}, "hook": {"status": "s"}},
    ],
)
def test_what_needs_a_secret_is_not_set_up_without(settings: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="secret"):
        HttpKind().checked("gw", settings, Secret(b""))


async def test_a_call_that_is_no_form_and_no_reply_is_malformed(rig: GatewayRig) -> None:
    for hook in (
        written(HOOK, {"id": "1"}),
        Hook("POST", HOOK, (), {}, b"[1]", ""),
        Hook("GET", HOOK, (), {}, b"", ""),
    ):
        with pytest.raises(Malformed):
            rig.provider.understand(hook, NOW)
