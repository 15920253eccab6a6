"""HOTP, RFC 4226: a code from a token that counts how often its button was pressed.

Accepted is the next counter value or one of the nine after it (section 7.2); the counter only rises. A token that
was pressed too often comes back by two consecutive codes within a wider window (section 7.4).
"""

import hmac
from dataclasses import dataclass, replace

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, Seed
from vestibule.core.oath import hotp, is_code
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason, Result
from vestibule.core.restoring import two_codes_asked

LOOK_AHEAD = 10  # counter values that are tried
LOOK_BACK = 10  # spent values that are recognised, to tell a replay from a guess
RESTORED_REACH = 100  # values in which a token that awaits its resync is recognised, to tell it from a guess


@dataclass(frozen=True, slots=True)
class Hotp:
    """The method. `resync_window` is how many counter values a resync may skip."""

    resync_window: int = 1000
    name: str = "hotp"
    result: Result = Result.OATH_VERIFIED

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        """As many digits as the token shows."""
        return (credential.digits,)

    def fits(self, code: str, credential: Credential) -> bool:
        """Whether `code` is that many ASCII digits."""
        return is_code(code, credential.digits)

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:
        """Check `code` against the next counter values; after a restore only a resync helps."""
        if seed is None:
            return Failed(Reason.WRONG_CODE)
        if seed.resync:
            return Failed(_why_not_restored(code, credential, seed))
        for counter in range(seed.counter, seed.counter + LOOK_AHEAD):
            if _equal(code, counter, credential, seed):
                return Passed(credential, replace(seed, counter=counter + 1, used_at=moment.at))
        return Failed(_why_not(code, credential, seed))

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:  # noqa: ARG002 - the port's shape
        """The counter is trusted again after two consecutive codes."""
        return two_codes_asked(credential, seed) if seed else Passed(credential)

    def resync(self, first: str, second: str, credential: Credential, seed: Seed, moment: Moment) -> Verification:
        """Find two consecutive codes at or after the counter and go on behind them."""
        for counter in range(seed.counter, seed.counter + self.resync_window):
            if _equal(first, counter, credential, seed) and _equal(second, counter + 1, credential, seed):
                return Passed(credential, replace(seed, counter=counter + 2, resync=False, used_at=moment.at))
        return Failed(Reason.WRONG_CODE)


def _equal(code: str, counter: int, credential: Credential, seed: Seed) -> bool:
    if not code.isascii():
        return False
    return hmac.compare_digest(code, hotp(seed.secret.reveal(), counter, credential.digits, credential.algorithm))


def _why_not(code: str, credential: Credential, seed: Seed) -> Reason:
    for counter in range(max(seed.counter - LOOK_BACK, 0), seed.counter):
        if _equal(code, counter, credential, seed):
            return Reason.CODE_REUSED if counter == seed.counter - 1 else Reason.CODE_OLD
    return Reason.WRONG_CODE


def _why_not_restored(code: str, credential: Credential, seed: Seed) -> Reason:
    """Only what surely comes from the token names the cure; all else is a guess, and is counted as one."""
    reach = range(max(seed.counter - LOOK_BACK, 0), seed.counter + RESTORED_REACH)
    return Reason.CLOCK if any(_equal(code, counter, credential, seed) for counter in reach) else Reason.WRONG_CODE
