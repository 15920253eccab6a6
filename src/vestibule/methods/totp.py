"""TOTP, RFC 6238: a code from an authenticator app or a hardware token that shows a new one every 30 or 60 seconds.

Accepted is the current time step of the token's own clock and one step to each side (section 5.2); never a step
that is not after the last accepted one. The token's drift is learned from accepts (section 6), up to a bound;
beyond it, and beyond the window, two consecutive codes resynchronise. Someone who types late looks like a slow
clock, so the better of the last two accepts is believed: one late code moves nothing.
"""

import hmac
from dataclasses import dataclass, replace

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, Seed
from vestibule.core.oath import hotp, is_code, time_step
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason, Result
from vestibule.core.restoring import spent_until_now

WINDOW = 1  # steps to each side


@dataclass(frozen=True, slots=True)
class Totp:
    """The method. `learned_drift` bounds (in steps) what accepts may learn; `resync_window` what a resync may."""

    learned_drift: int = 10
    resync_window: int = 120
    name: str = "totp"
    result: Result = Result.OATH_VERIFIED

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        """As many digits as the token shows."""
        return (credential.digits,)

    def fits(self, code: str, credential: Credential) -> bool:
        """Whether `code` is that many ASCII digits."""
        return is_code(code, credential.digits)

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:
        """Check `code` at the token's own time."""
        if seed is None:
            return Failed(Reason.WRONG_CODE)
        centre = time_step(moment.at, credential.period) + seed.drift
        matched = _match(code, credential, seed, centre, WINDOW)
        if matched is None:
            return Failed(Reason.WRONG_CODE)
        if matched <= seed.last_step:
            return Failed(_why_spent(matched, seed, centre))
        return Passed(credential, self._spent(seed, matched, credential, moment))

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:
        """Every time step until now counts as used."""
        return spent_until_now(credential, seed, at, WINDOW) if seed else Passed(credential)

    def resync(self, first: str, second: str, credential: Credential, seed: Seed, moment: Moment) -> Verification:
        """Find two consecutive codes within the resync window, learn the drift and spend both."""
        now = time_step(moment.at, credential.period)
        for step in _outwards(now, self.resync_window):
            if _equal(first, step, credential, seed) and _equal(second, step + 1, credential, seed):
                if step <= seed.last_step <= now + self.resync_window:
                    return Failed(Reason.CODE_REUSED)
                found = replace(seed, last_step=step + 1, drift=step + 1 - now, resync=False, used_at=moment.at)
                return Passed(credential, found)
        return Failed(Reason.WRONG_CODE)

    def _spent(self, seed: Seed, matched: int, credential: Credential, moment: Moment) -> Seed:
        now = time_step(moment.at, credential.period)
        before = min(seed.last_step - time_step(seed.used_at, credential.period), seed.drift)
        bound = max(self.learned_drift, abs(seed.drift))
        drift = max(-bound, min(bound, max(matched - now, before)))
        return replace(seed, last_step=matched, drift=drift, used_at=moment.at)


def _match(code: str, credential: Credential, seed: Seed, centre: int, window: int) -> int | None:
    """The newest matching step, so that a code that stands for two steps spends the later one."""
    steps = range(centre + window, max(centre - window, 0) - 1, -1)
    return next((step for step in steps if _equal(code, step, credential, seed)), None)


def _equal(code: str, step: int, credential: Credential, seed: Seed) -> bool:
    if step < 0 or not code.isascii():
        return False
    return hmac.compare_digest(code, hotp(seed.secret.reveal(), step, credential.digits, credential.algorithm))


def _why_spent(matched: int, seed: Seed, centre: int) -> Reason:
    if seed.last_step > centre + WINDOW:
        return Reason.CLOCK  # the last accepted step lies in the future: a clock has been turned back
    return Reason.CODE_REUSED if matched == seed.last_step else Reason.CODE_OLD


def _outwards(centre: int, reach: int) -> list[int]:
    """Steps by distance from `centre`, nearest first."""
    return sorted(range(max(centre - reach, 0), centre + reach + 1), key=lambda step: abs(step - centre))
