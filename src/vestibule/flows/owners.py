"""The first owner, and the way back in: a link that is made on the host, good once, within a day.

Rules of this file:
- The link holds 256 bits of chance; what is stored is their HMAC. There is one link at a time, a new one ends it.
- Looking at the page spends nothing. What spends it is a name and a password that are taken.
- Whoever took it is an owner only when they have proven a second factor, within the time of the link.
- For somebody who is here already it is a recovery: a new password, and all their factors, sessions and blocks end.
"""

import base64
import hmac
import json
from dataclasses import dataclass, replace

from vestibule.core.failures import FailureKind, Failures
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Mfa, Password, Role, User
from vestibule.flows import leaving, roles, users
from vestibule.flows.desk import Desk, Told, the_user
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.rights import Right
from vestibule.flows.sessions import end_all

LINK, CLAIM = "owner/link", "owner/claim"
"""Under these names the store notes the link that is open, and whoever took one and has no second factor yet."""

TOKEN_OCTETS = 32
SECONDS = 86400.0
PATH = "/welcome/"

NO_PORTAL = (
    "It is not known under which address people reach the portal. Name it in api.public_url; the portal listens on "
    "api.listen."
)
OF_DIRECTORY = "{name} comes from the directory {directory}, which keeps the password. Name nobody, or a local user."
OVER = "This link was used, or has ended."


@dataclass(frozen=True, slots=True)
class Welcome:
    """A link that is open; `user_name` is whom it is for, "" for somebody new."""

    user_name: str


async def link(desk: Desk, actor: str, *, name: str | None = None) -> Told:
    """A link to the welcome page, shown once: {"url": text, "until": time, "user": name|null}. Ends any earlier one."""
    if not desk.portal:
        raise Refused(NO_PORTAL, "portal")
    token = base64.urlsafe_b64encode(desk.chance(TOKEN_OCTETS)).decode().rstrip("=")
    until = desk.clock() + SECONDS

    def act(writing: Writing) -> Told:
        roles.refuse_below(desk, writing, Right.ROLES)
        user = None if name is None else the_user(writing, name)
        if user is not None and user.directory:
            raise Refused(OF_DIRECTORY.format(name=user.name, directory=user.directory), "name")
        noted = {"digest": _digest(desk, token), "until": until, "user_id": user.id if user else ""}
        writing.set_state(LINK, json.dumps(noted))
        writing.set_state(CLAIM, "")
        writing.note(desk.entry("owner.link", actor, user, until=until))
        url = f"{desk.portal}{PATH}{token}"
        return {"url": url, "until": until, "user": user.name if user else None}

    return await desk.store.change(act)


async def opened(desk: Desk, token: str) -> Welcome | None:
    """Whom an open link is for, or None for one that is not open, or not any more."""

    def question(reading: Reading) -> Welcome | None:
        noted = _open(desk, reading, token)
        if noted is None:
            return None
        user = reading.get(User, noted["user_id"]) if noted["user_id"] else None
        return None if noted["user_id"] and user is None else Welcome(user.name if user else "")

    return await desk.store.read(question)


async def take(desk: Desk, token: str, *, name: str, password: str) -> User:
    """Take the link: the person, with this password, who is to register a second factor now.

    `name` counts for somebody new only. Missing for a link that is not open; Refused, with nothing spent, for a name or
    a password that is not taken.
    """
    found = await opened(desk, token)
    if found is None:
        raise Missing(OVER)
    person = await desk.store.read(lambda reading: _person(desk, reading, found, name))
    stored = await users.hashed(desk, person, password)

    def act(writing: Writing) -> User:
        noted = _open(desk, writing, token)
        if noted is None:
            raise Missing(OVER)
        writing.set_state(LINK, "")
        if not noted["user_id"]:
            users.refuse_taken(writing, person)
        user = _begun_anew(writing, person)
        writing.put(replace(stored, id=user.id))
        writing.set_state(CLAIM, json.dumps({"user_id": user.id, "until": noted["until"]}))
        writing.note(desk.entry("owner.welcome", f"user {user.id}", user, recovery=bool(noted["user_id"])))
        return user

    return await desk.store.change(act)


def taken_up(desk: Desk, writing: Writing, user_id: str) -> None:
    """Make an owner of a person who has just proven a new second factor, if they took the link.

    Every flow that binds a factor of one's own calls this last, in the slice that binds.
    """
    claim = json.loads(writing.state(CLAIM) or "{}")
    user = writing.get(User, user_id) if claim.get("user_id") == user_id else None
    if user is not None:
        writing.set_state(CLAIM, "")
        if desk.clock() < claim["until"]:
            roles.given(desk, writing, f"user {user_id}", user, Role.OWNER, by="link")


async def missing(desk: Desk) -> bool:
    """Whether nobody at all is an owner."""
    return await desk.store.read(lambda reading: not any(user.role is Role.OWNER for user in roles.holders(reading)))


def _person(desk: Desk, reading: Reading, found: Welcome, name: str) -> User:
    """Whom the link is for, or somebody new of this name."""
    if found.user_name:
        return the_user(reading, found.user_name)
    user = users.fresh(desk, name)
    users.refuse_taken(reading, user)
    return user


def _begun_anew(writing: Writing, person: User) -> User:
    """The person as they begin: asked for a second factor, with none that counts, not blocked, nowhere signed in."""
    leaving.release_credentials(writing, person)
    writing.remove(Password, person.id)
    writing.remove(Failures, f"{person.id}/{FailureKind.FACTOR}/password")
    end_all(writing, person.id)
    before = writing.get(User, person.id) or person
    user = replace(before, mfa=Mfa.ENABLED, block=None, version=before.version + 1)
    writing.put(user)
    return user


def _open(desk: Desk, reading: Reading, token: str) -> Told | None:
    """What was noted of the open link, if this is its token."""
    noted: Told = json.loads(reading.state(LINK) or "{}")
    right = hmac.compare_digest(_digest(desk, token), str(noted.get("digest", "")))
    return noted if right and desk.clock() < noted["until"] else None


def _digest(desk: Desk, token: str) -> str:
    return desk.mac(b"owner link " + token.encode("utf-8", "replace")).hex()
