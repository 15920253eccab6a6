"""One LDAP message as octets, and back (RFC 4511 section 4).

What a later version of the protocol may append to a sequence is stepped over, as RFC 4511 section 4 asks; whatever is
known stands where it belongs, or the message is `Malformed`.
"""

from collections.abc import Callable
from typing import Final, assert_never

from vestibule.core.secret import Secret
from vestibule.wire.ldap import ber
from vestibule.wire.ldap.ber import Reader
from vestibule.wire.ldap.filters import decode_filter, encode_filter
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
    Request,
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

_CONTROLS: Final = 0xA0
_REFERRALS: Final = 0xA3
_SIMPLE: Final = 0x80
_SASL: Final = 0xA3
_SASL_CREDENTIALS: Final = 0x87
_REQUEST_KIND: Final = 0x80
_REQUEST_VALUE: Final = 0x81
_RESPONSE_KIND: Final = 0x8A
_RESPONSE_VALUE: Final = 0x8B
_RESULT_TAGS: Final = (ber.ENUMERATED, ber.OCTETS, _REFERRALS)


def encode(message: Message) -> bytes:
    """Write one message. Raises ValueError for an id outside 0 to 2³¹ - 1 and for text that has no UTF-8."""
    if not 0 <= message.id <= ber.LARGEST_INTEGER:
        raise ValueError("the id of a message is a number from 0 to 2147483647")
    controls = [_encode_control(control) for control in message.controls]
    return ber.sequence(
        ber.integer(message.id),
        _encode_operation(message.operation),
        ber.sequence(*controls, tag=_CONTROLS) if controls else b"",
    )


def decode(octets: bytes) -> Message:
    """Read exactly one message. Raises `Malformed` for anything else."""
    whole = Reader(octets)
    reader = whole.enter(ber.SEQUENCE, "the message")
    whole.finish("the message")
    message_id = reader.natural("the message's id")
    tag = reader.next_tag()
    read = _OPERATIONS.get(-1 if tag is None else tag)
    if tag is None or read is None:
        raise reader.fault("no operation that is known here stands here")
    operation = read(reader, tag)
    controls = _decode_controls(reader) if reader.next_tag() == _CONTROLS else ()
    reader.pass_over((_CONTROLS, *_OPERATIONS))
    return Message(message_id, operation, controls)


# -- writing ------------------------------------------------------------------------------------------------------


def _encode_operation(operation: Operation) -> bytes:
    match operation:
        case BindRequest() | UnbindRequest() | SearchRequest() | AbandonRequest() | ExtendedRequest():
            return _encode_request(operation)
        case _:
            return _encode_response(operation)


def _encode_request(operation: Request) -> bytes:
    match operation:
        case BindRequest(name, authentication, version):
            proof = _encode_authentication(authentication)
            return ber.sequence(ber.integer(version), ber.text(name), proof, tag=0x60)
        case UnbindRequest():
            return ber.element(0x42, b"")
        case SearchRequest():
            return _encode_search(operation)
        case AbandonRequest(message_id):
            return ber.integer(message_id, tag=0x50)
        case ExtendedRequest(kind, value):
            return ber.sequence(ber.text(kind, _REQUEST_KIND), _optional(value, _REQUEST_VALUE), tag=0x77)
        case _:
            assert_never(operation)


def _encode_response(operation: Response) -> bytes:
    match operation:
        case BindResponse(result, credentials):
            return ber.sequence(_encode_result(result), _optional(credentials, _SASL_CREDENTIALS), tag=0x61)
        case SearchEntry(name, attributes):
            return ber.sequence(ber.text(name), ber.sequence(*map(_encode_attribute, attributes)), tag=0x64)
        case SearchDone(result):
            return ber.sequence(_encode_result(result), tag=0x65)
        case SearchReference(addresses):
            return ber.sequence(*map(ber.text, addresses), tag=0x73)
        case ExtendedResponse(result, kind, value):
            named = ber.text(kind, _RESPONSE_KIND) if kind else b""
            return ber.sequence(_encode_result(result), named, _optional(value, _RESPONSE_VALUE), tag=0x78)
        case _:
            assert_never(operation)


def _encode_authentication(authentication: Simple | Sasl) -> bytes:
    match authentication:
        case Simple(password):
            return ber.octets(password.reveal(), _SIMPLE)
        case Sasl(mechanism, credentials):
            said = b"" if credentials is None else ber.octets(credentials.reveal())
            return ber.sequence(ber.text(mechanism), said, tag=_SASL)
        case _:
            assert_never(authentication)


def _encode_search(search: SearchRequest) -> bytes:
    return ber.sequence(
        ber.text(search.base),
        ber.integer(search.scope, tag=ber.ENUMERATED),
        ber.integer(search.aliases, tag=ber.ENUMERATED),
        ber.integer(search.size_limit),
        ber.integer(search.time_limit),
        ber.boolean(value=search.types_only),
        encode_filter(search.filter),
        ber.sequence(*map(ber.text, search.attributes)),
        tag=0x63,
    )


def _encode_attribute(attribute: tuple[str, tuple[bytes, ...]]) -> bytes:
    kind, values = attribute
    return ber.sequence(ber.text(kind), ber.sequence(*map(ber.octets, values), tag=ber.SET))


def _encode_result(result: Result) -> bytes:
    referrals = ber.sequence(*map(ber.text, result.referrals), tag=_REFERRALS) if result.referrals else b""
    code = ber.integer(result.code, tag=ber.ENUMERATED)
    return code + ber.text(result.matched) + ber.text(result.diagnostic) + referrals


def _encode_control(control: Control) -> bytes:
    critical = ber.boolean(value=True) if control.critical else b""
    return ber.sequence(ber.text(control.kind), critical, _optional(control.value, ber.OCTETS))


def _optional(value: bytes | None, tag: int) -> bytes:
    return b"" if value is None else ber.octets(value, tag)


# -- reading ------------------------------------------------------------------------------------------------------


def _decode_bind_request(reader: Reader, tag: int) -> BindRequest:
    inner = reader.enter(tag, "the bind")
    version = inner.natural("the version")
    name = inner.text("the name")
    request = BindRequest(name, _decode_authentication(inner), version)
    inner.pass_over((_SIMPLE, _SASL))
    return request


def _decode_authentication(inner: Reader) -> Simple | Sasl:
    match inner.next_tag():
        case 0x80:
            return Simple(Secret(inner.octets("the password", _SIMPLE)))
        case 0xA3:
            sasl = inner.enter(_SASL, "the SASL authentication")
            mechanism = sasl.text("the mechanism")
            credentials = Secret(sasl.octets("the credentials")) if sasl.more else None
            sasl.finish("the SASL authentication")
            return Sasl(mechanism, credentials)
        case _:
            raise inner.fault("no kind of authentication that is known here stands here")


def _decode_bind_response(reader: Reader, tag: int) -> BindResponse:
    inner = reader.enter(tag, "the bind's answer")
    result = _decode_result(inner)
    credentials = inner.octets("the credentials", 0x87) if inner.next_tag() == _SASL_CREDENTIALS else None
    inner.pass_over((*_RESULT_TAGS, _SASL_CREDENTIALS))
    return BindResponse(result, credentials)


def _decode_unbind(reader: Reader, tag: int) -> UnbindRequest:
    if reader.octets("the unbind", tag):
        raise reader.fault("an unbind has no content")
    return UnbindRequest()


def _decode_search(reader: Reader, tag: int) -> SearchRequest:
    inner = reader.enter(tag, "the search")
    base = inner.text("the base")
    scope = _scope(inner)
    aliases = _aliases(inner)
    size_limit = inner.natural("the size limit")
    time_limit = inner.natural("the time limit")
    types_only = inner.boolean("whether values are wanted")
    condition = decode_filter(inner)
    attributes = _texts(inner.enter(ber.SEQUENCE, "the attributes"))
    inner.finish("the search")
    return SearchRequest(base, scope, condition, attributes, size_limit, time_limit, aliases, types_only)


def _scope(inner: Reader) -> Scope:
    try:
        return Scope(inner.natural("the scope", ber.ENUMERATED))
    except ValueError:
        raise inner.fault("before this stands an unknown scope") from None


def _aliases(inner: Reader) -> Aliases:
    try:
        return Aliases(inner.natural("what to do with aliases", ber.ENUMERATED))
    except ValueError:
        raise inner.fault("before this stands an unknown way to treat aliases") from None


def _decode_entry(reader: Reader, tag: int) -> SearchEntry:
    inner = reader.enter(tag, "the entry")
    name = inner.text("the entry's name")
    listed = inner.enter(ber.SEQUENCE, "the attributes")
    inner.pass_over((ber.OCTETS, ber.SEQUENCE))
    attributes = []
    while listed.more:
        attributes.append(_decode_attribute(listed.enter(ber.SEQUENCE, "an attribute")))
    return SearchEntry(name, tuple(attributes))


def _decode_attribute(inner: Reader) -> tuple[str, tuple[bytes, ...]]:
    kind = inner.text("the attribute's name")
    held = inner.enter(ber.SET, "the attribute's values")
    inner.finish("the attribute")
    values = []
    while held.more:
        values.append(held.octets("a value"))
    return kind, tuple(values)


def _decode_done(reader: Reader, tag: int) -> SearchDone:
    inner = reader.enter(tag, "the end of a search")
    result = _decode_result(inner)
    inner.pass_over(_RESULT_TAGS)
    return SearchDone(result)


def _decode_reference(reader: Reader, tag: int) -> SearchReference:
    addresses = _texts(reader.enter(tag, "the reference"))
    if not addresses:
        raise reader.fault("before this stands a reference to nothing")
    return SearchReference(addresses)


def _decode_abandon(reader: Reader, tag: int) -> AbandonRequest:
    return AbandonRequest(reader.natural("the id of what is given up", tag))


def _decode_extended_request(reader: Reader, tag: int) -> ExtendedRequest:
    inner = reader.enter(tag, "the extended request")
    kind = inner.text("the request's kind", _REQUEST_KIND)
    value = inner.octets("the request's value", _REQUEST_VALUE) if inner.next_tag() == _REQUEST_VALUE else None
    inner.pass_over((_REQUEST_KIND, _REQUEST_VALUE))
    return ExtendedRequest(kind, value)


def _decode_extended_response(reader: Reader, tag: int) -> ExtendedResponse:
    inner = reader.enter(tag, "the extended response")
    result = _decode_result(inner)
    kind = inner.text("the response's kind", _RESPONSE_KIND) if inner.next_tag() == _RESPONSE_KIND else ""
    value = inner.octets("the response's value", _RESPONSE_VALUE) if inner.next_tag() == _RESPONSE_VALUE else None
    inner.pass_over((*_RESULT_TAGS, _RESPONSE_KIND, _RESPONSE_VALUE))
    return ExtendedResponse(result, kind, value)


def _decode_result(inner: Reader) -> Result:
    code = inner.natural("the result", ber.ENUMERATED)
    matched = inner.text("the matched name")
    diagnostic = inner.octets("the diagnostic").decode(errors="replace")
    referrals: tuple[str, ...] = ()
    if inner.next_tag() == _REFERRALS:
        referrals = _texts(inner.enter(_REFERRALS, "the referrals"))
    return Result(code, matched, diagnostic, referrals)


def _decode_controls(reader: Reader) -> tuple[Control, ...]:
    listed = reader.enter(_CONTROLS, "the controls")
    controls = []
    while listed.more:
        controls.append(_decode_control(listed.enter(ber.SEQUENCE, "a control")))
    return tuple(controls)


def _decode_control(inner: Reader) -> Control:
    kind = inner.text("the control's kind")
    critical = inner.boolean("whether it is critical") if inner.next_tag() == ber.BOOLEAN else False
    value = inner.octets("the control's value") if inner.more else None
    inner.finish("the control")
    return Control(kind, critical, value)


def _texts(listed: Reader) -> tuple[str, ...]:
    found = []
    while listed.more:
        found.append(listed.text("a text"))
    return tuple(found)


_OPERATIONS: Final[dict[int, Callable[[Reader, int], Operation]]] = {
    0x60: _decode_bind_request,
    0x61: _decode_bind_response,
    0x42: _decode_unbind,
    0x63: _decode_search,
    0x64: _decode_entry,
    0x65: _decode_done,
    0x73: _decode_reference,
    0x50: _decode_abandon,
    0x77: _decode_extended_request,
    0x78: _decode_extended_response,
}
