"""Notices by mail: what has happened to somebody's account is told to the addresses that their record has.

A mail goes to the address in the person's record and to those that they have proven, so that whoever has taken over one
of them does not go unseen. Where nobody carries mail, nothing is written down to be sent.
"""

from collections.abc import Mapping
from dataclasses import replace

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.delivery import Medium
from vestibule.core.phones import EARLIER, MAIL, earlier
from vestibule.core.ports import Reading, Writing
from vestibule.core.users import User
from vestibule.flows import notices
from vestibule.flows.desk import Desk
from vestibule.flows.foreseen import carried
from vestibule.flows.message_texts import NOTICE
from vestibule.flows.notices import Notice
from vestibule.flows.phones import send_soon

NOTICE_SECONDS = 3600.0
KINDS: Mapping[str, str] = {
    "factor.add": "added",
    "token.add": "added",
    "token.assign": "added",
    "phone.add": "added",
    "factor.remove": "removed",
    "token.remove": "removed",
    "token.unassign": "removed",
    "token.disable": "removed",
    "phone.remove": "removed",
    "user.reregister": "removed",
    "phone.set": "changed",
    "pin.set": "changed",
    "pin.remove": "changed",
    "recovery.issue": "recovered",
    "pass.issue": "recovered",
    "bypass.grant": "recovered",
    "user.password": "password",
}
"""What the mail says, by what happened; of anything else it says that it may not have been its person."""


async def tell(desk: Desk) -> int:
    """Write the mails about all that has happened since the last time; how many things that was. Raises Unavailable."""
    return await notices.collect(desk.store, lambda writing, notice: _take(desk, writing, notice))


def _take(desk: Desk, writing: Writing, notice: Notice) -> None:
    user = writing.get(User, notice.user_id)
    if user is None or Medium.MAIL not in carried(desk):
        return
    until, template = desk.clock() + NOTICE_SECONDS, NOTICE + KINDS.get(notice.what, "alarm")
    for address in _addresses(writing, user):
        to = Credential(desk.new_id(), MAIL, user.id, EARLIER, CredentialState.DISABLED, reach=address)
        writing.put(replace(to, created_at=desk.clock(), expires_at=until))
        send_soon(desk, writing, to, template, until)


def _addresses(reading: Reading, user: User) -> list[str]:
    held = reading.find(Credential, "user_id", user.id)
    theirs = [
        one.reach for one in held if one.method == MAIL and one.state is CredentialState.ACTIVE and not earlier(one)
    ]
    return list(dict.fromkeys([address for address in (user.email, *theirs) if address]))
