"""Credentials in the hands of an administrator: find one, bind it, take it back, let it go with its seed.

A seed is one row however many credentials are made of it, and goes with the last of them; what it remembers of spent
codes is never overwritten by a second import of the same secret.
"""

from dataclasses import replace

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.failures import FailureKind, Failures
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import User
from vestibule.flows.desk import Told, name_of
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.views import token_told


def the_token(reading: Reading, token: str) -> Credential:
    """The credential with this serial number or id; refused when there is none."""
    by_serial = reading.find(Credential, "serial", token) if token else []
    found = by_serial[0] if by_serial else reading.get(Credential, token)
    if found is None:
        raise Missing(f"There is no token {token}. Look for its serial number with: vestibule token list", "token")
    return found


def is_token(one: Credential) -> bool:
    """Whether a credential is a token: one that counts or times codes from a seed. A list of recovery codes is none."""
    return bool(one.seed_id)


def seed_of(reading: Reading, one: Credential) -> Seed:
    """The seed of a credential; refused for one that has none."""
    seed = reading.get(Seed, one.seed_id) if one.seed_id else None
    if seed is None:
        raise Refused(f"{one.method} credentials have no codes that could be checked here; name another.", "token")
    return seed


def told(reading: Reading, one: Credential, now: float) -> Told:
    """The credential with the name of its user."""
    return token_told(one, name_of(reading, one.user_id), now)


def bound(one: Credential, user: User, *, pending: bool) -> Credential:
    """The credential in the hands of `user`; a pending one counts only after it was activated."""
    state = CredentialState.PENDING if pending else one.state
    return replace(one, user_id=user.id, state=state, version=one.version + 1)


def keep_seed(writing: Writing, seed: Seed) -> None:
    """Store a seed unless it is there: its memory of spent codes outlives a second import."""
    if writing.get(Seed, seed.id) is None:
        writing.put(seed)


def take_back(writing: Writing, one: Credential) -> Credential:
    """Put the credential back into the inventory, without what belonged to its user."""
    forget_failures(writing, one)
    returned = replace(one, user_id="", label="", version=one.version + 1)
    writing.put(returned)
    return returned


def let_go(writing: Writing, one: Credential) -> None:
    """Remove the credential, and its seed if no other one is made of it."""
    forget_failures(writing, one)
    writing.remove(Credential, one.id)
    if one.seed_id and not writing.find(Credential, "seed_id", one.seed_id):
        writing.remove(Seed, one.seed_id)


def forget_failures(writing: Writing, one: Credential) -> None:
    """What counted against the credential ends with its binding."""
    if one.user_id:
        writing.remove(Failures, f"{one.user_id}/{FailureKind.FACTOR}/{one.id}")
