"""What stands before every act of administration on a person: by whom, after which check, and that an owner is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from vestibule.core.ports import Writing
from vestibule.core.users import User
from vestibule.flows import caller_check
from vestibule.flows.desk import Desk
from vestibule.flows.roles import keeping_an_owner, refuse_above


@contextmanager
def protected(desk: Desk, writing: Writing, actor: str, user: User | None, *, resets: bool = True) -> Iterator[None]:
    """Do inside what is done to this person, in the slice that does it; None is nobody, and nothing is asked.

    Refused for somebody who may do more than whoever acts; for what `resets` without a check of who calls, where one
    is needed; and, at the end, for what leaves no owner who can sign in. With themselves people do as they are allowed
    to by the page.
    """
    if user is None:
        yield
        return
    if desk.acting.user_id != user.id:
        refuse_above(desk, writing, user)
        if resets:
            caller_check.require(desk, writing, actor, user)
    with keeping_an_owner(desk, writing, user):
        yield
