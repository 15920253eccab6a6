"""The directory: upstream servers asked in order, each for its share of the time, until one has answered.

A request that comes back to us (we ask NPS, and NPS asks us) is known by a mark of ours in Proxy-State. It ends at
once with a text that says so, and counts as nobody's wrong password.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from vestibule.core.decisions import Account
from vestibule.core.directories import Verdict
from vestibule.core.errors import Unavailable
from vestibule.core.secret import Secret
from vestibule.directories.upstream_radius.answers import (
    Accepted,
    Answer,
    Challenged,
    Pair,
    Rejected,
    Relayed,
)
from vestibule.directories.upstream_radius.peer import Keeping, Log, Peer, Reply, Silent
from vestibule.directories.upstream_radius.servers import Server
from vestibule.directories.upstream_radius.timing import Timing
from vestibule.wire.radius.packet import LONGEST_VALUE, Attribute, Code, Packet
from vestibule.wire.radius.passing import holds_key
from vestibule.wire.radius.password import LONGEST_PASSWORD
from vestibule.wire.radius.reply import OWN_ATTRIBUTES

AUTHENTICATE_ONLY = (8).to_bytes(4, "big")  # RFC 2865 section 5.6
KEPT_TO_OURSELVES = OWN_ATTRIBUTES | {
    int(Attribute.USER_NAME),
    int(Attribute.REPLY_MESSAGE),
    int(Attribute.STATE),
    int(Attribute.EAP_MESSAGE),
}
NONCE = 8
LONGEST_MESSAGE = 250
STATES_KEPT = 10_000
LOOP = (
    "the request came back to us: the upstream server sends what we ask it on to us. There, let requests of this "
    "client be authenticated on that server itself"
)


class UpstreamRadius:
    """Checks passwords, and carries what is no password, by asking other RADIUS servers."""

    def __init__(
        self,
        servers: Sequence[Server],
        mark: bytes,
        chance: Callable[[int], bytes],
        log: Log,
        *,
        nas_identifier: str = "vestibule",
        inner_name_checked: bool = False,
        timing: Timing = Timing(),  # noqa: B008 - frozen
    ) -> None:
        """Take servers in order of preference.

        `mark` is equal on all nodes of this installation and on no other, 16 to 64 octets. `inner_name_checked` is
        whether the servers refuse a name inside of a tunnel that is another than User-Name. Raises ValueError unless
        each server has a name of its own.
        """
        if len({server.name for server in servers}) != len(servers):
            raise ValueError("two upstream servers have the same name; give each its own")
        self._peers = [Peer(server, timing, chance, log) for server in servers]
        self.inner_name_checked = inner_name_checked
        self._mark = mark
        self._chance = chance
        self._nas_identifier = (int(Attribute.NAS_IDENTIFIER), nas_identifier.encode())
        self._under_way: dict[bytes, Reply] = {}
        self._states: OrderedDict[bytes, Peer] = OrderedDict()
        for server in servers:
            if not server.require_message_authenticator:
                log.warning("unsigned replies of an upstream server are believed", server=server.name)

    async def close(self) -> None:
        """Close all sockets; what is under way is told so."""
        for reply in tuple(self._under_way.values()):
            _end(reply, Unavailable("the upstream servers are not asked any more: this server stops"))
        for peer in self._peers:
            await peer.close()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """By server: `answered`, `unanswered`, `probes`, and dropped as `late`, `forged`, `unexpected`; `refused`."""
        return {peer.server.name: dict(peer.counts) for peer in self._peers}

    @property
    def resting(self) -> tuple[str, ...]:
        """The servers that are left alone because they answer nobody."""
        return tuple(peer.server.name for peer in self._peers if peer.breaker.open)

    # -- passwords ------------------------------------------------------------------------------------------------

    async def check(self, account: Account, password: Secret, source: str, deadline: float) -> Verdict:  # noqa: ARG002 - a try is booked to nobody: no work is done here
        """What the servers say of this person's password; they are asked by name, since RADIUS knows no other id.

        An empty password and one that RADIUS can not carry are asked for all the same, as a made-up person with a
        made-up password, so that they take as long and fail alike. `deadline` is in seconds of the event loop's
        clock. Raises `Unavailable`, also where the server asks a question of its own.
        """
        name = account.user_name
        if not 0 < len(password) <= LONGEST_PASSWORD or not 0 < len(name.encode()) <= LONGEST_VALUE:
            await self.ask(self._chance(8).hex(), Secret.of(self._chance(8).hex()), deadline)
            return Verdict(right=False)
        match await self.ask(name, password, deadline):
            case Accepted(attributes):
                return Verdict(right=True, attributes=tuple(_passed_on(attributes)))
            case Rejected(message):
                return Verdict(right=False, detail=message)
            case Challenged(server):
                raise Unavailable(
                    f"{server} answers a password with a question (Access-Challenge), which a first factor can not "
                    "carry; turn its own second factor off for this client"
                )

    async def ask(self, name: str, password: Secret, deadline: float) -> Answer:
        """What the first server that answers says about this name and password. Raises Unavailable, ValueError."""
        attributes = (
            (int(Attribute.USER_NAME), name.encode()),
            (int(Attribute.SERVICE_TYPE), AUTHENTICATE_ONLY),
            self._nas_identifier,
        )
        relayed = await self.exchange(attributes, deadline, password=password)
        return _answer(relayed)

    # -- anything -------------------------------------------------------------------------------------------------

    async def exchange(self, attributes: Iterable[Pair], deadline: float, *, password: Secret | None = None) -> Relayed:
        """Send these attributes, signed, and give the reply: EAP, CHAP and MS-CHAP as `wire.radius.passing` has them.

        A request that carries a State goes to the server whose State it is. Raises Unavailable; ValueError for
        attributes that no packet can carry.
        """
        reply: Reply = asyncio.get_running_loop().create_future()
        nonce = self._chance(NONCE)
        given = tuple(attributes)
        marked = (*given, (int(Attribute.PROXY_STATE), self._mark + nonce))
        self._under_way[nonce] = reply
        try:
            with contextlib.ExitStack() as stack:
                relayed = await self._ask_each(reply, marked, password, deadline, Keeping(stack), _state(given))
        finally:
            del self._under_way[nonce]
            _forget(reply)
        self._remember_state(relayed)
        return relayed

    def came_back(self, packet: Packet) -> bool:
        """Whether we ourselves asked this; then whoever waits for its answer is told what is wrong."""
        for state in packet.all(Attribute.PROXY_STATE):
            if state.startswith(self._mark):
                _end(self._under_way.get(state[len(self._mark) :]), Unavailable(LOOP))
                return True
        return False

    async def _ask_each(  # noqa: PLR0917 - one exchange
        self,
        reply: Reply,
        attributes: tuple[Pair, ...],
        password: Secret | None,
        deadline: float,
        keeping: Keeping,
        state: bytes | None,
    ) -> Relayed:
        """Ask one after the other; each has an equal share of the time that is left, and no more than its patience."""
        loop, said = asyncio.get_running_loop(), []
        peers = self._candidates(state, loop.time())
        for place, peer in enumerate(peers):
            left = deadline - loop.time()
            if left <= 0:
                break
            keeping.hasty = place < len(peers) - 1
            share = min(peer.server.patience, left / (len(peers) - place))
            try:
                return await peer.ask(reply, attributes, password, loop.time() + share, keeping)
            except Silent as silent:
                said.append(str(silent))
        raise Unavailable(f"no upstream server answered ({'; '.join(said) or self._why_none()})")

    def _candidates(self, state: bytes | None, now: float) -> list[Peer]:
        asker = self._states.get(state) if state is not None else None
        if asker is not None:
            return [asker]
        return [peer for peer in self._peers if peer.breaker.admits(now)]

    def _why_none(self) -> str:
        if self.resting:
            return f"{', '.join(self.resting)}: silent a moment ago, and left alone until it is back"
        return "no time was left"

    def _remember_state(self, relayed: Relayed) -> None:
        state = relayed.packet.first(Attribute.STATE)
        if relayed.packet.code != Code.ACCESS_CHALLENGE or state is None:
            return
        self._states[state] = next(peer for peer in self._peers if peer.server.name == relayed.server)
        if len(self._states) > STATES_KEPT:
            self._states.popitem(last=False)


def _end(reply: Reply | None, why: Unavailable) -> None:
    if reply is not None and not reply.done():
        reply.set_exception(why)


def _forget(reply: Reply) -> None:
    """Nobody looks at it any more, whatever comes."""
    if not reply.cancel() and not reply.cancelled():
        reply.exception()


def _state(attributes: tuple[Pair, ...]) -> bytes | None:
    return next((value for kind, value in attributes if kind == Attribute.STATE), None)


def _answer(relayed: Relayed) -> Answer:
    packet = relayed.packet
    match packet.code:
        case Code.ACCESS_ACCEPT:
            return Accepted(tuple(pair for pair in packet.attributes if pair[0] not in OWN_ATTRIBUTES))
        case Code.ACCESS_CHALLENGE:
            return Challenged(relayed.server, _message(packet))
        case _:
            return Rejected(_message(packet))


def _passed_on(attributes: tuple[Pair, ...]) -> Iterator[tuple[str, str]]:
    """What doors may pass on, as they take it: "#" and the number, and the octets in hexadecimal."""
    for kind, value in attributes:
        if kind not in KEPT_TO_OURSELVES and not holds_key(kind, value):
            yield f"#{kind}", value.hex()


def _message(packet: Packet) -> str:
    """Words for people, fit for one line of the journal."""
    text = b"".join(packet.all(Attribute.REPLY_MESSAGE)).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST_MESSAGE]
