"""What a user can prove, and the shared secrets behind it."""

from dataclasses import dataclass, field
from enum import StrEnum

from vestibule.core.secret import Secret

SHORTEST_KEY_BITS = 112  # NIST SP 800-63B-4 section 3.1.4; RFC 4226 section 4 R6 advises 160
ACCESS_PASS = "access_pass"  # noqa: S105 - the name of a method
"""The method of temporary access passes, by which nobody registers."""

BYPASS = "bypass"
"""The method of a credential that is always pending and proves nothing: the engine passes its person once."""


class Algorithm(StrEnum):
    """Hash functions of RFC 6238; RFC 4226 knows SHA-1 only."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"


class CredentialState(StrEnum):
    """Only an active credential counts; a hard stop after too many failures is derived from `Failures`."""

    PENDING = "pending"  # imported or half enrolled: counts after a proof
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Seed:
    """A shared secret with its memory. Its id is HMAC(fingerprint key, secret), so equal secrets are one seed.

    `last_step` is the newest TOTP time step that was accepted (in the token's own clock, −1 for none),
    `counter` the next HOTP counter, `drift` the token's clock minus ours in time steps. After a restore,
    `resync` demands two consecutive codes before the counter is trusted again.
    """

    id: str
    secret: Secret
    last_step: int = -1
    counter: int = 0
    drift: int = 0
    resync: bool = False
    used_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing that a user can prove; without a user it waits in the inventory.

    `memory` belongs to the method alone. `waiver_until` is the date (seconds since the epoch) until which a key
    under 112 bits is tolerated, 0 when none is needed. `starts_at` and `expires_at` (seconds since the epoch, 0 for
    none) are what its issuer says of the key. `reach` is where a message for it goes: a telephone number (E.164) or an
    e-mail address, "" for what nobody sends to.
    """

    id: str
    method: str
    user_id: str = ""
    label: str = ""
    state: CredentialState = CredentialState.ACTIVE
    seed_id: str = ""
    serial: str = ""
    manufacturer: str = ""
    model: str = ""
    algorithm: Algorithm = Algorithm.SHA1
    digits: int = 6
    period: int = 30
    memory: str = ""
    waiver_until: float = 0.0
    created_at: float = 0.0
    version: int = 1
    starts_at: float = 0.0
    expires_at: float = 0.0
    reach: str = field(default="", repr=False)

    def usable(self, now: float) -> bool:
        """Whether it counts at `now`: active, begun, not expired, and any waiver for a short key still running."""
        running = all(not end or now < end for end in (self.waiver_until, self.expires_at))
        return self.state is CredentialState.ACTIVE and self.starts_at <= now and running
