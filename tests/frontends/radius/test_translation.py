"""Packets to questions and decisions to packets, without a socket."""

import pytest

from vestibule.core.clients import Client
from vestibule.core.decisions import Accept, Ask, Decision, Reject, Wait
from vestibule.core.places import Place
from vestibule.core.prompts import Approve, TypeCode
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.snapshot import Settings, Snapshot
from vestibule.core.users import Group
from vestibule.flows.authenticate import Beginning, Reply
from vestibule.frontends.radius.translation import (
    Replies,
    Unsayable,
    code_of,
    place_of,
    question,
    user_name_of,
)
from vestibule.wire.radius.dictionary import standard
from vestibule.wire.radius.packet import Attribute, Code, Packet

VPN = Client("vpn", "VPN", ("192.0.2.0/24",), (Secret.of("s"),))
PROMPT = TypeCode()


def packet(*attributes: tuple[int, bytes]) -> Packet:
    return Packet(Code.ACCESS_REQUEST, 1, bytes(16), attributes, b"")


@pytest.mark.requirement(23)
def test_every_reason_is_refused_in_the_same_words() -> None:
    replies = Replies(Snapshot(), standard())
    assert {(code_of(Reject(reason)), replies.attributes(Reject(reason))) for reason in Reason} == {
        (Code.ACCESS_REJECT, ((int(Attribute.REPLY_MESSAGE), b"Sign-in refused"),))
    }


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (Accept("alice"), Code.ACCESS_ACCEPT),
        (Ask("a", "n", PROMPT), Code.ACCESS_CHALLENGE),
        (Reject(Reason.WRONG_CODE), Code.ACCESS_REJECT),
        (Wait("a", "n", Approve("42"), 1.0), Code.ACCESS_REJECT),
    ],
)
def test_every_decision_has_a_code(decision: Decision, code: Code) -> None:
    assert code_of(decision) is code


@pytest.mark.parametrize(
    ("calling", "place"),
    [
        (b"192.0.2.7", Place("192.0.2.7", "192.0.2.7")),
        (b"192.0.2.7[4500]", Place("192.0.2.7", "192.0.2.7")),
        (b"::ffff:192.0.2.7", Place("192.0.2.7", "192.0.2.7")),
        (b"2001:db8::7", Place("2001:db8::/64", "2001:db8::7")),
        (b"2001:db8::7[500]", Place("2001:db8::/64", "2001:db8::7")),
        (b"fe80::1%eth0", Place("fe80::/64", "fe80::1")),
        (b"00-11-22-33-44-55", Place("00-11-22-33-44-55")),
        (b"+1 555 0100", Place("+1 555 0100")),
        (b"", Place("client:vpn")),
        (b"\xff", Place("client:vpn")),
        (b"a\nb", Place("client:vpn")),
    ],
)
@pytest.mark.requirement(19)
def test_calling_station_id_names_the_place(calling: bytes, place: Place) -> None:
    assert place_of(packet((Attribute.CALLING_STATION_ID, calling)), VPN) == place


def test_without_calling_station_id_the_client_is_the_place() -> None:
    assert place_of(packet(), VPN) == Place("client:vpn")


@pytest.mark.parametrize("octets", [b"", b"\xff\xfe", b"al\0ice", b"a\nb", b"a" * 254, "a\u202eb".encode()])
def test_a_name_that_is_no_text_is_nobodys(octets: bytes) -> None:
    assert user_name_of(packet((Attribute.USER_NAME, octets))) == ""


def test_a_name_is_taken_as_it_came() -> None:
    assert user_name_of(packet((Attribute.USER_NAME, " Zoë@Example ".encode()))) == " Zoë@Example "


def test_a_packet_without_state_begins() -> None:
    asked = question(packet((Attribute.USER_NAME, b"alice")), VPN, Secret.of("p"), "identity", 9.0)
    assert asked == Beginning("identity", "vpn", "alice", Secret.of("p"), "client:vpn", "", 9.0)


@pytest.mark.parametrize(
    ("state", "named"),
    [
        (b"0a" * 16 + b"1b" * 16, ("0a" * 16, "1b" * 16)),
        (b"", ("", "")),
        (b"0a" * 16, ("", "")),
        (b"0A" * 32, ("", "")),
        (b"0a" * 32 + b"\n", ("", "")),
        (b"\xff" * 64, ("", "")),
    ],
)
@pytest.mark.requirement(54)
def test_a_packet_with_state_answers_and_one_that_is_not_ours_answers_nothing(
    state: bytes, named: tuple[str, str]
) -> None:
    asked = question(packet((Attribute.STATE, state)), VPN, Secret.of("1"), "identity", 9.0)
    assert isinstance(asked, Reply)
    assert (asked.attempt_id, asked.nonce) == named


def test_long_words_for_people_are_split() -> None:
    snapshot = Snapshot(settings=Settings(text_refused="é" * 200))
    texts = Replies(snapshot, standard()).attributes(Reject(Reason.BLOCKED))
    assert [kind for kind, _ in texts] == [Attribute.REPLY_MESSAGE] * 2
    assert b"".join(text for _, text in texts).decode() == "é" * 200


def test_an_attribute_that_two_groups_share_is_sent_once() -> None:
    groups = {"a": Group("a", "", (("Class", "x"), ("Class", "y"))), "b": Group("b", "", (("Class", "x"),))}
    attributes = Replies(Snapshot(groups=groups), standard()).attributes(Accept("alice", ("b", "a", "gone")))
    assert attributes == ((Attribute.CLASS, b"x"), (Attribute.CLASS, b"y"))


@pytest.mark.requirement(50)
def test_an_attribute_that_can_not_be_written_is_not_left_out() -> None:
    groups = {"a": Group("a", "", (("Session-Timeout", "soon"),))}
    with pytest.raises(Unsayable, match=r"^group a: Session-Timeout"):
        Replies(Snapshot(groups=groups), standard()).attributes(Accept("alice", ("a",)))


def test_what_the_directory_says_follows_what_groups_say_and_does_not_contradict_it() -> None:
    groups = {"a": Group("a", "", (("Class", "ours"),))}
    said = (("Class", "theirs"), ("Filter-Id", "vpn"), ("#26", "00000009"), ("#26", "0000000a"))
    attributes = Replies(Snapshot(groups=groups), standard()).attributes(Accept("alice", ("a",), said))
    assert attributes == (
        (Attribute.CLASS, b"ours"),
        (11, b"vpn"),
        (26, bytes.fromhex("00000009")),
        (26, bytes.fromhex("0000000a")),
    )


@pytest.mark.requirement(50)
def test_an_attribute_of_the_directory_that_can_not_be_written_is_not_left_out() -> None:
    with pytest.raises(Unsayable, match=r"^an attribute of the directory: Session-Timeout"):
        Replies(Snapshot(), standard()).attributes(Accept("alice", (), (("Session-Timeout", "soon"),)))
