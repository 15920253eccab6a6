"""`vestibule key`."""

from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import moment, note, paragraph, progress, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

USES = {
    "seal": "seals what is stored",
    "fingerprint": "tells equal token keys",
    "recovery": "keeps recovery codes",
    "journal": "chains the journal",
    "token": "keeps API keys",
}
"""What a key is for, by purpose; docs/keys.md says which of them can be rotated."""


@app.callback()
def _key() -> None:
    """The keys that protect what is stored: status, rotate, discard."""


@app.command()
def status(*, json: AsJson = False) -> None:
    """Show which keys there are, how old they are and what they have sealed."""
    found = ask("key.status")
    if json:
        return write_json(found)
    rows = [_row(key, found["now"]) for key in found["keys"]]
    table(("key", "made (UTC)", "days", "what it does", "rows"), rows)
    return _tell_state(found)


def _row(key: dict[str, Any], now: float) -> tuple[str, ...]:
    made_at = key["made_at"]
    days = "" if made_at is None else f"{max(now - made_at, 0.0) / 86400:.0f}"
    use = USES.get(key["purpose"], key["purpose"])
    if key["purpose"] == "seal" and not key["seals"]:
        use = "opens what it sealed before"
    return str(key["id"]), moment(made_at), days, use, _counts(key["rows"])


def _counts(rows: dict[str, int]) -> str:
    return ", ".join(f"{table} {count}" for table, count in rows.items())


def _tell_state(found: dict[str, Any]) -> None:
    rotation = found["rotation"]
    if rotation:
        say(
            paragraph(
                f"A rotation to key {rotation['to']} is under way since {moment(rotation['begun_at'])}: "
                f"{rotation['done']} of {rotation['total']} rows are done. Go on with: vestibule key rotate"
            )
        )
        for refused in rotation["refused"]:
            say(paragraph(f"Does not open: {refused}"))
    for one in found["unreadable"]:
        say(paragraph(f"Sealed with key {one['key']}, which is gone, so they do not open: {_counts(one['rows'])}"))
    if found["master_changed_at"]:
        say(
            paragraph(
                f"The master key was changed at {moment(found['master_changed_at'])}, and the old one still opens. "
                "When every node has the new file: vestibule key rotate --master --finish"
            )
        )


@app.command()
def rotate(
    *,
    master: Annotated[bool, typer.Option("--master", help="Replace the master key instead.")] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="With --master: let the old master key open nothing any more.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Rotate even though the key is younger than an hour.")] = False,
    json: AsJson = False,
) -> None:
    """Seal everything that is stored with a fresh key, while sign-ins go on.

    What was cut off, by a crash or by you, goes on when you run it again.
    """
    if finish and not master:
        raise typer.BadParameter("--finish goes with --master.")
    if master:
        return _master(finish=finish, json=json)
    with progress("sealed anew") as bar:
        done = ask("key.rotate", bar, again=again)
    if json:
        return write_json(done)
    if not done["rotated"]:
        return note(
            paragraph(
                f"There is nothing to do: key {done['key']} was made at {moment(done['made_at'])}. "
                "To rotate nevertheless: vestibule key rotate --again"
            )
        )
    retired = ", ".join(map(str, done["retired"]))
    return say(
        f"Key {done['key']} seals from now on. {done['sealed_anew']} rows were sealed anew; key {retired} is gone."
    )


@app.command()
def discard(
    row: Annotated[str, typer.Argument(metavar="TABLE/ID", help="As `key rotate` names it.", show_default=False)],
    yes: Yes = False,
) -> None:
    """Remove a row whose secret does not open any more. What it held is lost already."""
    from vestibule.apps.cli.asking import sure

    sure(f"Remove {row}?", yes=yes)
    say(f"Removed {ask('key.discard', row=row)['discarded']}.")


def _master(*, finish: bool, json: bool) -> None:
    done = ask("key.master", finish=finish)
    if json:
        return write_json(done)
    if finish:
        confirmed = (
            "The old master key opens nothing here any more." if done["confirmed"] else "There was nothing to do."
        )
        return say(confirmed)
    say(f"{done['file']} holds the new master key.")
    if done["aside"]:
        say(
            paragraph(
                f"The old one is {done['aside']}. Backups made until now open with it only: keep it with them, and "
                "delete it with the last of them."
            )
        )
    return say(
        paragraph(
            "Until you confirm, the database opens with either. Copy the new file to every other node and to where you "
            "keep a copy, then: vestibule key rotate --master --finish"
        )
    )
