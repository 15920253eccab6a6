"""What carries no password, handed on: whose State it is, whom an accept is about, and how a no looks."""

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from tests.wire.ms_chap_client import answer, microsoft
from tests.wire.test_radius_eap import mschapv2
from vestibule.core.clients import Client
from vestibule.core.errors import Malformed
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.frontends.radius.unseen import (
    ALTERED,
    NAMELESS,
    NO_UPSTREAM,
    OTHER_NAME,
    SET_PAP,
    Disproven,
    Onward,
    Proven,
    Said,
    Unseen,
)
from vestibule.wire.radius.mschap import MS_CHAP_ERROR
from vestibule.wire.radius.packet import Attribute, Code, Packet
from vestibule.wire.radius.passing import Hop

SECRET = b"a shared secret of thirty-two oc"
HOP = Hop(b"another secret", bytes(16))
Pair = tuple[int, bytes]
VPN = Client("vpn", "vpn", ("192.0.2.0/24",), (Secret(SECRET),), first_factor="nps", pass_through=True)
WIFI = replace(VPN, id="wifi")
TTLS = (int(Attribute.EAP_MESSAGE), b"\x02\x07\x00\x06\x15\x00")
IDENTITY = (int(Attribute.EAP_MESSAGE), b"\x02\x01\x00\x0a\x01alice")


def packet(*attributes: Pair, code: int = Code.ACCESS_REQUEST) -> Packet:
    return Packet(code, 1, bytes(16), attributes, b"")


def named(name: str, *more: Pair) -> Packet:
    return packet((int(Attribute.USER_NAME), name.encode()), *more)


@dataclass
class Replying:
    """An upstream that answers everything alike and remembers what it was asked."""

    reply: Packet
    inner_name_checked: bool = False
    asked: list[tuple[Pair, ...]] = field(default_factory=list)

    async def exchange(
        self, attributes: Iterable[Pair], deadline: float, *, password: Secret | None = None
    ) -> "Answered":
        self.asked.append(tuple(attributes))
        return Answered(self.reply)


@dataclass(frozen=True)
class Answered:
    packet: Packet
    server: str = "one"
    hop: Hop = HOP


def unseen(upstream: Replying | None) -> Unseen:
    return Unseen(
        lambda id: upstream if id == "nps" else None, lambda octets: hmac.digest(b"key", octets, "sha256"), bytes
    )


def ask(upstream: Replying, request: Packet, client: Client = VPN) -> Said:
    return asyncio.run(unseen(upstream).ask(request, client, SECRET, 0.0))


def accepts(*attributes: Pair) -> Replying:
    return Replying(packet(*attributes, code=Code.ACCESS_ACCEPT))


# -- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(42)
def test_nothing_is_handed_on_until_the_client_has_the_switch() -> None:
    request = named("alice", *answer("alice", "secret").attributes)
    assert unseen(accepts()).why_not(request, replace(VPN, pass_through=False)) == SET_PAP
    assert unseen(accepts()).why_not(request, VPN) == ""


def test_what_proves_nothing_is_not_handed_on() -> None:
    assert unseen(accepts()).why_not(named("alice"), VPN) == SET_PAP


def test_a_first_factor_that_is_no_radius_server_can_not_be_asked() -> None:
    assert unseen(None).why_not(named("alice", IDENTITY), VPN) == NO_UPSTREAM
    assert unseen(accepts()).why_not(named("alice", IDENTITY), replace(VPN, first_factor="")) == NO_UPSTREAM


# -- State ----------------------------------------------------------------------------------------------------------


def challenged(client: Client = VPN) -> bytes:
    upstream = Replying(packet((int(Attribute.STATE), b"theirs"), code=Code.ACCESS_CHALLENGE))
    said = ask(upstream, named("alice", IDENTITY), client)
    assert isinstance(said, Onward)
    ((kind, state),) = said.attributes
    assert kind == Attribute.STATE
    return state


def test_a_state_of_the_other_server_leaves_wrapped_and_comes_back_as_it_was() -> None:
    state, upstream = challenged(), replace(accepts(), inner_name_checked=True)
    assert state != b"theirs"
    assert isinstance(ask(upstream, named("alice", TTLS, (int(Attribute.STATE), state))), Proven)
    assert (Attribute.STATE, b"theirs") in upstream.asked[0]


def test_so_does_a_state_that_comes_with_an_accept() -> None:
    said = ask(accepts((int(Attribute.STATE), b"theirs")), named("alice", *answer("alice", "secret").attributes))
    assert said == Proven("alice", ((Attribute.STATE, challenged()),))


@pytest.mark.parametrize("broken", [b"theirs", b"0" * 64, b"", b"up:" + bytes(16) + b"theirs"])
def test_a_state_that_was_not_given_here_goes_nowhere(broken: bytes) -> None:
    upstream = accepts()
    with pytest.raises(Malformed, match=ALTERED):
        ask(upstream, named("alice", TTLS, (int(Attribute.STATE), broken)))
    assert upstream.asked == []


def test_a_state_of_another_client_goes_nowhere() -> None:
    with pytest.raises(Malformed, match=ALTERED):
        ask(accepts(), named("alice", TTLS, (int(Attribute.STATE), challenged(WIFI))))


# -- whom it is about -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [TTLS, (int(Attribute.EAP_MESSAGE), b"\x02\x07\x00\x06\x19\x00"), IDENTITY])
def test_a_name_that_stood_outside_of_a_tunnel_is_nobodys(inside: Pair) -> None:
    """Else mallory, who has a second factor, gets in with the password of alice."""
    assert ask(accepts(), named("mallory", inside)) == Disproven("mallory", Reason.UNKNOWN_USER, NAMELESS)


@pytest.mark.parametrize("told", [b"mallory", b"MALLORY", b"alice", b"corp\\mallory"])
def test_a_name_that_the_server_tells_may_be_the_one_outside_once_more(told: bytes) -> None:
    """FreeRADIUS repeats it by itself."""
    assert isinstance(ask(accepts((int(Attribute.USER_NAME), told)), named("mallory", TTLS)), Disproven)


@pytest.mark.parametrize("outer", ["anonymous", "Anonymous@corp.example", "@corp.example"])
def test_whom_the_server_names_for_somebody_anonymous_is_whom_it_let_in(outer: str) -> None:
    repeated, told = (int(Attribute.USER_NAME), outer.encode()), (int(Attribute.USER_NAME), b"alice")
    said = ask(accepts(repeated, told), named(outer, TTLS))
    assert isinstance(said, Proven)
    assert said.user_name == "alice"


@pytest.mark.parametrize("told", [(), (b"anonymous",), (b"alice", b"bob"), (b"\xff",)])
def test_somebody_anonymous_whom_the_server_does_not_name_is_nobody(told: tuple[bytes, ...]) -> None:
    upstream = accepts(*((int(Attribute.USER_NAME), name) for name in told))
    assert isinstance(ask(replace(upstream, inner_name_checked=True), named("anonymous", TTLS)), Disproven)


def test_a_server_that_is_said_to_compare_both_names_is_believed() -> None:
    upstream = replace(accepts(), inner_name_checked=True)
    assert ask(upstream, named("alice", TTLS)) == Proven("alice", ())


@pytest.mark.parametrize(
    "proof",
    [answer("alice", "secret").attributes, ((int(Attribute.CHAP_PASSWORD), bytes(17)),), ((79, mschapv2(b"", 3)),)],
)
def test_what_proves_the_name_itself_is_about_that_name(proof: tuple[Pair, ...]) -> None:
    assert ask(accepts(), named("alice", *proof)) == Proven("alice", ())


@pytest.mark.parametrize("inside", [b"alice", b"CORP\\alice", b"ALICE"])
def test_the_name_in_the_proof_may_have_a_domain(inside: bytes) -> None:
    assert isinstance(ask(accepts(), named("alice", (79, mschapv2(inside)))), Proven)


def test_a_proof_in_another_name_is_not_handed_on() -> None:
    upstream = accepts()
    assert ask(upstream, named("mallory", (79, mschapv2(b"alice")))) == Disproven(
        "mallory", Reason.WRONG_PASSWORD, OTHER_NAME
    )
    assert upstream.asked == []


# -- a no -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (691, Reason.WRONG_PASSWORD),
        (646, Reason.NOT_ALLOWED_NOW),
        (647, Reason.ACCOUNT_DISABLED),
        (648, Reason.PASSWORD_EXPIRED),
        (649, Reason.NOT_ALLOWED_NOW),
        (700, Reason.WRONG_PASSWORD),
    ],
)
def test_what_ms_chap_says_is_told_by_its_reason(error: int, reason: Reason) -> None:
    said = (microsoft(MS_CHAP_ERROR, f"\x01E={error} R=0".encode()), (int(Attribute.REPLY_MESSAGE), b"No\n."))
    upstream = Replying(packet(*said, code=Code.ACCESS_REJECT))
    assert ask(upstream, named("alice", IDENTITY)) == Disproven("alice", reason, f"No . (MS-CHAP error {error})")


def test_a_no_without_words_names_the_server() -> None:
    said = ask(Replying(packet(code=Code.ACCESS_REJECT)), named("alice", IDENTITY))
    assert said == Disproven("alice", Reason.WRONG_PASSWORD, "refused by one")


def test_a_no_ends_what_was_begun() -> None:
    assert unseen(None).refusal(named("alice", TTLS)) == ((Attribute.EAP_MESSAGE, b"\x04\x07\x00\x04"),)
    (pair,) = unseen(None).refusal(named("alice", *answer("alice", "secret").attributes))
    assert pair[0] == Attribute.VENDOR_SPECIFIC
