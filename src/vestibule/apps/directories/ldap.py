"""LDAP and Active Directory: where the servers are, how the directory is laid out, whom of it we take over."""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from vestibule.apps.directories.forms import Form, Texts, as_tuple, kept, read, stored
from vestibule.core.directories import AccountDirectory, DirectoryRecord
from vestibule.core.errors import Malformed
from vestibule.core.people import Person, PhoneKind, Unreadable
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa
from vestibule.directories.ldap.directory import LdapDirectory, Responses
from vestibule.directories.ldap.settings import (
    AttributeMap,
    IdentifierKind,
    LdapSettings,
    SignInNames,
    endpoint,
    openldap,
)
from vestibule.directories.ldap.trust import Log
from vestibule.flows.kinds import Takeover
from vestibule.flows.sync_plan import Found, Gone, Manners, Present, Roll
from vestibule.wire.ldap.distinguished import parse_name
from vestibule.wire.ldap.filter_text import parse_filter
from vestibule.wire.user_csv import checked_locale

MINUTE = 60.0
NTLM_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
CHANGED = {"active_directory": "whenChanged", "openldap": "modifyTimestamp"}
"""The attribute that says when an entry changed; who is in a group is a change of the group, not of the person."""


def _filter(text: str) -> str:
    """A filter that can be read, or none."""
    if text:
        _read(parse_filter, text)
    return text


def _place(text: str) -> str:
    """A name of an entry, or none."""
    if text:
        _read(parse_name, text)
    return text


def _server(text: str) -> str:
    _read(endpoint, text)
    return text


def _locale(text: str) -> str:
    _read(checked_locale, text)
    return text or "en"


def _domain(text: str) -> str:
    """A domain as NTLM has it, or none."""
    if text and not NTLM_DOMAIN.fullmatch(text):
        raise ValueError("is no name of a domain as NTLM has it; write it as CORP")
    return text


def _read(reader: Callable[[str], object], text: str) -> None:
    try:
        reader(text)
    except Malformed as malformed:
        raise ValueError(str(malformed)) from None


FilterText = Annotated[str, AfterValidator(_filter)]
Place = Annotated[str, AfterValidator(_place)]
MfaWord = Annotated[Mfa, BeforeValidator(lambda value: Mfa(value) if value in tuple(Mfa) else value)]
GoneWord = Annotated[Gone, BeforeValidator(lambda value: Gone(value) if value in tuple(Gone) else value)]
IdWord = Annotated[
    IdentifierKind, BeforeValidator(lambda value: IdentifierKind(value) if value in tuple(IdentifierKind) else value)
]
PhoneWords = Annotated[
    tuple[PhoneKind, ...],
    BeforeValidator(
        lambda value: (
            tuple(PhoneKind(one) if one in tuple(PhoneKind) else one for one in value)
            if isinstance(value, list | tuple)
            else value
        )
    ),
]


class AttributesForm(Form):
    """Attributes that are others than usual in this layout; empty ones are as usual."""

    unique_id: str = ""
    unique_id_kind: IdWord | None = None
    names: Texts = ()
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    account_control: str = ""
    phones: dict[PhoneKind, str] = Field(default_factory=dict, strict=False)


class SignInForm(Form):
    """By which attributes people may sign in; null is as usual in this layout, an empty text none."""

    short: str | None = None
    principal: str | None = None
    mail: str | None = None
    alternate: str | None = None
    domains: Texts = ()


class ItemForm(Form):
    """Some people of the directory: below `base`, that fit `filter`, and are in `group`; and what they get here."""

    name: str = Field("", max_length=64)
    base: Place = ""
    filter: FilterText = ""
    group: Place = ""
    groups: Texts = ()
    mfa: MfaWord = Mfa.ENABLED
    locale: Annotated[str, AfterValidator(_locale)] = "en"


class LdapForm(Form):
    """The settings of one directory."""

    servers: Annotated[tuple[Annotated[str, AfterValidator(_server)], ...], BeforeValidator(as_tuple)] = Field(
        min_length=1, max_length=10
    )
    base: Annotated[Place, Field(min_length=1)]
    bind_name: str = Field("", max_length=1024)
    plain: bool = False
    ca_file: str = ""
    layout: Literal["active_directory", "openldap"] = "active_directory"
    person_filter: FilterText = ""
    group_filter: FilterText = ""
    attributes: AttributesForm = AttributesForm()
    sign_in: SignInForm = SignInForm()
    every_minutes: float = Field(0.0, ge=0, le=1440)
    items: Annotated[tuple[ItemForm, ...], BeforeValidator(as_tuple)] = ()
    gone: GoneWord = Gone.BLOCK
    brake: int = Field(5, ge=1, le=999)
    adopt: bool = False
    phones: PhoneWords = (PhoneKind.MOBILE, PhoneKind.BUSINESS, PhoneKind.HOME)
    ntlm_domain: Annotated[str, AfterValidator(_domain)] = ""


class LdapKind:
    """Has the shape `OpenKind`."""

    def __init__(self, responses: Responses | None = None, log: Log | None = None) -> None:
        """Take who checks responses of people of a domain, and where outages are told; all directories share them."""
        self._responses = responses
        self._log = log

    def checked(self, id: str, settings: Mapping[str, Any], secret: Secret) -> Mapping[str, Any]:
        """See `Kind.checked`."""
        form = read(LdapForm, settings)
        if 0 < form.every_minutes < 1:
            raise Malformed("every_minutes: write 1 to 1440, or 0 to synchronise only when told to")
        _settings(id, form, secret).tls()
        return kept(form)

    def takeover(self, record: DirectoryRecord, live: AccountDirectory) -> Takeover | None:
        """See `Kind.takeover`; without items it is everybody below the base."""
        form = read(LdapForm, stored(record))
        if not isinstance(live, LdapDirectory):
            return None
        items = form.items or (ItemForm(),)
        managed = tuple(dict.fromkeys(name for item in items for name in item.groups))
        manners = Manners(record.id, form.gone, form.brake, form.adopt, form.phones, managed)
        changed = CHANGED[form.layout]
        found, roll = partial(_found, live, items, changed), partial(_roll, live, items, changed)
        return Takeover(manners, form.every_minutes * MINUTE, found, roll)

    def groups(self, record: DirectoryRecord) -> tuple[str, ...]:
        """See `Kind.groups`."""
        form = read(LdapForm, stored(record))
        return tuple(name for item in form.items for name in item.groups)

    def open(self, record: DirectoryRecord) -> LdapDirectory:
        """See `OpenKind.open`."""
        settings = _settings(record.id, read(LdapForm, stored(record)), record.secret)
        return LdapDirectory(settings, self._responses, self._log)


async def _found(live: LdapDirectory, items: tuple[ItemForm, ...], changed: str, since: float) -> AsyncIterator[Found]:
    """Everybody of all items in their order, or those of them who changed; whoever comes again is known by then."""
    for item in items:
        async for entry in live.people(item.base, _since(item.filter, changed, since), item.group):
            yield Found(entry, item.groups, item.mfa, item.locale)


def _roll(live: LdapDirectory, items: tuple[ItemForm, ...], changed: str, since: float) -> Roll:
    return Roll(lambda: _present(live, items, changed, since), lambda some: _fetched(live, items, some))


async def _present(
    live: LdapDirectory, items: tuple[ItemForm, ...], changed: str, since: float
) -> AsyncIterator[Present | Unreadable]:
    """The ids of everybody of all items. Who is in a group is asked only where any group has changed.

    To follow groups within groups is the dear part, and a group changes when somebody joins or leaves it.
    """
    grouped = any(item.group for item in items)
    regrouped = grouped and await live.any_group(_since("", changed, since))
    for number, item in enumerate(items):
        async for one in live.ids(item.base, item.filter, item.group if regrouped else ""):
            if isinstance(one, Unreadable):
                yield one
            else:
                yield Present(one, item.groups, number, sure=regrouped or not item.group)


async def _fetched(live: LdapDirectory, items: tuple[ItemForm, ...], some: Iterable[Present]) -> AsyncIterator[Found]:
    """All of these people."""
    by_id = {one.id: items[one.item] for one in some}
    async for entry in live.by_ids(by_id):
        item = by_id.get(entry.id) if isinstance(entry, Person) else None
        item = item or ItemForm()
        yield Found(entry, item.groups, item.mfa, item.locale)


def _since(condition: str, changed: str, since: float) -> str:
    """The condition, and that the entry changed since then (RFC 4517 section 3.3.13)."""
    if not since:
        return condition
    fresh = f"({changed}>={datetime.fromtimestamp(since, UTC):%Y%m%d%H%M%S}.0Z)"
    return f"(&{condition}{fresh})" if condition else fresh


def _settings(id: str, form: LdapForm, secret: Secret) -> LdapSettings:
    """What the directory itself works with. Raises Malformed."""
    usual = LdapSettings(
        id,
        tuple(endpoint(one, plain=form.plain) for one in form.servers),
        form.base,
        form.bind_name,
        secret,
        Path(form.ca_file) if form.ca_file else None,
    )
    if form.layout == "openldap":
        usual = openldap(usual)
    return replace(
        usual,
        attributes=_attributes(usual.attributes, form.attributes),
        sign_in=_sign_in(usual.sign_in, form.sign_in),
        person_filter=parse_filter(form.person_filter) if form.person_filter else usual.person_filter,
        group_filter=parse_filter(form.group_filter) if form.group_filter else usual.group_filter,
        ntlm_domain=form.ntlm_domain,
    )


def _attributes(usual: AttributeMap, form: AttributesForm) -> AttributeMap:
    given = {name: value for name in type(form).model_fields if (value := getattr(form, name)) and name != "phones"}
    phones = tuple({**dict(usual.phones), **form.phones}.items())
    return replace(usual, **given, phones=phones)


def _sign_in(usual: SignInNames, form: SignInForm) -> SignInNames:
    names = ("short", "principal", "mail", "alternate")
    given = {name: value for name in names if (value := getattr(form, name)) is not None}
    return replace(usual, **given, domains=form.domains)
