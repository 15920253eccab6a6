"""A monthly report on the terminal: one table for each way to count."""

from typing import Any

from vestibule.apps.cli.output import say, table

Row = dict[str, Any]

_NO_NAME = "(none)"


def tables(report: Row) -> None:
    """Print what was counted; days on which nobody came are left out."""
    accepted, refused = report["accepted"], report["refused"]
    say(f"{report['month']}: {accepted + refused} sign-ins, {accepted} accepted, {refused} refused.")
    if not accepted + refused:
        return
    for name in ("day", "method", "client"):
        say()
        table((name, "accepted", "refused"), [_ends(name, row) for row in report[f"{name}s"] if _any(row)])
    if report["reasons"]:
        say()
        table(("reason", "refused"), [(row["reason"] or _NO_NAME, str(row["refused"])) for row in report["reasons"]])


def _any(row: Row) -> bool:
    return bool(row["accepted"] or row["refused"])


def _ends(name: str, row: Row) -> tuple[str, str, str]:
    return row[name] or _NO_NAME, str(row["accepted"]), str(row["refused"])
