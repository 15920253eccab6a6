"""The pages under docs/recipes as tests read them: a file that a page shows is the file that the program gets.

recipe = Recipe.named("sshd")
with opened(folder) as site:                            # a server, and alice with her password and her token
    secret = site.follow(recipe)["ssh"]                 # every `$ vestibule …` of the page, as a person types it
    recipe.file("/etc/pam.d/sshd", {"THE-SECRET": secret})
"""

import base64
import fcntl
import itertools
import re
import secrets
import shlex
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.apps.cli.terminal import Done, Terminal
from tests.apps.installation import Installation, make_template
from tests.house.sources import ROOT
from vestibule.core.oath import hotp

PAGES = ROOT / "docs" / "recipes"
PASSWORD = "correct horse battery"
GIVEN = "what the other side knows"
SECRET = "THE-SECRET"
SERVER, CLIENT, HERE = "192.0.2.1", "192.0.2.10", "127.0.0.1"
PATIENCE = 20.0
LOOK_AGAIN = 0.05
LEASH = ("setpriv", "--pdeathsig", "KILL")  # whoever ends the tests ends the programs
TUNSETIFF, IFF_TUN = 0x400454CA, 1  # linux/if_tun.h

_BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command of a page, and what the page shows behind it."""

    words: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def vestibule(self) -> bool:
        return self.words[0] == "vestibule"


@dataclass(frozen=True)
class Recipe:
    """One page."""

    name: str
    text: str

    @classmethod
    def named(cls, name: str) -> "Recipe":
        return cls(name, (PAGES / f"{name}.md").read_text(encoding="utf-8"))

    @property
    def files(self) -> dict[str, str]:
        """The blocks that have a title, by it."""
        return dict(_BLOCK.findall(self.text))

    def file(self, title: str, gaps: Mapping[str, str] | None = None) -> str:
        """One of them with its `gaps` filled: what stands on the page, and what stands there for a test."""
        return filled(self.files[title], gaps or {})

    def commands(self) -> Iterator[Command]:
        """The commands in the blocks that show a terminal."""
        for block in _CONSOLE.findall(self.text):
            for said in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
                line, *shown = said.rstrip().splitlines()
                yield Command(tuple(shlex.split(line)), tuple(shown))

    def mentioned(self) -> Iterator[tuple[str, ...]]:
        """The commands of ours within the text, whose arguments may be gaps."""
        for said in re.findall(r"`(vestibule [^`]+)`", _FENCED.sub("", self.text)):
            yield tuple(shlex.split(said))


def filled(text: str, gaps: Mapping[str, str]) -> str:
    """Fill gaps; one that the text does not have is an error, for the page has changed."""
    for shown, real in gaps.items():
        assert shown in text, f"{shown} does not stand in:\n{text}"
        text = text.replace(shown, real)
    return text


@dataclass
class Person:
    """Somebody with a button token."""

    name: str
    key: bytes = field(default_factory=lambda: secrets.token_bytes(20))
    presses: Iterator[int] = field(default_factory=itertools.count)

    def press(self) -> str:
        return hotp(self.key, next(self.presses))


@dataclass(frozen=True)
class Site:
    """A running server, and who signs in."""

    terminal: Terminal
    radius: int
    api: int
    alice: Person

    def run(self, *words: str, given: str = "", fails: bool = False) -> Done:
        """Run a command of ours, which must work unless it `fails`."""
        done = self.terminal.run(*words, given=given)
        assert bool(done.returncode) == fails, f"{shlex.join(words)}: {done.stderr}{done.stdout}"
        return done

    def follow(self, recipe: Recipe, gaps: Mapping[str, str] | None = None, only: str = "") -> dict[str, str]:
        """Run the commands of ours that a page shows, and see what it shows; `only` those that have this word.

        Gives the secrets that were told, by what they belong to.
        """
        told = {}
        for command in recipe.commands():
            if command.vestibule and (not only or only in command.words):
                words = [filled_where(word, gaps or {}) for word in command.words[1:]]
                said = self.run(*words, given=f"{GIVEN}\n").stdout
                assert_shown(command, said, gaps or {})
                if secret := told_secret(said):
                    told[command.words[3]] = secret
        assert told or not only, f"no command with {only} told a secret"
        return told

    def give_token(self, person: Person) -> None:
        """Give somebody who is known the token that they have in their hand."""
        key = base64.b32encode(person.key).decode()
        self.run("token", "add", person.name, "--method", "hotp", "--secret-file", "-", given=f"{key}\n")

    def lines(self, kind: str = "sign_in") -> list[dict[str, Any]]:
        """The journal's lines of a kind, the oldest first."""
        lines: list[dict[str, Any]] = self.terminal.json("journal", "list", "--kind", kind, "--json")
        return lines

    def reasons(self) -> list[str]:
        """How the sign-ins ended."""
        return [line["reason"] or "accepted" for line in self.lines()]

    def wait_for_report(self, status: str) -> None:
        """Wait until accounting of this status, as start, stands in the journal."""
        until = time.monotonic() + PATIENCE
        while status not in (line["detail"].get("status") for line in self.lines("system")):
            assert time.monotonic() < until, f"no accounting of status {status} came"


def filled_where(text: str, gaps: Mapping[str, str]) -> str:
    for shown, real in gaps.items():
        text = text.replace(shown, real)
    return text


def told_secret(said: str) -> str:
    found = re.search(r"^ +(?:Secret|Key) +(\S+)$", said, re.MULTILINE)
    return found[1] if found else ""


def assert_shown(command: Command, said: str, gaps: Mapping[str, str]) -> None:
    """See that each line which the page shows was said; … stands for anything, THE-SECRET for a secret."""
    for line in command.shown:
        pattern = re.escape(filled_where(line.strip(), gaps)).replace("…", ".*").replace(re.escape(SECRET), r"\S+")
        assert re.search(rf"^\s*{pattern}\s*$", said, re.MULTILINE), (
            f"the page shows {line!r}, and this was said: {said}"
        )


@contextmanager
def opened(folder: Path, name: str = "alice", radius: int = 0) -> Iterator[Site]:
    """Run a server of its own until the block ends; `radius` is its port, if it matters."""
    installation = Installation(make_template(folder))
    terminal, radius, api = Terminal(installation.environment()), radius or free_port(), free_port()
    more = {
        "VESTIBULE_RADIUS_LISTEN": f"{HERE}:{radius}",
        "VESTIBULE_RADIUS_ACCOUNTING": "true",
        "VESTIBULE_API_LISTEN": f"{HERE}:{api}",
    }
    with terminal.serving(more):
        site = Site(terminal, radius, api, Person(name))
        site.run("user", "add", name, "--password-file", "-", given=f"{PASSWORD}\n")
        site.give_token(site.alice)
        yield site


def free_port(of: range = range(20_000, 30_000)) -> int:
    """A port that is free with its neighbour, below those that the system hands out by itself."""
    while True:
        port = secrets.choice(of)
        with suppress(OSError):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                for each in (port, port + 1):
                    with socket.socket(socket.AF_INET, kind) as tried:
                        tried.bind((HERE, each))
            return port


# -- programs ------------------------------------------------------------------------------------------------------


@contextmanager
def daemon(*command: str | Path, log: Path, ready: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in the foreground until the block ends; `ready` is what it writes when it can be used."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*LEASH, *map(str, command)], stdin=subprocess.PIPE, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + PATIENCE
        while ready not in log.read_text(errors="replace"):
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_AGAIN)
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"{command[0]} did not start: {log.read_text(errors='replace')}")
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def tunnels_possible() -> bool:
    """Whether the system lets us make a network device."""
    request = struct.pack("16sH22x", b"vestibule%d", IFF_TUN)
    try:
        with Path("/dev/net/tun").open("r+b", buffering=0) as device:
            fcntl.ioctl(device, TUNSETIFF, request)
    except OSError:
        return False
    return True


def run(*command: str | Path, given: str = "", more: Mapping[str, str] | None = None) -> Done:
    """Run a program to its end; both of its outputs are in `stdout`."""
    return subprocess.run(
        list(map(str, command)),
        input=given,
        env=None if more is None else dict(more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
