"""A private OpenLDAP server for tests: loopback ports, certificates and data of its own.

It ends with the process that started it, however that ends. It can be frozen, thawed and killed.
"""

import atexit
import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vestibule.core.secret import Secret

START_SECONDS = 20.0
BASE = "dc=example,dc=org"
SEARCHER = f"cn=searcher,{BASE}"
SEARCHER_SECRET = Secret(b"searching is all I do")
ROOT_SECRET = "changing-is-all-I-do"
CROWD = 5000
# The shell ends the server when its own input ends, which it does when the tests' process is gone, however it went.
LEASH = """
"$@" & server=$!
echo $server
read -r _
kill -KILL $server 2>/dev/null
wait $server
"""
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile {folder}/pid
TLSCACertificateFile {certificates}/ca.pem
TLSCertificateFile {certificates}/server.pem
TLSCertificateKeyFile {certificates}/server.key
sizelimit 500
database mdb
maxsize 268435456
suffix "{base}"
rootdn "cn=root,{base}"
rootpw {root}
directory {folder}/data
dbnosync
index objectClass,uid,mail,member,uniqueMember,entryUUID eq
overlay ppolicy
ppolicy_default "cn=rules,{base}"
ppolicy_use_lockout
limits dn.exact="{searcher}" size=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by * auth
"""


@dataclass(frozen=True)
class Entry:
    """One entry of the test data: the left part of its name, and its attributes."""

    name: str
    attributes: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        return f"{self.name},{BASE}" if self.name else BASE

    def __str__(self) -> str:
        return "\n".join([f"dn: {self.place}", *(f"{kind}: {value}" for kind, value in self.attributes)])


def person(uid: str, password: str, **more: str) -> Entry:
    attributes = {"cn": uid, "sn": uid.title(), "uid": uid, "userPassword": password} | more
    return Entry(f"uid={uid}", (("objectClass", "inetOrgPerson"), *attributes.items()))


def group(name: str, *members: Entry | str) -> Entry:
    places = [f"cn={member},{BASE}" if isinstance(member, str) else member.place for member in members]
    return Entry(f"cn={name}", (("objectClass", "groupOfNames"), ("cn", name), *(("member", at) for at in places)))


ANNA = person("anna", "annas password", givenName="Anna", mail="anna@example.org", mobile="+49 170 1", title="alt-77")
BERT = person("bert", "berts password", mail="shared@example.org")
CARL = person("carl", "carls password", mail="shared@example.org", description="has a blank name, too")
STAR = person("star*(name)", "stars password")
EXPIRED = person("expired", "old password", pwdChangedTime="20200101000000Z")
RESET = person("reset", "first password", pwdReset="TRUE")
LOCKED = person("locked", "locked password", pwdAccountLockedTime="000001010000Z")
PEOPLE = (ANNA, BERT, CARL, STAR, EXPIRED, RESET, LOCKED)
OTHERS = (
    Entry("", (("objectClass", "organization"), ("objectClass", "dcObject"), ("o", "Example"), ("dc", "example"))),
    Entry(
        "cn=searcher",
        (
            ("objectClass", "organizationalRole"),
            ("objectClass", "simpleSecurityObject"),
            ("cn", "searcher"),
            ("userPassword", SEARCHER_SECRET.reveal().decode()),
        ),
    ),
    Entry(
        "cn=rules",
        (
            ("objectClass", "organizationalRole"),
            ("objectClass", "pwdPolicy"),
            ("cn", "rules"),
            ("pwdAttribute", "userPassword"),
            ("pwdMaxAge", "31536000"),
            ("pwdMustChange", "TRUE"),
            ("pwdLockout", "TRUE"),
            ("pwdLockoutDuration", "0"),
        ),
    ),
    Entry(
        "cn=unique",
        (
            ("objectClass", "groupOfUniqueNames"),
            ("cn", "unique"),
            ("uniqueMember", ANNA.place.upper().replace("UID=", "uid=").replace("DC=", "dc=")),
        ),
    ),
    group("inner", ANNA, BERT),
    group("middle", "inner", "outer"),
    group("outer", "middle"),
    group("foreign", CARL),
)


@dataclass
class Certificates:
    """A folder with ca.pem, server.pem and server.key; the server is localhost."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"


@cache
def certificates(name: str = "one") -> Certificates:
    """Make an authority and a server's certificate, once for each name."""
    folder = Path(tempfile.mkdtemp(prefix="vldap-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"authority {name}")])
    authority = (
        _begun(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    server = (
        _begun(x509.Name([]), authority_name, server_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(server.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Certificates(folder)


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class Slapd:
    """One server. `port` speaks LDAP with StartTLS, `tls_port` LDAPS."""

    folder: Path
    port: int
    tls_port: int
    certificates: Certificates
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)
    pid: int = 0

    @classmethod
    def made(cls, entries: Iterable[Entry], *, certified: Certificates | None = None) -> "Slapd":
        """Lay out a new one with these entries, and start it."""
        assert Path("/usr/sbin/slapd").exists(), "Debian's package slapd is not installed"
        folder = Path(tempfile.mkdtemp(prefix="vldap-"))
        (folder / "data").mkdir()
        server = cls(folder, _free_port(), _free_port(), certified or certificates())
        atexit.register(server.remove)
        text = CONFIGURATION.format(
            folder=folder, certificates=server.certificates.folder, base=BASE, searcher=SEARCHER, root=ROOT_SECRET
        )
        (folder / "slapd.conf").write_text(text)
        (folder / "entries.ldif").write_text("\n\n".join(map(str, entries)) + "\n")
        loading: list[str | Path] = [
            "/usr/sbin/slapadd",
            "-q",
            "-f",
            folder / "slapd.conf",
            "-l",
            folder / "entries.ldif",
        ]
        loaded = subprocess.run(loading, check=False, capture_output=True, text=True)
        assert loaded.returncode == 0, loaded.stderr
        server.start()
        return server

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        addresses = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        command = ["/usr/sbin/slapd", "-d", "stats", "-h", addresses, "-f", str(self.folder / "slapd.conf")]
        with (self.folder / "log").open("ab") as log:
            leash = subprocess.Popen(
                ["/bin/sh", "-c", LEASH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert leash.stdout is not None
        self.pid = int(leash.stdout.readline())
        self.processes.append(leash)
        until = time.monotonic() + START_SECONDS
        while not _takes_connections(self.tls_port):
            assert time.monotonic() < until, (self.folder / "log").read_text()
            assert leash.poll() is None, (self.folder / "log").read_text()

    def change(self, ldif: str) -> None:
        """Change entries (RFC 2849) while it runs."""
        who = ["-x", "-D", f"cn=root,{BASE}", "-w", ROOT_SECRET]
        command = ["ldapmodify", "-H", f"ldap://127.0.0.1:{self.port}", *who]
        changed = subprocess.run(command, input=ldif, check=False, capture_output=True, text=True)
        assert changed.returncode == 0, changed.stderr

    def said(self, words: str) -> int:
        """How often the server's log has these words; it logs each operation."""
        return (self.folder / "log").read_text(errors="replace").count(words)

    def freeze(self) -> None:
        """Let it hear nothing and say nothing, while its connections stand."""
        os.kill(self.pid, signal.SIGSTOP)
        tasks = [task / "status" for task in Path(f"/proc/{self.pid}/task").iterdir()]
        while not all("\nState:\tT" in task.read_text() for task in tasks):
            pass

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Let it be gone at once, with all its connections."""
        for leash in self.processes:
            assert leash.stdin is not None
            assert leash.stdout is not None
            leash.stdin.close()
            leash.wait(START_SECONDS)
            leash.stdout.close()
        self.processes.clear()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def crowd() -> Iterator[Entry]:
    """Many people."""
    for number in range(CROWD):
        yield person(f"crowd{number:05}", "crowded", mail=f"crowd{number}@example.org")


def everybody() -> Iterator[Entry]:
    """The test data of a small server."""
    yield from OTHERS
    yield from PEOPLE


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server((str(ipaddress.IPv4Address("127.0.0.1")), 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
