"""Take a new passkey (WebAuthn Level 3, section 7.1): discoverable, with the person verified by the device.

Attestation is asked for where the settings want to know the model for sure, and only then is it looked at: without
such a wish most devices name no model, which is good for the person's privacy.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.attestation.base import AttestationResult, AttestationVerifier, InvalidAttestation
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData, RegistrationResponse

from vestibule.core.case import Moment
from vestibule.core.credentials import Credential
from vestibule.core.passkeys import FindModel, Metadata, Model, NotTaken, Wanted, Why
from vestibule.core.secret import Secret
from vestibule.core.users import User
from vestibule.methods.passkey.kept import QUESTION_SECONDS, Kept, text_of
from vestibule.methods.passkey.metadata import read_metadata
from vestibule.methods.passkey.method import NONSENSE, Passkey, challenge_of, credential_id, plausible, read

ALGORITHMS = (-8, -7, -257)  # EdDSA, ES256, RS256 (RFC 9053 section 2, RFC 8812 section 2)
TRANSPORTS = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")


@dataclass(frozen=True, slots=True)
class Registering:
    """How new passkeys are taken for this method."""

    method: Passkey

    def options(self, user: User, held: tuple[Credential, ...], wanted: Wanted, moment: Moment) -> tuple[str, str]:
        """The options for the browser, and what to keep until its answer."""
        question, full_name = challenge_of(moment), f"{user.first_name} {user.last_name}".strip()
        named = {"id": text_of(user.id.encode()), "name": user.name, "displayName": full_name or user.name}
        there = [Kept.of(one) for one in held]
        options = {
            "rp": {"id": self.method.domain, "name": self.method.party},
            "user": named,
            "challenge": question,
            "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in ALGORITHMS],
            "timeout": int(QUESTION_SECONDS * 1000),
            "excludeCredentials": [
                {"type": "public-key", "id": one.id, "transports": list(one.transports)}
                for one in there
                if one.domain == self.method.domain
            ],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "attestation": "direct" if wanted.attested else "none",
        }
        return json.dumps(options), json.dumps({"challenge": question})

    def taken(self, answer: Secret, memory: str, wanted: Wanted, model_of: FindModel) -> tuple[str, str]:
        """The id and the memory of the new credential. Raises NotTaken."""
        try:
            told = read(answer)
            said = RegistrationResponse.from_dict(told)
            made = self._made(said, json.loads(memory), wanted, model_of)
            data = made.credential_data
            if data is None or not _a_key(data.public_key) or data.credential_id != said.raw_id:
                raise NotTaken(Why.UNREADABLE)
            kept = Kept(
                text_of(data.credential_id),
                text_of(cbor.encode(data.public_key)),
                self.method.domain,
                str(data.aaguid),
                made.counter,
                made.is_backup_eligible(),
                made.is_backed_up(),
                transports_of(told),
            )
            return credential_id(data.credential_id), kept.text
        except NONSENSE:
            raise NotTaken(Why.UNREADABLE) from None

    def metadata(self, blob: bytes, now: float, root: bytes | None = None) -> Metadata:
        """Read a file of the FIDO Metadata Service. Raises NotMetadata."""
        return read_metadata(blob, now, root)

    def _made(
        self, said: RegistrationResponse, memory: Mapping[str, Any], wanted: Wanted, model_of: FindModel
    ) -> AuthenticatorData:
        """What the authenticator said of the new key, checked."""
        made = said.response.attestation_object.auth_data
        if not made.is_user_verified():
            raise NotTaken(Why.UNVERIFIED)
        if made.credential_data is None or not plausible(made) or said.response.client_data.cross_origin:
            raise NotTaken(Why.UNREADABLE)
        self.method.server.register_complete({**memory, "user_verification": "required"}, said)
        name = str(made.credential_data.aaguid)
        model = model_of(name)
        if wanted.models and name not in wanted.models:
            raise NotTaken(Why.MODEL)
        if model is not None and model.unsafe:
            raise NotTaken(Why.UNSAFE)
        if wanted.attested:
            _make_sure(said, model)
        return made


def transports_of(told: Mapping[str, Any]) -> tuple[str, ...]:
    """How the authenticator can be reached, as far as we know the words; a hint for browsers, not more."""
    named = told["response"].get("transports")
    return tuple(one for one in TRANSPORTS if one in named) if isinstance(named, list) else ()


def _a_key(key: CoseKey) -> bool:
    """Whether it is a whole key of a kind that was asked for; raises one of NONSENSE for one that is cut off."""
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        return key.get(3) in ALGORITHMS
    return False


def _make_sure(said: RegistrationResponse, model: Model | None) -> None:
    """Check that a key of the model's maker has vouched for the new one."""
    try:
        _Verifier(model).verify_attestation(said.response.attestation_object, said.response.client_data.hash)
    except (InvalidAttestation, *NONSENSE):
        raise NotTaken(Why.UNATTESTED) from None


class _Verifier(AttestationVerifier):
    """Trusts the roots that the metadata name for this model, and none of the keys that they call compromised."""

    def __init__(self, model: Model | None) -> None:
        super().__init__()
        self._model = model

    def ca_lookup(self, attestation_result: AttestationResult, auth_data: AuthenticatorData) -> bytes | None:  # noqa: ARG002 - the library's shape
        path = attestation_result.trust_path
        if self._model is None or not path or set(path) & set(self._model.compromised):
            return None
        last = x509.load_der_x509_certificate(path[-1])
        for root in self._model.roots:
            found = x509.load_der_x509_certificate(root)
            if found.subject == last.issuer or root == path[-1]:
                return root
        return None
