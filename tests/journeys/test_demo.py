"""The demonstration, from nothing to a sign-in, and again after a restart; the clients are programs of others."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

VESTIBULE = Path(sys.executable).with_name("vestibule")
PATIENCE = 40


@dataclass(frozen=True)
class Demo:
    """A running one: what it printed, and what it says to machines."""

    process: subprocess.Popen[str]
    text: str
    said: dict[str, Any]

    def radclient(self, *attributes: str, node: int = 0) -> str:
        """Send one Access-Request and give what radclient prints."""
        radius = self.said["nodes"][node]["radius"]
        command = [
            "radclient",
            "-x",
            "-r",
            "1",
            "-t",
            "5",
            f"{radius['host']}:{radius['port']}",
            "auth",
            self.said["radius"]["secret"],
        ]
        request = ",".join((f"User-Name={self.said['user']['name']}", *attributes, "Message-Authenticator=0x00"))
        return subprocess.run(
            command, input=request, capture_output=True, text=True, timeout=PATIENCE, check=False
        ).stdout

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; the exit code and the last words."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, rest


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    return {
        **kept,
        "VESTIBULE_DEMO_DIR": str(folder),
        "VESTIBULE_HTTP_PORT": "0",
        "VESTIBULE_RADIUS_PORT": "0",
    }


@contextmanager
def demo(folder: Path, *options: str) -> Iterator[Demo]:
    """Start it, read on until it is ready, and end it with the block."""
    process = subprocess.Popen(
        [VESTIBULE, "demo", *options],
        env=environment(folder),
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Demo(process, *_ready(process, folder))
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def _ready(process: subprocess.Popen[str], folder: Path) -> tuple[str, dict[str, Any]]:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ready."):
            return "".join(lines), json.loads((folder / "demo.json").read_text())
    raise AssertionError("".join(lines))


def totp(running: Demo) -> str:
    return _oathtool("--totp", "--base32", running.said["user"]["totp_secret"])


def test_an_owner_signs_in_to_the_administration(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        admin = running.said["admin"]
        assert set(admin) == {"name", "password", "totp_secret"}
        assert admin["password"] in running.text
        shown = subprocess.run(
            [VESTIBULE, "demo", "code", "--admin"],
            env=environment(tmp_path / "demo"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.strip() == _oathtool("--totp", "--base32", admin["totp_secret"])
        with httpx2.Client(base_url=running.said["http"], headers={"Sec-Fetch-Site": "same-origin"}) as browser:
            page = visit(browser, running.said["administration"])
            assert page.headers["location"].startswith("/signin?")
            visit(browser, page.headers["location"])
            typed = {"name": admin["name"], "password": admin["password"], "next": "/admin"}
            page = visit(browser, "/signin", **{**hidden(visit(browser, page.headers["location"])), **typed})
            page = visit(browser, "/signin/code", **{**hidden(page), "code": shown.stdout.strip()})
            assert (page.status_code, page.headers["location"]) == (303, "/admin")
            assert visit(browser, "/admin").status_code == 200


def visit(browser: httpx2.Client, path: str, **typed: str) -> httpx2.Response:
    """One page; the cookie is for TLS or loopback, which this program does not tell apart."""
    page = browser.post(path, data=typed) if typed else browser.get(path)
    if "set-cookie" in page.headers:
        browser.headers["Cookie"] = page.headers["set-cookie"].partition(";")[0]
    return page


def hidden(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of the form on a page."""
    found = re.findall(r'<input type="hidden" name="(\w+)"[^>]*value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def hotp(running: Demo, counter: int) -> str:
    return _oathtool("--hotp", "--counter", str(counter), running.said["user"]["hotp_secret"])


def _oathtool(*arguments: str) -> str:
    return subprocess.run(["oathtool", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def question(running: Demo, node: int = 0) -> str:
    """Send the password; the State of the question that comes back."""
    reply = running.radclient(f"User-Password={running.said['user']['password']}", node=node)
    found = re.search(r"Access-Challenge.*State = (0x[0-9a-f]+)", reply, re.DOTALL)
    assert found, reply
    return found[1]


def answer(running: Demo, code: str, node: int = 0, asked_by: int = 0) -> str:
    return running.radclient(f"User-Password={code}", f"State={question(running, asked_by)}", node=node)


def test_a_code_signs_in_once_and_a_restart_keeps_everything(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder) as first:
        code = totp(first)
        assert "Received Access-Accept" in answer(first, code)
        assert "Received Access-Reject" in answer(first, code)
        ended, last_words = first.stop()
        assert (ended, last_words.count("\n")) == (0, 1)
    with demo(folder) as second:
        assert second.said["user"] == first.said["user"]
        assert second.said["admin"] == first.said["admin"]
        assert second.said["radius"]["secret"] == first.said["radius"]["secret"]
        assert "Received Access-Accept" in answer(second, hotp(second, 0))
        assert second.stop()[0] == 0


def test_all_three_ways_to_ask_are_there(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        one_field = f"User-Password={running.said['user']['password']}{hotp(running, 0)}"
        assert "Received Access-Accept" in running.radclient(one_field, "NAS-Identifier=demo-one-field")
        code_only = f"User-Password={hotp(running, 1)}"
        assert "Received Access-Accept" in running.radclient(code_only, "NAS-Identifier=demo-code-only")


def test_every_line_that_it_prints_works_as_printed(tmp_path: Path) -> None:
    with demo(tmp_path / "demo") as running:
        done = subprocess.run(
            ["bash"],
            input=commands(running.text),
            env=environment(tmp_path / "demo"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        for address in re.findall(r"http://\S+(?!\S)(?! \\)", running.text):
            with urllib.request.urlopen(address, timeout=PATIENCE) as answered:
                assert answered.status == 200
        pages = re.findall(r"http://(\S+?):\d+/(?:signin|admin|demo/phone|api/v1/docs)\b", running.text)
        assert pages == ["localhost"] * 4, "a session and a passkey belong to one name"
    printed = done.stdout + done.stderr
    assert done.stdout.count("Received Access-Accept") == 2, printed
    assert done.stdout.count('"decision":"accept"') == 1, printed
    assert "not found" not in printed
    assert all(word in done.stdout for word in ("system.init", "DEMO-TOTP")), printed
    assert re.search("server +runs", done.stdout), printed


def commands(text: str) -> str:
    """The lines to type, without those that need a person, or a second code within the minute."""
    parts = re.split(r"\n\n+", re.sub(r"\n7\. .*?(?=\n8\. )", "", text.split("TRY THIS")[1], flags=re.DOTALL))
    typed = [part for part in parts if re.match(r"  (cd|echo|oathtool|STATE=|curl|/)", part)]
    return "\n".join(part for part in typed if "test radius" not in part and "demo-one-field" not in part)


@pytest.mark.requirement(52)
def test_what_it_keeps_is_closed_to_others_and_it_is_heard_on_loopback_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder) as running:
        assert running.said["radius"]["host"] == "127.0.0.1"
        assert [node["http"] for node in running.said["nodes"]] == [running.said["http"]]
        assert {address for address in listening(running.process.pid) if not address.startswith("127.0.0.1:")} == set()
        assert len(listening(running.process.pid)) == 3  # authentication, accounting, HTTP
        for path in (folder, *folder.rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path


def listening(pid: int) -> set[str]:
    """Every address that the process has a socket on, of TCP and UDP, IPv4 and IPv6."""
    inodes = {str(path.readlink())[8:-1] for path in Path(f"/proc/{pid}/fd").iterdir() if _is_socket(path)}
    found = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                found.add(_address(words[1]))
    return found


def _is_socket(path: Path) -> bool:
    try:
        return str(path.readlink()).startswith("socket:[")
    except FileNotFoundError:
        return False


def _address(words: str) -> str:
    host, port = words.split(":")
    if len(host) > 8:
        return f"[{host}]:{int(port, 16)}"
    octets = bytes.fromhex(host)[::-1]
    return f"{'.'.join(map(str, octets))}:{int(port, 16)}"


def test_a_second_one_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with demo(tmp_path / "demo"):
        done = subprocess.run(
            [VESTIBULE, "demo"],
            env=environment(tmp_path / "demo"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 3
    assert "Another vestibule" in done.stderr


def test_a_start_that_was_broken_off_is_made_whole(tmp_path: Path) -> None:
    """Its secrets are on disk before its database: what was told once stays true."""
    folder = tmp_path / "demo"
    (folder / "secrets").mkdir(parents=True, mode=0o700)
    (folder / "secrets" / "password").write_text("maple-river-quartz-42\n")
    with demo(folder) as running:
        assert running.said["user"]["password"] == "maple-river-quartz-42"
        assert "Received Access-Accept" in answer(running, totp(running))
