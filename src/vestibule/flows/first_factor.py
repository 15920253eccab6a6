"""The first factor: whose password it is decides who looks at it, ourselves or a directory of others."""

from collections.abc import Callable

from vestibule.core.decisions import CheckPassword
from vestibule.core.errors import Unavailable
from vestibule.core.ports import AccountDirectory, Directory, Verdict


class FirstFactor:
    """Asks the one directory that knows the person; none stands in for another."""

    def __init__(self, local: Directory, directory_of: Callable[[str], AccountDirectory | None]) -> None:
        """Take ourselves, and the question which directory has this id."""
        self._local = local
        self._directory_of = directory_of

    async def check(self, order: CheckPassword, deadline: float) -> Verdict:
        """What is to be said of this password; `deadline` in monotonic seconds. Raises Unavailable.

        Someone whose directory has been taken away is not let in by a password that we may still keep.
        """
        if order.account is None:
            user_id = order.user_id or None
            return Verdict(await self._local.check_password(user_id, order.password, order.source, deadline))
        directory = self._directory_of(order.account.directory)
        if directory is None:
            raise Unavailable(f"the directory {order.account.directory!r} is not set up on this node")
        return await directory.check(order.account, order.password, order.source, deadline)
