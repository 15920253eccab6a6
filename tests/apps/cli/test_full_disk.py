"""What a command says when its output has nowhere to go."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("vestibule")


def test_output_that_cannot_be_written_is_said_in_one_line() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run([PROGRAM, "selftest"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "vestibule: The output cannot be written: No space left on device.\n"
