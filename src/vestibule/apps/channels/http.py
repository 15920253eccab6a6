"""Any HTTP provider of texts by configuration: its request with named places, and how its words are read."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from vestibule.apps.channels.forms import Digits, Form, Texts, Url, as_tuple, demand_encrypted, read, stored
from vestibule.apps.channels.webhook import exchange
from vestibule.channels.http_form import ACCEPTED, PLACES, Asking, FormSettings, Hearing, HttpForm, Reading
from vestibule.core.delivery import Fault, Medium
from vestibule.core.errors import Malformed
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.wire import templates

MEANINGS = (ACCEPTED, *Fault)


def _template(text: str) -> str:
    try:
        return templates.checked(text, PLACES)
    except Malformed as malformed:
        raise ValueError(str(malformed)) from None


def _json_template(value: object) -> object:
    try:
        for text in templates.json_texts(value):
            templates.checked(text, PLACES)
    except Malformed as malformed:
        raise ValueError(str(malformed)) from None
    return value


def _meaning(text: str) -> str:
    if text not in MEANINGS:
        raise ValueError(f"means nothing; known are {', '.join(MEANINGS)}")
    return text


Template = Annotated[str, Field(max_length=4000), AfterValidator(_template)]
HeaderName = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Meaning = Annotated[str, AfterValidator(_meaning)]
Status = Annotated[str, Field(pattern=r"^[1-5][0-9]{2}$")]


class AskingForm(Form):
    """The request."""

    url: Annotated[Url, AfterValidator(_template)]
    method: Literal["POST", "GET", "PUT"] = "POST"
    headers: dict[HeaderName, Template] = Field(default_factory=dict)
    form: dict[str, Template] | None = None
    json_body: Annotated[Any, AfterValidator(_json_template)] = Field(None, alias="json")
    xml: Template = ""


class ReadingForm(Form):
    """How answers are read."""

    word: str = Field("", max_length=200)
    words: dict[str, Meaning] = Field(default_factory=dict)
    statuses: dict[Status, Meaning] = Field(default_factory=dict)
    reference: str = Field("", max_length=200)
    text: str = Field("", max_length=200)


class HearingForm(Form):
    """How calls to us are read."""

    status: str = Field("", max_length=200)
    delivered: Annotated[Texts, BeforeValidator(as_tuple)] = ()
    undelivered: Annotated[Texts, BeforeValidator(as_tuple)] = ()
    code: str = Field("", max_length=200)
    reference: str = Field("", max_length=200)
    reply_id: str = Field("", max_length=200)
    reply_from: str = Field("", max_length=200)
    reply_to: str = Field("", max_length=200)
    reply_text: str = Field("", max_length=200)


class HttpProviderForm(Form):
    """The settings of one provider."""

    request: AskingForm
    answer: ReadingForm = ReadingForm()
    hook: HearingForm = HearingForm()
    sender: Digits = ""
    plain: bool = False
    ca_file: str = ""


class HttpKind:
    """Has the shape `OpenProviderKind`."""

    media = frozenset({Medium.TEXT})

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `ProviderKind.checked`."""
        form = read(HttpProviderForm, settings)
        asking = form.request
        demand_encrypted("request.url", asking.url, plain=form.plain)
        bodies = [
            name for name, body in (("form", asking.form), ("json", asking.json_body), ("xml", asking.xml)) if body
        ]
        if len(bodies) > 1:
            raise Malformed(f"request: has {' and '.join(bodies)}; a request has one body")
        if bodies and asking.method == "GET":
            raise Malformed("request.method: GET has no body; put the places into the url, or use POST")
        if "{text}" not in repr(asking):
            raise Malformed("request: {text} stands nowhere, so nobody would be sent a code")
        if not secret and "{secret}" in repr(asking):
            raise Malformed(f"provider {id}: {{secret}} stands in the request; give the secret")
        if form.hook.status and not secret:
            raise Malformed(f"provider {id}: our URLs for receipts are signed with the secret; give one")
        return form.model_dump(mode="json", exclude_defaults=True, by_alias=True)

    def open(self, record: ProviderRecord, hook: str) -> HttpForm:
        """See `OpenProviderKind.open`."""
        form = read(HttpProviderForm, stored(record))
        asked = form.request
        asking = Asking(asked.url, asked.method, asked.headers, asked.form, asked.json_body, asked.xml)
        statuses = {int(status): meaning for status, meaning in form.answer.statuses.items()}
        answer = form.answer
        reading = Reading(answer.word, answer.words, statuses, answer.reference, answer.text)
        hearing = Hearing(**form.hook.model_dump())
        settings = FormSettings(asking, record.secret, form.sender, reading, hearing)
        return HttpForm(settings, exchange(form.ca_file), hook)
