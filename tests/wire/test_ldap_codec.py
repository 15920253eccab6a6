"""LDAP messages against vectors, and everything that is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from tests.wire.ldap_samples import MESSAGES
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.ldap import ber
from vestibule.wire.ldap.ber import DEEPEST, Reader, message_size
from vestibule.wire.ldap.codec import decode, encode
from vestibule.wire.ldap.controls import Page, paged, read_dir_sync, read_page, read_policy, show_deleted
from vestibule.wire.ldap.filters import DEEPEST_FILTER, Filter, Not, Present, Rule, Substrings, encode_filter
from vestibule.wire.ldap.messages import (
    AbandonRequest,
    BindRequest,
    Control,
    Message,
    Result,
    Scope,
    SearchRequest,
    Simple,
    UnbindRequest,
)


def joined(lines: list[tuple[str, str]], word: str) -> str:
    return " ".join(value for found, value in lines if found == word)


VECTORS = [
    pytest.param(joined(lines, "octets"), joined(lines, "value"), joined(lines, "written"), id=name)
    for name, lines in blocks("ldap_messages.txt")
]
DONE = "65 07 0a 01 00 04 00 04 00"


@pytest.mark.parametrize(("octets", "value", "written"), VECTORS)
def test_a_vector_is_read_and_written(octets: str, value: str, written: str) -> None:
    if value == "malformed":
        with pytest.raises(Malformed):
            decode(bytes.fromhex(octets))
        return
    message = decode(bytes.fromhex(octets))
    assert repr(message) == value
    assert encode(message) == bytes.fromhex(written or octets)


def test_a_password_is_read_and_never_printed() -> None:
    octets = encode(Message(1, BindRequest("cn=al", Simple(Secret(b"geheim")))))
    message = decode(octets)
    assert message.operation == BindRequest("cn=al", Simple(Secret(b"geheim")))
    assert "geheim" not in repr(message)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("", "the message is missing"),
        ("30", "ends within its length"),
        ("30 80 02 01 01 42 00 00 00", "indefinite"),
        ("30 85 00 00 00 00 05 02 01 01 42 00", "more than 4 octets"),
        ("30 ff 02 01 01 42 00", "more than 4 octets"),
        ("30 06 02 01 01 42 00", "longer than what holds it"),
        ("30 05 02 01 01 42 00 00", "goes on after its end"),
        ("31 05 02 01 01 42 00", "another element"),
        ("30 06 02 02 00 01 42 00", "shortest form"),
        ("30 06 02 02 ff ff 42 00", "shortest form"),
        ("30 05 02 01 ff 42 00", "negative"),
        ("30 04 02 00 42 00", "has not 1 to 4 octets"),
        ("30 09 02 05 01 00 00 00 00 42 00", "has not 1 to 4 octets"),
        ("30 05 02 01 01 43 00", "no operation"),
        ("30 03 02 01 01", "no operation"),
        ("30 06 02 01 01 42 01 00", "no content"),
        ("30 07 02 01 01 42 00 42 00", "wrong place"),
        ("30 0e 02 01 01 65 09 0a 01 00 04 00 04 00 04 00", "wrong place"),
        ("30 0f 02 01 01 65 0a 0a 01 00 04 00 04 00 9f 01 00", "several octets"),
        ("30 0d 02 01 01 65 08 0a 01 00 04 01 ff 04 00", "not UTF-8"),
        ("30 0c 02 01 01 65 07 0a 01 00 24 00 04 00", "another element"),
        ("30 07 02 01 01 73 02 04 01", "longer than what holds it"),
        ("30 0a 02 01 01 73 02 04 03 61 61 61", "longer than what holds it"),
        ("30 05 02 01 01 73 00", "reference to nothing"),
        (f"30 15 02 01 01 {DONE} a0 07 30 05 04 01 61 01 00", "has not 1 octet"),
        (f"30 17 02 01 01 {DONE} a0 09 30 07 04 01 61 01 02 ff ff", "has not 1 octet"),
        (f"30 16 02 01 01 {DONE} a0 08 30 06 04 01 61 05 01 00", "another element"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(octets: str, why: str) -> None:
    with pytest.raises(Malformed, match=why) as refused:
        decode(bytes.fromhex(octets))
    assert str(refused.value).startswith("offset ")


@pytest.mark.parametrize(
    "octets",
    [
        "30 0e 02 01 01 63 09 04 00 0a 01 03 0a 01 00 02 01",
        "30 1a 02 01 01 63 15 04 00 0a 01 03 0a 01 00 02 01 00 02 01 00 01 01 00 87 01 61 30 00",
        "30 1a 02 01 01 63 15 04 00 0a 01 02 0a 01 04 02 01 00 02 01 00 01 01 00 87 01 61 30 00",
        "30 1a 02 01 01 63 15 04 00 0a 01 02 0a 01 00 02 01 00 02 01 00 01 01 00 8a 01 61 30 00",
        "30 1f 02 01 01 63 1a 04 00 0a 01 02 0a 01 00 02 01 00 02 01 00 01 01 00 a4 06 04 01 61 30 01 80 30 00",
        "30 1d 02 01 01 63 18 04 00 0a 01 02 0a 01 00 02 01 00 02 01 00 01 01 00 a9 04 83 02 61 61 30 00",
    ],
)
def test_a_search_of_an_unknown_kind_is_refused(octets: str) -> None:
    with pytest.raises(Malformed):
        decode(bytes.fromhex(octets))


def test_true_is_any_octet_but_0_and_written_as_ff() -> None:
    assert Reader(b"\x01\x01\x01").boolean("truth")
    assert ber.boolean(value=True) == b"\x01\x01\xff"


def test_elements_within_each_other_have_an_end() -> None:
    octets = b""
    for _ in range(DEEPEST + 1):
        octets = ber.sequence(octets)
    reader = Reader(octets)
    for _ in range(DEEPEST):
        reader = reader.enter(ber.SEQUENCE, "a nest")
    with pytest.raises(Malformed, match="within each other"):
        reader.enter(ber.SEQUENCE, "a nest")


def test_conditions_within_each_other_have_an_end() -> None:
    condition: Filter = Present("a")
    for _ in range(DEEPEST_FILTER - 1):
        condition = Not(condition)
    deep = SearchRequest("", Scope.THIS, condition)
    assert decode(encode(Message(1, deep))).operation == deep
    with pytest.raises(Malformed, match="within each other"):
        decode(encode(Message(1, SearchRequest("", Scope.THIS, Not(condition)))))


@given(MESSAGES, st.data())
def test_a_message_that_was_cut_off_is_never_read(message: Message, data: st.DataObject) -> None:
    octets = encode(message)
    with pytest.raises(Malformed):
        decode(octets[: data.draw(st.integers(0, len(octets) - 1))])


@given(st.binary(max_size=200))
def test_any_octets_are_a_message_or_malformed(octets: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert decode(encode(decode(octets))) == decode(octets)


@given(MESSAGES, st.binary(max_size=9))
def test_a_stream_says_where_its_first_message_ends(message: Message, rest: bytes) -> None:
    octets = encode(message)
    assert message_size(octets + rest, 1 << 20) == len(octets)
    assert {message_size(octets[:size], 1 << 20) for size in range(6)} <= {None, len(octets)}


@pytest.mark.parametrize(
    ("start", "why"), [("31", "no LDAP"), ("30 80", "indefinite"), ("30 84 00 10 00 00", "longer")]
)
def test_a_stream_of_something_else_is_refused_at_once(start: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        message_size(bytes.fromhex(start), 1 << 20)


def test_what_can_not_be_written_is_refused() -> None:
    for message_id in (-1, 1 << 31):
        with pytest.raises(ValueError, match="id"):
            encode(Message(message_id, UnbindRequest()))
    with pytest.raises(ValueError, match="at least one"):
        encode_filter(Substrings("cn"))
    with pytest.raises(ValueError, match="names the rule"):
        encode_filter(Rule(b"x"))
    assert encode(Message(1, AbandonRequest(300))) == bytes.fromhex("30 07 02 01 01 50 02 01 2c")


def test_a_result_is_named_for_logs() -> None:
    assert Result(49).named == "49 invalid credentials"
    assert Result(4096).named == "4096"


@pytest.mark.parametrize("read", [read_page, read_policy, read_dir_sync])
@pytest.mark.parametrize("value", [None, b"", b"\x30\x00\x00", b"\x30\x02\x04\x00", b"\x30\x03\x81\x01\x63"])
def test_a_control_that_makes_no_sense_is_malformed(read: object, value: bytes | None) -> None:
    assert callable(read)
    with pytest.raises(Malformed):
        read(Control("1.2.3", value=value))


def test_a_page_is_asked_for_critically_and_found_in_the_answer() -> None:
    asked = paged(Page(500, b"here"))
    assert asked.critical
    assert Message(1, UnbindRequest(), (show_deleted(), asked)).control(asked.kind) == asked
    assert Message(1, UnbindRequest()).control(asked.kind) is None
