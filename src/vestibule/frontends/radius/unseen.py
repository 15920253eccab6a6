"""Requests that prove a password without carrying one: EAP, CHAP, MS-CHAP. Somebody else looks at the proof.

Another RADIUS server gets the request as it is; a domain is asked about MS-CHAP version 2 alone, and the rest of the
answer is made here.

Rules of this file:
- The State of such a conversation is the other server's. It leaves here wrapped, good for the client that got it alone,
  so that it is never taken for a question of ours, nor ours for its.
- Whom the other server let in is the name that the proof was made with. A name outside of a tunnel is not, and servers
  repeat it in their answers: it counts only where they have compared it with the one inside. A name that they tell for
  somebody anonymous comes from inside. Else whoever has a second factor would pass with another's password.
- What refuses says the same whoever refuses; the other server's words are for the journal.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from vestibule.core.clients import Client
from vestibule.core.errors import Malformed
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.flows.responses import Response, Responses
from vestibule.frontends.radius.translation import LONGEST_TEXT, Attributes, user_name_of
from vestibule.wire.names import checked_text, name_key
from vestibule.wire.radius import eap, mschap
from vestibule.wire.radius.packet import LONGEST_VALUE, Attribute, Code, Packet
from vestibule.wire.radius.passing import Hop, forwarded, needs_upstream, returned

SET_PAP: Final = "the client sends CHAP, MS-CHAP or EAP; set it to PAP, or see pass_through"
NO_UPSTREAM: Final = (
    "pass_through needs first_factor to name a directory of kind radius, or for MS-CHAP version 2 one of kind ldap "
    "with ntlm_domain"
)
NAMELESS: Final = (
    "somebody was let in through a tunnel, and nobody can tell whom: let the upstream server refuse other names inside "
    "than outside and set inner_name_checked, or let it tell the inner one and people be anonymous outside"
)
OTHER_NAME: Final = "the proof is made with another name than User-Name"
ALTERED: Final = "the State is none that this client was given"

REASON_OF_ERROR: Final = {
    646: Reason.NOT_ALLOWED_NOW,  # outside of the hours
    647: Reason.ACCOUNT_DISABLED,
    648: Reason.PASSWORD_EXPIRED,
    649: Reason.NOT_ALLOWED_NOW,  # no permission to dial in
}
"""What MS-CHAP-Error says (RFC 2759 section 6); all the rest is a wrong password."""

ANONYMOUS: Final = frozenset({"", "anonymous"})

MARK: Final = b"up:"
"""Begins a wrapped State. One of ours is hexadecimal digits."""

SEAL: Final = 16
LONGEST_STATE: Final = LONGEST_VALUE - len(MARK) - SEAL
LONGEST_DETAIL: Final = 250
KEPT: Final = frozenset({int(Attribute.REPLY_MESSAGE)})


class Relayed(Protocol):
    """A reply of an upstream server that proved itself."""

    @property
    def packet(self) -> Packet:
        """The reply."""

    @property
    def server(self) -> str:
        """Whose it is."""

    @property
    def hop(self) -> Hop:
        """What hides the keys in it."""


class Upstream(Protocol):
    """Servers of others that are asked what the client asked us."""

    @property
    def inner_name_checked(self) -> bool:
        """Whether they refuse a name inside of a tunnel that is another than User-Name."""

    async def exchange(
        self, attributes: Iterable[tuple[int, bytes]], deadline: float, *, password: Secret | None = None
    ) -> Relayed:
        """Their reply to a request with these attributes. Raises Unavailable, ValueError."""


@dataclass(frozen=True, slots=True)
class Onward:
    """The conversation goes on: what the client gets with the next question."""

    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Proven:
    """The first factor of `user_name` is right; `attributes` go with an accept of ours."""

    user_name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Disproven:
    """It is not, or nobody can tell whose it was; `detail` is for the journal."""

    user_name: str
    reason: Reason
    detail: str


Said = Onward | Proven | Disproven


class Unseen:
    """Hands requests on to the directory that is the client's first factor."""

    def __init__(
        self,
        upstream_of: Callable[[str], Upstream | None],
        mac: Callable[[bytes], bytes],
        chance: Callable[[int], bytes],
        responses: Responses | None = None,
    ) -> None:
        """Take the question which upstream has this id, and a MAC that all nodes of the installation share.

        `responses` are checked by domains.
        """
        self._upstream_of = upstream_of
        self._responses = responses
        self._mac = mac
        self._chance = chance

    def why_not(self, packet: Packet, client: Client) -> str:
        """What stands against handing this on, "" for nothing. Raises Malformed."""
        if not client.pass_through or not needs_upstream(packet):
            return SET_PAP
        return "" if self._upstream(client) or self._domain(packet, client) else NO_UPSTREAM

    def refusal(self, packet: Packet) -> Attributes:
        """What must end such a conversation with a no, besides its text."""
        return (*eap.failure(packet), *mschap.refused(packet, self._chance(16)))

    async def ask(self, packet: Packet, client: Client, secret: bytes, deadline: float) -> Said:
        """What the upstream server says; `secret` is the client's. Raises Malformed, Unavailable."""
        upstream, asked = self._upstream(client), user_name_of(packet)
        domain = None if upstream else self._domain(packet, client)
        if domain is not None:
            return await self._by_domain(*domain, packet, client, Hop(secret, packet.authenticator), deadline)
        if upstream is None:
            raise Malformed(NO_UPSTREAM)
        if not _made_by(packet, asked):
            return Disproven(asked, Reason.WRONG_PASSWORD, OTHER_NAME)
        try:
            relayed = await upstream.exchange(self._unwrapped(packet, client), deadline)
        except ValueError as error:
            raise Malformed(f"the request can not be handed on: {error}") from None
        return self._said(relayed, upstream, packet, client, secret)

    def _upstream(self, client: Client) -> Upstream | None:
        return self._upstream_of(client.first_factor) if client.first_factor else None

    def _said(self, relayed: Relayed, upstream: Upstream, packet: Packet, client: Client, secret: bytes) -> Said:
        reply, asked = relayed.packet, user_name_of(packet)
        if reply.code == Code.ACCESS_REJECT:
            reason = REASON_OF_ERROR.get(mschap.error_of(reply), Reason.WRONG_PASSWORD)
            return Disproven(asked, reason, _words(reply) or f"refused by {relayed.server}")
        plain = returned(reply, relayed.hop, Hop(secret, packet.authenticator), self._chance(2))
        back = tuple(self._wrapped(pair, client) for pair in plain)
        if reply.code == Code.ACCESS_CHALLENGE:
            return Onward(back)
        whom = _whom(packet, reply, asked, compared=upstream.inner_name_checked)
        if not whom:
            return Disproven(asked, Reason.UNKNOWN_USER, NAMELESS)
        return Proven(whom, tuple(pair for pair in back if pair[0] not in KEPT))

    # -- a domain -------------------------------------------------------------------------------------------------

    def _domain(self, packet: Packet, client: Client) -> tuple[Responses, mschap.Response] | None:
        """Who checks the response that the request carries, and it. Raises Malformed, Unavailable."""
        response = mschap.response_of(packet)
        if response is None or self._responses is None or not self._responses.able(client.first_factor):
            return None
        return self._responses, response

    async def _by_domain(  # noqa: PLR0917 - one exchange
        self,
        responses: Responses,
        response: mschap.Response,
        packet: Packet,
        client: Client,
        leaves: Hop,
        deadline: float,
    ) -> Said:
        """Let the domain look at the response; the proof that it knows the password, and the keys, are made here."""
        name = user_name_of(packet)
        asked = Response(name, mschap.challenge_hash(response, name), response.nt_response)
        found = await responses.check(client.first_factor, asked, deadline)
        if not found.verdict.right:
            return Disproven(name, found.verdict.refusal, found.verdict.detail)
        return Proven(name, mschap.success(response, name, found.key.reveal(), leaves, self._chance(2)))

    # -- State ----------------------------------------------------------------------------------------------------

    def _wrapped(self, pair: tuple[int, bytes], client: Client) -> tuple[int, bytes]:
        kind, value = pair
        if kind != Attribute.STATE:
            return pair
        if len(value) > LONGEST_STATE:
            raise Malformed(f"the upstream server's State is longer than {LONGEST_STATE} octets")
        return kind, MARK + self._seal(value, client) + value

    def _unwrapped(self, packet: Packet, client: Client) -> Attributes:
        """The request as it goes on; Malformed for a State that this client was not given here."""
        return tuple(
            (kind, self._opened(value, client) if kind == Attribute.STATE else value)
            for kind, value in forwarded(packet)
        )

    def _opened(self, value: bytes, client: Client) -> bytes:
        seal, state = value[len(MARK) : len(MARK) + SEAL], value[len(MARK) + SEAL :]
        if not value.startswith(MARK) or not hmac.compare_digest(seal, self._seal(state, client)):
            raise Malformed(ALTERED)
        return state

    def _seal(self, state: bytes, client: Client) -> bytes:
        names = f"{client.id}\0{client.first_factor}\0".encode()
        return self._mac(b"state of an upstream\0" + names + state)[:SEAL]


def _whom(packet: Packet, reply: Packet, asked: str, *, compared: bool) -> str:
    """Whom an accept is about; "" where only a name outside of a tunnel is known that nobody has compared."""
    proof = eap.eap_of(packet)
    if proof is None or proof.method in eap.NAMED_OUTSIDE:
        return asked
    if _anonymous(asked):
        told = {name for value in reply.all(Attribute.USER_NAME) if not _anonymous(name := _text(value))}
        return told.pop() if len(told) == 1 else ""
    return asked if compared else ""


def _anonymous(name: str) -> bool:
    """Whether a name outside of a tunnel is nobody's (RFC 7542 section 2.4)."""
    return name_key(name.partition("@")[0]) in ANONYMOUS


def _text(value: bytes) -> str:
    try:
        return checked_text(value, "User-Name", LONGEST_TEXT)
    except Malformed:
        return ""


def _made_by(packet: Packet, asked: str) -> bool:
    """Whether a name that can be seen in the proof is User-Name, with or without a domain before it."""
    proof = eap.eap_of(packet)
    name = eap.name_inside(proof) if proof else None
    if name is None:
        return True
    return _bare(name.decode("utf-8", "replace")) == _bare(asked)


def _bare(name: str) -> str:
    return name_key(name.rpartition("\\")[2])


def _words(reply: Packet) -> str:
    """What the upstream server says to a refusal, fit for one line of the journal."""
    text = b"".join(reply.all(Attribute.REPLY_MESSAGE)).decode("utf-8", "replace")
    number = mschap.error_of(reply)
    told = "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST_DETAIL]
    return f"{told} (MS-CHAP error {number})".strip() if number else told
