"""API keys: make them, list and remove them, and know one again when somebody brings it.

A key is `vestibule_`, its public id (16 hex digits) and 256 bits of chance. What is stored is HMAC over id and chance,
so that a stolen database opens nothing.
"""

import base64
import contextlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from vestibule.core.api_keys import ApiKey, Right, Scope
from vestibule.core.errors import Unavailable
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Reading, Store, Writing
from vestibule.core.users import Role
from vestibule.flows.clients import the_client
from vestibule.flows.desk import Desk, Told, required
from vestibule.flows.refused import Missing, Refused
from vestibule.flows.roles import OF_KEYS, key_rights

MOST_KEYS = 1000
DAY = 86400.0
ID_OCTETS = 8
SECRET_OCTETS = 32
FORM = re.compile(r"vestibule_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
TRUSTED_SECONDS = 1.0  # for so long a key that verifies is not looked up again
USED_EVERY = 3600.0  # seconds; finer than that nobody is told when a key was used

Mac = Callable[[bytes], bytes]


async def add(
    desk: Desk,
    actor: str,
    *,
    name: str,
    client: str | None = None,
    rights: Sequence[str] = (),
    role: str | None = None,
    expires: str | None = None,
) -> Told:
    """Make a key, for one client to verify with or with rights to manage: named, or all of a role. It is shown once."""
    if [client is not None, bool(rights), role is not None].count(True) != 1:
        raise Refused(
            "A key either verifies for a client or has rights to manage, named or those of a role; name one of them.",
            "client",
        )
    granted = _rights(rights) if role is None else _rights_of(role)
    named, end = required(name, "name", 64), _end(expires, desk.clock())
    id, secret = desk.chance(ID_OCTETS).hex(), base64.urlsafe_b64encode(desk.chance(SECRET_OCTETS)).decode().rstrip("=")

    def act(writing: Writing) -> Told:
        _refuse_more(desk, writing, granted)
        keys = writing.page(ApiKey, "", MOST_KEYS)
        if any(key.name == named for key in keys):
            raise Refused(f"There is an API key {named} already. Choose another name.", "name")
        if len(keys) >= MOST_KEYS:
            raise Refused(f"There are {MOST_KEYS} API keys, and no more are taken. Remove some first.", "name")
        client_id = "" if client is None else the_client(writing, client, "client").id
        key = ApiKey(id, named, _digest(desk.mac, id, secret), client_id, granted, end, desk.clock(), actor)
        writing.put(key)
        writing.note(desk.entry("api_key.add", actor, key=id, name=named, client=client_id, rights=list(granted)))
        return {"key": _told(writing, key), "secret": f"vestibule_{id}_{secret}"}

    return await desk.store.change(act)


async def listed(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """All keys, in order of name; never what opens the door."""

    def question(reading: Reading) -> Told:
        keys = sorted(reading.page(ApiKey, "", MOST_KEYS), key=lambda key: key.name)
        return {"keys": [_told(reading, key) for key in keys]}

    return await desk.store.read(question)


async def remove(desk: Desk, actor: str, *, id: str) -> Told:
    """Remove a key, by its id or its name; it opens nothing any more, on no node, a second later."""

    def act(writing: Writing) -> Told:
        key = _the_key(writing, id)
        writing.remove(ApiKey, key.id)
        writing.set_state(_used(key.id), "")
        writing.note(desk.entry("api_key.remove", actor, key=key.id, name=key.name))
        return {"removed": key.name}

    return await desk.store.change(act)


class KnownKeys:
    """Knows keys again. Whoever brings none that is good hears nothing about what is wrong with it."""

    def __init__(self, store: Store, clock: Callable[[], float], monotonic: Callable[[], float], mac: Mac) -> None:
        """Look keys up in `store`; `mac` is what `Desk.mac` is."""
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._mac = mac
        self._trusted: dict[str, tuple[ApiKey, float]] = {}
        self._noted: dict[str, float] = {}

    async def recognise(self, text: str, address: str) -> ApiKey | None:
        """The key that `text` is, or None. Its use is journalled once an hour. Raises Unavailable."""
        parts = FORM.fullmatch(text)
        if parts is None:
            return None
        id, secret = parts.groups()
        key = self._remembered(id) or await self._store.read(lambda reading: reading.get(ApiKey, id))
        right = hmac.compare_digest(_digest(self._mac, id, secret), key.digest if key else "")
        if key is None or not right or key.expired(self._clock()):
            return None
        self._remember(key)
        await self._note(key, address)
        return key

    def _remembered(self, id: str) -> ApiKey | None:
        key, until = self._trusted.get(id, (None, 0.0))
        return key if self._monotonic() < until else None

    def _remember(self, key: ApiKey) -> None:
        """A key that manages is looked up each time: it is rare, and may do more harm."""
        if key.scope is Scope.VERIFY and self._remembered(key.id) is None:
            self._trusted[key.id] = (key, self._monotonic() + TRUSTED_SECONDS)

    async def _note(self, key: ApiKey, address: str) -> None:
        """Once an hour; where the store can not be written, the request itself will hear of it."""
        now = self._clock()
        if now < self._noted.get(key.id, 0.0) + USED_EVERY:
            return
        self._noted[key.id] = now
        entry = Entry(now, EntryKind.ADMINISTRATION, "api_key.used", key.actor, client_address=address)

        def act(writing: Writing) -> None:
            if writing.get(ApiKey, key.id) is not None:
                writing.set_state(_used(key.id), repr(now // USED_EVERY * USED_EVERY))
                writing.note(entry)

        with contextlib.suppress(Unavailable):
            await self._store.change(act)


def _digest(mac: Mac, id: str, secret: str) -> str:
    return mac(f"api key {id} {secret}".encode()).hex()


def _used(id: str) -> str:
    """Under which name the store notes when a key was used."""
    return f"api_key.used_at/{id}"


def _the_key(reading: Reading, id: str) -> ApiKey:
    key = reading.get(ApiKey, id)
    named = [one for one in reading.page(ApiKey, "", MOST_KEYS) if one.name == id]
    if key is None and not named:
        raise Missing(f"There is no API key {id}. Look for its id with: vestibule api-key list", "id")
    return key or named[0]


def _refuse_more(desk: Desk, reading: Reading, granted: tuple[Right, ...]) -> None:
    """Nobody makes a key that may do what they may not."""
    may = desk.acting.rights_in(reading)
    if any(set(OF_KEYS[right]) & set(granted) for right in OF_KEYS if right not in may):
        raise Refused("A key may do no more than whoever makes it. Name fewer rights.", "rights")


def _rights(names: Sequence[str]) -> tuple[Right, ...]:
    unknown = set(names) - set(Right)
    if unknown:
        raise Refused(f"A right must be one of {', '.join(Right)}.", "rights")
    return tuple(right for right in Right if right in names)


def _rights_of(role: str) -> tuple[Right, ...]:
    known = [one.value for one in Role if one]
    if role not in known:
        raise Refused(f"role must be one of {', '.join(known)}.", "role")
    return key_rights(Role(role))


def _end(expires: str | None, now: float) -> float:
    """The end of the day `expires` (UTC) in seconds since the epoch, 0 for none; refused in the past."""
    if expires is None:
        return 0.0
    try:
        day = date.fromisoformat(expires)
    except ValueError:
        raise Refused("expires must be a date as 2027-01-31.", "expires") from None
    end = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + DAY
    if end <= now:
        raise Refused("expires is over; name a day that is yet to come, or none.", "expires")
    return end


def _told(reading: Reading, key: ApiKey) -> Told:
    used = reading.state(_used(key.id))
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope.value,
        "client": key.client_id or None,
        "rights": [right.value for right in key.rights],
        "expires_at": key.expires_at or None,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "used_at": float(used) if used else None,
    }
