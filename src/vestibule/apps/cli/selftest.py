"""`vestibule selftest`: does this build compute what the standards say."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import commands

app = commands()


@app.command()
def selftest(json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Check this build against published test vectors.

    It needs no configuration and no server, and changes nothing.
    """
    from vestibule.apps.cli.output import note, paragraph, say, table, write_json
    from vestibule.apps.cli.vectors import run, sqlite_note

    outcomes = run()
    right = all(outcome.right for outcome in outcomes)
    if json:
        write_json(
            {
                "right": right,
                "tests": [{"name": one.name, "source": one.source, "right": one.right} for one in outcomes],
                "sqlite": sqlite_note(),
            }
        )
    else:
        table(
            ("test", "vectors of", "result"),
            [(one.name, one.source, "pass" if one.right else "FAIL") for one in outcomes],
        )
        say()
        say(paragraph(sqlite_note()))
    if not right:
        note("This build computes wrong values. Do not use it; install it anew.")
        raise typer.Exit(1)
