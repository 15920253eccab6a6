"""Who may do what in administration: one table for pages, API and commands; and who is given a role.

A role opens nothing by itself: a page asks for a right, and the person behind the session must have proven a second
factor. Rules of this file, which the other flows ask about (`flows.protecting`):
- Only who has the right `roles` gives and takes roles, and nobody their own.
- Who may do less does not touch who may more: no block, no password, no factor of theirs.
- What leaves no owner who can sign in is refused.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from vestibule.core import api_keys
from vestibule.core.credentials import ACCESS_PASS, BYPASS, Credential
from vestibule.core.phones import MAIL
from vestibule.core.pins import PIN
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import Mfa, Password, Role, User
from vestibule.flows.acting import Acting
from vestibule.flows.desk import Desk, Told, the_user
from vestibule.flows.refused import Refused
from vestibule.flows.rights import RIGHTS, Right, may
from vestibule.flows.sessions import end_all
from vestibule.flows.views import user_told

__all__ = ["RIGHTS", "Right", "may"]  # pages and programs find them here

HOLDERS = "roles/holders"
"""Under this name the store notes the ids of all people with a role, so that nobody searches a million for them."""

NOT_LASTING = frozenset({ACCESS_PASS, BYPASS, "recovery", PIN, MAIL})
"""Methods that an owner can not administer with for long."""


OF_KEYS: Mapping[Right, tuple[api_keys.Right, ...]] = {
    Right.SEE: tuple(one for one in api_keys.Right if one.endswith(":read")),
    Right.PEOPLE: (api_keys.Right.USERS_WRITE,),
    Right.FACTORS: (api_keys.Right.FACTORS_WRITE,),
    Right.TOKENS: (api_keys.Right.TOKENS_WRITE,),
    Right.SETUP: (
        api_keys.Right.DIRECTORIES_WRITE,
        api_keys.Right.PROVIDERS_WRITE,
        api_keys.Right.GROUPS_WRITE,
        api_keys.Right.CLIENTS_WRITE,
        api_keys.Right.POLICY_WRITE,
        api_keys.Right.SETTINGS_WRITE,
        api_keys.Right.UNATTENDED,
    ),
    Right.ROLES: (api_keys.Right.ROLES_WRITE,),
}
"""By right: what a key of the API needs for the same. Each right of a key stands here once."""

NOT_YOURS = "Only an owner gives and takes roles."
NOT_YOUR_OWN = "Nobody changes their own role. Let another owner do it."
NO_FACTOR = (
    "{name} has no second factor that counts, and administrators always use one. Let {name} register one first, or add "
    "one: vestibule token add {name}"
)
MFA_OFF = (
    "{name} is asked for no second factor, and administrators always use one: vestibule user set {name} --mfa enabled"
)
LAST_OWNER = (
    "This would leave no owner who can sign in. Make somebody else an owner first: vestibule user role NAME owner"
)
ABOVE_YOU = "{name} is {role} and may do more than you. Ask somebody who may do as much."
ADMINISTRATORS_ONLY = "This takes an administrator."


class LastOwner(Refused):
    """It would leave no owner who can sign in."""


def key_rights(role: Role) -> tuple[api_keys.Right, ...]:
    """The rights of a key that may do what this role may, in their usual order."""
    granted = {one for right in RIGHTS[role] for one in OF_KEYS[right]}
    return tuple(one for one in api_keys.Right if one in granted)


def acting_of_key(key: api_keys.ApiKey) -> Acting:
    """As what a program acts. Operations ask for its own rights; these say whom it may touch, and after which check.

    To set things up, as far as that is asked for people, takes the right `unattended`.
    """
    held = {right for right, ones in OF_KEYS.items() if not set(ones).isdisjoint(key.rights)}
    unattended = api_keys.Right.UNATTENDED in key.rights
    return Acting(frozenset(held if unattended else held - {Right.SETUP}))


# -- giving and taking -----------------------------------------------------------------------------------------------


async def give(desk: Desk, actor: str, *, name: str, role: str) -> Told:
    """Give a user this role, which takes the place of any other; `none` takes it. Their sessions end."""
    wanted = _role(role)

    def act(writing: Writing) -> Told:
        before = the_user(writing, name)
        _refuse_giving(desk, writing, before, wanted)
        with keeping_an_owner(desk, writing, before):
            user = given(desk, writing, actor, before, wanted)
        return {"user": user_told(user, desk.clock())}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """Everybody who has a role, in order of name."""

    def question(reading: Reading) -> Told:
        people = sorted(holders(reading), key=lambda user: user.key)
        return {"users": [user_told(user, desk.clock()) for user in people]}

    return await desk.store.read(question)


def given(desk: Desk, writing: Writing, actor: str, before: User, role: Role, **detail: object) -> User:
    """Store the person with this role, in the slice of an act that has asked what is to be asked."""
    if role is before.role:
        return before
    user = replace(before, role=role, version=before.version + 1)
    writing.put(user)  # before the list is read: what writes first has the others wait
    known = {one.id for one in holders(writing)} | {user.id}
    writing.set_state(HOLDERS, json.dumps(sorted(known if role else known - {user.id})))
    end_all(writing, user.id)
    writing.note(desk.entry("user.role", actor, user, role=_word(role), was=_word(before.role), **detail))
    return user


# -- what the other flows ask ----------------------------------------------------------------------------------------


def holders(reading: Reading) -> list[User]:
    """Everybody who has a role."""
    noted: list[str] = json.loads(reading.state(HOLDERS) or "[]")
    found = (reading.get(User, id) for id in noted)
    return [user for user in found if user is not None and user.role]


def owners(reading: Reading, now: float) -> list[User]:
    """The owners who can sign in."""
    return [user for user in holders(reading) if can_own(reading, user, now)]


def can_own(reading: Reading, user: User | None, now: float) -> bool:
    """Whether this person is an owner who can sign in: not blocked, with a first factor and a lasting second one."""
    if user is None or user.role is not Role.OWNER or user.blocked(now) or user.mfa is Mfa.OFF:
        return False
    first = bool(user.directory) or reading.get(Password, user.id) is not None
    return first and has_factor(reading, user, now)


def has_factor(reading: Reading, user: User, now: float) -> bool:
    """Whether the person has a second factor that lasts."""
    held = reading.find(Credential, "user_id", user.id)
    return any(one.usable(now) and one.method not in NOT_LASTING for one in held)


@contextmanager
def keeping_an_owner(desk: Desk, writing: Writing, user: User | None) -> Iterator[None]:
    """What is done to this person inside leaves an owner who can sign in; else it is refused, as `LastOwner`."""
    now = desk.clock()
    could = can_own(writing, user, now)
    yield
    if could and not owners(writing, now):
        raise LastOwner(LAST_OWNER)


def above(desk: Desk, reading: Reading, user: User | None) -> bool:
    """Whether this person may do more than whoever acts; nobody may not."""
    return user is not None and not RIGHTS[user.role] <= desk.acting.rights_in(reading)


def refuse_above(desk: Desk, reading: Reading, user: User) -> None:
    """Refuse to touch somebody who may do more than whoever acts."""
    if above(desk, reading, user):
        raise Refused(ABOVE_YOU.format(name=user.name, role=_word(user.role)), "user")


def refuse_below(desk: Desk, reading: Reading, right: Right) -> None:
    """Refuse what takes this right, where a page or an operation asks for less."""
    if right not in desk.acting.rights_in(reading):
        raise Refused(ADMINISTRATORS_ONLY)


def _refuse_giving(desk: Desk, reading: Reading, user: User, role: Role) -> None:
    if Right.ROLES not in desk.acting.rights_in(reading):
        raise Refused(NOT_YOURS)
    if desk.acting.user_id == user.id:
        raise Refused(NOT_YOUR_OWN, "user")
    if role and user.mfa is Mfa.OFF:
        raise Refused(MFA_OFF.format(name=user.name), "user")
    if role and not has_factor(reading, user, desk.clock()):
        raise Refused(NO_FACTOR.format(name=user.name), "user")


def _role(text: str) -> Role:
    known = {_word(role): role for role in Role}
    if text not in known:
        raise Refused(f"role must be one of {', '.join(known)}.", "role")
    return known[text]


def _word(role: Role) -> str:
    """The role for people; that of most of them has no name inside."""
    return role.value or "none"
