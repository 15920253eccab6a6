"""Why a sign-in was refused. Exact in the journal, coarse on the wire: doors hold one table Reason → reply."""

from enum import StrEnum


class Reason(StrEnum):
    """Each member needs a row in every door's table and in docs/reasons.md."""

    UNKNOWN_USER = "unknown_user"
    BLOCKED = "blocked"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a reason, not a password
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - as above; the directory says the rest of these
    PASSWORD_MUST_CHANGE = "password_must_change"  # noqa: S105
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_EXPIRED = "account_expired"
    NOT_ALLOWED_NOW = "not_allowed_now"
    WRONG_CODE = "wrong_code"
    CODE_REUSED = "code_reused"
    CODE_OLD = "code_old"
    CLOCK = "clock"
    THROTTLED = "throttled"
    TOO_MANY_FAILURES = "too_many_failures"
    DENIED_BY_POLICY = "denied_by_policy"
    NOT_ENROLLED = "not_enrolled"
    NO_USABLE_PROMPT = "no_usable_prompt"
    NOT_DELIVERED = "not_delivered"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    UNKNOWN_ATTEMPT = "unknown_attempt"


class Result(StrEnum):
    """Call results under the names that reports of the predecessor used, for those who read both."""

    OATH_VERIFIED = "SUCCESS_OATH_CODE_VERIFIED"
    OATH_PENDING = "SUCCESS_OATH_CODE_PENDING"
    OATH_INCORRECT = "FAILED_OATH_CODE_INCORRECT"
    OATH_DUPLICATE = "FAILED_OATH_CODE_DUPLICATE"
    OATH_OLD = "FAILED_OATH_CODE_OLD"
    OATH_TIMEOUT = "FAILED_OATH_TOKEN_TIMEOUT"
    USER_BLOCKED = "SUCCESS_USER_BLOCKED"
    USED_CACHE = "SUCCESS_USED_IP_BASED_CACHE"
    THROTTLED = "FAILED_AUTHENTICATION_THROTTLED"
    AUTH_TIMEOUT = "FAILED_AUTH_RESULT_TIMEOUT"
    NOT_DELIVERED = "FAILED_SERVER_ERROR"
    NONE = ""


RESULT_OF_REASON: dict[Reason, Result] = {
    Reason.UNKNOWN_USER: Result.NONE,
    Reason.BLOCKED: Result.USER_BLOCKED,
    Reason.WRONG_PASSWORD: Result.NONE,
    Reason.PASSWORD_EXPIRED: Result.NONE,
    Reason.PASSWORD_MUST_CHANGE: Result.NONE,
    Reason.ACCOUNT_LOCKED: Result.NONE,
    Reason.ACCOUNT_DISABLED: Result.NONE,
    Reason.ACCOUNT_EXPIRED: Result.NONE,
    Reason.NOT_ALLOWED_NOW: Result.NONE,
    Reason.WRONG_CODE: Result.OATH_INCORRECT,
    Reason.CODE_REUSED: Result.OATH_DUPLICATE,
    Reason.CODE_OLD: Result.OATH_OLD,
    Reason.CLOCK: Result.OATH_OLD,
    Reason.THROTTLED: Result.THROTTLED,
    Reason.TOO_MANY_FAILURES: Result.THROTTLED,
    Reason.DENIED_BY_POLICY: Result.NONE,
    Reason.NOT_ENROLLED: Result.NONE,
    Reason.NO_USABLE_PROMPT: Result.NONE,
    Reason.NOT_DELIVERED: Result.NOT_DELIVERED,
    Reason.NO_ANSWER: Result.AUTH_TIMEOUT,
    Reason.DECLINED: Result.NONE,
    Reason.UNKNOWN_ATTEMPT: Result.OATH_TIMEOUT,
}

PASSWORD_WAS_RIGHT = frozenset(
    {
        Reason.PASSWORD_EXPIRED,
        Reason.PASSWORD_MUST_CHANGE,
        Reason.ACCOUNT_DISABLED,
        Reason.ACCOUNT_EXPIRED,
        Reason.NOT_ALLOWED_NOW,
    }
)
"""What a directory says only to who knows the password: no guess was made, so none is counted."""
