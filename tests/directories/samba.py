"""A real Active Directory domain controller for tests: Samba's, with LDAP and LDAPS only, on an address of its own.

It needs root, for ports 389 and 636, and Debian's packages samba and samba-ad-provision.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.journeys.certificates import Authority

ADDRESS = "127.0.0.53"
REALM, DOMAIN = "CORP.EXAMPLE", "CORP"
BASE = "dc=corp,dc=example"
PASSWORD = "Adm1n-pass-word"
ADMINISTRATOR = f"administrator@{REALM.lower()}"
READY_SECONDS = 30.0
THRESHOLD = 3  # wrong passwords that lock an account

# Runs under Debian's own Python, which has Samba's modules. A password's age can only be set past the usual checks.
PEOPLE = """
import json, sys, ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
configuration, database, people = sys.argv[1], sys.argv[2], json.load(sys.stdin)
loaded = LoadParm()
loaded.load(configuration)
db = SamDB(url=database, session_info=system_session(), lp=loaded)
def change(name, attribute, value, controls=()):
    found = db.search(expression=f"(sAMAccountName={name})", attrs=[])[0]
    message = ldb.Message(found.dn)
    message[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, attribute)
    db.modify(message, controls=list(controls))
for one in people:
    name, state = one["name"], one["state"]
    db.newuser(name, one["password"], givenname=one["first_name"] or None, surname=one["last_name"] or None,
               mailaddress=one["email"] or None,
               force_password_change_at_next_login_req=state == "must_change")
    if state == "disabled":
        change(name, "userAccountControl", "514")
    elif state == "account_expired":
        change(name, "accountExpires", "131000000000000000")
    elif state == "expired":
        change(name, "pwdLastSet", "131000000000000000", ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])
"""


# The shell ends all of it when its own input ends, which it does when the tests' process is gone, however it went.
LEASH = """
"$@" &
read -r _
kill -KILL 0
"""


@dataclass(frozen=True)
class Somebody:
    """A person of the domain; `state` is active, must_change, disabled, account_expired or expired."""

    name: str
    password: str = "Right-pass-1"
    state: str = "active"
    first_name: str = ""
    last_name: str = ""
    email: str = ""


def missing() -> str:
    """Why no domain can be started here, or nothing."""
    if shutil.which("samba") is None or not Path("/usr/share/samba/setup/ad-schema").is_dir():
        return "Debian's packages samba and samba-ad-provision are not installed"
    return "" if os.geteuid() == 0 else "only root may open the ports of a domain controller"


class SambaDomain:
    """One domain controller, which takes no NTLM version 1; `start` after `provision`.

    With `winbind` its winbindd runs as well and listens where every ntlm_auth of this machine looks for it.
    """

    def __init__(self, folder: Path, *, winbind: bool = False) -> None:
        self.folder = folder
        self.winbind = winbind
        self.authority = Authority.made(folder.with_name(f"{folder.name}-ca"))
        self.configuration = folder / "etc" / "smb.conf"
        self.database = folder / "private" / "sam.ldb"
        self._process: subprocess.Popen[bytes] | None = None
        self._alone: IO[str] | None = None

    def provision(self) -> None:
        """Make the domain; it takes ten seconds."""
        self.folder.mkdir(parents=True)
        _run(
            "samba-tool",
            "domain",
            "provision",
            "--server-role=dc",
            "--dns-backend=NONE",
            f"--realm={REALM}",
            f"--domain={DOMAIN}",
            f"--adminpass={PASSWORD}",
            f"--targetdir={self.folder}",
            f"--host-ip={ADDRESS}",
            "--host-name=dc1",
        )
        (self.folder / "run").mkdir()
        self._configure()
        settings = (f"--account-lockout-threshold={THRESHOLD}", "--max-pwd-age=42", "--min-pwd-age=0")
        _run("samba-tool", "domain", "passwordsettings", "set", *settings, *self._there())

    def _configure(self) -> None:
        """One service, one address, every file in the folder."""
        given = self.configuration.read_text(encoding="utf-8").split("[homes]")[0].split("[sysvol]")[0]
        certificate, key = self.authority.issue("dc1", "dc1.corp.example", address=ADDRESS)
        key.chmod(0o600)
        dropped = ("server services", "log file", "interfaces", "bind interfaces")
        pipe = {} if self.winbind else {"winbindd socket directory": str(self.folder / "winbindd")}
        lines = [line for line in given.splitlines() if not line.strip().startswith(dropped)]
        own = {
            "server services": "ldap, rpc, winbindd" if self.winbind else "ldap",
            "ntlm auth": "mschapv2-and-ntlmv2-only",
            "interfaces": f"{ADDRESS}/8",
            "bind interfaces only": "yes",
            "pid directory": str(self.folder / "run"),
            "ncalrpc dir": str(self.folder / "ncalrpc"),
            **pipe,
            "log file": str(self.folder / "log"),
            "ldap server require strong auth": "yes",
            "tls certfile": str(certificate),
            "tls keyfile": str(key),
            "tls cafile": str(self.authority.file),
        }
        shares = [f"[{name}]\n\tpath = {self.folder}/state/sysvol\n" for name in ("sysvol", "netlogon")]
        text = "\n".join([*lines, *(f"\t{name} = {value}" for name, value in own.items()), *shares])
        self.configuration.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start, once the address is free of other tests' domains, and wait until LDAPS answers."""
        self._alone = (Path(tempfile.gettempdir()) / f"vestibule-{ADDRESS}.lock").open("w", encoding="utf-8")
        fcntl.flock(self._alone, fcntl.LOCK_EX)
        samba = ["samba", "-i", "--no-process-group", f"--configfile={self.configuration}"]
        self._process = subprocess.Popen(
            ["sh", "-c", LEASH, "sh", *samba],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + READY_SECONDS
        while not _listens(636) or (self.winbind and not _answers_pings()):
            if time.monotonic() > until or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"Samba did not start; see {self.folder / 'log'}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)  # it goes on running, or its end is seen at once

    def add(self, *people: Somebody) -> None:
        """Add people, all in one go."""
        words = json.dumps([vars(one) for one in people])
        _run("/usr/bin/python3", "-c", PEOPLE, str(self.configuration), str(self.database), given=words)

    def add_group(self, name: str, *members: str) -> None:
        _run("samba-tool", "group", "add", name, *self._there())
        if members:
            _run("samba-tool", "group", "addmembers", name, ",".join(members), *self._there())

    def add_to_group(self, group: str, *members: str) -> None:
        _run("samba-tool", "group", "addmembers", group, ",".join(members), *self._there())

    def drop_from_group(self, group: str, *members: str) -> None:
        _run("samba-tool", "group", "removemembers", group, ",".join(members), *self._there())

    def add_unit(self, name: str) -> None:
        _run("samba-tool", "ou", "add", f"OU={name},{BASE}", *self._there())

    def move(self, name: str, unit: str) -> None:
        _run("samba-tool", "user", "move", name, f"OU={unit},{BASE}", *self._there())

    def rename(self, name: str, new: str) -> None:
        """Another short name, principal name and place."""
        names = (f"--samaccountname={new}", f"--upn={new}@{REALM.lower()}", f"--force-new-cn={new}")
        _run("samba-tool", "user", "rename", name, *names, *self._there())

    def disable(self, name: str) -> None:
        _run("samba-tool", "user", "disable", name, *self._there())

    def remove(self, name: str) -> None:
        _run("samba-tool", "user", "delete", name, *self._there())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, number)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.communicate()
        if self._alone is not None:
            self._alone.close()

    def _there(self) -> tuple[str, ...]:
        return f"--URL={self.database}", f"--configfile={self.configuration}"


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        trial.settimeout(1)
        return trial.connect_ex((ADDRESS, port)) == 0


def _answers_pings() -> bool:
    return subprocess.run(("wbinfo", "--ping"), capture_output=True, check=False).returncode == 0


def _run(*command: str, given: str | None = None) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{command[0]} {command[1]}: {done.stderr[-2000:]}")
