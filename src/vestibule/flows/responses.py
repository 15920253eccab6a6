"""A response to a challenge (MS-CHAP version 2) instead of a password: the directory of the person checks it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vestibule.core.decisions import Account
from vestibule.core.directories import AccountDirectory, ResponseDirectory, ResponseVerdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Reading, Store
from vestibule.core.users import Alias, User
from vestibule.flows.first_factor import unless_another
from vestibule.wire.names import name_key


@dataclass(frozen=True, slots=True)
class Response:
    """What somebody answered: 24 octets to a challenge of 8; `user_name` as it was typed."""

    user_name: str
    challenge: bytes
    response: bytes


class Responses:
    """Asks the directory of a client; the person is looked for as for a password."""

    def __init__(self, store: Store, directory_of: Callable[[str], AccountDirectory | None]) -> None:
        """Take the question which directory has this id."""
        self._store = store
        self._directory_of = directory_of

    def able(self, directory: str) -> bool:
        """Whether this directory can be asked. Raises Unavailable."""
        return self._of(directory) is not None

    async def check(self, directory: str, said: Response, deadline: float) -> ResponseVerdict:
        """What the directory says of it; `deadline` in monotonic seconds. Raises Unavailable."""
        live = self._of(directory)
        if live is None:
            raise Unavailable(f"the directory {directory!r} checks no responses")
        user = await self._store.read(lambda reading: _named(reading, name_key(said.user_name)))
        account = _account(directory, user, said.user_name)
        try:
            found = await live.check_response(account, said.challenge, said.response, deadline)
        except Malformed as malformed:  # wrong settings are nobody's wrong password
            raise Unavailable(f"the directory {directory!r} can not be asked: {malformed}") from None
        if not found.verdict.right or account.external_id:
            return found
        verdict = await unless_another(self._store, user.id if user else "", account, found.verdict)
        return found if verdict is found.verdict else replace(found, verdict=verdict)

    def _of(self, directory: str) -> ResponseDirectory | None:
        try:
            live = self._directory_of(directory)
        except Malformed as malformed:
            raise Unavailable(f"the directory {directory!r} can not be asked: {malformed}") from None
        if live is None:
            return None
        return live if isinstance(live, ResponseDirectory) and live.checks_responses else None


def _account(directory: str, user: User | None, typed: str) -> Account:
    if user is None:
        return Account(directory, "", typed)
    return Account(directory, user.external_id if user.directory == directory else "", user.name)


def _named(reading: Reading, key: str) -> User | None:
    """Whoever answers to a name, as their own or another."""
    own = next(iter(reading.find(User, "key", key)), None)
    alias = None if own else reading.get(Alias, key)
    return own or (reading.get(User, alias.user_id) if alias else None)
