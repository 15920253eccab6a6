"""Throws broken requests at what reads providers' calls: `python -m tests.fuzz.hooks --cases 1000000 --seed 1`.

Rules of this file:
- The same seed gives the same cases, so a failure is found again by its number.
- A case may end in `Forged` or `Malformed`; signatures of half of the cases are right, so that bodies are looked at.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.channels.fakes import gateway, smsbox, telnyx, twilio, webhook
from vestibule.channels.http_form import Asking, FormSettings, Hearing, HttpForm
from vestibule.channels.kannel import Kannel, KannelSettings
from vestibule.channels.telnyx.account import Account as TelnyxAccount
from vestibule.channels.telnyx.texts import TelnyxTexts
from vestibule.channels.twilio.account import Account as TwilioAccount
from vestibule.channels.twilio.texts import TwilioTexts
from vestibule.channels.webhook import Webhook, WebhookSettings
from vestibule.core.delivery import Forged, Hook, Hooked
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.exchange import Exchanged, NotCarried, Request
from vestibule.wire.hooks.marked import marked_url

REPORT: Final = 100_000
NOW: Final = 1_795_212_000.0
HOOK: Final = "https://mfa.example.org/hooks/x/0123"
PIECES: Final = (
    *('"', "{", "}", "[", "]", ":", ",", "null", "true", "1e999", "-1", "9" * 400, "\\u0000", "\\ud800", "\0"),
    *("é", "&", "=", "%", "%FF", "+", " ", "\r\n", "data", "payload", "id", "to", "kind", "delivered", "[" * 50),
)


class Nowhere:
    """Has the shape `Exchange`."""

    async def __call__(self, request: Request, deadline: float) -> Exchanged:
        """Nothing is sent."""
        return NotCarried("nobody is there")

    async def close(self) -> None:
        """Nothing is open."""


def _webhook(random: Random) -> tuple[Hooked, Hook]:
    body = _json(random, {"id": "1", "kind": "reply", "from": "+1", "to": "+2", "text": "x", "cost": 1, "send": "s"})
    provider = Webhook(WebhookSettings("https://x.example/", Secret.of(webhook.SECRET)), Nowhere(), HOOK, lambda: NOW)
    timestamp = str(int(NOW))
    headers = {"vestibule-timestamp": timestamp, "vestibule-signature": webhook.signature(timestamp, body)}
    return provider, Hook("POST", HOOK, (), headers, body, "")


def _telnyx(random: Random) -> tuple[Hooked, Hook]:
    payload = telnyx.finalized("m", "+1", "delivered", "40001") | {"cost": {"amount": "0.1", "currency": "USD"}}
    kinds = ("message.finalized", "message.received")
    whole = {"data": {"id": "e", "event_type": random.choice(kinds), "payload": payload | {"from": {}, "text": "x"}}}
    account = TelnyxAccount(Secret.of(telnyx.KEY), telnyx.PUBLIC)
    body = _json(random, whole)
    hook = telnyx.signed([], NOW)
    signature = telnyx.sign(str(int(NOW)), body)
    headers = {**hook.headers, "telnyx-signature-ed25519": signature}
    return TelnyxTexts(account, "+1", "", Nowhere(), HOOK), Hook("POST", HOOK, (), headers, body, "")


def _twilio(random: Random) -> tuple[Hooked, Hook]:
    fields = {"MessageSid": "SM1", "MessageStatus": "failed", "Body": "x", "From": "+1", "To": "+2", "ErrorCode": "1"}
    for name in tuple(fields):
        if random.random() < 0.3:
            del fields[name]
        elif random.random() < 0.2:
            fields[name] = random.choice(PIECES)
    account = TwilioAccount(twilio.ACCOUNT, Secret.of(twilio.TOKEN))
    return TwilioTexts(account, "+1", Nowhere(), HOOK), twilio.callback(HOOK, fields)


def _kannel(random: Random) -> tuple[Hooked, Hook]:
    secret = Secret.of(smsbox.WORD)
    fields = {"id": "1", "from": "+1", "to": "+2", "text": "\0a", "charset": "UTF-16BE", "type": "2", "answer": "NACK/"}
    query = _mutated(random, urlencode(fields))
    base = marked_url(HOOK, secret, "s") + "&" if random.random() < 0.5 else HOOK + "?"
    provider = Kannel(KannelSettings("http://127.0.0.1/", "u", secret), Nowhere(), HOOK)
    return provider, _called(base + query)


def _form(random: Random) -> tuple[Hooked, Hook]:
    hearing = Hearing(
        status="state.0",
        delivered=("delivered",),
        undelivered=("failed",),
        reply_id="id",
        reply_from="from",
        reply_to="to",
        reply_text="text",
    )
    secret = Secret.of(gateway.KEY)
    provider = HttpForm(FormSettings(Asking("https://x.example/"), secret, hearing=hearing), Nowhere(), HOOK)
    body = _json(random, {"state": ["delivered"], "id": 1, "from": "+1", "to": "+2", "text": "x"})
    url = marked_url(HOOK, secret, "s") if random.random() < 0.5 else HOOK
    headers = {"content-type": random.choice(["application/json", "application/x-www-form-urlencoded", ""])}
    called = _called(url)
    return provider, Hook("POST", url, called.query, headers, body, "")


MAKERS: Final[tuple[Callable[[Random], tuple[Hooked, Hook]], ...]] = (_webhook, _telnyx, _twilio, _kannel, _form)


def run(cases: int, seed: int) -> None:
    """Try so many cases; the first fault propagates with the number of its case as a note."""
    random = Random(seed)
    began = perf_counter()
    for case in range(cases):
        try:
            _try(*MAKERS[case % len(MAKERS)](random))
        except Exception as fault:
            fault.add_note(f"case {case} of seed {seed}")
            raise
        if (case + 1) % REPORT == 0:
            print(f"{case + 1:,} cases, {(case + 1) / (perf_counter() - began):,.0f} per second", flush=True)


def _try(provider: Hooked, hook: Hook) -> None:
    try:
        reports = provider.understand(hook, NOW)
    except (Forged, Malformed):
        return
    for report in reports:
        assert len(report.id) < 1000
        assert report.cost >= 0
        if report.text is not None:
            report.text.reveal()
    provider.answer(hook, (), "en")


def _called(url: str) -> Hook:
    try:
        query = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=100))
    except ValueError:
        query = ()
    return Hook("GET", url, query, {}, b"", "")


def _json(random: Random, value: object) -> bytes:
    return _mutated(random, json.dumps(value)).encode(errors="replace")


def _mutated(random: Random, text: str) -> str:
    for _ in range(random.randrange(4)):
        place, other = random.randrange(len(text) + 1), random.randrange(len(text) + 1)
        if random.random() < 0.3:
            text = text[: min(place, other)] + text[max(place, other) :]
        else:
            text = text[:place] + random.choice(PIECES) + text[place + random.randrange(3) :]
    return text


def main() -> int:
    """Read how many cases and which seed, and run them."""
    parser = argparse.ArgumentParser(description="Fuzz what reads providers' calls.")
    cases = int(os.environ.get("FUZZ_CASES", "1000000"))
    parser.add_argument("--cases", type=int, default=cases, help="how many inputs to try")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same cases")
    wanted = parser.parse_args()
    run(wanted.cases, wanted.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
