"""An import: the file goes to the server, the report comes back, rows that failed go into a file of their own."""

import os
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.output import note, paragraph, progress, say, table, write_json
from vestibule.apps.cli.running import ask

LARGEST = 47 * 1024 * 1024  # what fits into one line of the control protocol, escaped or in Base64
SHOWN = 100
FAILURES = "Failures_"

Report = dict[str, Any]


def bring_in(command: str, file: Path, arguments: dict[str, Any], *, as_json: bool) -> None:
    """Import a file of text and tell how it went. Raises Exit(1) when rows failed."""
    content = _text(file)
    with progress(file.name) as bar:
        report = ask(command, bar, content=content, file_name=file.name, **arguments)
    finish(file, report, lambda _report: None, "it holds what the file says of people", as_json=as_json)


def octets_of(file: Path) -> bytes:
    """The content of a file that is not too large. Raises Stop."""
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.", Code.USAGE) from None
    if len(octets) > LARGEST:
        raise Stop(f"{file} is larger than {LARGEST // 1024**2} MiB. Split it and import the parts.", Code.USAGE)
    return octets


def finish(file: Path, report: Report, remarks: Callable[[Report], None], why: str, *, as_json: bool) -> None:
    """Keep the rows that failed and tell how it went: counts, what `remarks` says, what failed and `why` it is hidden.

    Raises Exit(1) when rows failed.
    """
    failures = report.pop("failures")
    kept = _keep(file, failures) if failures and not report["dry_run"] else None
    if as_json:
        write_json({**report, "failures_file": str(kept) if kept else None})
    else:
        _tell_counts(report)
        remarks(report)
        _tell_problems(report["problems"])
        _tell_remedy(report, kept, why, by_hand=not failures)
    if report["problems"]:
        raise typer.Exit(Code.FAILED)


def _text(file: Path) -> str:
    octets = octets_of(file)
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise Stop(f"{file}, line {line}: this is not UTF-8. Save the file as CSV UTF-8.", Code.USAGE) from None


def _tell_counts(report: Report) -> None:
    counts = f"{report['created']} new, {report['changed']} changed, {report['unchanged']} unchanged"
    failed = f", {len(report['problems'])} failed" if report["problems"] else ""
    say(f"{report['file_name']}: {counts}{failed}.{' A dry run: nothing was changed.' if report['dry_run'] else ''}")


def _tell_problems(problems: list[dict[str, Any]]) -> None:
    if problems:
        say()
        rows = [(str(one["line"]), str(one["column"] or ""), one["field"], one["reason"]) for one in problems[:SHOWN]]
        table(("line", "column", "field", "why it failed"), rows)
    if len(problems) > SHOWN:
        say(f"… and {len(problems) - SHOWN} more.")


def _tell_remedy(report: Report, kept: Path | None, why: str, *, by_hand: bool) -> None:
    if kept:
        say()
        say(paragraph(f"The failed rows are in {kept}, which only you can read, for {why}."))
        say(paragraph("Mend them there, import that file, and delete it."))
    elif report["problems"] and by_hand:
        say()
        say(paragraph("Mend the file itself and import it again; what is in already stays as it is."))


def _keep(file: Path, failures: str) -> Path | None:
    """Write the failed rows beside the file, never over another one; only the owner may read them."""
    for path in _names(file):
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            note(paragraph(f"The failed rows could not be written to {path}: {error.strerror}."))
            return None
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as written:
            written.write(failures)
        return path
    return None


def _names(file: Path) -> Iterator[Path]:
    """Names of failures files, in turn; what fails of one counts on from its number."""
    stem, first = file.stem, 2
    if again := stem.startswith(FAILURES):
        stem = stem.removeprefix(FAILURES)
        if numbered := re.fullmatch(r"(.+)-([1-9][0-9]{0,8})", stem):
            stem, first = numbered[1], int(numbered[2]) + 1
    if not again:
        yield file.with_name(f"{FAILURES}{stem}.csv")
    yield from (file.with_name(f"{FAILURES}{stem}-{number}.csv") for number in count(first))
