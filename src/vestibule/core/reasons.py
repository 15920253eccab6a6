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
    WRONG_PIN = "wrong_pin"
    FRAUD_REPORTED = "fraud_reported"
    LIMIT_REACHED = "limit_reached"
    PASSKEY_REFUSED = "passkey_refused"
    PASSKEY_COPIED = "passkey_copied"
    UNKNOWN_ATTEMPT = "unknown_attempt"


class Result(StrEnum):
    """Call results under the names that reports of the predecessor used, for those who read both."""

    PIN_ENTERED = "SUCCESS_WITH_PIN"
    CONFIRMED = "SUCCESS_NO_PIN"
    PIN_INCOMPLETE = "SUCCESS_WITH_PIN_BUT_TIMEOUT"
    NO_INPUT = "SUCCESS_NO_PIN_BUT_TIMEOUT"
    PIN_EXPIRED = "SUCCESS_PIN_EXPIRED"
    BYPASSED = "SUCCESS_BYPASSED_AUTH"
    INVALID_INPUT = "SUCCESS_INVALID_INPUT"
    TEXT_AUTHENTICATED = "SUCCESS_SMS_AUTHENTICATED"
    TEXT_SENT = "SUCCESS_SMS_SENT"
    OATH_VERIFIED = "SUCCESS_OATH_CODE_VERIFIED"
    FALLBACK_OATH_VERIFIED = "SUCCESS_FALLBACK_OATH_CODE_VERIFIED"
    OATH_PENDING = "SUCCESS_OATH_CODE_PENDING"
    OATH_INCORRECT = "FAILED_OATH_CODE_INCORRECT"
    OATH_DUPLICATE = "FAILED_OATH_CODE_DUPLICATE"
    OATH_OLD = "FAILED_OATH_CODE_OLD"
    OATH_TIMEOUT = "FAILED_OATH_TOKEN_TIMEOUT"
    PHONE_BUSY = "FAILED_PHONE_BUSY"
    UNREACHABLE = "CONFIG_ISSUE"
    INVALID_NUMBER = "FAILED_INVALID_PHONENUMBER"
    HUNG_UP = "FAILED_USER_HUNGUP_ON_US"
    INVALID_EXTENSION = "FAILED_INVALID_EXTENSION"
    FRAUD_CODE = "FAILED_FRAUD_CODE_ENTERED"
    TEXT_NOT_SENT = "FAILED_SMS_NOT_SENT"
    TEXT_INCORRECT = "FAILED_SMS_OTP_INCORRECT"
    TEXT_PIN_INCORRECT = "FAILED_SMS_OTP_PIN_INCORRECT"
    TEXT_TRIES_SPENT = "FAILED_SMS_MAX_OTP_RETRY_REACHED"
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
    Reason.WRONG_PIN: Result.PIN_ENTERED,
    Reason.FRAUD_REPORTED: Result.FRAUD_CODE,
    Reason.LIMIT_REACHED: Result.THROTTLED,
    Reason.PASSKEY_REFUSED: Result.NONE,
    Reason.PASSKEY_COPIED: Result.NONE,
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
