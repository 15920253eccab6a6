"""What the answer to a person's bind means: one table for each dialect. Pure.

Only success without a "but" lets somebody in. What says nothing about the password is `Unavailable`, so that a domain
controller in trouble is never taken for a wrong password.
"""

from typing import Final

from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.people import PasswordOutcome
from vestibule.wire.ldap.active_directory import LogonError, logon_error
from vestibule.wire.ldap.controls import PASSWORD_POLICY, PolicyError, read_policy
from vestibule.wire.ldap.messages import BindResponse, Message, Result, ResultCode

OF_LOGON_ERROR: Final = {
    LogonError.NO_SUCH_USER: PasswordOutcome.UNKNOWN_PERSON,
    LogonError.LOGON_FAILURE: PasswordOutcome.WRONG,
    LogonError.ACCOUNT_RESTRICTION: PasswordOutcome.NOT_NOW,
    LogonError.INVALID_LOGON_HOURS: PasswordOutcome.NOT_NOW,
    LogonError.INVALID_WORKSTATION: PasswordOutcome.NOT_NOW,
    LogonError.PASSWORD_EXPIRED: PasswordOutcome.EXPIRED,
    LogonError.ACCOUNT_DISABLED: PasswordOutcome.DISABLED,
    LogonError.ACCOUNT_EXPIRED: PasswordOutcome.ACCOUNT_EXPIRED,
    LogonError.PASSWORD_MUST_CHANGE: PasswordOutcome.MUST_CHANGE,
    LogonError.ACCOUNT_LOCKED_OUT: PasswordOutcome.LOCKED,
}
"""Active Directory; numbers that are missing here are troubles of the domain and decide nothing."""

OF_POLICY_ERROR: Final = {
    PolicyError.PASSWORD_EXPIRED: PasswordOutcome.EXPIRED,
    PolicyError.ACCOUNT_LOCKED: PasswordOutcome.LOCKED,
    PolicyError.CHANGE_AFTER_RESET: PasswordOutcome.MUST_CHANGE,
}
"""OpenLDAP; the other errors are about new passwords."""

OF_RESULT: Final = {
    ResultCode.CONSTRAINT_VIOLATION: PasswordOutcome.LOCKED,  # after too many tries, whatever the password (389 DS)
    ResultCode.NO_SUCH_OBJECT: PasswordOutcome.UNKNOWN_PERSON,
    ResultCode.INVALID_DN_SYNTAX: PasswordOutcome.UNKNOWN_PERSON,
    ResultCode.INAPPROPRIATE_AUTHENTICATION: PasswordOutcome.WRONG,  # the entry has no password
    ResultCode.INSUFFICIENT_ACCESS_RIGHTS: PasswordOutcome.NOT_NOW,
    ResultCode.UNWILLING_TO_PERFORM: PasswordOutcome.NOT_NOW,
}
"""Every dialect; other codes are troubles of the server."""


def outcome_of(message: Message) -> PasswordOutcome:
    """Say what the answer to a bind means. Raises `Unavailable` when it says nothing about the person."""
    if not isinstance(message.operation, BindResponse):
        raise TypeError("not the answer to a bind")
    result = message.operation.result
    by_policy = _by_policy(message)
    if result.code == ResultCode.SUCCESS:
        return by_policy or PasswordOutcome.RIGHT
    if result.code == ResultCode.INVALID_CREDENTIALS:
        return by_policy or _by_logon_error(result)
    meant = OF_RESULT.get(ResultCode(result.code)) if result.code in list(ResultCode) else None
    if meant is None:
        raise Unavailable(f"the directory can not check a password: {result.named}")
    return meant


def _by_policy(message: Message) -> PasswordOutcome | None:
    control = message.control(PASSWORD_POLICY)
    if control is None:
        return None
    try:
        error = read_policy(control).error
    except Malformed as malformed:
        raise Unavailable(f"the directory's password policy makes no sense: {malformed}") from None
    return None if error is None else OF_POLICY_ERROR.get(error)


def _by_logon_error(result: Result) -> PasswordOutcome:
    error = logon_error(result.diagnostic)
    if error is None:
        return PasswordOutcome.WRONG
    if error not in OF_LOGON_ERROR:
        raise Unavailable(f"the directory can not check a password: {error.name.lower().replace('_', ' ')}")
    return OF_LOGON_ERROR[error]
