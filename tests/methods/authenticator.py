"""A software authenticator: makes passkeys and signs with them as a device would, and as a broken or a false one.

Its octets are put together here from WebAuthn Level 3 section 6 and RFC 8949, not by the library that checks them.
"""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from vestibule.core.secret import Secret

ORIGIN = "https://mfa.test"
DOMAIN = "mfa.test"
PRESENT, VERIFIED, ELIGIBLE, BACKED, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
EC_P256, ED25519, RSA = -7, -8, -257
MODEL = bytes.fromhex("cb69481e8ff7403993ec0a2729a154a8")

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def cbor(value: object) -> bytes:
    """The few kinds that authenticators send (RFC 8949 section 3), maps in the order given."""
    match value:
        case int() if value >= 0:
            return _head(0, value)
        case int():
            return _head(1, -1 - value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())
        case _:
            raise TypeError(type(value))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for more, size in ((24, 1), (25, 2), (26, 4)):
        if number < 1 << (8 * size):
            return bytes([kind << 5 | more]) + number.to_bytes(size, "big")
    raise OverflowError


def web(some: bytes) -> str:
    return base64.urlsafe_b64encode(some).decode().rstrip("=")


def unweb(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def made_key(algorithm: int) -> Key:
    if algorithm == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048) if algorithm == RSA else ec.generate_private_key(ec.SECP256R1())


def cose(key: Key) -> dict[int, object]:
    public = key.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        return {1: 2, 3: EC_P256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {1: 3, 3: RSA, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {1: 1, 3: ED25519, -1: 6, -2: raw}


def signature(key: Key, signed: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(signed, ec.ECDSA(hashes.SHA256()))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(signed)


@dataclass
class Authenticator:
    """One device with one passkey; what is not said otherwise is as it should be."""

    algorithm: int = EC_P256
    model: bytes = MODEL
    counter: int = 0
    counts: bool = True
    flags: int = PRESENT | VERIFIED
    domain: str = DOMAIN
    origin: str = ORIGIN
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Key | None = None
    user: bytes = b""

    def make(self, options: str, **wrong: Any) -> Secret:  # noqa: ANN401 - what is to be wrong, by its name
        """The answer to a registration (`PublicKeyCredentialCreationOptionsJSON`)."""
        asked = json.loads(options)
        self.key, self.user = made_key(self.algorithm), unweb(asked["user"]["id"])
        client = self.client("webauthn.create", wrong.get("challenge", asked["challenge"]), wrong)
        data = self.data(wrong.get("flags", self.flags) | ATTESTED, wrong) + self.attested(wrong)
        statement = wrong.get("statement", lambda *_: ("none", {}))(self, data + hashlib.sha256(client).digest())
        attestation = cbor({"fmt": statement[0], "attStmt": statement[1], "authData": data})
        response = {"clientDataJSON": web(client), "attestationObject": web(attestation), "transports": ["usb", "x"]}
        return self.answer(response, wrong)

    def sign(self, options: str, **wrong: Any) -> Secret:  # noqa: ANN401 - what is to be wrong, by its name
        """The answer to a sign-in (`PublicKeyCredentialRequestOptionsJSON`)."""
        asked = json.loads(options)
        self.counter += 1 if self.counts else 0
        client = self.client("webauthn.get", wrong.get("challenge", asked["challenge"]), wrong)
        data = self.data(wrong.get("flags", self.flags), wrong)
        assert self.key is not None
        signed = signature(wrong.get("key", self.key), data + hashlib.sha256(client).digest())
        user = wrong.get("user", self.user)
        response = {"clientDataJSON": web(client), "authenticatorData": web(data), "signature": web(signed)}
        return self.answer({**response, **({"userHandle": web(user)} if user else {})}, wrong)

    def client(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        said = {"type": wrong.get("type", kind), "challenge": challenge, "origin": wrong.get("origin", self.origin)}
        return json.dumps({**said, "crossOrigin": wrong.get("framed", False)}).encode()

    def data(self, flags: int, wrong: dict[str, Any]) -> bytes:
        party = hashlib.sha256(wrong.get("domain", self.domain).encode()).digest()
        return party + struct.pack(">BI", flags, wrong.get("counter", self.counter))

    def attested(self, wrong: dict[str, Any]) -> bytes:
        assert self.key is not None
        return self.model + struct.pack(">H", len(self.id)) + self.id + cbor(wrong.get("cose", cose(self.key)))

    def answer(self, response: dict[str, Any], wrong: dict[str, Any]) -> Secret:
        id = web(wrong.get("id", self.id))
        told = {"type": "public-key", "id": id, "rawId": id, "response": response, "clientExtensionResults": {}}
        return Secret.of(json.dumps(told))
