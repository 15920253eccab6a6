"""LDAP messages of every kind for the tests: drawn at random, and as the values that asn1tools takes and gives."""

from functools import cache
from pathlib import Path
from typing import Any, Protocol

import asn1tools
from hypothesis import strategies as st

from vestibule.core.secret import Secret
from vestibule.wire.ldap.filters import (
    And,
    AtLeast,
    AtMost,
    Equal,
    Filter,
    Like,
    Not,
    Or,
    Present,
    Rule,
    Substrings,
)
from vestibule.wire.ldap.messages import (
    AbandonRequest,
    Aliases,
    BindRequest,
    BindResponse,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    Message,
    Operation,
    Response,
    Result,
    Sasl,
    Scope,
    SearchDone,
    SearchEntry,
    SearchReference,
    SearchRequest,
    Simple,
    UnbindRequest,
)

CODES = {0: "success", 4: "sizeLimit", 10: "referral", 49: "invalidCredentials", 51: "busy", 80: "other"}

OCTETS = st.binary(max_size=20) | st.binary(min_size=120, max_size=300)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
WORDS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,8}", fullmatch=True)
NUMBERS = st.integers(0, 2**31 - 1)

COMPARISONS = st.one_of(*(st.builds(kind, WORDS, OCTETS) for kind in (Equal, AtLeast, AtMost, Like)))
PARTS = st.builds(
    Substrings,
    WORDS,
    st.none() | st.binary(min_size=1, max_size=5),
    st.lists(st.binary(min_size=1, max_size=5), max_size=3).map(tuple),
    st.none() | st.binary(min_size=1, max_size=5),
).filter(lambda found: bool(found.first or found.within or found.last))
RULES = st.builds(Rule, OCTETS, WORDS | st.just(""), WORDS | st.just(""), st.booleans()).filter(
    lambda found: bool(found.rule or found.attribute)
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    COMPARISONS | PARTS | RULES | st.builds(Present, WORDS),
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)
RESULTS = st.builds(Result, st.sampled_from(sorted(CODES)), TEXTS, TEXTS, st.lists(TEXTS, max_size=2).map(tuple))
SECRETS = OCTETS.map(Secret)
ATTRIBUTES = st.lists(st.tuples(WORDS, st.lists(OCTETS, max_size=3).map(tuple)), max_size=3).map(tuple)
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(
        BindRequest,
        TEXTS,
        st.builds(Simple, SECRETS) | st.builds(Sasl, WORDS, st.none() | SECRETS),
        st.integers(1, 127),
    ),
    st.builds(BindResponse, RESULTS, st.none() | OCTETS),
    st.just(UnbindRequest()),
    st.builds(
        SearchRequest,
        TEXTS,
        st.sampled_from(Scope),
        FILTERS,
        st.lists(WORDS, max_size=3).map(tuple),
        NUMBERS,
        NUMBERS,
        st.sampled_from(Aliases),
        st.booleans(),
    ),
    st.builds(SearchEntry, TEXTS, ATTRIBUTES),
    st.builds(SearchReference, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    st.builds(SearchDone, RESULTS),
    st.builds(AbandonRequest, NUMBERS),
    st.builds(ExtendedRequest, WORDS, st.none() | OCTETS),
    st.builds(ExtendedResponse, RESULTS, WORDS | st.just(""), st.none() | OCTETS),
)
CONTROLS = st.lists(st.builds(Control, WORDS, st.booleans(), st.none() | OCTETS), max_size=2).map(tuple)
MESSAGES = st.builds(Message, NUMBERS, OPERATIONS, CONTROLS)


class Judge(Protocol):
    """What asn1tools makes of the module."""

    def encode(self, name: str, value: object) -> bytes: ...

    def decode(self, name: str, octets: bytes) -> object: ...


@cache
def judge() -> Judge:
    """Compile the module, once: that takes a while."""
    compiled: Judge = asn1tools.compile_files(str(Path(__file__).parent / "vectors" / "ldap.asn1"), "ber")
    return compiled


def judged(message: Message) -> dict[str, Any]:
    """The message as asn1tools says it."""
    told: dict[str, Any] = {"id": message.id, "operation": _operation(message.operation)}
    if message.controls:
        told["controls"] = [_control(control) for control in message.controls]
    return told


def _operation(operation: Operation) -> tuple[str, Any]:
    match operation:
        case BindRequest(name, authentication, version):
            proof = _authentication(authentication)
            return "bindRequest", {"version": version, "name": name.encode(), "authentication": proof}
        case UnbindRequest():
            return "unbindRequest", None
        case SearchRequest():
            return "searchRequest", _search(operation)
        case AbandonRequest(message_id):
            return "abandonRequest", message_id
        case ExtendedRequest(kind, value):
            return "extendedRequest", {"kind": kind.encode()} | ({} if value is None else {"value": value})
        case _:
            return _response(operation)


def _authentication(authentication: Simple | Sasl) -> tuple[str, Any]:
    match authentication:
        case Simple(password):
            return "simple", password.reveal()
        case Sasl(mechanism, credentials):
            said = {} if credentials is None else {"credentials": credentials.reveal()}
            return "sasl", {"mechanism": mechanism.encode()} | said


def _response(operation: Response) -> tuple[str, Any]:
    match operation:
        case BindResponse(result, said):
            return "bindResponse", _result(result, credentials=said)
        case SearchEntry(name, attributes):
            listed = [{"kind": kind.encode(), "values": list(values)} for kind, values in attributes]
            return "searchEntry", {"name": name.encode(), "attributes": listed}
        case SearchDone(result):
            return "searchDone", _result(result)
        case SearchReference(addresses):
            return "searchReference", [address.encode() for address in addresses]
        case ExtendedResponse(result, kind, value):
            return "extendedResponse", _result(result, kind=kind.encode() or None, value=value)


def _search(search: SearchRequest) -> dict[str, Any]:
    return {
        "base": search.base.encode(),
        "scope": ("this", "children", "subtree")[search.scope],
        "aliases": ("never", "inSearching", "findingBase", "always")[search.aliases],
        "sizeLimit": search.size_limit,
        "timeLimit": search.time_limit,
        "typesOnly": search.types_only,
        "filter": _filter(search.filter),
        "attributes": [name.encode() for name in search.attributes],
    }


def _filter(condition: Filter) -> tuple[str, Any]:
    match condition:
        case And(filters):
            return "and", [_filter(inner) for inner in filters]
        case Or(filters):
            return "or", [_filter(inner) for inner in filters]
        case Not(inner):
            return "not", _filter(inner)
        case Present(attribute):
            return "present", attribute.encode()
        case Substrings(attribute, first, within, last):
            parts = [("within", part) for part in within]
            parts = [("first", first), *parts] if first is not None else parts
            parts = [*parts, ("last", last)] if last is not None else parts
            return "substrings", {"attribute": attribute.encode(), "parts": parts}
        case Rule(value, rule, attribute, of_name):
            told: dict[str, Any] = {"value": value, "ofName": of_name}
            told |= {"rule": rule.encode()} if rule else {}
            return "rule", told | ({"attribute": attribute.encode()} if attribute else {})
        case Equal() | AtLeast() | AtMost() | Like():
            names = {Equal: "equal", AtLeast: "atLeast", AtMost: "atMost", Like: "like"}
            return names[type(condition)], {"attribute": condition.attribute.encode(), "value": condition.value}


def _result(result: Result, **more: bytes | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": CODES[result.code],
        "matched": result.matched.encode(),
        "diagnostic": result.diagnostic.encode(),
    }
    if result.referrals:
        told["referrals"] = [address.encode() for address in result.referrals]
    return told | {name: value for name, value in more.items() if value is not None}


def _control(control: Control) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": control.kind.encode(), "critical": control.critical}
    return told | ({} if control.value is None else {"value": control.value})
