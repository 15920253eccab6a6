"""SMPP 3.4: the octets of another library, and what is made of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.file_vectors import blocks
from vestibule.core.delivery import Fault
from vestibule.core.errors import Malformed
from vestibule.core.secret import Secret
from vestibule.wire.smpp.pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    RECEIPT,
    RESPONSE,
    SUBMIT_SM,
    Address,
    Bind,
    Pdu,
    ShortMessage,
    bind_body,
    decode,
    encode,
    id_body,
    message_body,
    read_bind,
    read_id,
    read_message,
    size,
)
from vestibule.wire.smpp.texts import (
    Receipt,
    address_number,
    fault_of,
    held,
    message_text,
    number_address,
    other_notation,
    receipt,
    sender_address,
    submissions,
)


def joined(lines: list[tuple[str, str]]) -> bytes:
    return bytes.fromhex("".join(value for word, value in lines if word == "octets").replace(" ", ""))


VECTORS = [(name, joined(lines), dict(lines)["value"]) for name, lines in blocks("smpp_pdus.txt")]


def shown(pdu: Pdu) -> str:
    """The value of a PDU as the vectors have it."""
    match pdu.command:
        case found if found == BIND_TRANSCEIVER:
            return repr(read_bind(pdu.body))
        case found if found == SUBMIT_SM | RESPONSE:
            return repr(read_id(pdu.body))
        case found if found in (SUBMIT_SM, DELIVER_SM):
            return message_shown(read_message(pdu.body))
        case _:
            return repr(pdu)


def message_shown(message: ShortMessage) -> str:
    if found := receipt(message):
        return repr(found)
    rest = f"coding {message.coding} class {message.esm_class} registered {message.registered}"
    return f"{message_text(message)!r} from {message.source!r} {rest} held {message.validity!r}"


@pytest.mark.parametrize(("name", "octets", "value"), VECTORS, ids=[name for name, *_ in VECTORS])
def test_what_another_library_writes_is_read(name: str, octets: bytes, value: str) -> None:
    assert size(octets) == len(octets)
    assert shown(decode(octets)) == value


@pytest.mark.parametrize(("name", "octets", "value"), VECTORS, ids=[name for name, *_ in VECTORS])
def test_what_we_write_is_what_another_library_writes(name: str, octets: bytes, value: str) -> None:
    pdu = decode(octets)
    match pdu.command:
        case found if found == BIND_TRANSCEIVER:
            body = bind_body(read_bind(pdu.body))
        case found if found == SUBMIT_SM | RESPONSE:
            body = id_body(read_id(pdu.body))
        case found if found in (SUBMIT_SM, DELIVER_SM):
            body = message_body(read_message(pdu.body))
        case _:
            body = b""
    assert encode(Pdu(pdu.command, pdu.status, pdu.sequence, body)) == octets


@pytest.mark.parametrize("octets", [b"", b"\0\0\0\x0f", b"\0\0\0\x0f" + bytes(11), b"\xff\xff\xff\xff" + bytes(12)])
def test_a_length_that_can_not_be_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        size(octets[:4])
    with pytest.raises(Malformed):
        decode(octets)


@given(st.binary(max_size=200))
def test_any_body_is_a_message_or_malformed(body: bytes) -> None:
    try:
        message = read_message(body)
        message_text(message)
        receipt(message)
    except Malformed:
        return


ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=20)
ADDRESSES = st.builds(Address, st.integers(0, 255), st.integers(0, 255), ASCII)
MESSAGES = st.builds(
    ShortMessage,
    ADDRESSES,
    ADDRESSES,
    st.binary(max_size=254),
    st.integers(0, 255),
    st.integers(0, 255),
    st.just("000000000200000R"),
    st.integers(0, 255),
    st.just("OTP"),
    st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=50)), max_size=3).map(tuple),
)


@given(MESSAGES)
def test_a_message_comes_back_as_it_was_written(message: ShortMessage) -> None:
    assert read_message(message_body(message)) == message


@pytest.mark.parametrize(
    "value",
    [
        Bind("x" * 16, Secret(b"")),
        Bind("x", Secret(b"ninechars")),
        Bind("x", Secret(b"a\0b")),
        Bind("x\0", Secret(b"")),
        ShortMessage(Address(5, 0, "Größe"), number_address("+1"), b""),
        ShortMessage(Address(5, 0, "x" * 21), number_address("+1"), b""),
        ShortMessage(sender_address(""), number_address("+1"), bytes(255)),
    ],
    ids=["long id", "long password", "zero in a password", "zero in an id", "no ASCII", "long name", "long text"],
)
def test_what_no_field_holds_is_not_written(value: Bind | ShortMessage) -> None:
    with pytest.raises(Malformed):
        bind_body(value) if isinstance(value, Bind) else message_body(value)


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("+14255550100", Address(1, 1, "14255550100")),
        ("67890", Address(0, 1, "67890")),
        ("Example", Address(5, 0, "Example")),
        ("", Address(0, 0, "")),
    ],
)
def test_a_sender_has_its_type_and_plan(sender: str, address: Address) -> None:
    assert sender_address(sender) == address
    assert address_number(address) == sender


@pytest.mark.parametrize(
    ("seconds", "period"),
    [
        (0.2, "000000000001000R"),
        (59.9, "000000000059000R"),
        (120, "000000000200000R"),
        (90_061, "000001010101000R"),
        (1e9, "000007000000000R"),
    ],
)
def test_a_message_is_held_for_so_long(seconds: float, period: str) -> None:
    assert held(seconds) == period


RECEIPT_TEXT = b"id:0123456789 sub:001 dlvrd:001 submit date:2611202100 done date:2611202101 stat:%s err:%s text:x"


@pytest.mark.parametrize(
    ("octets", "options", "found"),
    [
        (RECEIPT_TEXT % (b"DELIVRD", b"000"), (), Receipt("0123456789", "DELIVRD", "000")),
        (RECEIPT_TEXT % (b"undeliv", b"0A1"), (), Receipt("0123456789", "UNDELIV", "0A1")),
        (b"ID:abc STAT:REJECTD", (), Receipt("abc", "REJECTD", "")),
        (b"", ((0x1E, b"abc\0"), (0x427, b"\x05"), (0x423, b"\x03\x00\x0b")), Receipt("abc", "UNDELIV", "11")),
        (RECEIPT_TEXT % (b"ENROUTE", b"000"), ((0x1E, b"xyz\0"), (0x427, b"\x02")), Receipt("xyz", "DELIVRD", "000")),
        (b"nothing", (), Receipt("", "UNKNOWN", "")),
        (b"", ((0x427, b"\xee"),), Receipt("", "UNKNOWN", "")),
    ],
)
def test_receipts_come_in_two_forms(octets: bytes, options: tuple[tuple[int, bytes], ...], found: Receipt) -> None:
    plain = ShortMessage(number_address("+1"), number_address("+2"), octets, esm_class=RECEIPT, options=options)
    assert receipt(plain) == found


def test_a_text_from_a_person_that_looks_like_a_receipt_is_none() -> None:
    message = ShortMessage(number_address("+1"), number_address("+2"), RECEIPT_TEXT % (b"DELIVRD", b"000"))
    assert receipt(message) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400))
def test_the_parts_of_a_submission_are_the_text(text: str) -> None:
    messages = list(submissions(text, sender_address("67890"), number_address("+14255550142"), 60, 7))
    assert "".join(map(message_text, messages)) == text
    assert [message.registered for message in messages] == [0] * (len(messages) - 1) + [1]
    assert all(len(message.octets) <= (160 if message.coding == 0 else 140) for message in messages)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(0x58, Fault.SAME), (0x0B, Fault.DESTINATION), (0x0E, Fault.CONFIGURATION), (0x0401, Fault.OTHER)],
)
def test_a_status_has_its_fault(status: int, fault: Fault) -> None:
    assert fault_of(status) is fault


@pytest.mark.parametrize(
    ("id", "notation", "found"),
    [("255", "decimal", "ff"), ("ff", "hexadecimal", "255"), ("FF", "same", "FF"), ("x-y", "decimal", "x-y")],
)
def test_an_id_is_found_in_another_notation(id: str, notation: str, found: str) -> None:
    assert other_notation(id, notation) == found
