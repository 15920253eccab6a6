"""An HTTP provider as there are many: JSON with a status of its own in a 200, receipts by a URL, replies by a form."""

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.channels.fakes.http_server import Asked, FakeHttp, Said, throttled
from tests.conformance.provider_suite import Act, Carried
from vestibule.core.delivery import Hook

KEY = "gateway-canary-key-14142135"
STATUS = {Act.DESTINATION: "6", Act.POLICY: "7", Act.CONFIGURATION: "4", Act.OTHER: "5"}

REQUEST = {
    "headers": {"Authorization": "Key {secret}", "X-Id": "{id}"},
    "json": {
        "account": 7,
        "messages": [{"to": "{to_digits}", "from": "{from}", "content": "{text}", "ttl": "{seconds}"}],
        "report": {"url": "{hook}"},
    },
}
ANSWER = {
    "word": "messages.0.status",
    "words": {"0": "accepted", "4": "configuration", "5": "other", "6": "destination", "7": "policy"},
    "statuses": {"429": "same"},
    "reference": "messages.0.id",
    "text": "messages.0.text",
}
HEARING = {
    "status": "state",
    "delivered": ["delivered"],
    "undelivered": ["failed", "expired"],
    "code": "reason",
    "reference": "id",
    "reply_id": "id",
    "reply_from": "msisdn",
    "reply_to": "to",
    "reply_text": "text",
}


class FakeGateway(FakeHttp):
    """Takes one message a request."""

    def accept(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Key {KEY}":
            return self.refuse(asked, Act.CONFIGURATION)
        value = asked.json()
        (message,) = value["messages"]
        id = secrets.token_hex(4)
        carried = Carried(
            "+" + message["to"],
            message["content"],
            message["from"],
            float(message["ttl"]),
            asked.headers["x-id"],
            id,
            value["report"]["url"],
        )
        self.carried.append(carried)
        return Said.json(200, {"messages": [{"status": "0", "id": id}]})

    def refuse(self, asked: Asked, act: Act) -> Said:
        if act is Act.SAME:
            return throttled({"error": "slow down"})
        to = asked.json()["messages"][0]["to"]
        return Said.json(200, {"messages": [{"status": STATUS[act], "text": f"{to} refused"}]})


def called(url: str, fields: dict[str, str]) -> Hook:
    """A call to us: fields in the query."""
    joined = url + ("&" if "?" in url else "?") + urlencode(fields)
    query = tuple(parse_qsl(urlsplit(joined).query, keep_blank_values=True))
    return Hook("GET", joined, query, {}, b"", "192.0.2.9")


def written(url: str, fields: dict[str, str]) -> Hook:
    """A call to us: fields in a form."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    query = tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return Hook("POST", url, query, headers, urlencode(fields).encode(), "192.0.2.9")
