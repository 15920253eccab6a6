"""Ask for a passkey and check what comes back (WebAuthn Level 3, section 7.2); two factors at once.

Rules of this file: the origin is one of ours and not inside another's frame; the person was verified by the device; a
signature counter that does not rise means that there are two of a key that should exist once, so it is switched off
(section 6.1.1); whatever else is wrong is one and the same refusal.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2.server import Fido2Server
from fido2.webauthn import AuthenticationResponse, AuthenticatorData, PublicKeyCredentialRpEntity

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.passkeys import About
from vestibule.core.ports import Asked, Failed, Opening, Passed, Verification
from vestibule.core.prompts import UsePasskey
from vestibule.core.reasons import Reason, Result
from vestibule.core.secret import Secret
from vestibule.methods.passkey.kept import QUESTION_SECONDS, Kept, octets, text_of

LONGEST_ANSWER = 16 * 1024
LONGEST_ID = 1023  # WebAuthn Level 3 section 4, "Credential ID"
ID_DIGITS = 32
HERE = "http://localhost"
"""Browsers take the machine that they run on for safe without TLS; a demonstration is served there, on any port."""

NONSENSE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    struct.error,
    InvalidSignature,
    UnsupportedAlgorithm,
)
"""What the library raises for octets that are no answer of an authenticator's, or not a right one."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """The method, for the relying party `domain` (a host name) with these origins (https://host[:port])."""

    domain: str
    origins: tuple[str, ...]
    party: str = "Vestibule"
    name: str = "passkey"
    result: Result = Result.NONE
    waits: bool = False
    needs_web: bool = True
    together: bool = True

    @property
    def uses(self) -> str:
        """It has credentials of its own."""
        return self.name

    def fits(self, credential: Credential) -> bool:
        """Whether it was made for the domain that we have now."""
        return Kept.of(credential).domain == self.domain

    def label(self, credential: Credential) -> str:
        """As the person named it."""
        return credential.label

    # -- asking ------------------------------------------------------------------------------------------------------

    def begin(self, asked: Asked, moment: Moment) -> Opening:
        """Ask for any of these passkeys."""
        kept = [Kept.of(one) for one in asked.credentials]
        question = challenge_of(moment)
        allowed = [{"type": "public-key", "id": one.id, "transports": list(one.transports)} for one in kept]
        memory = _memory(question, moment, free=False)
        return Opening(UsePasskey(self._options(question, allowed)), memory, "", "", QUESTION_SECONDS)

    def question(self, moment: Moment) -> tuple[str, str]:
        """Options and memory of a question to whoever has a passkey for us; no name has been typed."""
        question = challenge_of(moment)
        return self._options(question, []), _memory(question, moment, free=True)

    def _options(self, question: str, allowed: list[dict[str, Any]]) -> str:
        return json.dumps(
            {
                "challenge": question,
                "rpId": self.domain,
                "timeout": int(QUESTION_SECONDS * 1000),
                "userVerification": "required",
                "allowCredentials": allowed,
            }
        )

    # -- checking ----------------------------------------------------------------------------------------------------

    def whose(self, answer: Secret) -> str:
        """The id of the credential that an answer says it comes from, "" for nonsense."""
        try:
            return credential_id(_said(answer).raw_id)
        except NONSENSE:
            return ""

    def told(self, credential: Credential) -> About:
        """What people are told of a passkey of theirs."""
        kept = Kept.of(credential)
        return About(kept.model, kept.eligible, kept.domain == self.domain, kept.used_at)

    def check(self, answer: Secret, asked: Asked, moment: Moment) -> Verification:
        """Check one answer, and say what the passkey is like from now on."""
        try:
            said, memory = _said(answer), json.loads(asked.memory)
            one = next((one for one in asked.credentials if octets(Kept.of(one).id) == said.raw_id), None)
            signed = self._signed(said, one, memory) if one else None
        except NONSENSE:
            return Failed(Reason.PASSKEY_REFUSED)
        if one is None or signed is None:
            return Failed(Reason.PASSKEY_REFUSED)
        return _settled(one, signed, memory, moment)

    def _signed(
        self, said: AuthenticationResponse, one: Credential, memory: Mapping[str, Any]
    ) -> AuthenticatorData | None:
        """What the authenticator signed, if it is right; raises one of NONSENSE, or None, if it is not."""
        state = {"challenge": memory["challenge"], "user_verification": "required"}
        kept = Kept.of(one)
        self.server.authenticate_complete(state, [kept.parsed], said)
        signed, whose = said.response.authenticator_data, said.response.user_handle
        framed = said.response.client_data.cross_origin
        named = whose == one.user_id.encode() if whose else not memory["free"]
        same_kind = signed.is_backup_eligible() == kept.eligible
        return signed if named and same_kind and plausible(signed) and not framed else None

    @property
    def server(self) -> Fido2Server:
        """The library's checks, with our origins."""
        party = PublicKeyCredentialRpEntity(id=self.domain, name=self.party)
        return Fido2Server(party, verify_origin=self.ours)

    def ours(self, origin: str) -> bool:
        """Whether pages of this origin are ours."""
        parts = urlsplit(origin)
        return origin in self.origins or (
            HERE in self.origins and parts.scheme == "http" and parts.hostname == "localhost"
        )


def credential_id(raw_id: bytes) -> str:
    """Under which id a passkey is stored: no two people can have the same one."""
    if not 0 < len(raw_id) <= LONGEST_ID:
        raise ValueError("a credential id has 1 to 1023 octets")
    return hashlib.sha256(b"passkey " + raw_id).hexdigest()[:ID_DIGITS]


def challenge_of(moment: Moment) -> str:
    """32 octets that nobody could know before; apart from the ids that the same chance makes."""
    return text_of(hashlib.sha256(b"passkey question " + moment.chance).digest())


def plausible(signed: AuthenticatorData) -> bool:
    """Whether the flags fit each other: only what may be synced can have been (section 6.1.3)."""
    return signed.is_backup_eligible() or not signed.is_backed_up()


def _memory(question: str, moment: Moment, *, free: bool) -> str:
    return json.dumps({"challenge": question, "at": moment.at, "free": free})


def _said(answer: Secret) -> AuthenticationResponse:
    return AuthenticationResponse.from_dict(read(answer))


def read(answer: Secret) -> Mapping[str, Any]:
    """The JSON of a browser. Raises ValueError."""
    if len(answer) > LONGEST_ANSWER:
        raise ValueError("this is longer than any answer")
    found = json.loads(answer.reveal())
    if not isinstance(found, dict) or found.get("type") != "public-key":
        raise ValueError("this is no answer of an authenticator's")
    return found


def _settled(one: Credential, signed: AuthenticatorData, memory: Mapping[str, Any], moment: Moment) -> Verification:
    """What a right signature does: it counts once, and its counter has to rise."""
    kept, question = Kept.of(one), (float(memory["at"]), str(memory["challenge"]))
    if memory["free"]:
        if not (0 <= moment.at - question[0] <= QUESTION_SECONDS and kept.open_to(*question)):
            return Failed(Reason.PASSKEY_REFUSED, credential=one)
        kept = kept.after(*question, moment.at)
    if (signed.counter or kept.counter) and signed.counter <= kept.counter:
        off = replace(one, state=CredentialState.DISABLED, version=one.version + 1)
        return Failed(Reason.PASSKEY_COPIED, credential=off)
    used = kept.used(counter=signed.counter, backed=signed.is_backed_up(), at=moment.at)
    return Passed(replace(one, memory=used.text, version=one.version + 1))
