"""MS-CHAP inside RADIUS: Microsoft's attributes (RFC 2548) and the arithmetic of version 2 (RFC 2759, RFC 3079).

Rules of this file:
- A password or its hash is never needed here, only the hash of that hash, which no response can be made with.
- Keys and that hash are as good as a session: a caller never logs them.
"""

import re
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final

from vestibule.core.errors import Malformed
from vestibule.wire.radius.packet import Attribute, Packet
from vestibule.wire.radius.passing import MICROSOFT, MS_CHAP2_RESPONSE, MS_MPPE_RECV_KEY, MS_MPPE_SEND_KEY, Hop, inside
from vestibule.wire.radius.salted import SALT, hide_salted

Pair = tuple[int, bytes]

MS_CHAP_ERROR: Final = 2
MS_CHAP_CHALLENGE: Final = 11
MS_CHAP2_SUCCESS: Final = 26

AUTHENTICATION_FAILURE: Final = 691
"""The one error that refusals of ours carry; others would tell a guesser how far he came (RFC 2759 section 6)."""

_CHALLENGE: Final = 16
_RESPONSE: Final = 50
_ERROR: Final = re.compile(rb"E=(\d{1,5})\b")
_TO_SIGN: Final = b"Magic server to client signing constant", b"Pad to make it do more than one iteration"
_MASTER: Final = b"This is the MPPE Master Key"
_RECEIVE: Final = b"On the client side, this is the send key; on the server side, it is the receive key."
_SEND: Final = b"On the client side, this is the receive key; on the server side, it is the send key."


@dataclass(frozen=True, slots=True)
class Response:
    """What a client of version 2 answered: `challenge` is the server's, `peer_challenge` its own, both 16 octets.

    `nt_response` are 24 octets; `identifier` comes back with the outcome.
    """

    identifier: int
    challenge: bytes
    peer_challenge: bytes
    nt_response: bytes = field(repr=False)


def response_of(packet: Packet) -> Response | None:
    """The response of version 2 that a request carries; None without one. Raises `Malformed` for half of one."""
    held = dict(_microsofts(packet))
    said = held.get(MS_CHAP2_RESPONSE)
    if said is None:
        return None
    challenge = held.get(MS_CHAP_CHALLENGE, b"")
    if len(said) != _RESPONSE or len(challenge) != _CHALLENGE:
        raise Malformed("MS-CHAP2-Response: 50 octets with a challenge of 16 belong together")
    return Response(said[0], challenge, said[2:18], said[26:])


def error_of(packet: Packet) -> int:
    """The number in MS-CHAP-Error (RFC 2759 section 6), 0 where none is told."""
    said = dict(_microsofts(packet)).get(MS_CHAP_ERROR, b"")
    found = _ERROR.search(said)
    return int(found[1]) if found else 0


def refused(request: Packet, chance: bytes) -> tuple[Pair, ...]:
    """The attribute that says no to a response of version 2 (RFC 2548 section 2.1.5); none where none was given.

    `chance` are 16 octets for a challenge that nobody may answer (R=0), since the format has a place for one.
    """
    response = response_of(request)
    if response is None:
        return ()
    text = f"E={AUTHENTICATION_FAILURE} R=0 C={chance.hex().upper()} V=3 M=Authentication failed"
    return (_microsoft(MS_CHAP_ERROR, bytes((response.identifier,)) + text.encode()),)


def challenge_hash(response: Response, user_name: str) -> bytes:
    """The 8 octets that the response was made of (RFC 2759 section 8.2); a name goes in without its domain."""
    bare = user_name.rpartition("\\")[2].encode()
    return sha1(response.peer_challenge + response.challenge + bare, usedforsecurity=False).digest()[:8]


def authenticator_response(response: Response, user_name: str, hash_of_hash: bytes) -> str:
    """What proves to the client that we know its password as well (RFC 2759 section 8.7)."""
    inner = sha1(hash_of_hash + response.nt_response + _TO_SIGN[0], usedforsecurity=False).digest()
    outer = sha1(inner + challenge_hash(response, user_name) + _TO_SIGN[1], usedforsecurity=False)
    return f"S={outer.hexdigest().upper()}"


def session_keys(response: Response, hash_of_hash: bytes) -> tuple[bytes, bytes]:
    """The keys for sending and for receiving, 16 octets each, as the server has them (RFC 3079 section 3.4)."""
    master = sha1(hash_of_hash + response.nt_response + _MASTER, usedforsecurity=False).digest()[:16]
    return _start_key(master, _SEND), _start_key(master, _RECEIVE)


def success(response: Response, user_name: str, hash_of_hash: bytes, leaves: Hop, chance: bytes) -> tuple[Pair, ...]:
    """The attributes of an accept: MS-CHAP2-Success and both keys, hidden for the client's hop.

    `chance` are two octets for the salts.
    """
    said = bytes((response.identifier,)) + authenticator_response(response, user_name, hash_of_hash).encode()
    send, receive = session_keys(response, hash_of_hash)
    first = int.from_bytes(chance[:SALT], "big")
    salts = [(0x8000 | (first + number) & 0x7FFF).to_bytes(SALT, "big") for number in (0, 1)]
    return (
        _microsoft(MS_CHAP2_SUCCESS, said),
        _microsoft(MS_MPPE_SEND_KEY, hide_salted(send, leaves.secret, leaves.authenticator, salts[0])),
        _microsoft(MS_MPPE_RECV_KEY, hide_salted(receive, leaves.secret, leaves.authenticator, salts[1])),
    )


def _start_key(master: bytes, magic: bytes) -> bytes:
    return sha1(master + bytes(40) + magic + b"\xf2" * 40, usedforsecurity=False).digest()[:16]


def _microsofts(packet: Packet) -> list[Pair]:
    values = packet.all(Attribute.VENDOR_SPECIFIC)
    return [pair for value in values if value[: len(MICROSOFT)] == MICROSOFT for pair in inside(value)]


def _microsoft(kind: int, value: bytes) -> Pair:
    return int(Attribute.VENDOR_SPECIFIC), MICROSOFT + bytes((kind, len(value) + 2)) + value
