"""Kannel, the SMS gateway of one's own: texts by its sendsms, receipts by the URL that each text takes along.

Rules of this file:
- What nobody may read goes by POST in headers and body, never in a URL, for programs log URLs.
- Kannel puts `%` and a letter in for what it knows; a `%` of ours is written twice.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from vestibule.core.delivery import (
    Abilities,
    Fault,
    Hook,
    HookAnswer,
    Medium,
    Outcome,
    Outgoing,
    Report,
    ReportKind,
    Say,
    Sent,
)
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.exchange import Answer, Exchange, Request, by_status, harmless, readable, without_answer
from vestibule.wire.hooks.marked import marked_send, marked_url
from vestibule.wire.sms_text import Alphabet, measured
from vestibule.wire.xml_elements import read_elements

DELIVERED, UNDELIVERED, REJECTED = "1", "2", "16"
MASK: Final = 1 | 2 | 16
"""Delivered, not delivered, refused by the SMSC; 4 and 8 (queued there) would tell nothing that helps."""

ACCEPTED, QUEUED = "0", "3"
LOOK_SECONDS: Final = 5.0
STATUS_SECONDS: Final = 1.0
LONGEST_HOLD: Final = 1440
LONGEST_ID: Final = 128
CODINGS: Final = {Alphabet.GSM: "0", Alphabet.UCS2: "2"}


@dataclass(frozen=True, slots=True)
class KannelSettings:
    """The sendsms URL and account, the SMSC that it shall take ("" for any), and the status page ("" for none)."""

    url: str
    user: str
    password: Secret
    sender: str = ""
    smsc: str = ""
    status_url: str = ""


class Kannel:
    """Has the shapes `Provider` and `Hooked`."""

    def __init__(self, settings: KannelSettings, exchange: Exchange, hook: str) -> None:
        """Take our URL for receipts and replies, "" for none."""
        self._settings = settings
        self._exchange = exchange
        self._hook = hook
        self._looked_at = -math.inf
        self._away = False

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        heard = bool(self._hook)
        return Abilities(frozenset({Medium.TEXT}), receipts=heard, replies=heard)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        if await self._down(deadline):
            return Sent(Outcome.REJECTED, fault=Fault.OTHER, code="smsc_down", text="no SMSC of Kannel's is online")
        text = outgoing.text.reveal().decode()
        found = await self._exchange(self._request(outgoing, text), deadline)
        return _sent(found, outgoing, measured(text).parts) if isinstance(found, Answer) else without_answer(found)

    def _request(self, outgoing: Outgoing, text: str) -> Request:
        """A sendsms by POST: all but the text stands in headers."""
        headers = {
            "content-type": "text/plain; charset=UTF-8",
            "x-kannel-username": self._settings.user,
            "x-kannel-password": self._settings.password.reveal().decode(),
            "x-kannel-to": outgoing.to.address,
            "x-kannel-from": outgoing.sender or self._settings.sender,
            "x-kannel-coding": CODINGS[measured(text).alphabet],
            "x-kannel-validity": str(max(1, min(int(outgoing.seconds // 60), LONGEST_HOLD))),
        }
        if self._settings.smsc:
            headers["x-kannel-smsc"] = self._settings.smsc
        if self._hook:
            marked = marked_url(self._hook, self._settings.password, outgoing.id).replace("%", "%%")
            headers |= {"x-kannel-dlr-mask": str(MASK), "x-kannel-dlr-url": f"{marked}&type=%d&answer=%A"}
        return Request("POST", self._settings.url, tuple(headers.items()), text.encode())

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:  # noqa: ARG002 - Kannel signs no time
        """See `Hooked`. A receipt is Kannel's when its URL is one of ours; a reply has only the secret in our path."""
        fields = dict(_octets(hook))
        send_id = marked_send(self._settings.password, hook.query)
        if send_id:
            return _receipt(send_id, fields)
        if not {"id", "from", "to", "text"} <= fields.keys():
            raise Malformed("a reply needs id, from, to and text; see docs/channels/kannel.md")
        text = Secret.of(_written(fields["text"], fields.get("charset", "")))
        sender, recipient = _number(readable(fields["from"])), _number(readable(fields["to"]))
        return (
            Report(
                f"{readable(fields['id'])[:128]}/received",
                ReportKind.REPLY,
                sender=sender,
                recipient=recipient,
                text=text,
            ),
        )

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - no calls
        """See `Hooked`; Kannel sends what it is answered to whoever wrote, so it is answered nothing."""
        return HookAnswer(200, "text/plain", b"")

    async def _down(self, deadline: float) -> bool:
        """Whether Kannel says that none of its SMSCs is there; what it took on now would come when nobody waits.

        It is asked every few seconds. A status page that does not answer says nothing.
        """
        now = asyncio.get_running_loop().time()
        if self._settings.status_url and now - self._looked_at > LOOK_SECONDS:
            self._looked_at = now
            self._away = await self._none_online(min(deadline, now + STATUS_SECONDS))
        return self._away

    async def _none_online(self, deadline: float) -> bool:
        url = f"{self._settings.status_url}?password={quote(self._settings.password.reveal(), safe='')}"
        found = await self._exchange(Request("GET", url), deadline)
        if not isinstance(found, Answer) or found.status != 200:
            return False
        try:
            smscs = connections(found.body)
        except Malformed:
            return False
        wanted = [said for id, said in smscs if self._settings.smsc in ("", id)]
        return bool(wanted) and "online" not in wanted

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def connections(status: bytes) -> tuple[tuple[str, str], ...]:
    """The SMSC connections in a `status.xml`: their ids, and "online", "connecting", … Raises Malformed."""
    smscs = [one for part in read_elements(status) if part.name == "smscs" for one in part.children]
    texts = (
        (one.text_of("id") or one.text_of("admin-id"), one.text_of("status")) for one in smscs if one.name == "smsc"
    )
    return tuple((id, said.partition(" ")[0]) for id, said in texts)


def _octets(hook: Hook) -> list[tuple[str, str]]:
    """The fields of the URL, a sign for each octet: the charset of a text stands in a field of its own."""
    try:
        query = urlsplit(hook.url).query
        return parse_qsl(query, keep_blank_values=True, max_num_fields=50, encoding="latin-1")
    except ValueError:
        raise Malformed("the URL has too many fields") from None


def _written(octets: str, charset: str) -> str:
    """Kannel gives UCS-2 as it came, and everything else in UTF-8."""
    known = "utf-16-be" if charset.upper() in ("UTF-16BE", "UCS-2") else "utf-8"
    return octets.encode("latin-1").decode(known, errors="replace").replace("\0", "")


def _number(text: str) -> str:
    """A form turns the plus of a number into a space where a gateway forgot to write it as %2B."""
    return "+" + text[1:] if text.startswith(" ") and text[1:].isdigit() else text


def _sent(answer: Answer, outgoing: Outgoing, parts: int) -> Sent:
    """Kannel answers "0: Accepted for delivery", "3: Queued for later delivery", or what is wrong."""
    said = answer.body.decode(errors="replace")
    code, _, text = said.partition(":")
    if answer.status == 202 and code.strip() in (ACCEPTED, QUEUED):
        return Sent(Outcome.ACCEPTED, code=code.strip(), text=harmless(text), parts=parts)
    if answer.status == 400:
        return Sent(Outcome.REJECTED, fault=Fault.DESTINATION, code="http_400", text=harmless(said, outgoing))
    return by_status(answer)


def _receipt(send_id: str, fields: Mapping[str, str]) -> tuple[Report, ...]:
    kind = fields.get("type", "")
    if kind == DELIVERED:
        return (Report(f"{send_id}/{kind}", ReportKind.DELIVERED, send_id),)
    if kind in (UNDELIVERED, REJECTED):
        return (Report(f"{send_id}/{kind}", ReportKind.UNDELIVERED, send_id, code=_why(fields.get("answer", ""))),)
    return ()


def _why(answer: str) -> str:
    """The SMSC's own word: "NACK/0x0000000b/Invalid Destination Address", or the text of a receipt."""
    if answer.startswith("NACK/"):
        return answer.split("/")[1][:20] if answer.count("/") else ""
    state = next((word[5:] for word in answer.split() if word.startswith("stat:")), "")
    error = next((word[4:] for word in answer.split() if word.startswith("err:")), "")
    return "-".join(one[:12] for one in (state, error) if one.isalnum())
