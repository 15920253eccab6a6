"""Questions to the person at the terminal. What is secret is typed without echo, or read from a file."""

import getpass
import sys
from pathlib import Path

from vestibule.apps.cli.exits import Code, Stop

LONGEST = 4096


def hidden(question: str, file: Path | None = None) -> str:
    """Read a secret: from `file` ("-" is standard input), else from the terminal without echo, else from a pipe."""
    if file is not None and str(file) != "-":
        return _of_file(file)
    if file is None and sys.stdin.isatty():
        return getpass.getpass(f"{question}: ")
    return _line(question)


def twice(question: str, file: Path | None = None) -> str:
    """Read a new secret; at the terminal it is asked twice."""
    first = hidden(question, file)
    if file is None and sys.stdin.isatty() and getpass.getpass(f"{question}, once more: ") != first:
        raise Stop("The two are not the same. Nothing was changed; try again.", Code.USAGE)
    return first


def typed(question: str) -> str:
    """Read what need not be hidden, such as a code that is spent at once."""
    if sys.stdin.isatty():
        try:
            return input(f"{question}: ").strip()
        except EOFError:
            raise Stop("Nothing was typed.", Code.USAGE) from None
    return _line(question)


def sure(question: str, *, yes: bool) -> None:
    """Go on only after a yes; raises Stop otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Stop(f"{question} Say yes beforehand with --yes.", Code.USAGE)
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Stop("Nothing was changed.")


def _of_file(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as opened:
            return _stripped(opened.read(LONGEST), str(file))
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.", Code.USAGE) from None
    except UnicodeDecodeError:
        raise Stop(f"{file} is not UTF-8 text.", Code.USAGE) from None


def _line(question: str) -> str:
    return _stripped(sys.stdin.readline(), f"{question}, on standard input,")


def _stripped(text: str, place: str) -> str:
    """The first line without its end; blanks are left, for they may belong to a password."""
    line = text.partition("\n")[0]
    if not line:
        raise Stop(f"{place} is empty.", Code.USAGE)
    return line
