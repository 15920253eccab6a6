"""The test bench of a client: a real sign-in as this client would ask for it, and what went to and fro.

Rules of this file:
- It is a sign-in like any other: it is counted, it spends its code, and the journal has its line.
- Nobody is let in anywhere by it; the answer is only shown.
- Of what was typed, the name and the address are shown again. Passwords, codes and secrets never are.
- Who tests is written down before anything is sent.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from vestibule.core.clients import Client, SignIn
from vestibule.core.errors import Malformed
from vestibule.core.journal import EntryKind, Line, Query
from vestibule.core.policy import is_address
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.flows.client_rules import PORTAL, is_portal
from vestibule.flows.clients import the_client
from vestibule.flows.desk import Desk, required
from vestibule.flows.refused import Refused
from vestibule.flows.sessions import person_of
from vestibule.wire.names import name_key
from vestibule.wire.radius.client import decode_reply, encode_access_request
from vestibule.wire.radius.naming import HIDDEN, Named, named
from vestibule.wire.radius.packet import Attribute, Code, decode
from vestibule.wire.radius.password import LONGEST_PASSWORD, hide

AUTHENTICATOR_OCTETS = 16
LONGEST_WAIT = 60.0  # seconds; a browser is not kept longer, however patient the client is
MARGIN_SECONDS = 2.0  # the answer to a question that waits comes at the end of the client's own time
LONGEST_NAME = 253
LINES_READ = 100
ATTEMPTS = "/api/v1/attempts"
TYPED = frozenset({"password", "code", "answer"})
QUESTION = re.compile(r"([0-9a-f]{32})([0-9a-f]{32})")

NO_PASSWORD = "With sign_in code_only this client sends no password; leave it empty and type the code."  # noqa: S105 - a sentence
NOTHING_TYPED = "Type a password or a code."
BUILT_IN = "This client is the portal itself: to test it, sign in to the portal in another browser."
TOO_LONG = "Password and code together are longer than RADIUS carries (128 octets)."
NO_ADDRESS = "address must be an IP address, as 192.0.2.10, or empty."
NO_QUESTION = "This question can not be answered any more. Begin the test anew."


class Outcome(StrEnum):
    """How an exchange ended."""

    ACCEPT = "accept"
    CHALLENGE = "challenge"
    REJECT = "reject"
    SILENCE = "silence"
    OTHER = "other"


CODES: dict[int, Outcome] = {
    Code.ACCESS_ACCEPT: Outcome.ACCEPT,
    Code.ACCESS_CHALLENGE: Outcome.CHALLENGE,
    Code.ACCESS_REJECT: Outcome.REJECT,
}
DECISIONS = {"accept": Outcome.ACCEPT, "challenge": Outcome.CHALLENGE, "refused": Outcome.REJECT}


class Way(StrEnum):
    """How a request came to the door."""

    SOCKET = "socket"  # from an address of the client, through the network
    HANDED = "handed"  # handed to the door as if it came from such an address
    API = "api"


@dataclass(frozen=True, slots=True)
class Carried:
    """A datagram that was carried: the reply, None for silence; and from which address it came to the door."""

    reply: bytes | None
    way: Way
    source: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What the HTTP API answered."""

    status: int
    body: bytes


class Carrier(Protocol):
    """Brings requests to the doors of this very server; `apps/` knows them."""

    async def radius(self, client: Client, datagram: bytes, seconds: float) -> Carried:
        """Let the RADIUS door answer it, within so many seconds. Raises Unavailable where no address leads there."""

    async def http(self, client: Client, path: str, body: bytes, seconds: float) -> Answered:
        """Let the API answer this POST of a program that verifies for the client. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One request or answer as it may be shown: its kind, and its fields in order."""

    title: str
    fields: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its answer, None for silence; `seconds` from one to the other."""

    sent: Shown
    received: Shown | None
    seconds: float
    way: Way
    source: str


@dataclass(frozen=True, slots=True)
class Tested:
    """A test: what went to and fro, how it ended, the question that is open (""), the line of the journal about it."""

    client: Client
    user: str
    outcome: Outcome
    exchanges: tuple[Exchange, ...]
    question: str = ""
    line: Line | None = None


@dataclass(frozen=True, slots=True)
class Typed:
    """What the administrator typed."""

    user: str
    password: Secret
    code: Secret
    address: str

    def field(self, sign_in: SignIn) -> bytes:
        """What stands in the password field of the first request. Refused where that can not be."""
        password, code = self.password.reveal(), self.code.reveal()
        if not password and not code:
            raise Refused(NOTHING_TYPED, "password")
        if sign_in is SignIn.CODE_ONLY and password:
            raise Refused(NO_PASSWORD, "password")
        together = {
            SignIn.PASSWORD_THEN_CODE: password,
            SignIn.PASSWORD_AND_CODE: password + code,
            SignIn.CODE_AND_PASSWORD: code + password,
            SignIn.CODE_ONLY: code,
        }
        return together[sign_in]


async def begin(
    desk: Desk, actor: str, carrier: Carrier, *, id: str, user: str, password: str, code: str, address: str = ""
) -> Tested:
    """Sign somebody in as this client would; a code that was typed answers the question that follows the password.

    Raises Unavailable where the doors can not be reached.
    """
    typed = Typed(required(user, "user", LONGEST_NAME), Secret.of(password), Secret.of(code), address.strip())
    if typed.address and not is_address(typed.address):
        raise Refused(NO_ADDRESS, "address")
    known = await _client(desk, id)
    field = _fitting(known, typed.field(known.sign_in), "password")
    client, since = await _noted(desk, actor, id, typed.user), desk.clock()
    asker = _Asker(desk, carrier, client, typed.user)
    if not client.networks:
        tested = await asker.over_http(ATTEMPTS, _beginning(typed))
    else:
        tested = await asker.over_radius(field, _calling(typed.address))
        if tested.question and typed.code and client.sign_in is SignIn.PASSWORD_THEN_CODE:
            then = await asker.over_radius(typed.code.reveal(), _with_state(tested.question))
            tested = replace(then, exchanges=(*tested.exchanges, *then.exchanges))
    return await _with_line(desk, tested, since)


async def answer(desk: Desk, actor: str, carrier: Carrier, *, id: str, user: str, question: str, code: str) -> Tested:
    """Answer the question of a test that was begun. Raises Unavailable."""
    asked = QUESTION.fullmatch(question)
    if asked is None:
        raise Refused(NO_QUESTION, "question")
    if not code:
        raise Refused(NOTHING_TYPED, "code")
    typed = required(user, "user", LONGEST_NAME)
    field = _fitting(await _client(desk, id), Secret.of(code).reveal(), "code")
    client, since = await _noted(desk, actor, id, typed), desk.clock()
    asker = _Asker(desk, carrier, client, typed)
    if not client.networks:
        attempt, nonce = asked.groups()
        tested = await asker.over_http(f"{ATTEMPTS}/{attempt}/answer", {"user": typed, "nonce": nonce, "answer": code})
    else:
        tested = await asker.over_radius(field, _with_state(question))
    return await _with_line(desk, tested, since)


# -- what is there, and what is written down -----------------------------------------------------------------------


async def _client(desk: Desk, id: str) -> Client:
    client = await desk.store.read(lambda reading: the_client(reading, id))
    if client.id == PORTAL and is_portal(client):
        raise Refused(BUILT_IN, "id")
    return client


def _fitting(client: Client, field: bytes, name: str) -> bytes:
    """What is to be sent; refused where RADIUS can not carry it."""
    if client.networks and len(field) > LONGEST_PASSWORD:
        raise Refused(TOO_LONG, name)
    return field


async def _noted(desk: Desk, actor: str, id: str, user: str) -> Client:
    """Write down who tests which client as whom."""

    def act(writing: Writing) -> Client:
        client = the_client(writing, id)
        writing.note(replace(desk.entry("client.test", actor, person_of(writing, user)), client_id=client.id))
        return client

    return await desk.store.change(act)


async def _with_line(desk: Desk, tested: Tested, since: float) -> Tested:
    """Find the line that this sign-in left; a question that is open has left none."""

    def found(reading: Reading) -> Line | None:
        user = person_of(reading, tested.user)
        query = Query(user.id if user else "", since, kind=EntryKind.SIGN_IN, client_id=tested.client.id)
        return next((line for line in reading.newest(query, None, LINES_READ) if _about(line, tested, user)), None)

    return replace(tested, line=await desk.store.read(found))


def _about(line: Line, tested: Tested, user: User | None) -> bool:
    entry = line.entry
    return entry.user_id == user.id if user else name_key(entry.user_name) == name_key(tested.user)


# -- asking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks as this client for this person."""

    desk: Desk
    carrier: Carrier
    client: Client
    user: str

    async def over_radius(self, field: bytes, more: list[tuple[int, bytes]]) -> Tested:
        """Send an Access-Request with this in its password field."""
        client, secret = self.client, self.client.secrets[0].reveal()
        authenticator, [identifier] = self.desk.chance(AUTHENTICATOR_OCTETS), self.desk.chance(1)
        hidden = hide(field, secret, authenticator)
        attributes = [(int(Attribute.USER_NAME), self.user.encode()), (int(Attribute.USER_PASSWORD), hidden)]
        if client.nas_identifier:
            attributes.append((int(Attribute.NAS_IDENTIFIER), client.nas_identifier.encode()))
        request = encode_access_request(identifier, authenticator, [*attributes, *more], secret)
        loop = asyncio.get_running_loop()
        began = loop.time()
        carried = await self.carrier.radius(client, request, min(client.time_budget + MARGIN_SECONDS, LONGEST_WAIT))
        seconds = loop.time() - began
        outcome, question, received = _read(self.desk, carried.reply, request, secret)
        exchange = Exchange(_shown(self.desk, request), received, seconds, carried.way, carried.source)
        return Tested(client, self.user, outcome, (exchange,), question)

    async def over_http(self, path: str, body: Mapping[str, str]) -> Tested:
        """Send a POST with these fields."""
        loop = asyncio.get_running_loop()
        began, patience = loop.time(), min(self.client.time_budget + MARGIN_SECONDS, LONGEST_WAIT)
        said = await self.carrier.http(self.client, path, json.dumps(body).encode(), patience)
        seconds, told = loop.time() - began, _told(said.body)
        sent = Shown(
            f"POST {path}", tuple(Named(name, HIDDEN if name in TYPED else text) for name, text in body.items())
        )
        received = Shown(f"{said.status}", tuple(Named(name, _text(value)) for name, value in told.items()))
        outcome = DECISIONS.get(str(told.get("decision")), Outcome.OTHER)
        question = f"{told.get('attempt')}{told.get('nonce')}" if outcome is Outcome.CHALLENGE else ""
        return Tested(self.client, self.user, outcome, (Exchange(sent, received, seconds, Way.API, ""),), question)


# -- RADIUS --------------------------------------------------------------------------------------------------------


def _calling(address: str) -> list[tuple[int, bytes]]:
    return [(int(Attribute.CALLING_STATION_ID), address.encode())] if address else []


def _with_state(question: str) -> list[tuple[int, bytes]]:
    return [(int(Attribute.STATE), question.encode())]


def _read(desk: Desk, reply: bytes | None, request: bytes, secret: bytes) -> tuple[Outcome, str, Shown | None]:
    """How it ended, the open question, and the reply in words; one that can not be believed is told as such."""
    if reply is None:
        return Outcome.SILENCE, "", None
    try:
        packet = decode_reply(reply, request, secret)
    except Malformed as malformed:
        return Outcome.OTHER, "", Shown(str(malformed))
    outcome = CODES.get(packet.code, Outcome.OTHER)
    state = packet.first(Attribute.STATE) if outcome is Outcome.CHALLENGE else None
    return outcome, state.decode() if state else "", _shown(desk, reply)


def _shown(desk: Desk, octets: bytes) -> Shown:
    packet = decode(octets)
    title = next((code.name.title().replace("_", "-") for code in Code if code == packet.code), str(packet.code))
    return Shown(title, tuple(named(packet.attributes, desk.dictionary)))


# -- HTTP ----------------------------------------------------------------------------------------------------------


def _beginning(typed: Typed) -> dict[str, str]:
    parts = {
        "user": typed.user,
        "password": typed.password.reveal().decode(),
        "code": typed.code.reveal().decode(),
        "address": typed.address,
    }
    return {name: text for name, text in parts.items() if text}


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
