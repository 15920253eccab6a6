"""An import: the file goes to the server, the report comes back, rows that failed go into a file of their own."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.output import note, paragraph, progress, say, table, write_json
from vestibule.apps.cli.running import ask

LARGEST = 48 * 1024 * 1024  # what fits into one line of the control protocol, with room for escapes
SHOWN = 100


def bring_in(command: str, file: Path, arguments: dict[str, Any], *, as_json: bool) -> None:
    """Import `file` and tell how it went. Raises Exit(1) when rows failed."""
    content = _content(file)
    with progress(file.name) as bar:
        report = ask(command, bar, content=content, file_name=file.name, **arguments)
    failures = report.pop("failures")
    kept = _keep(file, failures) if failures and not report["dry_run"] else None
    if as_json:
        write_json({**report, "failures_file": str(kept) if kept else None})
    else:
        _tell(report, kept)
    if report["problems"]:
        raise typer.Exit(Code.FAILED)


def _content(file: Path) -> str:
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.", Code.USAGE) from None
    if len(octets) > LARGEST:
        raise Stop(f"{file} is larger than {LARGEST // 1024**2} MiB. Split it and import the parts.", Code.USAGE)
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise Stop(f"{file}, line {line}: this is not UTF-8. Save the file as CSV UTF-8.", Code.USAGE) from None


def _tell(report: dict[str, Any], kept: Path | None) -> None:
    problems = report["problems"]
    counts = f"{report['created']} new, {report['changed']} changed, {report['unchanged']} unchanged"
    failed = f", {len(problems)} failed" if problems else ""
    say(f"{report['file_name']}: {counts}{failed}.{' A dry run: nothing was changed.' if report['dry_run'] else ''}")
    if report["waived"]:
        serials = ", ".join(f"{one['serial']} ({one['bits']} bits)" for one in report["waived"][:SHOWN])
        say(paragraph(f"Taken with a waiver, for their keys are short: {serials}"))
    if problems:
        say()
        rows = [(str(one["line"]), str(one["column"] or ""), one["field"], one["reason"]) for one in problems[:SHOWN]]
        table(("line", "column", "field", "why it failed"), rows)
    if len(problems) > SHOWN:
        say(f"… and {len(problems) - SHOWN} more.")
    if kept:
        say()
        say(paragraph(f"The failed rows are in {kept}, which only you can read, for it may hold keys."))
        say(paragraph("Mend them there, import that file, and delete it."))


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
    yield file.with_name(f"Failures_{file.stem}.csv")
    yield from (file.with_name(f"Failures_{file.stem}-{number}.csv") for number in count(2))
