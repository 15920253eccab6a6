"""Temporary access pass: letters that a helpdesk reads out, good as a second factor until a real one is registered.

A pass has 50 bits (ten characters of Crockford's Base32), so its HMAC is all that is kept. Blanks, dashes and case do
not matter when it is typed, and letters that look like digits count as these. When it begins and ends is the
credential's own `starts_at` and `expires_at`.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from vestibule.core.case import Moment
from vestibule.core.credentials import ACCESS_PASS, Credential, Seed
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason, Result
from vestibule.core.restoring import voided

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHARACTERS = 10
GROUPED = 11  # with a dash in the middle
LOOK_ALIKE = str.maketrans("OIL", "011")


@dataclass(frozen=True, slots=True)
class AccessPass:
    """The method; `mac` is HMAC under the key for what is shown once."""

    mac: Callable[[bytes], bytes]
    name: str = ACCESS_PASS
    result: Result = Result.OATH_VERIFIED

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        """Bare, or with the dash of the shown form."""
        return (CHARACTERS, GROUPED) if credential.memory else ()

    def fits(self, code: str, credential: Credential) -> bool:
        """Whether this could be a pass at all."""
        bare = _bare(code)
        return bool(credential.memory) and len(bare) == CHARACTERS and set(bare) <= set(ALPHABET)

    def check(self, code: str, credential: Credential, seed: Seed | None, moment: Moment) -> Verification:  # noqa: ARG002 - the port's shape
        """Find the pass, and mark it used; one that is good once is good no more."""
        memory = json.loads(credential.memory)
        if not hmac.compare_digest(self._proof(credential.id, _bare(code)), memory["proof"]):
            return Failed(Reason.WRONG_CODE)
        if self.once(credential) and self.used(credential):
            return Failed(Reason.CODE_REUSED)
        used = json.dumps({**memory, "used": True})
        return Passed(replace(credential, memory=used, version=credential.version + 1))

    def once(self, credential: Credential) -> bool:
        """Whether the pass lets in a single time."""
        return bool(json.loads(credential.memory or "{}").get("once"))

    def used(self, credential: Credential) -> bool:
        """Whether the pass has let in."""
        return bool(json.loads(credential.memory or "{}").get("used"))

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:  # noqa: ARG002 - the port's shape
        """Whether it was used or withdrawn since the backup, nobody knows: it is void."""
        return voided(credential)

    def issue(self, credential: Credential, chance: bytes, *, once: bool) -> tuple[Credential, str]:
        """The credential of a new pass, and the pass as it is shown, from ten random octets.

        Raises ValueError for fewer octets: a pass with less chance in it could be guessed.
        """
        if len(chance) < CHARACTERS:
            raise ValueError(f"{CHARACTERS} random octets are needed, {len(chance)} came")
        bare = "".join(ALPHABET[octet % len(ALPHABET)] for octet in chance[:CHARACTERS])  # 256 is a multiple of 32
        memory = {"proof": self._proof(credential.id, bare), "once": once, "used": False}
        return replace(credential, memory=json.dumps(memory)), f"{bare[:5]}-{bare[5:]}"

    def _proof(self, credential_id: str, bare: str) -> str:
        return self.mac(f"access pass {credential_id}/{bare}".encode()).hex()


def _bare(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper().translate(LOOK_ALIKE)
