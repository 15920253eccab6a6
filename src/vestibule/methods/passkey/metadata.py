"""What the FIDO Alliance says of models of authenticators: the signed file of its Metadata Service, version 3.

The file is taken only whole: signed by the service's own certificate, whose chain leads to a root that we know, both in
force now (FIDO Metadata Service 3.1.1, section 3.2). Nothing is fetched: revocation lists of the chain are not asked
for, and the chain in the file has to be complete.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import verification

from vestibule.core.passkeys import Metadata, Model, NotMetadata, ders_of
from vestibule.methods.passkey.kept import octets
from vestibule.methods.passkey.roots import ROOTS

SERVICE = "mds.fidoalliance.org"
DAY = 86400.0
LONGEST_NAME = 200
UNSAFE = frozenset(
    {"REVOKED", "USER_VERIFICATION_BYPASS", "USER_KEY_REMOTE_COMPROMISE", "USER_KEY_PHYSICAL_COMPROMISE"}
)
COMPROMISED = "ATTESTATION_KEY_COMPROMISE"
"""Concerns one key where the report has its certificate, else the model."""

ES256_OCTETS = 64


def read_metadata(blob: bytes, now: float, root: bytes | None = None) -> Metadata:
    """Read a file as it comes; `root` (PEM) is trusted instead of the known ones. Raises NotMetadata."""
    try:
        head, payload, signature = blob.strip().decode("ascii").split(".")
        header = json.loads(octets(head))
        chain = [x509.load_der_x509_certificate(one) for one in ders_of(header["x5c"])]
        trusted = x509.load_pem_x509_certificates(root if root is not None else ROOTS)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotMetadata("This is no file of the FIDO Metadata Service; it is one long line with two dots.") from None
    _check_chain(chain, trusted, now)
    _check_signature(header.get("alg"), chain[0], f"{head}.{payload}".encode(), signature)
    try:
        return _metadata(json.loads(octets(payload)), now)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise NotMetadata("The file is signed, but what stands in it can not be understood.") from None


def _check_chain(chain: list[x509.Certificate], trusted: list[x509.Certificate], now: float) -> None:
    if not chain:
        raise NotMetadata("The file does not say who signed it.")
    store, at = verification.Store(trusted), datetime.fromtimestamp(now, UTC)
    try:
        verifier = verification.PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(SERVICE))
        verifier.verify(chain[0], chain[1:])
    except (verification.VerificationError, ValueError, UnsupportedAlgorithm):
        raise NotMetadata(
            f"The file is not signed by {SERVICE}, or the certificate is over. Fetch the newest file from "
            f"https://{SERVICE}/ and try again; for a new root certificate there is --root."
        ) from None


def _check_signature(algorithm: object, signer: x509.Certificate, signed: bytes, signature: str) -> None:
    key = signer.public_key()
    try:
        raw = octets(signature)
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            return key.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and len(raw) == ES256_OCTETS:
            halves = (int.from_bytes(half) for half in (raw[:32], raw[32:]))
            return key.verify(encode_dss_signature(*halves), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        pass
    raise NotMetadata("The signature of the file is not right: it was changed, or cut off, on its way.")


def _metadata(told: Mapping[str, Any], now: float) -> Metadata:
    models = [_model(one) for one in told["entries"] if isinstance(one.get("aaguid"), str)]
    due = datetime.fromisoformat(told["nextUpdate"]).replace(tzinfo=UTC).timestamp() + DAY
    if due <= now:
        raise NotMetadata(
            f"The file is too old: the next one was due on {told['nextUpdate']}. Fetch it from https://{SERVICE}/"
        )
    return Metadata(int(told["no"]), due, tuple(models))


def _model(told: Mapping[str, Any]) -> Model:
    statement, reports = told.get("metadataStatement") or {}, told["statusReports"]
    name = "".join(one for one in str(statement.get("description", "")) if one.isprintable())[:LONGEST_NAME]
    unsafe = [one["status"] for one in reports if _condemns(one)]
    keys = [one["certificate"] for one in reports if one.get("status") == COMPROMISED and one.get("certificate")]
    roots = statement.get("attestationRootCertificates", [])
    return Model(told["aaguid"].lower(), name, unsafe[-1] if unsafe else "", ders_of(roots), ders_of(keys))


def _condemns(report: Mapping[str, Any]) -> bool:
    """Whether the whole model is unsafe by this report; a later one does not mend the devices that are out there."""
    status = report["status"]
    return status in UNSAFE or (status == COMPROMISED and not report.get("certificate"))
