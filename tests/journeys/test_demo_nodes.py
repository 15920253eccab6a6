"""The demonstration of two nodes on one PostgreSQL: what one node asks, the other hears, over real sockets."""

import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journeys.test_demo import PATIENCE, VESTIBULE, Demo, answer, demo, environment, hotp, totp

TWO = ("--database", "postgresql")
FIRST, SECOND = 0, 1

pytestmark = pytest.mark.timeout(120)


def section(text: str) -> str:
    """The lines to type of the part on two nodes, and the two that come before all."""
    first = re.findall(r"^  (?:cd|export) .*$", text, re.MULTILINE)
    parts = re.split(r"\n\n+", text.split("\n9. ")[1])
    return "\n".join([*first, *(part for part in parts if re.match(r"  (echo|STATE=|CODE=|\S*/)", part))])


@pytest.mark.requirement(4)
def test_a_question_of_one_node_is_answered_at_the_other_and_the_code_is_spent_on_both(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder, *TWO) as first:
        code = totp(first)
        assert "Received Access-Accept" in answer(first, code, node=SECOND, asked_by=FIRST)
        assert "Received Access-Reject" in answer(first, code, node=FIRST, asked_by=FIRST)
        assert "Received Access-Reject" in answer(first, code, node=FIRST, asked_by=SECOND)
        assert_printed_lines_work(first, folder)
        ended, last_words = first.stop()
        assert (ended, last_words.count("\n")) == (0, 1), last_words
    assert [path.name for path in (folder / "postgresql").iterdir() if path.is_socket()] == []
    assert not (folder / "postgresql" / "server" / "postmaster.pid").exists()
    with demo(folder, *TWO) as again:
        assert again.said["user"] == first.said["user"]
        assert again.said["api_key"] == first.said["api_key"]
        assert "Received Access-Reject" in answer(again, hotp(again, 0), node=SECOND, asked_by=FIRST)
        assert "Received Access-Accept" in answer(again, hotp(again, 1), node=SECOND, asked_by=FIRST)
        assert again.stop()[0] == 0


def assert_printed_lines_work(running: Demo, folder: Path) -> None:
    done = subprocess.run(
        ["bash"],
        input=section(running.text),
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    received = re.findall(r"Received (Access-\w+) ", done.stdout + done.stderr)
    assert sorted(received) == ["Access-Accept", "Access-Challenge", "Access-Challenge", "Access-Reject"], done
    assert re.search("server +runs", done.stdout), done


@pytest.mark.requirement(52)
def test_it_is_closed_to_others_and_a_second_one_in_its_place_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder, *TWO) as running:
        assert {node["radius"]["host"] for node in running.said["nodes"]} == {"127.0.0.1"}
        for path in (folder, *folder.rglob("*")):
            assert path.is_socket() or path.stat().st_mode & 0o077 == 0, path
        done = subprocess.run(
            [VESTIBULE, "demo", *TWO],
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, "Another vestibule" in done.stderr) == (3, True)
        assert "Received Access-Accept" in answer(running, totp(running), node=SECOND)


def test_one_that_was_killed_leaves_nothing_running_and_starts_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with demo(folder, *TWO) as running:
        code = totp(running)
        assert "Received Access-Accept" in answer(running, code)
        home = folder / "postgresql"
        with ending(home / "server" / "postmaster.pid", home / "node2" / "lock"):
            running.process.send_signal(signal.SIGKILL)
    with demo(folder, *TWO) as again:
        assert "Received Access-Reject" in answer(again, code, node=SECOND)


@contextmanager
def ending(*pid_files: Path) -> Iterator[None]:
    """The processes that these files name are gone soon after the block."""
    watched = [os.pidfd_open(int(path.read_text().split()[0])) for path in pid_files]
    try:
        yield
        for one in watched:
            assert select.select([one], [], [], PATIENCE)[0], pid_files
    finally:
        for one in watched:
            os.close(one)
