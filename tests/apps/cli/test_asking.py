"""Secrets come from a file or a pipe, never from the arguments."""

import io
import sys
from pathlib import Path

import pytest

from vestibule.apps.cli.asking import hidden, sure
from vestibule.apps.cli.exits import Stop


def test_a_secret_is_the_first_line_of_a_file_with_its_blanks(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" with blanks \r\nand a second line\n")
    assert hidden("Password", file) == " with blanks "


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(Stop) as stopped:
        hidden("Password", file)
    assert str(file) in str(stopped.value)


@pytest.mark.parametrize("file", [None, Path("-")])
def test_a_pipe_is_read_a_line_for_each_question(file: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("first\nsecond\n"))
    assert [hidden("One", file), hidden("Two", file)] == ["first", "second"]


def test_no_terminal_and_no_yes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Stop, match="--yes"):
        sure("Remove it?", yes=False)
    sure("Remove it?", yes=True)
