"""Certificates for tests: an authority that signs, for servers and for clients.

authority = Authority.made(tmp_path / "ca")
certificate, key = authority.issue("vpn")
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs; `file` is its own certificate."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        folder.mkdir(parents=True)
        made = cls(folder, _named(folder.name), ec.generate_private_key(ec.SECP256R1()))
        own = made._signed(made.name, made.key, DAY).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        made.file.write_bytes(own.sign(made.key, SHA256()).public_bytes(Encoding.PEM))
        return made

    @property
    def file(self) -> Path:
        return self.folder / "authority.pem"

    def issue(self, name: str, *dns: str, lasts: timedelta = DAY, address: str = "") -> tuple[Path, Path]:
        """Write a certificate with this common name and these DNS names, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._signed(_named(name), key, lasts)
        others: list[x509.GeneralName] = [x509.DNSName(one) for one in dns]
        others += [x509.IPAddress(ip_address(address))] if address else []
        if others:
            builder = builder.add_extension(x509.SubjectAlternativeName(others), critical=False)
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def client(
        self, name: str, *dns: str, trusting: "Authority | None" = None, lasts: timedelta = DAY
    ) -> ssl.SSLContext:
        """A client with a certificate of this authority, that trusts servers of this one or another."""
        context = ssl.create_default_context(cafile=(trusting or self).file)
        context.load_cert_chain(*self.issue(name, *dns, lasts=lasts))
        return context

    def _signed(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + lasts)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
