"""Sessions: begin one for a browser, know it again, renew it, end it, and forget those whose time is over.

The browser holds 256 bits of chance; what is stored is their HMAC, so that a stolen database opens nothing. A session
that has ended is a row that is gone: no later event brings it back. Each act of this file is one slice.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import ACCESS_PASS, Credential, CredentialState
from vestibule.core.journal import Entry, EntryKind, Query
from vestibule.core.pins import PIN
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.sessions import Session
from vestibule.core.snapshot import Settings
from vestibule.core.users import Alias, User
from vestibule.flows.client_rules import PORTAL, is_portal
from vestibule.flows.desk import SLICE, Desk, checked, user_named
from vestibule.flows.refused import Missing, Refused
from vestibule.wire.names import name_key

TOKEN_OCTETS = 32
SEEN_EVERY = 60.0  # seconds; finer than that no use is written down
MOST = 20  # sessions of one person; the one that was used longest ago gives way
LONGEST_AGENT = 200
HANDLE = 16  # digits of a session's id by which its person names it
SIGN_IN_SECONDS = 60.0
ENDED_ACCOUNT = "This account can not be used now."

Clock = Callable[[], float]


class Stage(StrEnum):
    """How far the person behind a session has come. Only `FULL` opens more than the way to it."""

    REGISTER = "register"  # nothing but the first factor, and no second one to ask for
    PROVE = "prove"  # a second factor is there, or was, and was not proven in this session
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Signed:
    """A browser that is signed in: whose it is, how far, and whether they proved themselves a moment ago."""

    session: Session
    user: User
    stage: Stage
    fresh: bool

    @property
    def actor(self) -> str:
        """How the journal names the person; by the id, since an actor's name could not be erased."""
        return f"user {self.user.id}"


@dataclass(frozen=True, slots=True)
class Told:
    """One session as its person is told of it."""

    handle: str
    created_at: float
    seen_at: float
    address: str
    agent: str
    this: bool


# -- the client that the portal asks as ------------------------------------------------------------------------------


def portal_client(now: float) -> Client:
    """As whom the portal signs people in: no network, no secret, the password first and then the code."""
    return Client(PORTAL, "Portal", (), (), sign_in=SignIn.PASSWORD_THEN_CODE, created_at=now, web=True)


async def ensure_portal_client(desk: Desk) -> bool:
    """Make the client at the first start; whether the one that is there is fit to sign people in."""
    there = desk.store.snapshot.clients.get(PORTAL)
    if there is not None:
        return is_portal(there)

    def act(writing: Writing) -> bool:
        there = writing.get(Client, PORTAL)
        if there is None:
            writing.put(portal_client(desk.clock()))
            writing.note(Entry(desk.clock(), EntryKind.SYSTEM, "client.add", client_id=PORTAL))
        return there is None or is_portal(there)

    return await desk.store.change(act)


# -- one session -----------------------------------------------------------------------------------------------------


async def begin(
    desk: Desk, user_id: str, *, method: str = "", attempt_id: str = "", agent: str = "", replaces: str = ""
) -> str:
    """Begin a session for a person who has just proven themselves; the token for the browser, shown once.

    `method` is the second factor; for a settled attempt the journal says which it was. The session of the token
    `replaces` ends. Refused for somebody who is gone or blocked by now.
    """
    token = base64.urlsafe_b64encode(desk.chance(TOKEN_OCTETS)).decode().rstrip("=")
    now = desk.clock()

    def act(writing: Writing) -> str:
        user = writing.get(User, user_id)
        if user is None or user.blocked(now):
            raise Refused(ENDED_ACCOUNT)
        proven = method or _proven_by(writing, user_id, attempt_id, now)
        one = Session(id_of(desk, token), user_id, now, now, now, proven, desk.address, checked(_plain(agent), "agent"))
        _make_room(writing, user_id)
        if replaces:
            writing.remove(Session, id_of(desk, replaces))
        writing.put(one)
        writing.note(desk.entry("session.begin", _actor(user_id), user, method=proven, session=handle_of(one)))
        return token

    return await desk.store.change(act)


async def recognise(desk: Desk, token: str) -> Signed | None:
    """Whose session this is, or None for one that is not, or not any more. Raises Unavailable."""
    now, settings, id = desk.clock(), desk.store.snapshot.settings, id_of(desk, token)

    def question(reading: Reading) -> Signed | None:
        session = reading.get(Session, id)
        user = reading.get(User, session.user_id) if session else None
        if session is None or user is None or user.blocked(now) or not _alive(session, settings, now):
            return None
        fresh = 0 <= now - session.proved_at < settings.session_proof_seconds
        return Signed(session, user, _stage(reading, session, now), fresh)

    signed = await desk.store.read(question)
    if signed is not None and now - signed.session.seen_at >= SEEN_EVERY:
        await desk.store.change(lambda writing: _seen(writing, id, now))
    return signed


async def end(desk: Desk, signed: Signed) -> None:
    """Sign this browser out."""

    def act(writing: Writing) -> None:
        writing.remove(Session, signed.session.id)
        detail = {"session": handle_of(signed.session)}
        writing.note(desk.entry("session.end", signed.actor, signed.user, **detail))

    await desk.store.change(act)


async def end_others(desk: Desk, signed: Signed, handle: str = "") -> int:
    """End the other session that `handle` names, or all others; how many ended. Refused for one that is not there."""

    def act(writing: Writing) -> int:
        others = [one for one in writing.find(Session, "user_id", signed.user.id) if one.id != signed.session.id]
        ending = [one for one in others if not handle or handle_of(one) == handle]
        if handle and not ending:
            raise Missing("This session has ended already.", "session")
        for one in ending:
            writing.remove(Session, one.id)
        writing.note(desk.entry("session.end_others", signed.actor, signed.user, ended=len(ending)))
        return len(ending)

    return await desk.store.change(act)


async def listed(desk: Desk, signed: Signed) -> tuple[Told, ...]:
    """All sessions of this person that are alive, the one that was used last first."""
    now, settings = desk.clock(), desk.store.snapshot.settings

    def question(reading: Reading) -> tuple[Told, ...]:
        all_of_them = reading.find(Session, "user_id", signed.user.id)
        alive = sorted((one for one in all_of_them if _alive(one, settings, now)), key=lambda one: -one.seen_at)
        return tuple(_told(one, this=one.id == signed.session.id) for one in alive)

    return await desk.store.read(question)


def end_all(writing: Writing, user_id: str) -> int:
    """End all sessions of a person ("" for nobody), in the slice of the act that ends them; how many."""
    sessions = writing.find(Session, "user_id", user_id) if user_id else []
    for one in sessions:
        writing.remove(Session, one.id)
    return len(sessions)


def person_of(reading: Reading, name: str) -> User | None:
    """The person who signs in by this name, their own or another of theirs."""
    alias = reading.get(Alias, name_key(name))
    return user_named(reading, name) or (reading.get(User, alias.user_id) if alias else None)


def id_of(desk: Desk, token: str) -> str:
    """What is kept of a token."""
    return desk.mac(b"session " + token.encode()).hex()


def handle_of(session: Session) -> str:
    """The name of a session on pages and in the journal, good for nothing else."""
    return session.id[:HANDLE]


# -- those whose time is over ----------------------------------------------------------------------------------------


async def sweep(store: Store, clock: Clock) -> int:
    """Forget sessions whose time is over; how many. Raises Unavailable."""
    forgotten, after = 0, ""
    while rows := await store.read(lambda reading, after=after: reading.page(Session, after, SLICE)):  # type: ignore[misc]  # bound now
        now, settings = clock(), store.snapshot.settings
        over = [one.id for one in rows if not _alive(one, settings, now)]
        if over:
            forgotten += await store.change(_forgetting(over, settings, now))
        after = rows[-1].id
    return forgotten


def _forgetting(ids: Iterable[str], settings: Settings, now: float) -> Callable[[Writing], int]:
    def act(writing: Writing) -> int:
        found = (writing.get(Session, id) for id in ids)
        over = [one for one in found if one is not None and not _alive(one, settings, now)]
        for one in over:
            writing.remove(Session, one.id)
        if over:
            writing.note(Entry(now, EntryKind.SYSTEM, "session.expired", detail={"count": len(over)}))
        return len(over)

    return act


# -- small questions -------------------------------------------------------------------------------------------------


def may_register(reading: Reading, user_id: str) -> bool:
    """Whether the first factor alone may bind a second one: only while the person never had any.

    A factor that was disabled or has expired is no reason to let in whoever knows the password.
    """
    held = reading.find(Credential, "user_id", user_id)
    return all(one.state is CredentialState.PENDING or one.method == PIN for one in held)


def _stage(reading: Reading, session: Session, now: float) -> Stage:
    """A session of the first factor alone opens nothing once there is a second one to ask for.

    What a temporary access pass opened ends with the pass.
    """
    usable = {one.method for one in reading.find(Credential, "user_id", session.user_id) if one.usable(now)} - {PIN}
    over = session.method == ACCESS_PASS and ACCESS_PASS not in usable
    proven = bool(session.method) and not over
    if usable:
        return Stage.FULL if proven else Stage.PROVE
    return Stage.REGISTER if proven or may_register(reading, session.user_id) else Stage.PROVE


def _alive(session: Session, settings: Settings, now: float) -> bool:
    return session.alive(now, longest=settings.session_longest_seconds, idle=settings.session_idle_seconds)


def _seen(writing: Writing, id: str, now: float) -> None:
    """Write down that it was used, unless it has ended meanwhile."""
    session = writing.get(Session, id)
    if session is not None:
        writing.put(replace(session, seen_at=max(now, session.seen_at)))


def _make_room(writing: Writing, user_id: str) -> None:
    sessions = sorted(writing.find(Session, "user_id", user_id), key=lambda one: one.seen_at)
    for one in sessions[: max(0, len(sessions) - MOST + 1)]:
        writing.remove(Session, one.id)


def _proven_by(reading: Reading, user_id: str, attempt_id: str, now: float) -> str:
    """The method of the accepted attempt, as the journal has it; "" where there was no question."""
    if not attempt_id:
        return ""
    query = Query(user_id=user_id, since=now - SIGN_IN_SECONDS, kind=EntryKind.SIGN_IN, accepted=True)
    lines = reading.lines(query, (0.0, "", 0), SLICE)
    return next((line.entry.method for line in reversed(lines) if line.entry.attempt_id == attempt_id), "")


def _told(one: Session, *, this: bool) -> Told:
    return Told(handle_of(one), one.created_at, one.seen_at, one.address, one.agent, this)


def _actor(user_id: str) -> str:
    return f"user {user_id}"


def _plain(agent: str) -> str:
    """What a browser calls itself, as far as it can be shown."""
    return "".join(character for character in agent if character.isprintable())[:LONGEST_AGENT]
