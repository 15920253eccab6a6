"""`vestibule clock`."""

from vestibule.apps.cli.options import commands

app = commands()


@app.callback()
def _clock() -> None:
    """Confirm the clock after it was moved."""


@app.command()
def confirm() -> None:
    """Say that the clock is right again, so that old journal lines are deleted again."""
    from vestibule.apps.cli.output import moment, say
    from vestibule.apps.cli.running import ask

    found = ask("clock.confirm")["confirmed"]
    if found is None:
        say("There was nothing to confirm.")
    else:
        say(f"Confirmed: the clock was moved by {found['seconds']:g} s at {moment(found['since'])}.")
