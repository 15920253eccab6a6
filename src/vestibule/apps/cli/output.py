"""What people and machines read: results on standard output, everything else on standard error.

`rich` is imported only where a table or a progress bar is really drawn. Nothing that is printed is taken as markup.
"""

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

NARROW = 80
NAMES = 40  # columns that the first cell of a row has at least, if it needs them, so that a name stays whole
WIDE = 1000  # a pipe has no edge: nothing is cut or wrapped

COMMAND = re.compile(r"(?<=: )vestibule( \S+)+$")

Progress = Callable[[int, int | None], None]
"""Called with how many are done, and how many there are if that is known."""

StageProgress = Callable[[str, int, int | None], None]
"""The same for work of several stages, with the name of the stage before."""


def say(text: str = "") -> None:
    """Print a line, or several, as they are."""
    print(text, flush=True)


def note(text: str) -> None:
    """Print a line for people beside the result."""
    print(text, file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Print what went wrong: a paragraph is wrapped, lines that are laid out stay as they are."""
    note(text if "\n" in text else paragraph(f"vestibule: {text}"))


def paragraph(text: str, indent: str = "", hanging: int = 0) -> str:
    """Wrap text to the terminal, at most 80 columns, at blanks only; lines after the first hang in by `hanging`.

    A command at the end stays on one line, to be copied.
    """
    width = min(shutil.get_terminal_size().columns, NARROW)
    following = indent + " " * hanging
    whole = COMMAND.sub(lambda command: command[0].replace(" ", "\0"), text)
    wrapped = textwrap.wrap(
        whole, width, initial_indent=indent, subsequent_indent=following, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapped).replace("\0", " ")


def write_json(value: object) -> None:
    """Print one JSON value for a machine."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], empty: str = "") -> None:
    """Print a table without lines; `empty` is said when there are no rows."""
    if not rows:
        note(empty or "There is nothing to show.")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    names = max(len(row[0]) for row in rows)
    for number, name in enumerate(columns):
        drawn.add_column(Text(name), overflow="fold", min_width=None if number else min(names, NAMES))
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    with console.capture() as captured:
        console.print(drawn)
    say("\n".join(line.rstrip() for line in captured.get().splitlines()))


def card(facts: Mapping[str, str]) -> None:
    """Print one thing: a name and its value a line, empty values left out."""
    shown = {name: value for name, value in facts.items() if value}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        print(f"{name.ljust(width)}  {value}")


def moment(seconds: float | None) -> str:
    """A time as people read it, in UTC; nothing for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else ""


def listed(values: Sequence[str]) -> str:
    """Several values in one cell."""
    return ", ".join(values)


@contextmanager
def progress(what: str) -> Iterator[Progress | None]:
    """Draw a bar on standard error; without a terminal there, give None."""
    with stages() as bar:
        if bar is None:
            yield None
            return
        bar(what, 0, None)
        yield partial(bar, what)


@contextmanager
def stages() -> Iterator[StageProgress | None]:
    """Draw a bar that begins anew with each stage; without a terminal, give None."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[stage] = bar.add_task(stage, total=None)
            bar.update(tasks[stage], completed=done, total=total)

        yield show


def once(facts: Mapping[str, str], what: str) -> None:
    """Print something secret that is never shown again, and say so."""
    width = max(map(len, facts))
    say()
    for name, value in facts.items():
        say(f"  {name.ljust(width)}  {value}")
    say()
    say(paragraph(f"This is shown once. {what}"))
