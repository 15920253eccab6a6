"""One process at a time on one data directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.lock import NAME, locked

HOLDING = """
import sys
from pathlib import Path
from vestibule.apps.cli.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(directory: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        with pytest.raises(Stop, match=f"process {other.pid}") as stopped, locked(tmp_path):
            pass
        other.communicate("")
    assert stopped.value.code is Code.UNAVAILABLE


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        other.kill()
    with locked(tmp_path):
        assert (tmp_path / NAME).read_text() == f"{os.getpid()}\n"


def test_the_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_made_belongs_to_the_owner_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, 12345)
    with locked(data):
        (data / "vestibule.db").touch()
        (data / "trap").hardlink_to(outside)
        (data / "link").symlink_to(outside)
    assert {path.name for path in data.iterdir() if path.lstat().st_uid == 12345} == {"lock", "vestibule.db"}
    assert outside.stat().st_uid == 0
