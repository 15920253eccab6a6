"""`vestibule database`: the schema."""

from vestibule.apps.cli.options import commands

app = commands()


@app.callback()
def _database() -> None:
    """Bring the database to this version."""


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
        migrate(url)
    say(f"The database went from schema {found} to {SCHEMA}.")
