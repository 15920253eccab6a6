"""Any HTTP provider of texts, by configuration alone: what it is asked, and how its answers and calls are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl

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
from vestibule.wire.exchange import (
    Answer,
    Exchange,
    Request,
    by_status,
    code_of,
    harmless,
    json_object,
    readable,
    retry_after,
    without_answer,
)
from vestibule.wire.hooks.marked import marked_send, marked_url
from vestibule.wire.sms_text import measured
from vestibule.wire.templates import found_at, in_form, in_header, in_json, in_url, in_xml

PLACES: Final = ("to", "to_digits", "from", "text", "id", "seconds", "minutes", "hook", "secret", "alphabet")
ACCEPTED: Final = "accepted"
MOST_FIELDS: Final = 100
LONGEST_ID: Final = 128


@dataclass(frozen=True, slots=True)
class Asking:
    """The request. `fields` is the body of a form, `json` of JSON, `xml` of XML; one of them, or none."""

    url: str
    method: Literal["POST", "GET", "PUT"] = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None
    json: object = None
    xml: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer is read.

    `words` says what a word at `word` (a path in JSON; "" for the first line of a text) means: "accepted" or a fault.
    Without words the status alone says it; `statuses` are those that mean something else than usual.
    """

    word: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[int, str] = field(default_factory=dict)
    reference: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Which fields (paths) of a call to us tell what became of a text, and which a reply."""

    status: str = ""
    delivered: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    code: str = ""
    reference: str = ""
    reply_id: str = ""
    reply_from: str = ""
    reply_to: str = ""
    reply_text: str = ""


@dataclass(frozen=True, slots=True)
class FormSettings:
    """All of it; `secret` goes only where a template names it."""

    asking: Asking
    secret: Secret
    sender: str = ""
    reading: Reading = Reading()
    hearing: Hearing = Hearing()


class HttpForm:
    """Has the shapes `Provider` and `Hooked`."""

    def __init__(self, settings: FormSettings, exchange: Exchange, hook: str) -> None:
        """Take our URL for what it tells us, "" for none."""
        self._settings = settings
        self._exchange = exchange
        self._hook = hook

    @property
    def abilities(self) -> Abilities:
        """See `Provider`."""
        hearing, heard = self._settings.hearing, bool(self._hook)
        replies = heard and bool(hearing.reply_text)
        return Abilities(frozenset({Medium.TEXT}), receipts=heard and bool(hearing.status), replies=replies)

    async def send(self, outgoing: Outgoing, deadline: float) -> Sent:
        """See `Provider`."""
        try:
            request = self._request(outgoing)
        except Malformed as malformed:
            text = harmless(malformed, outgoing)
            return Sent(Outcome.REJECTED, fault=Fault.CONFIGURATION, code="template", text=text)
        found = await self._exchange(request, deadline)
        if not isinstance(found, Answer):
            return without_answer(found)
        return self._sent(found, outgoing)

    def _request(self, outgoing: Outgoing) -> Request:
        asking, values = self._settings.asking, self._values(outgoing)
        headers = {name.lower(): in_header(text, values) for name, text in asking.headers.items()}
        body, kind = _body(asking, values)
        if kind:
            headers.setdefault("content-type", kind)
        return Request(asking.method, in_url(asking.url, values), tuple(headers.items()), body)

    def _values(self, outgoing: Outgoing) -> dict[str, str]:
        text = outgoing.text.reveal().decode()
        return {
            "to": outgoing.to.address,
            "to_digits": outgoing.to.address.removeprefix("+"),
            "from": outgoing.sender or self._settings.sender,
            "text": text,
            "id": outgoing.id,
            "seconds": str(max(1, int(outgoing.seconds))),
            "minutes": str(max(1, int(outgoing.seconds // 60))),
            "hook": marked_url(self._hook, self._settings.secret, outgoing.id) if self._hook else "",
            "secret": self._settings.secret.reveal().decode(),
            "alphabet": measured(text).alphabet.value,
        }

    def _sent(self, answer: Answer, outgoing: Outgoing) -> Sent:
        reading, said = self._settings.reading, answer.json()
        if answer.status in reading.statuses:
            return self._meant(reading.statuses[answer.status], f"http_{answer.status}", answer, outgoing)
        word = found_at(said, reading.word) if reading.word else _first_line(answer)
        meaning = _meaning(word, reading)
        if reading.words and meaning:
            return self._meant(meaning, word, answer, outgoing)
        if not 200 <= answer.status < 300:
            return by_status(answer)
        if reading.words:  # taken on or not: it did not say so in a word that we know
            return Sent(Outcome.UNKNOWN, code=code_of(word) or "no_word", text=harmless(word, outgoing))
        return self._meant(ACCEPTED, "", answer, outgoing)

    def _meant(self, meaning: str, word: str, answer: Answer, outgoing: Outgoing) -> Sent:
        reading, said, code = self._settings.reading, answer.json(), code_of(word)
        if meaning == ACCEPTED:
            parts = measured(outgoing.text.reveal().decode()).parts
            return Sent(Outcome.ACCEPTED, found_at(said, reading.reference)[:LONGEST_ID], code=code, parts=parts)
        fault = Fault(meaning)
        patience = (retry_after(answer) or 1.0) if fault is Fault.SAME else 0.0
        text = harmless(found_at(said, reading.text), outgoing)
        return Sent(Outcome.REJECTED, fault=fault, code=code, text=text, retry_after=patience)

    def understand(self, hook: Hook, now: float) -> tuple[Report, ...]:  # noqa: ARG002 - nothing is signed
        """See `Hooked`. A receipt is the provider's when its URL is one of ours; a reply has our path's secret only."""
        send_id = marked_send(self._settings.secret, hook.query)
        said = _said(hook)
        if send_id:
            return self._receipt(send_id, said)
        hearing = self._settings.hearing
        id, text = found_at(said, hearing.reply_id), found_at(said, hearing.reply_text)
        if not (hearing.reply_text and hearing.reply_id and id and text):
            raise Malformed("a reply needs the fields that the settings name for it")
        sender, recipient = found_at(said, hearing.reply_from), found_at(said, hearing.reply_to)
        return (
            Report(
                f"{id[:LONGEST_ID]}/received",
                ReportKind.REPLY,
                sender=sender,
                recipient=recipient,
                text=Secret.of(text),
            ),
        )

    def _receipt(self, send_id: str, said: Mapping[str, object]) -> tuple[Report, ...]:
        hearing = self._settings.hearing
        status, reference = found_at(said, hearing.status), found_at(said, hearing.reference)[:LONGEST_ID]
        if status in hearing.delivered:
            return (Report(f"{send_id}/delivered", ReportKind.DELIVERED, send_id, reference),)
        if status in hearing.undelivered:
            code = code_of(found_at(said, hearing.code)) or code_of(status)
            return (Report(f"{send_id}/undelivered", ReportKind.UNDELIVERED, send_id, reference, code),)
        return ()

    def answer(self, hook: Hook, says: tuple[Say, ...], locale: str) -> HookAnswer:  # noqa: ARG002 - no calls
        """See `Hooked`."""
        return HookAnswer(200, "text/plain", b"OK")

    async def close(self) -> None:
        """See `Provider`."""
        await self._exchange.close()


def _body(asking: Asking, values: Mapping[str, str]) -> tuple[bytes, str]:
    """The body and its type."""
    if asking.fields is not None:
        return in_form(asking.fields, values), "application/x-www-form-urlencoded"
    if asking.json is not None:
        return in_json(asking.json, values), "application/json"
    if asking.xml:
        return in_xml(asking.xml, values), "application/xml"
    return b"", ""


def _first_line(answer: Answer) -> str:
    return answer.body[:200].decode(errors="replace").strip().partition("\n")[0].strip()


def _meaning(word: str, reading: Reading) -> str:
    """What a word means; one that ends with `*` in the settings stands for all that begin so."""
    if word in reading.words:
        return reading.words[word]
    begins = (name for name in reading.words if name.endswith("*") and word.startswith(name[:-1]) and word)
    return reading.words.get(max(begins, key=len, default=""), "")


def _said(hook: Hook) -> Mapping[str, object]:
    """The fields of a call: of its query, and of its form or JSON."""
    said: dict[str, object] = {name: readable(value) for name, value in hook.query}
    kind = hook.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        try:
            fields = parse_qsl(hook.body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
            said |= {name: readable(value) for name, value in fields}
        except ValueError:
            raise Malformed("the body is not a form") from None
    elif hook.body:
        said |= json_object(hook.body)
    return said
