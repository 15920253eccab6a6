"""One account at Twilio: how it is asked, how it proves its webhooks, and what its error codes mean."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from vestibule.core.delivery import Fault, Hook, Outcome, Outgoing, Sent
from vestibule.core.secret import Secret
from vestibule.wire.exchange import Answer, Request, by_status, code_of, form_request, harmless, retry_after
from vestibule.wire.hooks.twilio import demand_signed

# No such number, not mobile, a short code, opted out, no route from this sender, a landline, unreachable, unknown.
NO_NUMBERS: Final = ("21211", "21214", "21217", "21265", "21614", "21635")
UNREACHED: Final = ("21610", "21612", "30003", "30005", "30006")
# A region that is switched off, blocked, filtered, not registered, pumping.
POLICIES: Final = ("21215", "21408", "30004", "30007", "30034", "30450", "60410")
CREDENTIALS: Final = ("20003", "20005", "20404", "30002")
SENDERS: Final = ("21210", "21212", "21603", "21606", "21608", "21659", "21660", "21661", "21703", "21704")
LATER: Final = ("14107", "20429", "30022")
ELSEWHERE: Final = ("20500", "20503", "30001", "30008")
FAULTS: Final[Mapping[str, Fault]] = {
    **dict.fromkeys((*NO_NUMBERS, *UNREACHED), Fault.DESTINATION),
    **dict.fromkeys(POLICIES, Fault.POLICY),
    **dict.fromkeys((*CREDENTIALS, *SENDERS), Fault.CONFIGURATION),
    **dict.fromkeys(LATER, Fault.SAME),
    **dict.fromkeys(ELSEWHERE, Fault.OTHER),
}
"""What the codes of https://www.twilio.com/docs/api/errors mean for us; Twilio adds codes without notice."""


@dataclass(frozen=True, slots=True)
class Account:
    """Its sid, its auth token, and where the API is."""

    sid: str
    token: Secret
    url: str = "https://api.twilio.com"

    def asked(self, resource: str, fields: Mapping[str, str]) -> Request:
        """A request that makes or changes something: "Messages", "Calls", "Messages/SM…"."""
        return form_request(self._at(resource), fields, self._authorization())

    def looked_up(self, resource: str) -> Request:
        """A request that only looks."""
        return Request("GET", self._at(resource), (self._authorization(),))

    def demand_signed(self, hook: Hook) -> None:
        """Raises Forged unless the request is Twilio's, for exactly this URL."""
        demand_signed(self.token, hook.url, hook.headers, hook.body)

    def _at(self, resource: str) -> str:
        return f"{self.url}/2010-04-01/Accounts/{quote(self.sid, safe='')}/{resource}.json"

    def _authorization(self) -> tuple[str, str]:
        return "authorization", "Basic " + b64encode(self.sid.encode() + b":" + self.token.reveal()).decode()


def refusal(answer: Answer, outgoing: Outgoing) -> Sent:
    """What an answer means that is not 2xx; codes that are not known are another provider's turn."""
    problem = answer.json()
    code = code_of(problem.get("code"))
    if not code:
        return by_status(answer)
    fault = fault_of(code, answer.status)
    patience = (retry_after(answer) or 1.0) if fault is Fault.SAME else 0.0
    text = harmless(problem.get("message", ""), outgoing)
    return Sent(Outcome.REJECTED, fault=fault, code=code, text=text, retry_after=patience)


def fault_of(code: str, status: int) -> Fault:
    """The fault of an error code, or else of the status that it came with."""
    if code in FAULTS:
        return FAULTS[code]
    if status == 429:
        return Fault.SAME
    return Fault.CONFIGURATION if status in (401, 403, 404) else Fault.OTHER
