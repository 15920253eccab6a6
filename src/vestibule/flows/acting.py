"""Who administers: somebody at the host itself, a person with a browser, or a program with a key.

What a person may do is looked up in the very slice that asks, so that a role that was taken a moment ago opens nothing.
"""

from dataclasses import dataclass

from vestibule.core.ports import Reading
from vestibule.core.users import User
from vestibule.flows.rights import RIGHTS, Right


@dataclass(frozen=True, slots=True)
class Acting:
    """`user_id` is the person, "" for none; without one, `rights` is as much as may be done."""

    rights: frozenset[Right] = frozenset()
    user_id: str = ""

    def rights_in(self, reading: Reading) -> frozenset[Right]:
        """The rights that count now; of a person who is gone, none."""
        if not self.user_id:
            return self.rights
        user = reading.get(User, self.user_id)
        return RIGHTS[user.role] if user else frozenset()


HOST = Acting(frozenset(Right))
"""Whoever may run commands on the host holds the master key as well."""

NOBODY = Acting()


def person(user_id: str) -> Acting:
    """Somebody who is signed in with a browser."""
    return Acting(user_id=user_id)
