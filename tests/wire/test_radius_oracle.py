"""pyrad as an independent judge: what it writes we read, what we write it reads, and both name attributes alike."""

import importlib.resources
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad import packet as pyrad
from pyrad.dictionary import Dictionary as PyradDictionary

from tests.wire.radius_vectors import SECRET
from vestibule.wire.radius.authenticity import MessageAuthenticator, accounting_authentic, verify_request
from vestibule.wire.radius.client import (
    decode_reply,
    encode_access_request,
    encode_accounting_request,
    encode_status_server,
)
from vestibule.wire.radius.dictionary import standard
from vestibule.wire.radius.packet import Attribute, Code, decode, encode_attributes
from vestibule.wire.radius.password import hide, reveal
from vestibule.wire.radius.reply import encode_reply

AUTHENTICATOR = bytes(range(16))
NAMES = PyradDictionary(
    io.StringIO((importlib.resources.files("vestibule.wire.radius") / "dictionary.txt").read_text())
)
STATES = st.lists(st.binary(max_size=40), max_size=20)
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


def pyrad_request(password: str, states: list[bytes]) -> pyrad.AuthPacket:
    request = pyrad.AuthPacket(id=7, secret=SECRET, authenticator=AUTHENTICATOR)
    request.add_message_authenticator()
    request[Attribute.USER_NAME] = [b"nemo"]
    request[Attribute.USER_PASSWORD] = [request.PwCrypt(password)]
    if states:
        request[Attribute.PROXY_STATE] = states
    return request


@given(PASSWORDS, STATES)
def test_a_request_by_pyrad_is_valid_and_its_password_revealed(password: str, states: list[bytes]) -> None:
    packet = decode(pyrad_request(password, states).RequestPacket())
    assert verify_request(packet, SECRET) is MessageAuthenticator.VALID
    assert packet.all(Attribute.PROXY_STATE) == states
    hidden = packet.first(Attribute.USER_PASSWORD)
    assert hidden is not None
    assert reveal(hidden, SECRET, packet.authenticator).decode() == password


@pytest.mark.requirement(37)
@given(STATES, st.sampled_from([Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.PROTOCOL_ERROR]))
def test_pyrad_believes_our_reply_and_finds_every_proxy_state(states: list[bytes], code: Code) -> None:
    asked = pyrad_request("arctangent", states)
    octets = asked.RequestPacket()
    answer = encode_reply(decode(octets), code, [(Attribute.REPLY_MESSAGE, b"Hello")], SECRET)
    reply = asked.CreateReply(packet=answer)
    assert asked.VerifyReply(reply, answer, enforce_ma=True)
    assert reply.code == code
    assert answer[20] == Attribute.MESSAGE_AUTHENTICATOR
    assert (reply[Attribute.PROXY_STATE] if states else []) == states


@given(PASSWORDS, STATES)
def test_pyrad_believes_our_request_and_reveals_its_password(password: str, states: list[bytes]) -> None:
    hidden = hide(password.encode(), SECRET, AUTHENTICATOR)
    brought = [(Attribute.USER_PASSWORD, hidden), *((Attribute.PROXY_STATE, state) for state in states)]
    octets = encode_access_request(7, AUTHENTICATOR, brought, SECRET)
    packet = pyrad.AuthPacket(packet=octets, secret=SECRET)
    assert packet.verify_message_authenticator()
    assert packet.PwDecrypt(packet[Attribute.USER_PASSWORD][0]) == password


@pytest.mark.parametrize("code", [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE])
def test_a_signed_reply_by_pyrad_is_believed(code: Code) -> None:
    asked = encode_access_request(7, AUTHENTICATOR, [(Attribute.PROXY_STATE, b"hop")], SECRET)
    reply = pyrad.AuthPacket(packet=asked, secret=SECRET).CreateReply()
    reply.code = code
    assert decode_reply(reply.ReplyPacket(), asked, SECRET).code == code


def test_pyrad_believes_our_status_server_and_we_its_signed_answer() -> None:
    asked = encode_status_server(7, AUTHENTICATOR, SECRET)
    packet = pyrad.Packet(packet=asked, code=Code.STATUS_SERVER, secret=SECRET)
    assert packet.verify_message_authenticator()
    reply = packet.CreateReply(code=Code.ACCOUNTING_RESPONSE)
    reply.add_message_authenticator()
    assert decode_reply(reply.ReplyPacket(), asked, SECRET).code == Code.ACCOUNTING_RESPONSE


def test_accounting_by_pyrad_is_authentic_and_ours_to_pyrad() -> None:
    theirs = pyrad.AcctPacket(id=7, secret=SECRET)
    theirs[Attribute.ACCT_STATUS_TYPE] = [b"\0\0\0\1"]
    octets = theirs.RequestPacket()
    assert accounting_authentic(decode(octets), SECRET)
    answer = encode_reply(decode(octets), Code.ACCOUNTING_RESPONSE, [], SECRET)
    assert theirs.VerifyReply(theirs.CreateReply(packet=answer), answer)
    ours = encode_accounting_request(8, [(Attribute.ACCT_STATUS_TYPE, b"\0\0\0\1")], SECRET)
    assert pyrad.AcctPacket(packet=ours, secret=SECRET).VerifyAcctRequest()


def test_an_accounting_response_that_pyrad_signs_is_believed() -> None:
    asked = encode_accounting_request(7, [(Attribute.ACCT_STATUS_TYPE, b"\0\0\0\1")], SECRET)
    reply = pyrad.AcctPacket(packet=asked, secret=SECRET).CreateReply()
    reply.add_message_authenticator()
    octets = reply.ReplyPacket()
    assert decode(octets).attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert decode_reply(octets, asked, SECRET).code == Code.ACCOUNTING_RESPONSE


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("Service-Type", "Framed-User", "Framed-User"),
        ("Session-Timeout", "28800", 28800),
        ("Framed-IP-Address", "192.0.2.10", "192.0.2.10"),
        ("Framed-IPv6-Address", "2001:db8::10", "2001:db8::10"),
        ("Event-Timestamp", "1893456000", 1893456000),
        ("Reply-Message", "Grüße", "Grüße"),
        ("Class", "0x0102", b"\x01\x02"),
        ("Tunnel-Type:1", "VLAN", "VLAN"),
        ("Tunnel-Medium-Type:1", "IEEE-802", "IEEE-802"),
        ("Tunnel-Private-Group-Id:1", "42", "42"),
        ("Cisco-AVPair", "shell:priv-lvl=15", "shell:priv-lvl=15"),
        ("Fortinet-Group-Name", "vpn", "vpn"),
        ("PaloAlto-User-Group", "staff", "staff"),
        ("MS-Primary-DNS-Server", "192.0.2.53", "192.0.2.53"),
        ("MS-MPPE-Encryption-Policy", "Encryption-Required", "Encryption-Required"),
    ],
)
def test_pyrad_encodes_a_named_value_as_we_do(name: str, text: str, value: object) -> None:
    packet = pyrad.Packet(code=Code.ACCESS_ACCEPT, id=7, secret=SECRET, authenticator=AUTHENTICATOR, dict=NAMES)
    packet.AddAttribute(name, value)
    octets = packet.ReplyPacket()
    assert octets[20:] == encode_attributes([standard().encode(name, text)])


def test_pyrad_reads_the_built_in_dictionary_with_the_same_numbers_and_types() -> None:
    for definition in standard().definitions.values():
        theirs = NAMES[definition.name]
        assert (theirs.code, theirs.type) == (definition.number, definition.kind)
        assert bool(theirs.has_tag) == definition.tagged
