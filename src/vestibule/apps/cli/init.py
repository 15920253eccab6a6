"""`vestibule init`: what a server needs before its first start."""

from vestibule.apps.cli.options import commands

app = commands()


@app.command()
def init() -> None:
    """Make the data directory, the master key and the database.

    It shows a link that makes the first owner, good once and for a day. Nothing that exists is overwritten. When a step
    fails, what was made before is taken away again. Where a PostgreSQL is in use already, this machine joins it, with
    the master key of the others.
    """
    from vestibule.apps.cli.beginning import begin
    from vestibule.apps.cli.output import paragraph, say
    from vestibule.apps.cli.start import configured
    from vestibule.apps.public import portal_url

    configuration = configured()
    if not begin(configuration):
        say(paragraph("This machine has joined the nodes of the PostgreSQL database. Start it with: vestibule serve"))
        return
    say(f"Made {configuration.data_directory}  (data, for its owner only)")
    say(f"Made {configuration.key.file}  (master key)")
    say()
    say(paragraph("Keep a copy of the master key away from this machine: without it, no backup can be read."))
    say()
    say(NEXT)
    say()
    if portal_url(configuration):
        _show_link()
    else:
        say(paragraph("The first owner, once api.public_url says where the portal is: vestibule owner link"))


def _show_link() -> None:
    """The way to the first owner."""
    from vestibule.apps.cli.output import moment, once, paragraph, say
    from vestibule.apps.cli.running import ask

    made = ask("owner.link")
    say(paragraph(f"The first owner opens this page when the server runs, until {moment(made['until'])}:"))
    once({"Link": made["url"]}, "Whoever opens it first becomes an owner. For another one: vestibule owner link")


NEXT = """\
What to do next:
  vestibule client add NAME 192.0.2.0/24   who may ask; shows its RADIUS secret
  vestibule user add NAME                  who may sign in
  vestibule token import FILE              their tokens, from their maker's file
  vestibule serve                          start\
"""
