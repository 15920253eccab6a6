"""What becomes of a credential whose memory comes from a backup, so that nothing used since then is good again.

Which of these fits is for each method to say (`TypedMethod.restored`).
"""

from dataclasses import replace

from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.oath import time_step
from vestibule.core.ports import Passed


def spent_until_now(credential: Credential, seed: Seed, now: float, window: int) -> Passed:
    """Spend every time step up to the end of the window around `now`, in the token's clock if that is ahead."""
    newest = time_step(now, credential.period) + max(seed.drift, 0) + window
    return Passed(credential, replace(seed, last_step=max(seed.last_step, newest)))


def two_codes_asked(credential: Credential, seed: Seed) -> Passed:
    """Trust the counter again only after two consecutive codes."""
    return Passed(credential, replace(seed, resync=True))


def voided(credential: Credential) -> Passed:
    """Switch off a list of codes: which of them were used since, nobody knows."""
    gone = replace(credential, memory="", state=CredentialState.DISABLED, version=credential.version + 1)
    return Passed(gone)
