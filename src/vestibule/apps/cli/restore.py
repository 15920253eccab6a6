"""`vestibule restore`."""

from pathlib import Path
from typing import Annotated

import typer

from vestibule.apps.cli.options import Yes, commands

app = commands()

TODO = {
    "totp": "TOTP: codes shown before now are refused; the next one works.",
    "hotp": "HOTP: each token asks for two codes in a row once: vestibule token resync SERIAL",
    "recovery": "Recovery codes: all are void. Make new ones with: vestibule recovery issue NAME",
}
"""What people have to know or to do, by method."""


@app.command()
def restore(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="None on PostgreSQL.", show_default=False),
    ] = None,
    yes: Yes = False,
) -> None:
    """Put a backup in place of the database. The server must be stopped.

    Every code that may have been used since the backup is marked used; HOTP tokens are asked for two codes in a row;
    recovery codes are void. What was there before is renamed, not deleted. A PostgreSQL is put back with pg_restore;
    then, without a file, this makes it safe in the same way.
    """
    from vestibule.apps.cli.asking import sure
    from vestibule.apps.cli.caretaking import make_safe
    from vestibule.apps.cli.caretaking import restore as put_in_place
    from vestibule.apps.cli.output import card, moment, say

    if file is None:
        sure("Take the PostgreSQL database as one that was put back, and make it safe?", yes=yes)
        outcome = make_safe()
        say(f"Made the database safe. Its journal ends at {moment(outcome.taken_at) or 'its beginning'}.")
    else:
        sure(f"Put {file} in place of the database?", yes=yes)
        outcome = put_in_place(file.absolute())
        say(f"Restored the backup of {moment(outcome.taken_at)}.")
    made_safe = ", ".join(f"{count} {method}" for method, count in outcome.restored.credentials.items())
    card(
        {
            "made safe": made_safe,
            "journal gaps": str(outcome.gaps or ""),
            "put aside": ", ".join(map(str, outcome.aside)),
        }
    )
    for method, todo in TODO.items():
        if outcome.restored.credentials.get(method):
            say(todo)
    if file is None:
        say("On each other node, before it starts: vestibule journal accept-rollback")
    say("Start the server when you are ready.")
