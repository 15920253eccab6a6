"""The first factor: whose password it is decides who looks at it, ourselves or a directory of others."""

from collections.abc import Callable
from dataclasses import replace

from vestibule.core.decisions import Account, CheckPassword
from vestibule.core.directories import AccountDirectory, Directory, Verdict
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Store
from vestibule.core.reasons import Reason
from vestibule.core.users import User

ANOTHER_NAME = "this person is known here under another name"


class FirstFactor:
    """Asks the one directory that knows the person; none stands in for another."""

    def __init__(self, store: Store, local: Directory, directory_of: Callable[[str], AccountDirectory | None]) -> None:
        """Take ourselves, and the question which directory has this id."""
        self._store = store
        self._local = local
        self._directory_of = directory_of

    async def check(self, order: CheckPassword, deadline: float) -> Verdict:
        """What is to be said of this password; `deadline` in monotonic seconds. Raises Unavailable.

        A local user with a local password never waits for a directory. Someone whose directory has been taken away is
        not let in by a password that we may still keep.
        """
        account = order.account
        if account is None or await self._is_ours(order.user_id, account):
            user_id = order.user_id or None
            return Verdict(await self._local.check_password(user_id, order.password, order.source, deadline))
        try:
            verdict = await self._directory(account.directory).check(account, order.password, order.source, deadline)
        except Malformed as malformed:  # wrong settings are nobody's wrong password
            raise Unavailable(f"the directory {account.directory!r} can not be asked: {malformed}") from None
        if verdict.right and not account.external_id:
            return await unless_another(self._store, order.user_id, account, verdict)
        return verdict

    def _directory(self, id: str) -> AccountDirectory:
        directory = self._directory_of(id)
        if directory is None:
            raise Unavailable(f"the directory {id!r} is not set up on this node")
        return directory

    async def _is_ours(self, user_id: str, account: Account) -> bool:
        return bool(user_id) and account.local and await self._local.knows(user_id)


async def unless_another(store: Store, user_id: str, account: Account, verdict: Verdict) -> Verdict:
    """Nobody goes round their second factor by a name that is not theirs here, whether somebody has it or not."""
    if not verdict.external_id:
        return verdict
    same = await store.read(lambda reading: reading.find(User, "external_id", verdict.external_id))
    if any(user.directory == account.directory and user.id != user_id for user in same):
        return replace(verdict, right=False, refusal=Reason.UNKNOWN_USER, detail=ANOTHER_NAME)
    return verdict
