"""A Twilio of one's own: Messages, its error bodies, status callbacks and inbound messages, signed."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from tests.channels.fakes.http_server import Asked, FakeHttp, Said, throttled
from tests.conformance.provider_suite import Act, Carried
from vestibule.core.delivery import Hook

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "twilio-canary-token-31415926"
PROBLEMS = {
    Act.DESTINATION: (400, 21211, "The 'To' number {to} is not a valid phone number."),
    Act.POLICY: (400, 21408, "Permission to send an SMS has not been enabled for the region of {to}."),
    Act.CONFIGURATION: (401, 20003, "Authenticate"),
    Act.OTHER: (503, 20503, "Service Unavailable"),
    Act.SAME: (429, 20429, "Too Many Requests"),
}


class FakeTwilio(FakeHttp):
    """Takes messages as `https://api.twilio.com` does; only for its one account."""

    def accept(self, asked: Asked) -> Said:
        right = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if not hmac.compare_digest(asked.headers.get("authorization", ""), right):
            return self.problem(asked, Act.CONFIGURATION)
        if asked.method != "POST" or asked.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            return self.looked_up(asked)
        form = asked.form()
        sid = "SM" + secrets.token_hex(16)
        hook = form.get("StatusCallback", "")
        self.carried.append(
            Carried(form["To"], form["Body"], form["From"], float(form["ValidityPeriod"]), "", sid, hook)
        )
        return Said.json(201, self.message(sid, "queued"))

    def message(self, sid: str, status: str) -> dict[str, object]:
        return {
            "sid": sid,
            "account_sid": ACCOUNT,
            "status": status,
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
            "price": None if status == "queued" else "-0.00790",
            "price_unit": "USD",
        }

    def looked_up(self, asked: Asked) -> Said:
        sid = asked.path.rpartition("/")[2].removesuffix(".json")
        if any(carried.reference == sid for carried in self.carried):
            return Said.json(200, self.message(sid, "canceled" if asked.method == "POST" else "delivered"))
        return Said.json(404, {"code": 20404, "message": "The requested resource was not found", "status": 404})

    def refuse(self, asked: Asked, act: Act) -> Said:
        return self.problem(asked, act)

    def problem(self, asked: Asked, act: Act) -> Said:
        status, code, words = PROBLEMS[act]
        message = words.format(to=asked.form().get("To", ""))
        value = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
        return throttled(value) if status == 429 else Said.json(status, value | {"status": status})


def callback(url: str, fields: Mapping[str, str], token: str = TOKEN) -> Hook:
    """A request as Twilio makes it: a form, signed over our URL and all of its fields."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    query = tuple(tuple(one.split("=", 1)) for one in urlsplit(url).query.split("&") if one)
    return Hook("POST", url, query, headers, urlencode(fields).encode(), "192.0.2.9")  # type: ignore[arg-type]


def status_fields(sid: str, to: str, status: str, error: str = "") -> dict[str, str]:
    """The fields of a status callback."""
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": to,
        "From": "+14255550100",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "RawDlrDoneDate": "2611202105",
    }
    return fields | ({"ErrorCode": error} if error else {})


def inbound_fields(sender: str, recipient: str, text: str, opted_out: str = "") -> dict[str, str]:
    """The fields of an inbound message."""
    sid = "SM" + secrets.token_hex(16)
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "SmsStatus": "received",
        "From": sender,
        "To": recipient,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
    }
    return fields | ({"OptOutType": opted_out} if opted_out else {})
