"""What people do with their own factors: look at them, add, prove, name, remove; print codes; say "this was not me".

Rules of this file: the person acts for themselves and is named by their session; a factor counts only after a code that
it showed; a wrong code is counted as at any door, before the next one is looked at; each act is one slice with its line
in the journal. Whether a session is fresh enough for an act is asked by the portal.
"""

from dataclasses import dataclass, replace
from functools import partial

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.journal import Line, Query, masked
from vestibule.core.passkeys import About
from vestibule.core.pins import proves
from vestibule.core.ports import Reading, Writing
from vestibule.core.prompts import CODE, Way
from vestibule.core.secret import Secret
from vestibule.core.sessions import Session
from vestibule.core.users import Password, User
from vestibule.flows import inventory
from vestibule.flows.binding import SLOW_DOWN, WRONG, Proven, counted, forget_half_made, half_made, prove
from vestibule.flows.desk import Desk, checked, required
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import keeping_an_owner
from vestibule.flows.sessions import Signed, end_all
from vestibule.flows.tokens import KEY_OCTETS
from vestibule.wire.otpauth import Otpauth, OtpMethod, encode, write_key

MOST_APPS = 5
LONGEST_LABEL = 60
LONGEST_SERIAL = 64
HALF_MADE_SECONDS = 600.0
DAY = 86400.0
WINDOWS = (3600.0, DAY, 7 * DAY, 30 * DAY)  # seconds; the shortest that holds enough is looked at
SHOWN = 30
READ_AT_ONCE = 500
MOST_READ = 5_000
RECOVERY = "recovery"
PASSKEY = "passkey"
BEGUN = "session.begin"  # follows what let the person in, and is no news beside it

GONE = "There is no such factor any more."
FULL = "You have as many authenticator apps as one person can have. Remove one first."
UNKNOWN_SERIAL = (
    "No token of this serial number can be activated with this code. Look at both anew, or ask whoever gave it out."
)
LAST = "This is the last factor. Say that you know what its removal means."


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that the person can prove. `used_at` is 0 where nobody wrote it down.

    `about` is said of passkeys, `left` of recovery codes; `reach` is a number or an address, masked.
    """

    id: str
    method: str
    label: str
    serial: str
    created_at: float
    used_at: float
    usable: bool
    about: About | None = None
    left: int | None = None
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """All that the first page says: the usable factors first; and whether there is a password of ours.

    `ways` are those in which the person may be asked first, `preferred` the id of the one that they chose, "" for none.
    """

    factors: tuple[Factor, ...]
    password_changed_at: float | None
    ways: tuple[Way, ...] = ()
    preferred: str = ""

    @property
    def alone(self) -> bool:
        """Whether everything hangs on one factor."""
        return len([one for one in self.factors if one.usable]) <= 1


@dataclass(frozen=True, slots=True)
class NewApp:
    """What an authenticator app is shown, once."""

    id: str
    uri: str
    key: str

    def __repr__(self) -> str:
        """Print which one it is, never the key."""
        return f"NewApp(id={self.id!r})"


# -- looking ---------------------------------------------------------------------------------------------------------


async def overview(desk: Desk, signed: Signed) -> Overview:
    """The factors of this person that count, or did."""
    now = desk.clock()

    def question(reading: Reading) -> Overview:
        held = _held(reading, signed.user.id)
        held = [one for one in held if one.state is not CredentialState.PENDING and proves(one)]
        factors = tuple(sorted((_factor(desk, reading, one, now) for one in held), key=_order))
        password, user = reading.get(Password, signed.user.id), reading.get(User, signed.user.id)
        ways = _ways(desk, held, now)
        preferred = user.preferred if user and user.preferred in {way.id for way in ways} else ""
        return Overview(factors, password.changed_at if password else None, ways, preferred)

    return await desk.store.read(question)


async def factor(desk: Desk, signed: Signed, id: str) -> tuple[Factor, bool]:
    """One factor, and whether it is the last that counts. Refused for one that is not theirs."""
    found = await overview(desk, signed)
    one = next((one for one in found.factors if one.id == id), None)
    if one is None:
        raise Missing(GONE)
    return one, not any(other.usable for other in found.factors if other.id != id)


async def activity(desk: Desk, signed: Signed) -> tuple[Line, ...]:
    """What happened around this person lately, the newest first."""
    now, lines = desk.clock(), tuple[Line, ...]()
    for window in WINDOWS:
        lines = await desk.store.read(partial(_newest, user_id=signed.user.id, since=now - window))
        if len(lines) >= SHOWN:
            break
    return lines


# -- an authenticator app --------------------------------------------------------------------------------------------


async def begin_app(desk: Desk, signed: Signed, label: str) -> NewApp:
    """Make a key for an app. It is shown once, counts after a code, and is gone in ten minutes without one."""
    named, key, now = checked(label, "label", LONGEST_LABEL), Secret(desk.chance(KEY_OCTETS)), desk.clock()
    seed = Seed(desk.fingerprint(key), key)
    one = Credential(
        desk.new_id(),
        OtpMethod.TOTP.value,
        signed.user.id,
        named,
        CredentialState.PENDING,
        seed.id,
        created_at=now,
        expires_at=now + HALF_MADE_SECONDS,
    )

    def act(writing: Writing) -> NewApp:
        user = the_person(writing, signed)
        forget_half_made(writing, user.id)
        if len([held for held in _held(writing, user.id) if held.seed_id and not held.serial]) >= MOST_APPS:
            raise Refused(FULL)
        inventory.keep_seed(writing, seed)
        writing.put(one)
        writing.note(desk.entry("factor.begin", signed.actor, user, one.id, method=one.method))
        return NewApp(one.id, encode(_otpauth(desk, user, key)), write_key(key))

    return await desk.store.change(act)


async def prove_app(desk: Desk, signed: Signed, id: str, code: str) -> Proven:
    """Let a new app count, by a code that it shows; the code is spent."""

    def act(writing: Writing) -> Proven | Refused:
        user = the_person(writing, signed)
        one = writing.get(Credential, id)
        theirs = one is not None and one.user_id == user.id and half_made(one)
        if one is None or not theirs or desk.clock() >= one.expires_at:
            raise Missing(GONE)
        return prove(desk, writing, user, replace(one, expires_at=0.0), code)

    return _or_refused(await desk.store.change(act))


# -- a hardware token ------------------------------------------------------------------------------------------------


async def activate_token(desk: Desk, signed: Signed, serial: str, code: str) -> Proven:
    """Let a token count that was assigned to this person, or that nobody has where the settings allow it.

    Whatever is wrong is said in the same words, so that nobody learns which serial numbers there are.
    """
    named = required(serial, "serial", LONGEST_SERIAL)

    def act(writing: Writing) -> Proven | Refused:
        user = the_person(writing, signed)
        one = next(iter(writing.find(Credential, "serial", named)), None)
        if one is None or not _may_activate(desk, user, one):
            delayed = counted(desk, writing, user, ())
            return Refused(SLOW_DOWN if delayed else UNKNOWN_SERIAL)
        bound = inventory.bound(one, user, pending=True)
        found = prove(desk, writing, user, bound, code)
        return Refused(UNKNOWN_SERIAL) if isinstance(found, Refused) and found.text == WRONG else found

    return _or_refused(await desk.store.change(act))


def _may_activate(desk: Desk, user: User, one: Credential) -> bool:
    free = desk.store.snapshot.settings.claim_free_tokens and not one.user_id
    waits = one.user_id == user.id and one.state is CredentialState.PENDING
    return one.method in desk.oath and (waits or bool(free)) and one.state is not CredentialState.DISABLED


# -- recovery codes --------------------------------------------------------------------------------------------------


async def issue_recovery(desk: Desk, signed: Signed) -> tuple[str, ...]:
    """New recovery codes, shown once; all earlier ones are void."""

    def act(writing: Writing) -> tuple[str, ...]:
        user = the_person(writing, signed)
        held = [one for one in _held(writing, user.id) if one.method == RECOVERY]
        now = desk.clock()
        old = held[0] if held else Credential(desk.new_id(), RECOVERY, user.id)
        inventory.forget_failures(writing, old)
        active = replace(old, state=CredentialState.ACTIVE, created_at=now, version=old.version + 1)
        issued, codes = desk.issue_recovery(active)
        writing.put(issued)
        writing.note(desk.entry("recovery.issue", signed.actor, user, issued.id, method=RECOVERY))
        return codes

    return await desk.store.change(act)


# -- one factor ------------------------------------------------------------------------------------------------------


async def rename(desk: Desk, signed: Signed, id: str, label: str) -> None:
    """Call a factor by another name."""
    named = checked(label, "label", LONGEST_LABEL)

    def act(writing: Writing) -> None:
        user, one = the_person(writing, signed), _theirs(writing, signed, id)
        writing.put(replace(one, label=named, version=one.version + 1))
        writing.note(desk.entry("factor.rename", signed.actor, user, one.id, method=one.method))

    await desk.store.change(act)


async def remove(desk: Desk, signed: Signed, id: str, *, last: bool) -> None:
    """Remove a factor; the last that counts only with `last`, which says that the person knows. Others sign out.

    A token with a serial number returns to the inventory.
    """

    def act(writing: Writing) -> None:
        user, one = the_person(writing, signed), _theirs(writing, signed, id)
        now = desk.clock()
        held = [other for other in _held(writing, user.id) if other.id != id and proves(other)]
        others = [other for other in held if other.usable(now)]
        if not others and not last:
            raise Refused(LAST, "last")
        with keeping_an_owner(desk, writing, user):
            if one.serial:
                inventory.take_back(writing, one)
            else:
                inventory.let_go(writing, one)
        _sign_others_out(writing, signed)
        writing.note(
            desk.entry(
                "factor.remove", signed.actor, user, one.id, method=one.method, serial=one.serial, left=len(others)
            )
        )

    await desk.store.change(act)


async def prefer(desk: Desk, signed: Signed, way: str) -> None:
    """Be asked in this way first; "" for the strongest. Refused for a way that there is not."""

    def act(writing: Writing) -> None:
        user = the_person(writing, signed)
        ways = _ways(desk, _held(writing, user.id), desk.clock())
        if way and way not in {one.id for one in ways}:
            raise Refused(GONE)
        writing.put(replace(user, preferred=way, version=user.version + 1))
        writing.note(desk.entry("factor.prefer", signed.actor, user, way=way.partition("/")[0]))

    await desk.store.change(act)


# -- somebody else ---------------------------------------------------------------------------------------------------


async def not_me(desk: Desk, signed: Signed, line: str) -> int:
    """The person says that something in their activity was not them: all sessions end; how many."""
    named = checked(line, "line", 100)

    def act(writing: Writing) -> int:
        user = the_person(writing, signed)
        ended = end_all(writing, user.id)
        writing.note(desk.entry("session.not_me", signed.actor, user, line=named, ended=ended))
        return ended

    return await desk.store.change(act)


# -- small questions -------------------------------------------------------------------------------------------------


def _or_refused(found: Proven | Refused) -> Proven:
    if isinstance(found, Refused):
        raise found
    return found


def the_person(reading: Reading, signed: Signed) -> User:
    """The person as they are now; refused when their session has ended while the request was on its way."""
    user = reading.get(User, signed.user.id)
    if user is None or reading.get(Session, signed.session.id) is None:
        raise Missing(GONE)
    return user


def _held(reading: Reading, user_id: str) -> list[Credential]:
    return reading.find(Credential, "user_id", user_id)


def _theirs(reading: Reading, signed: Signed, id: str) -> Credential:
    one = reading.get(Credential, id)
    if one is None or one.user_id != signed.user.id or one.state is CredentialState.PENDING or not proves(one):
        raise Missing(GONE)
    return one


def _factor(desk: Desk, reading: Reading, one: Credential, now: float) -> Factor:
    seed = reading.get(Seed, one.seed_id) if one.seed_id else None
    about = desk.passkeys.asking.told(one) if desk.passkeys and one.method == PASSKEY else None
    used_at = seed.used_at if seed else about.used_at if about else 0.0
    left = desk.codes_left(one) if one.method == RECOVERY else None
    usable = one.usable(now) and (one.method != PASSKEY or bool(about and about.here)) and left != 0
    label = one.label or (one.model if about else "")
    return Factor(
        one.id, one.method, label, one.serial, one.created_at, used_at, usable, about, left, masked(one.reach)
    )


def _ways(desk: Desk, held: list[Credential], now: float) -> tuple[Way, ...]:
    """Every way in which these can be asked, in the order of the methods; codes that are typed are one way."""
    usable = [one for one in held if one.usable(now)]
    found: dict[str, Way] = {}
    for method in desk.begun:
        for one in usable:
            if one.method == method.uses and method.fits(one):
                way = Way(method.name) if method.together else Way(method.name, one.id, method.label(one))
                found[way.id] = way
    if any(one.method in desk.typed for one in usable):
        found[CODE] = Way(CODE)
    return tuple(found.values())


def _order(one: Factor) -> tuple[bool, bool, float]:
    return not one.usable, one.method == RECOVERY, one.created_at


def _sign_others_out(writing: Writing, signed: Signed) -> None:
    for one in writing.find(Session, "user_id", signed.user.id):
        if one.id != signed.session.id:
            writing.remove(Session, one.id)


def _otpauth(desk: Desk, user: User, key: Secret) -> Otpauth:
    """What the app is told; a colon in the account would end the issuer."""
    return Otpauth(method=OtpMethod.TOTP, account=user.name.replace(":", "_"), secret=key, issuer=desk.issuer)


def _newest(reading: Reading, user_id: str, since: float) -> tuple[Line, ...]:
    """The newest lines about a person since then, the newest first; in flat memory, and not without an end."""
    query, after, read = Query(user_id=user_id, since=since), (0.0, "", 0), 0
    kept: list[Line] = []
    while read < MOST_READ and (page := reading.lines(query, after, READ_AT_ONCE)):
        told = [line for line in page if line.entry.action != BEGUN]
        kept, read = [*kept, *told][-SHOWN:], read + len(page)
        after = page[-1].entry.at, page[-1].chain, page[-1].seq
    return tuple(reversed(kept))
