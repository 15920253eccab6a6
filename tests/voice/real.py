"""A real Asterisk for tests: out of a Debian sid that `dev/asterisk` has unpacked, on loopback ports of its own."""

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

ROOT = Path(os.environ.get("VESTIBULE_ASTERISK", ".tools/asterisk")).absolute()
HERE = Path(__file__).parent
READY_SECONDS = 30.0
PASSWORD = "ari-pass-word"
EMPTY = [
    "acl",
    "ccss",
    "cdr",
    "cel",
    "codecs",
    "features",
    "geolocation",
    "indications",
    "musiconhold",
    "pjproject",
    "res_http_media_cache",
    "stasis",
    "udptl",
]


@dataclass
class RealAsterisk:
    """One that runs; `output` is its log."""

    home: Path
    http: int
    sip: int
    phone: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/ari"

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def missing() -> str:
    """Why there is none here, or nothing."""
    if os.environ.get("VESTIBULE_VOICE") != "1":
        return "tests with a real Asterisk run by `make test-voice`"
    if not (ROOT / "usr/sbin/asterisk").exists():
        return f"there is no Asterisk in {ROOT}; dev/asterisk makes one"
    return "" if os.geteuid() == 0 else "chroot needs root"


@contextlib.contextmanager
def running(application: str = "vestibule") -> Iterator[RealAsterisk]:
    """Start one, wait for its REST interface, stop it."""
    home = Path(tempfile.mkdtemp(prefix="vestibule-asterisk-", dir=ROOT / "tmp"))
    inside = f"/{home.relative_to(ROOT)}"
    http, sip, phone = free_port(), free_port(datagrams=True), free_port(datagrams=True)
    named = {"home": inside, "machine": f"{platform.machine()}-linux-gnu", "password": PASSWORD, "http": http}
    named |= {"sip": sip, "phone": phone, "rtp": 40_000, "rtp_end": 40_400, "application": application}
    for source in (HERE / "asterisk").glob("*.conf"):
        (home / source.name).write_text(Template(source.read_text()).safe_substitute(named))
    for name in EMPTY:
        (home / f"{name}.conf").touch()
    with (home / "output").open("wb") as output:
        process = subprocess.Popen(
            ["chroot", ROOT, "asterisk", "-f", "-C", f"{inside}/asterisk.conf"],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    asterisk = RealAsterisk(home, http, sip, phone, process)
    try:
        _wait(asterisk)
        yield asterisk
    finally:
        asterisk.stop()
        shutil.rmtree(home, ignore_errors=True)


def _wait(asterisk: RealAsterisk) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        ready = subprocess.run(
            ["curl", "-sf", "-u", f"vestibule:{PASSWORD}", f"{asterisk.url}/asterisk/ping"],
            capture_output=True,
            check=False,
        )
        if ready.returncode == 0:
            return
        if asterisk.process.poll() is not None:
            break
    raise RuntimeError(f"Asterisk does not start:\n{(asterisk.home / 'output').read_text()[-2000:]}")


def free_port(*, datagrams: bool = False) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
