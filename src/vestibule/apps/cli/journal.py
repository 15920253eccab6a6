"""`vestibule journal`."""

from enum import StrEnum
from typing import Annotated

import typer

from vestibule.apps.cli.options import AsJson, Limit, Yes, commands
from vestibule.apps.cli.output import moment, progress, say, table, write_json
from vestibule.apps.cli.running import ask, connected
from vestibule.core.journal import EntryKind
from vestibule.core.reasons import Reason

app = commands()

User = Annotated[str | None, typer.Option(metavar="USER", help="Only lines about this user.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="2h, 7d, 2027-01-31 or 2027-01-31T08:00 (UTC).")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="As --since.")]
Kind = Annotated[EntryKind | None, typer.Option(help="Only lines of this kind.")]
Why = Annotated[
    Reason | None,
    typer.Option(metavar="REASON", help="Only refusals for this reason, as wrong_code.", show_choices=False),
]
Outcome = Annotated[bool | None, typer.Option("--accepted/--refused", help="Only sign-ins that ended so.")]


class Form(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


@app.callback()
def _journal() -> None:
    """What happened: list, trace, report, follow, verify, export, prune."""


@app.command("list")
def list_(
    *,
    user: User = None,
    since: Since = "1d",
    until: Until = None,
    kind: Kind = None,
    reason: Why = None,
    accepted: Outcome = None,
    limit: Limit = 50,
    json: AsJson = False,
) -> None:
    """List the newest lines. Without --since, they are those of the last day."""
    from vestibule.apps.cli.lines import COLUMNS, newest, row, wanted

    query = wanted(user=user, since=since, until=until, kind=kind, reason=reason, accepted=accepted)
    with connected() as server:
        lines = newest(server, query, limit)
    if json:
        return write_json(lines)
    return table(COLUMNS, list(map(row, lines)), "There are no such lines.")


@app.command()
def follow(
    user: User = None, kind: Kind = None, reason: Why = None, accepted: Outcome = None, json: AsJson = False
) -> None:
    """Print new lines as they are written, until Ctrl-C. A server must run."""
    from vestibule.apps.cli.lines import following, printed, wanted

    query = wanted(user=user, since="0s", until=None, kind=kind, reason=reason, accepted=accepted)
    try:
        for line in following(query):
            say(printed(line, as_json=json))
    except KeyboardInterrupt:
        raise typer.Exit from None


@app.command()
def export(
    *,
    user: User = None,
    since: Since = None,
    until: Until = None,
    kind: Kind = None,
    reason: Why = None,
    accepted: Outcome = None,
    form: Annotated[Form, typer.Option("--format", help="CSV with a header, or one JSON object a line.")] = Form.CSV,
) -> None:
    """Write lines to standard output. Without an option, all of them."""
    from vestibule.apps.cli.exporting import write_rows
    from vestibule.apps.cli.lines import wanted
    from vestibule.apps.cli.running import pages

    query = wanted(user=user, since=since, until=until, kind=kind, reason=reason, accepted=accepted)
    with connected() as server:
        write_rows((page["lines"] for page in pages(server, "journal.list", query)), form)


@app.command()
def report(
    month: Annotated[str, typer.Option(metavar="MONTH", help="Such as 2027-01; days begin at midnight UTC.")],
    json: AsJson = False,
) -> None:
    """Count a month's sign-ins by day, method, client, reason."""
    from vestibule.apps.cli.report import tables

    with progress("days") as bar:
        result = ask("journal.report", bar, month=month)
    if json:
        return write_json(result)
    return tables(result)


@app.command()
def trace(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="As a page or a line names it; or CHAIN/SEQ.")],
    json: AsJson = False,
) -> None:
    """Tell step by step why somebody was let in or refused."""
    from vestibule.apps.cli.story import told

    result = ask("journal.trace", attempt=attempt)
    if json:
        return write_json(result)
    return say(told(result))


@app.command()
def verify(json: AsJson = False) -> None:
    """Check that no line was changed, removed or put elsewhere."""
    from vestibule.apps.cli.exits import Code

    with progress("lines") as bar:
        result = ask("journal.verify", bar)
    if json:
        write_json(result)
    elif result["intact"]:
        chains = sum(1 for chain in result["chains"] if chain["lines"])
        say(f"The journal is intact: {result['lines']} lines in {chains} chains.")
    else:
        say(f"The journal is NOT intact. {result['fault']}")
    if not result["intact"]:
        raise typer.Exit(Code.FAILED)


@app.command()
def prune(
    before: Annotated[str, typer.Argument(metavar="TIME", help="Lines older than this go: 365d or 2027-01-31.")],
    yes: Yes = False,
) -> None:
    """Delete old lines for good."""
    from vestibule.apps.cli.asking import sure
    from vestibule.apps.cli.lines import point

    at = point(before)
    sure(f"Delete all journal lines before {moment(at)}?", yes=yes)
    with progress("lines") as bar:
        result = ask("journal.prune", bar, before=at)
    say(f"Deleted {result['pruned']} lines.")


@app.command()
def accept_rollback(yes: Yes = False) -> None:
    """Go on with a database that is behind its journal. Only when you know why; a backup wants: vestibule restore."""
    from vestibule.apps.cli.asking import sure
    from vestibule.apps.cli.caretaking import accept

    sure("Go on with a database that has lost journal lines, and perhaps the memory of used codes?", yes=yes)
    gaps = accept()
    say(f"Accepted {gaps} gaps; the journal names each." if gaps else "There was nothing to accept.")
