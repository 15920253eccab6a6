"""Tokens: make, list, assign, activate, resynchronise, disable and remove them; issue recovery codes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vestibule.core.credentials import SHORTEST_KEY_BITS, Algorithm, Credential, CredentialState, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.ports import Passed, Reading, Verification, Writing
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows import inventory
from vestibule.flows.desk import Desk, Oath, Told, checked, page_size, refusal, the_user
from vestibule.flows.inventory import is_token, seed_of, the_token
from vestibule.flows.protecting import protected
from vestibule.flows.refused import Refused
from vestibule.flows.roles import Right, refuse_below
from vestibule.flows.sessions import end_all
from vestibule.flows.waivers import too_short, waiver_end
from vestibule.wire.names import BadField
from vestibule.wire.otpauth import Otpauth, OtpMethod, encode, read_key, write_key
from vestibule.wire.token_csv import LONGEST_SERIAL

KEY_OCTETS = 20  # 160 bits, RFC 4226 section 4 R6
PERIODS = (30, 60)
PAGE = 500

WHY_NOT = {
    Reason.CODE_REUSED: "This code was used already; wait for the next one and type that.",
    Reason.CODE_OLD: "This code is older than one that was used; type the one that the token shows now.",
    Reason.CLOCK: "The token has to be resynchronised first, with two codes in a row: vestibule token resync {token}",
}
WRONG = "The code is not right. Read it anew; if it stays wrong, resynchronise: vestibule token resync {token}"


@dataclass(frozen=True, slots=True)
class Made:
    """A new token: its credential, its seed, and what the person's app is shown once."""

    credential: Credential
    seed: Seed
    otpauth: Otpauth


async def add(
    desk: Desk,
    actor: str,
    *,
    user: str,
    serial: str = "",
    secret: str | None = None,
    method: str = OtpMethod.TOTP.value,
    algorithm: str = Algorithm.SHA1.value,
    digits: int = 6,
    period: int = 30,
    counter: int = 0,
    label: str = "",
    pending: bool = False,
    waiver_until: str | None = None,
) -> Told:
    """Give a user a new token; the key is drawn here unless it is given. Shows the key, once."""
    key = Secret(desk.chance(KEY_OCTETS)) if secret is None else _given_key(secret)
    owner = await desk.store.read(lambda reading: the_user(reading, user))
    shape = {"digits": digits, "period": period, "counter": counter}
    otpauth = _otpauth(desk, owner, key, method=method, algorithm=algorithm, **shape)
    waiver = _waiver(desk, key, waiver_until)
    state = CredentialState.PENDING if pending else CredentialState.ACTIVE
    named = checked(serial, "serial", LONGEST_SERIAL)
    made = _made(desk, otpauth, waiver=waiver, state=state, serial=named, label=checked(label, "label"))

    def act(writing: Writing) -> Told:
        one = replace(made.credential, user_id=the_user(writing, user).id)
        if named and writing.find(Credential, "serial", named):
            raise Refused(f"There is a token with the serial number {named} already.", "serial")
        with protected(desk, writing, actor, the_user(writing, user)):
            inventory.keep_seed(writing, made.seed)
            writing.put(one)
        writing.note(desk.entry("token.add", actor, owner, one.id, method=one.method, serial=one.serial))
        told = inventory.told(writing, one, desk.clock())
        return {"token": told, "uri": encode(otpauth), "secret": write_key(key)}

    return await desk.store.change(act)


async def listed(
    desk: Desk,
    actor: str,  # noqa: ARG001 - every flow is told who asks
    *,
    after: str = "",
    limit: int = 100,
    user: str | None = None,
    unassigned: bool = False,
) -> Told:
    """A page of tokens in order of id: all, those of one user, or those that nobody has."""
    size, now = page_size(limit), desk.clock()

    def question(reading: Reading) -> Told:
        if user is not None:
            theirs = reading.find(Credential, "user_id", the_user(reading, user).id)
            return {"tokens": [inventory.told(reading, one, now) for one in theirs if is_token(one)], "next": None}
        rows = _page(reading, after, size, lambda one: is_token(one) and not (unassigned and one.user_id))
        following = rows[-1].id if len(rows) == size else None
        return {"tokens": [inventory.told(reading, one, now) for one in rows], "next": following}

    return await desk.store.read(question)


async def held(desk: Desk, actor: str, *, user: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All that one user can prove, on one page: tokens, and what is none, such as recovery codes."""
    now = desk.clock()

    def question(reading: Reading) -> Told:
        rows = reading.find(Credential, "user_id", the_user(reading, user).id)
        return {"tokens": [inventory.told(reading, one, now) for one in rows], "next": None}

    return await desk.store.read(question)


async def export(desk: Desk, actor: str, *, after: str = "", limit: int = 1000) -> Told:
    """A page of all tokens without their keys; the first page is noted in the journal."""
    if not after:
        await desk.store.change(lambda writing: writing.note(desk.entry("token.export", actor)))
    return await listed(desk, actor, after=after, limit=limit)


async def show(desk: Desk, actor: str, *, token: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """One token with what its seed remembers, but for the key."""

    def question(reading: Reading) -> Told:
        one = the_token(reading, token)
        seed = reading.get(Seed, one.seed_id)
        failures = reading.get(Failures, f"{one.user_id}/{FailureKind.FACTOR}/{one.id}")
        return {
            "token": inventory.told(reading, one, desk.clock()),
            "used_at": seed.used_at or None if seed else None,
            "drift": seed.drift if seed else 0,
            "counter": seed.counter if seed else 0,
            "resync": seed.resync if seed else False,
            "failures": failures.count if failures else 0,
        }

    return await desk.store.read(question)


async def assign(desk: Desk, actor: str, *, token: str, user: str, pending: bool = False) -> Told:
    """Give a token of the inventory to a user."""

    def act(writing: Writing) -> Told:
        one, owner = the_token(writing, token), the_user(writing, user)
        if one.user_id and one.user_id != owner.id:
            raise Refused(f"The token is somebody else's. Unassign it first: vestibule token unassign {token}", "token")
        if one.user_id:
            raise Refused(f"The token is assigned to {owner.name} already.", "token")
        given = inventory.bound(one, owner, pending=pending)
        with protected(desk, writing, actor, owner):
            return _stored(desk, writing, given, owner, action="token.assign", actor=actor)

    return await desk.store.change(act)


async def unassign(desk: Desk, actor: str, *, token: str) -> Told:
    """Put a token back into the inventory."""

    def act(writing: Writing) -> Told:
        one = the_token(writing, token)
        owner = writing.get(User, one.user_id)
        if not one.user_id:
            raise Refused("The token is assigned to nobody.", "token")
        if not one.serial:
            raise Refused("Without a serial number it can not be found again; remove it instead.", "token")
        end_all(writing, one.user_id)
        with protected(desk, writing, actor, owner):
            returned = inventory.take_back(writing, one)
        return _stored(desk, writing, returned, owner, action="token.unassign", actor=actor)

    return await desk.store.change(act)


async def activate(desk: Desk, actor: str, *, token: str, code: str) -> Told:
    """Let a pending token count, by a code that it shows now; the code is spent."""
    moment = desk.moment()

    def act(writing: Writing) -> Told:
        one = the_token(writing, token)
        _refuse_unless_pending(one)
        owner = writing.get(User, one.user_id)
        if owner is None:
            raise Refused(
                f"The token is assigned to nobody. Assign it first: vestibule token assign {token} USER", "token"
            )
        with protected(desk, writing, actor, owner):
            passed = _passed(_oath(desk, one).check(code.strip(), one, seed_of(writing, one), moment), one)
            _spend(writing, passed)
        if owner.mfa is Mfa.ENABLED:
            owner = replace(owner, mfa=Mfa.ENFORCED, version=owner.version + 1)
            writing.put(owner)
        active = replace(passed.credential, state=CredentialState.ACTIVE, version=one.version + 1)
        return _stored(desk, writing, active, owner, action="token.activate", actor=actor)

    return await desk.store.change(act)


async def resync(desk: Desk, actor: str, *, token: str, first: str, second: str) -> Told:
    """Find the token's clock or counter by two codes in a row; both are spent."""
    moment = desk.moment()

    def act(writing: Writing) -> Told:
        one = the_token(writing, token)
        seed = seed_of(writing, one)
        owner = writing.get(User, one.user_id)
        with protected(desk, writing, actor, owner):
            passed = _passed(_oath(desk, one).resync(first.strip(), second.strip(), one, seed, moment), one)
            found = _spend(writing, passed)
        told = _stored(desk, writing, passed.credential, owner, action="token.resync", actor=actor)
        return {**told, "drift": found.drift, "counter": found.counter}

    return await desk.store.change(act)


async def disable(desk: Desk, actor: str, *, token: str) -> Told:
    """Let a token count no more, until it is enabled again."""
    return await _into(desk, actor, "token.disable", token, CredentialState.DISABLED)


async def enable(desk: Desk, actor: str, *, token: str) -> Told:
    """Let a disabled token count again."""
    return await _into(desk, actor, "token.enable", token, CredentialState.ACTIVE)


async def remove(desk: Desk, actor: str, *, token: str) -> Told:
    """Remove a token for good."""

    def act(writing: Writing) -> Told:
        one = the_token(writing, token)
        owner = writing.get(User, one.user_id)
        if owner is None:
            refuse_below(desk, writing, Right.TOKENS)
        with protected(desk, writing, actor, owner):
            inventory.let_go(writing, one)
        end_all(writing, one.user_id)
        writing.note(desk.entry("token.remove", actor, owner, one.id, method=one.method, serial=one.serial))
        return {"removed": one.serial or one.id}

    return await desk.store.change(act)


async def issue_recovery(desk: Desk, actor: str, *, user: str) -> Told:
    """New recovery codes for a user, shown once; all earlier ones are void."""

    def act(writing: Writing) -> Told:
        owner = the_user(writing, user)
        held = [one for one in writing.find(Credential, "user_id", owner.id) if one.method == "recovery"]
        old = held[0] if held else Credential(desk.new_id(), "recovery", owner.id, created_at=desk.clock())
        with protected(desk, writing, actor, owner):
            inventory.forget_failures(writing, old)
        issued, codes = desk.issue_recovery(replace(old, state=CredentialState.ACTIVE, version=old.version + 1))
        told = _stored(desk, writing, issued, owner, action="recovery.issue", actor=actor)
        return {**told, "codes": list(codes)}

    return await desk.store.change(act)


# -- a new token ---------------------------------------------------------------------------------------------------


def _given_key(text: str) -> Secret:
    try:
        return read_key(text)
    except BadField as bad:
        raise refusal(bad) from None


def _otpauth(
    desk: Desk, owner: User, key: Secret, *, method: str, algorithm: str, digits: int, period: int, counter: int
) -> Otpauth:
    """What the person's app is told; refused for what no token can be."""
    if method not in tuple(OtpMethod):
        raise Refused(f"method must be one of {', '.join(OtpMethod)}.", "method")
    if algorithm not in tuple(Algorithm):
        raise Refused(f"algorithm must be one of {', '.join(Algorithm)}.", "algorithm")
    if period not in PERIODS:
        raise Refused("period must be 30 or 60, the seconds that a code is shown.", "period")
    try:
        return Otpauth(
            method=OtpMethod(method),
            account=owner.name.replace(":", "_"),  # a colon would end the issuer
            secret=key,
            issuer=desk.issuer,
            algorithm=Algorithm(algorithm),
            digits=digits,
            period=period,
            counter=counter,
        )
    except BadField as bad:
        raise refusal(bad) from None


def _waiver(desk: Desk, key: Secret, waiver_until: str | None) -> float:
    """Until when a short key counts, 0 for a key that is long enough; refused for a short one without a waiver."""
    end, bits = waiver_end(waiver_until, desk.clock()), len(key) * 8
    if bits >= SHORTEST_KEY_BITS:
        return 0.0
    if not end:
        raise Refused(f"The key {too_short(bits)}.", "secret")
    return end


def _made(desk: Desk, otpauth: Otpauth, *, waiver: float, state: CredentialState, serial: str, label: str) -> Made:
    seed = Seed(desk.fingerprint(otpauth.secret), otpauth.secret, counter=otpauth.counter)
    credential = Credential(
        desk.new_id(),
        otpauth.method.value,
        label=label,
        state=state,
        seed_id=seed.id,
        serial=serial,
        algorithm=otpauth.algorithm,
        digits=otpauth.digits,
        period=otpauth.period,
        waiver_until=waiver,
        created_at=desk.clock(),
    )
    return Made(credential, seed, otpauth)


# -- one token -----------------------------------------------------------------------------------------------------


def _page(reading: Reading, after: str, limit: int, wanted: Callable[[Credential], bool]) -> list[Credential]:
    """The next credentials that are wanted, however many others stand between them."""
    found: list[Credential] = []
    while len(found) < limit and (rows := reading.page(Credential, after, PAGE)):
        found += [one for one in rows if wanted(one)]
        after = rows[-1].id
    return found[:limit]


def _stored(desk: Desk, writing: Writing, one: Credential, owner: User | None, *, action: str, actor: str) -> Told:
    """Store the credential with one line in the journal."""
    writing.put(one)
    writing.note(desk.entry(action, actor, owner, one.id, method=one.method, serial=one.serial))
    return {"token": inventory.told(writing, one, desk.clock())}


async def _into(desk: Desk, actor: str, action: str, token: str, state: CredentialState) -> Told:
    def act(writing: Writing) -> Told:
        one = the_token(writing, token)
        if one.state is state:
            raise Refused(f"The token is {state} already.", "token")
        if one.state is CredentialState.PENDING and state is CredentialState.ACTIVE:
            raise Refused(f"The token waits for its first code: vestibule token activate {token}", "token")
        if state is CredentialState.DISABLED:
            end_all(writing, one.user_id)
        changed, owner = replace(one, state=state, version=one.version + 1), writing.get(User, one.user_id)
        with protected(desk, writing, actor, owner):
            return _stored(desk, writing, changed, owner, action=action, actor=actor)

    return await desk.store.change(act)


def _refuse_unless_pending(one: Credential) -> None:
    if one.state is CredentialState.ACTIVE:
        raise Refused("The token is active already.", "token")
    if one.state is CredentialState.DISABLED:
        raise Refused(f"The token is disabled. Enable it: vestibule token enable {one.serial or one.id}", "token")


def _oath(desk: Desk, one: Credential) -> Oath:
    oath = desk.oath.get(one.method)
    if oath is None:
        raise Refused(f"{one.method} credentials have no codes that could be checked here; name another.", "token")
    return oath


def _passed(found: Verification, one: Credential) -> Passed:
    if isinstance(found, Passed):
        return found
    raise Refused(WHY_NOT.get(found.reason, WRONG).format(token=one.serial or one.id), "code")


def _spend(writing: Writing, passed: Passed) -> Seed:
    """Store what the seed remembers now: this is what makes the codes spent."""
    if passed.seed is None:
        raise AssertionError("a method of codes gives its seed back")
    writing.put(passed.seed)
    return passed.seed
