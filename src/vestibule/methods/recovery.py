"""Recovery codes: printed once, each good for one sign-in when everything else is lost.

A code carries 120 bits (24 Base32 characters, RFC 4648 section 6), so its HMAC is all that is kept (NIST SP
800-63B-4 section 3.1.2). Blanks, dashes and case do not matter when it is typed.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, Seed
from vestibule.core.ports import Failed, Passed, Verification
from vestibule.core.reasons import Reason, Result
from vestibule.core.restoring import voided

CODES = 10
OCTETS = 15
CHARACTERS = 24
GROUPED = 29  # with a dash after every fourth character
ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


@dataclass(frozen=True, slots=True)
class Recovery:
    """The method; `mac` is HMAC under the key for recovery codes."""

    mac: Callable[[bytes], bytes]
    name: str = "recovery"
    result: Result = Result.OATH_VERIFIED

    def lengths(self, credential: Credential) -> tuple[int, ...]:
        """Bare, or with the dashes of the printed form."""
        return (CHARACTERS, GROUPED) if credential.memory else ()

    def fits(self, code: str, credential: Credential) -> bool:  # noqa: ARG002 - the shape of the port
        """Whether `code` has the shape of a recovery code."""
        bare = _bare(code)
        return len(bare) == CHARACTERS and ALPHABET.issuperset(bare)

    def check(
        self,
        code: str,
        credential: Credential,
        seed: Seed | None,  # noqa: ARG002 - the shape of the port
        moment: Moment,  # noqa: ARG002 - the shape of the port
    ) -> Verification:
        """Check `code` and strike it off the list."""
        spent_or_not: dict[str, bool] = json.loads(credential.memory or "{}")
        proof = self._proof(credential.id, _bare(code))
        if proof not in spent_or_not:
            return Failed(Reason.WRONG_CODE)
        if spent_or_not[proof]:
            return Failed(Reason.CODE_REUSED)
        memory = json.dumps({**spent_or_not, proof: True})
        return Passed(replace(credential, memory=memory, version=credential.version + 1))

    def restored(self, credential: Credential, seed: Seed | None, at: float) -> Passed:  # noqa: ARG002 - the port's shape
        """Used codes cannot be told from unused ones: all are void."""
        return voided(credential)

    def left(self, credential: Credential) -> int:
        """How many codes of a list are unused."""
        spent_or_not: dict[str, bool] = json.loads(credential.memory or "{}")
        return sum(not spent for spent in spent_or_not.values())

    def issue(self, credential: Credential, chance: bytes) -> tuple[Credential, tuple[str, ...]]:
        """New codes from 150 random octets, as they are printed; all earlier ones are void.

        Raises ValueError for fewer octets: a code with less chance in it could be guessed.
        """
        if len(chance) < CODES * OCTETS:
            raise ValueError(f"{CODES * OCTETS} random octets are needed, {len(chance)} came")
        bare = [base64.b32encode(chance[i * OCTETS : (i + 1) * OCTETS]).decode() for i in range(CODES)]
        memory = json.dumps({self._proof(credential.id, code): False for code in bare})
        return replace(credential, memory=memory), tuple(_grouped(code) for code in bare)

    def _proof(self, credential_id: str, bare: str) -> str:
        return self.mac(f"{credential_id}/{bare}".encode()).hex()


def _bare(code: str) -> str:
    return code.replace("-", "").replace(" ", "").upper()


def _grouped(code: str) -> str:
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))
