"""Files of the FIDO Metadata Service as it would sign them, by a root of our own."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.methods.authenticator import web

NOON = 1_800_000_000.0
SERVICE = "mds.fidoalliance.org"
YUBIKEY, OTHER = "cb69481e-8ff7-4039-93ec-0a2729a154a8", "00112233-4455-6677-8899-aabbccddeeff"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, UTC)


def der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def name(common: str, *, authenticator: bool = False) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Maker")]
    if authenticator:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass
class Issuer:
    """A certificate authority."""

    common: str = "Root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> x509.Certificate:
        return self._signed(name(self.common), self.key, ca=True, days=3650)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, subject: x509.Name, key: Key, *, host: str = "", days: int = 90) -> x509.Certificate:
        return self._signed(subject, key, ca=False, days=days, host=host)

    def _signed(self, subject: x509.Name, key: Key, *, ca: bool, days: int, host: str = "") -> x509.Certificate:
        ours, theirs = self.key.public_key(), key.public_key()
        usage = x509.KeyUsage(
            digital_signature=not ca,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=ca,
            crl_sign=ca,
            encipher_only=False,
            decipher_only=False,
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name(self.common))
            .public_key(theirs)
            .serial_number(x509.random_serial_number())
            .not_valid_before(at(-86400))
            .not_valid_after(at(0) + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(theirs), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
            .add_extension(usage, critical=True)
        )
        if host:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return made.sign(self.key, hashes.SHA256())


def entry(model: str, description: str = "A key", *statuses: Any, roots: tuple[str, ...] = ()) -> dict[str, Any]:  # noqa: ANN401 - a status, or a whole report
    reports = [one if isinstance(one, dict) else {"status": one, "effectiveDate": "2025-01-01"} for one in statuses]
    statement = {"description": description, "attestationRootCertificates": list(roots)}
    return {"aaguid": model, "metadataStatement": statement, "statusReports": reports}


@dataclass
class Service:
    """What signs files."""

    root: Issuer = field(default_factory=Issuer)
    host: str = SERVICE
    days: int = 90
    algorithm: str = "ES256"

    def file(self, *entries: dict[str, Any], number: int = 7, due: str = "2027-02-01", **wrong: Any) -> bytes:  # noqa: ANN401 - what is to be wrong
        key: Key = (
            rsa.generate_private_key(65537, 2048)
            if self.algorithm == "RS256"
            else ec.generate_private_key(ec.SECP256R1())
        )
        leaf = self.root.issue(name(self.host), key, host=self.host, days=self.days)
        header = {"alg": wrong.get("alg", self.algorithm), "typ": "JWT", "x5c": [der(leaf), *wrong.get("chain", [])]}
        payload = {
            "legalHeader": "",
            "no": number,
            "nextUpdate": due,
            "entries": list(entries),
            **wrong.get("more", {}),
        }
        signed = f"{web(json.dumps(header).encode())}.{web(json.dumps(payload).encode())}"
        return f"{signed}.{web(signature(key, signed.encode()))}".encode()


def signature(key: Key, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    halves = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return b"".join(half.to_bytes(32, "big") for half in halves)
