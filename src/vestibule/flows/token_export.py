"""Token export with the keys, for a file that is closed at once: every page of it stands in the journal."""

import base64

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.ports import Reading, Writing
from vestibule.flows.desk import Desk, Told, name_of, page_size


async def keys(desk: Desk, actor: str, *, after: str = "", limit: int = 1000) -> Told:
    """A page of all active tokens in order of id, with their keys and what their seeds remember.

    Tokens that are pending or disabled are left out and counted: a file of keys can not say that they do not count.
    """
    size = page_size(limit)

    def act(writing: Writing) -> Told:
        rows = writing.page(Credential, after, size)
        oath = [one for one in rows if one.method in desk.oath]
        told = [_told(writing, one) for one in oath if one.state is CredentialState.ACTIVE]
        writing.note(desk.entry("token.keys", actor, tokens=len(told)))
        following = rows[-1].id if len(rows) == size else None
        return {"tokens": told, "left_out": len(oath) - len(told), "next": following}

    return await desk.store.change(act)


def _told(reading: Reading, one: Credential) -> Told:
    seed = reading.get(Seed, one.seed_id)
    if seed is None:
        raise AssertionError("a token of codes has a seed")
    return {
        "serial": one.serial or one.id,
        "method": one.method,
        "secret": base64.b64encode(seed.secret.reveal()).decode(),
        "algorithm": one.algorithm.value,
        "digits": one.digits,
        "period": one.period,
        "counter": seed.counter,
        "drift": seed.drift,
        "user": name_of(reading, one.user_id),
        "manufacturer": one.manufacturer,
        "model": one.model,
        "starts_at": one.starts_at,
        "expires_at": one.expires_at,
    }
