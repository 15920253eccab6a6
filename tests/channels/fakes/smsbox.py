"""A Kannel smsbox as a real one answers (1.4.5), with its status page; a real Kannel runs in `test_real_kannel.py`."""

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tests.channels.fakes.http_server import Asked, FakeHttp, Said
from tests.conformance.provider_suite import Act, Carried
from vestibule.core.delivery import Hook

USER = "vestibule"
WORD = "kannel-canary-word"
HOOK = "https://mfa.example.org/hooks/k/0123456789abcdef"
PROBLEMS = {
    Act.CONFIGURATION: (403, "Authorization failed for sendsms"),
    Act.OTHER: (503, "Temporal failure, try again later."),
    Act.DESTINATION: (400, "Number(s) {to} has/have been denied by white- and/or black-lists."),
}
STATUS = """<?xml version="1.0"?>
<gateway>
<version>Kannel bearerbox version `1.4.5'.</version>
<status>running, uptime 0d 0h 0m 4s</status>
<smscs><count>2</count>
	<smsc><name>SMPP:192.0.2.1:2775/2775:x:</name><admin-id>first</admin-id><id>first</id>
	<status>{first} 3s</status><failed>0</failed><queued>0</queued><sms><received>0</received></sms></smsc>
	<smsc><name>SMPP:192.0.2.2:2775/2775:x:</name><admin-id>second</admin-id><id>second</id>
	<status>{second}</status><failed>0</failed><queued>0</queued></smsc>
</smscs>
</gateway>
"""


class FakeSmsbox(FakeHttp):
    """`first` and `second` are how its message centres are."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.second = "online"
        self.queues = False
        self.page: Said | None = None

    def counts(self, asked: Asked) -> bool:
        return asked.path == "/cgi-bin/sendsms"

    def accept(self, asked: Asked) -> Said:
        if asked.path == "/status.xml":
            text = STATUS.format(first=self.first, second=self.second)
            return self.page or Said(200 if asked.query == {"password": WORD} else 403, text.encode())
        said = asked.headers
        if (said["x-kannel-username"], said["x-kannel-password"]) != (USER, WORD):
            return self.refuse(asked, Act.CONFIGURATION)
        url = said["x-kannel-dlr-url"]
        held = float(said["x-kannel-validity"]) * 60
        self.carried.append(Carried(said["x-kannel-to"], asked.body.decode(), said["x-kannel-from"], held, "", "", url))
        return Said(202, b"3: Queued for later delivery" if self.queues else b"0: Accepted for delivery")

    def refuse(self, asked: Asked, act: Act) -> Said:
        status, words = PROBLEMS[act]
        return Said(status, words.format(to=asked.headers["x-kannel-to"]).encode())


def called(url: str) -> Hook:
    """A call as Kannel makes it: GET, and nothing else."""
    query = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return Hook("GET", url, query, {"user-agent": "Kannel/1.4.5"}, b"", "127.0.0.1")


def told(url: str, kind: str, answer: str) -> Hook:
    """A receipt: Kannel puts in what it knows."""
    known = {"%": "%", "d": kind, "A": quote(answer, safe="")}
    return called(re.sub("%([%dA])", lambda place: known[place[1]], url))


def inbound(sender: str, recipient: str, text: str) -> Hook:
    """A reply, in UTF-8 as Kannel gives all that is not UCS-2."""
    fields = {"id": "8ac6dc5", "from": sender, "to": recipient, "text": text, "charset": "UTF-8"}
    return called(f"{HOOK}?{urlencode(fields)}")
