"""`vestibule database`: the schema, and the way from one database to another."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, commands

app = commands()


@app.callback()
def _database() -> None:
    """Bring the database to this version, or copy it to another one."""


@app.command()
def upgrade() -> None:
    """Run the migrations that are due. Stop the server and take a backup first."""
    from vestibule.apps.cli.exits import Code, Stop
    from vestibule.apps.cli.lock import locked
    from vestibule.apps.cli.output import say
    from vestibule.apps.cli.start import check_files, configured, told
    from vestibule.stores.sql import SCHEMA, schema_of
    from vestibule.stores.sql.migrate import upgrade as migrate

    configuration = configured()
    check_files(configuration)
    url = configuration.database.url
    with told(), locked(configuration.data_directory):
        found = schema_of(url)
        if found is None:
            raise Stop("There is no database to upgrade. Make one with: vestibule init", Code.USAGE)
        if found == SCHEMA:
            say(f"The database has schema {SCHEMA} already.")
            return
        snapshot = migrate(url).snapshot
    say(f"The database went from schema {found} to {SCHEMA}.")
    if snapshot:
        say(f"As it was before, it lies in {snapshot}")


@app.command()
def copy(
    target: Annotated[
        str, typer.Argument(metavar="URL", help="An empty database: postgresql://… or sqlite:////…", show_default=False)
    ],
    json: AsJson = False,
) -> None:
    """Copy everything to an empty database of the other kind, or of the same. Stop the server first.

    It is there as a whole or not at all; each table is compared by a digest of its rows. The old one stays as it is.
    """
    from dataclasses import asdict

    from vestibule.apps.cli.copying import copy_to
    from vestibule.apps.cli.output import paragraph, say, stages, table, write_json

    with stages() as bar:
        configuration, copied = copy_to(target, bar)
    if json:
        return write_json([asdict(one) for one in copied])
    table(("table", "rows", "SHA-256 of both"), [(one.table, str(one.rows), one.sha256) for one in copied])
    say()
    say(f"Copied {sum(one.rows for one in copied)} rows. What to do next:")
    place = str(configuration.source("database.url"))
    say(f"  1. Set database.url to {target}")
    say("     in the configuration" if place == "default" else f"     (now it stands in {place})")
    say("  2. vestibule doctor")
    say("  3. vestibule serve")
    say()
    return say(
        paragraph(
            "From the first sign-in there, never go back to the old database: it does not know which codes were used "
            "since. Keep it as you keep a backup, or delete it."
        )
    )
