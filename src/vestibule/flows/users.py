"""Users: add, list, show, change, block, unblock and remove them; their password; the end of a lock-out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vestibule.core.credentials import Credential
from vestibule.core.failures import FailureKind, Failures, Limits
from vestibule.core.password_policy import acceptable
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.core.users import Alias, Block, Mfa, Password, User
from vestibule.flows import inventory, leaving, roles
from vestibule.flows.desk import Desk, checked, page_size, refusal, required, the_user, user_named
from vestibule.flows.groups import known_groups
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Refused
from vestibule.flows.sessions import end_all
from vestibule.flows.views import Told, user_told
from vestibule.wire.names import BadField, name_key
from vestibule.wire.user_csv import LONGEST_NAME, checked_email, checked_locale, checked_phone

DAY = 86400.0
LONGEST_BLOCK_DAYS = 3650.0
SHORTEST_BESIDE_A_CODE = 8
SHORTEST_ALONE = 15  # NIST SP 800-63B-4 section 3.1.1.2
PASSWORD_FACTOR = f"{FailureKind.FACTOR}/password"

TEXTS: Mapping[str, Callable[[str], str]] = {
    "first_name": lambda text: checked(text, "first_name", LONGEST_NAME),
    "last_name": lambda text: checked(text, "last_name", LONGEST_NAME),
    "email": lambda text: checked_email(text.strip()),
    "phone": lambda text: checked_phone(text.strip()),
    "locale": lambda text: checked_locale(text.strip()),
}
"""The fields of a user that are one text, and how each is read."""

CHANGEABLE = ("name", *TEXTS, "groups", "mfa")
RESETTING = frozenset({"name", "email", "phone", "groups", "mfa"})
"""What decides who somebody is or how they are asked: the helpdesk changes it only for whom it has checked."""

ROLE_NEEDS_MFA = "{name} is {role}, and administrators always use a second factor. Take the role first."


async def add(
    desk: Desk,
    actor: str,
    *,
    name: str,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    phone: str = "",
    locale: str = "en",
    groups: Sequence[str] = (),
    mfa: str = Mfa.ENABLED.value,
    password: str | None = None,
) -> Told:
    """Add a user, with a local password if one is given."""
    changes = {"first_name": first_name, "last_name": last_name, "email": email, "phone": phone, "locale": locale}
    user = fresh(desk, name)
    await desk.store.read(lambda reading: refuse_taken(reading, user))
    user = await desk.store.read(lambda reading: changed(reading, user, {**changes, "groups": groups, "mfa": mfa}))
    stored = None if password is None else await hashed(desk, user, password)

    def act(writing: Writing) -> Told:
        refuse_taken(writing, user)
        known_groups(writing, user.groups)
        writing.put(user)
        if stored is not None:
            writing.put(stored)
        writing.note(desk.entry("user.add", actor, user))
        return {"user": user_told(user, desk.clock())}

    return await desk.store.change(act)


async def listed(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    after: str | None = None,
    limit: int = 100,
    search: str = "",
) -> Told:
    """A page of users in order of name, those whose names begin with `search`."""
    size, prefix = page_size(limit), name_key(search)
    rows = await desk.store.read(lambda reading: _page(reading, prefix, after, size))
    now = desk.clock()
    following = rows[-1].key if len(rows) == size else None
    return {"users": [user_told(user, now) for user in rows], "next": following}


async def show(desk: Desk, actor: str, *, name: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One user with their credentials, and with what counts against them."""
    now, limits = desk.clock(), desk.store.snapshot.settings.limits

    def question(reading: Reading) -> Told:
        user = the_user(reading, name)
        password = reading.get(Password, user.id)
        credentials = reading.find(Credential, "user_id", user.id)
        failures = reading.find(Failures, "user_id", user.id)
        return {
            "user": user_told(user, now),
            "password_changed_at": password.changed_at if password else None,
            "credentials": [inventory.told(reading, one, now) for one in credentials],
            "failures": [_failures_told(row, limits, now) for row in failures],
        }

    return await desk.store.read(question)


async def change(desk: Desk, actor: str, *, name: str, changes: Mapping[str, Any]) -> Told:
    """Change what is given; texts that are empty are cleared."""

    def act(writing: Writing) -> Told:
        before = the_user(writing, name)
        user = changed(writing, before, changes)
        fields = [field for field in CHANGEABLE if getattr(user, field) != getattr(before, field)]
        if fields:
            refuse_taken(writing, user)
            _refuse_asking_less(desk, writing, before, user)
            user = replace(user, version=user.version + 1)
            with protected(desk, writing, actor, before, resets=not RESETTING.isdisjoint(fields)):
                writing.put(user)
            writing.note(desk.entry("user.set", actor, user, changed=fields))
        return {"user": user_told(user, desk.clock()), "changed": fields}

    return await desk.store.change(act)


async def block(desk: Desk, actor: str, *, name: str, reason: str, days: float = 90.0) -> Told:
    """Refuse every attempt of the user until `days` are over, or until unblocked; their sessions end."""
    why = required(reason, "reason")
    if not 0 < days <= LONGEST_BLOCK_DAYS:
        raise Refused(f"days must be a number above 0, at most {LONGEST_BLOCK_DAYS:g}.", "days")
    since = desk.clock()
    blocked = Block(since, since + days * DAY, actor, why)
    detail = {"reason": why, "until": blocked.until}

    def act(writing: Writing) -> Told:
        with protected(desk, writing, actor, the_user(writing, name), resets=False):
            told = _renew(desk, writing, actor, "user.block", name, lambda user: replace(user, block=blocked), **detail)
        end_all(writing, told["user"]["id"])
        return told

    return await desk.store.change(act)


async def unblock(desk: Desk, actor: str, *, name: str) -> Told:
    """End a block."""

    def act(writing: Writing) -> Told:
        with protected(desk, writing, actor, the_user(writing, name)):
            return _renew(desk, writing, actor, "user.unblock", name, lambda user: replace(user, block=None))

    return await desk.store.change(act)


async def set_password(desk: Desk, actor: str, *, name: str, password: str) -> Told:
    """Give the user a new local password; failures of the old one count no more, and their sessions end."""
    user = await desk.store.read(lambda reading: the_user(reading, name))
    stored = await hashed(desk, user, password)

    def act(writing: Writing) -> Told:
        user = the_user(writing, name)
        with protected(desk, writing, actor, user):
            writing.put(replace(stored, id=user.id))
        writing.remove(Failures, f"{user.id}/{PASSWORD_FACTOR}")
        end_all(writing, user.id)
        writing.note(desk.entry("user.password", actor, user))
        return {"user": user_told(user, desk.clock())}

    return await desk.store.change(act)


async def remove(desk: Desk, actor: str, *, name: str, erase: bool = False) -> Told:
    """Remove a user: tokens with a serial number return to the inventory, all else of theirs goes.

    With `erase` their personal fields go from the journal too; its chains stay valid.
    """
    user = await desk.store.read(lambda reading: _to_be_removed(desk, reading, name))
    returned = await take_out(desk, actor, user, erase=erase)
    erased = await leaving.erase(desk, actor, user.id) if erase else 0
    return {"removed": user.name, "returned": returned, "erased": erased}


async def take_out(desk: Desk, actor: str, user: User, *, erase: bool = False) -> list[str]:
    """Remove a user with all that is theirs; the serial numbers of the tokens that are free again.

    Refused, with nothing removed, for the last owner who can sign in.
    """
    await desk.store.read(lambda reading: refuse_last(desk, reading, user))
    while await desk.store.change(lambda writing: leaving.drop_failures(desk, actor, writing, user)):
        pass

    def act(writing: Writing) -> list[str]:
        with protected(desk, writing, actor, the_user(writing, user.id)):
            returned = leaving.release_credentials(writing, user)
            for alias in writing.find(Alias, "user_id", user.id):
                writing.remove(Alias, alias.id)
            end_all(writing, user.id)
            writing.remove(Password, user.id)
            writing.remove(User, user.id)
        writing.note(desk.entry("user.remove", actor, user, returned=returned, erase=erase))
        return returned

    return await desk.store.change(act)


async def reset(desk: Desk, actor: str, *, name: str) -> Told:
    """End every delay and lock-out of the user, and their sessions; places that they signed in from stay known."""
    user = await desk.store.read(lambda reading: the_user(reading, name))
    cleared = 0

    def act(writing: Writing) -> None:
        with protected(desk, writing, actor, the_user(writing, user.id)):
            leaving.sign_out(desk, actor, writing, user)

    await desk.store.change(act)
    while rows := await desk.store.change(lambda writing: leaving.clear_failures(desk, actor, writing, user)):
        cleared += rows
    return {"cleared": cleared}


async def end_sessions(desk: Desk, actor: str, *, name: str) -> Told:
    """Sign the user out of all browsers: {"ended": how many}."""

    def act(writing: Writing) -> Told:
        user = the_user(writing, name)
        with protected(desk, writing, actor, user, resets=False):
            ended = end_all(writing, user.id)
        writing.note(desk.entry("session.end_all", actor, user, ended=ended))
        return {"ended": ended}

    return await desk.store.change(act)


async def require_registration(desk: Desk, actor: str, *, name: str, reason: str = "") -> Told:
    """Let all factors of the user go, so that they register anew: {"user": USER, "returned": [serial], "removed": n}.

    Tokens with a serial number return to the inventory. Their sessions end, and so does what counted against the
    factors. Until they register, whoever knows the password can do so in their place; a pass that is issued at once
    closes that gap.
    """
    why = checked(reason, "reason")

    def act(writing: Writing) -> Told:
        before = the_user(writing, name)
        with protected(desk, writing, actor, before):
            held = len(writing.find(Credential, "user_id", before.id))
            returned = leaving.release_credentials(writing, before)
            mfa = Mfa.OFF if before.mfa is Mfa.OFF else Mfa.ENABLED
            user = replace(before, mfa=mfa, version=before.version + 1)
            writing.put(user)
            end_all(writing, user.id)
        detail = {"returned": returned, "removed": held, **({"reason": why} if why else {})}
        writing.note(desk.entry("user.reregister", actor, user, **detail))
        return {"user": user_told(user, desk.clock()), "returned": returned, "removed": held}

    return await desk.store.change(act)


def changed(reading: Reading, user: User, changes: Mapping[str, Any]) -> User:
    """The user with these changes, each checked; refused for a field that can not be changed."""
    for field, value in changes.items():
        user = _with(reading, user, field, value)
    return user


# -- one user ------------------------------------------------------------------------------------------------------


def fresh(desk: Desk, name: str) -> User:
    """A new user of this name, not stored yet; refused for what can be no name."""
    named = required(name, "name", LONGEST_NAME)
    return User(desk.new_id(), named, name_key(named), created_at=desk.clock())


def _with(reading: Reading, user: User, field: str, value: object) -> User:
    if field in TEXTS and isinstance(value, str):
        return replace(user, **{field: _text(field, value)})  # type: ignore[arg-type]  # all of them are texts
    if field == "name" and isinstance(value, str):
        named = required(value, "name", LONGEST_NAME)
        return replace(user, name=named, key=name_key(named))
    if field == "mfa" and isinstance(value, str) and value in tuple(Mfa):
        return replace(user, mfa=Mfa(value))
    if field == "groups" and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return replace(user, groups=known_groups(reading, value))
    if field in CHANGEABLE:
        form = {"mfa": f"one of {', '.join(Mfa)}", "groups": "a list of names"}.get(field, "a text")
        raise Refused(f"{field} must be {form}.", field)
    raise Refused(f"A user has no field {field}. Known are {', '.join(CHANGEABLE)}.", "changes")


def _text(field: str, value: str) -> str:
    try:
        text = TEXTS[field](value)
    except BadField as bad:
        raise refusal(bad) from None
    return text or ("en" if field == "locale" else "")


def refuse_taken(reading: Reading, user: User) -> None:
    """Refuse a name that somebody else answers to."""
    other = user_named(reading, user.name)
    if other is not None and other.id != user.id:
        raise Refused(f"There is a user {other.name} already. Choose another name.", "name")
    alias = reading.get(Alias, user.key)
    if alias is not None and alias.user_id != user.id:
        raise Refused("Somebody of a directory answers to this name. Choose another name.", "name")


def _refuse_asking_less(desk: Desk, reading: Reading, before: User, user: User) -> None:
    """To be asked for no second factor is no matter for a helpdesk, and not for whoever administers."""
    if user.mfa is Mfa.OFF and before.mfa is not Mfa.OFF:
        roles.refuse_below(desk, reading, roles.Right.SETUP)
        if before.role:
            raise Refused(ROLE_NEEDS_MFA.format(name=before.name, role=before.role.value), "mfa")


def _to_be_removed(desk: Desk, reading: Reading, name: str) -> User:
    """The user; refused for somebody who may not remove people, or not this one."""
    user = the_user(reading, name)
    roles.refuse_below(desk, reading, roles.Right.SETUP)
    roles.refuse_above(desk, reading, user)
    return user


def refuse_last(desk: Desk, reading: Reading, user: User) -> None:
    """Refuse, before anything of theirs goes, to remove the last owner who can sign in."""
    able = roles.owners(reading, desk.clock())
    if [one.id for one in able] == [user.id]:
        raise roles.LastOwner(roles.LAST_OWNER, "user")


async def hashed(desk: Desk, user: User, password: str) -> Password:
    """What is stored of this password; refused for one that is not taken, in the words of the policy."""
    alone = user.mfa is Mfa.OFF
    refused = acceptable(password, user.name, SHORTEST_ALONE if alone else SHORTEST_BESIDE_A_CODE)
    if refused is not None:
        raise Refused(refused, "password")
    return Password(user.id, await desk.hash_password(Secret.of(password)), desk.clock())


def _renew(  # noqa: PLR0917 - whose act it is, and what it does
    desk: Desk,
    writing: Writing,
    actor: str,
    action: str,
    name: str,
    renewed: Callable[[User], User],
    **detail: object,
) -> Told:
    """Store the renewed user with one line in the journal."""
    before = the_user(writing, name)
    user = replace(renewed(before), version=before.version + 1)
    writing.put(user)
    writing.note(desk.entry(action, actor, user, **detail))
    return {"user": user_told(user, desk.clock())}


# -- lists ---------------------------------------------------------------------------------------------------------


def _page(reading: Reading, prefix: str, after: str | None, limit: int) -> list[User]:
    """The users behind the key `after`, or from `prefix` on, as long as their keys begin with it."""
    exact = reading.find(User, "key", prefix) if after is None else []
    rows = exact + reading.page_by(User, "key", prefix if after is None else after, limit - len(exact))
    return [user for user in rows if user.key.startswith(prefix)]


def _failures_told(row: Failures, limits: Limits, now: float) -> Told:
    factor = row.kind is FailureKind.FACTOR
    delay = limits.delay(row.count, limits.factor_tries if factor else limits.source_tries)
    return {
        "kind": row.kind.value,
        "name": row.name,
        "count": row.count,
        "last_at": row.last_at,
        "delayed_until": row.last_at + delay if limits.waits(row.last_at, delay, now) else None,
        "stopped": factor and row.count >= limits.strangers_stop,
        "accepted_at": row.accepted_at or None,
    }
