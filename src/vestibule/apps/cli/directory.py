"""`vestibule directory`."""

from json import dumps
from typing import Annotated, Any

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.given import Given, SettingsFile, settings_of
from vestibule.apps.cli.options import AsJson, DryRun, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, note, paragraph, progress, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

SHOWN = 20

Id = Annotated[
    str, typer.Argument(metavar="DIRECTORY", help="Its id; see: vestibule directory list", show_default=False)
]


@app.callback()
def _directory() -> None:
    """Directories of others: add, list, show, set, test, sync, remove."""


@app.command()
def add(
    id: Annotated[str, typer.Argument(metavar="DIRECTORY", help="A short name for it.", show_default=False)],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="ldap or radius.", show_default=False)],
    settings: Given = None,
    *,
    file: SettingsFile = None,
    secret_file: SecretFile = None,
    json: AsJson = False,
) -> None:
    """Set a directory up; the password of its service account, or the shared secret, is asked for."""
    from vestibule.apps.cli.asking import hidden

    secret = hidden("Its password or shared secret", secret_file)
    result = ask("directory.add", id=id, kind=kind, settings=settings_of(settings, file), secret=secret)
    if json:
        return write_json(result)
    say(f"Added {result['directory']['id']}.")
    return note(f"See whether it answers: vestibule directory test {result['directory']['id']} --user NAME")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all directories."""
    directories = ask("directory.list")["directories"]
    if json:
        return write_json(directories)
    rows = [(one["id"], one["kind"], _servers(one["settings"])) for one in directories]
    return table(("directory", "kind", "servers"), rows, "There are no directories: all passwords are local.")


@app.command()
def show(id: Id, json: AsJson = False) -> None:
    """Show a directory, never its secret, and how its last synchronisation went."""
    result = ask("directory.show", id=id)
    if json:
        return write_json(result)
    one, last = result["directory"], result["last_sync"]
    values = {name: value if isinstance(value, str) else dumps(value) for name, value in one["settings"].items()}
    card({"id": one["id"], "kind": one["kind"], "secret": "set" if one["secret"] else "none", **values})
    if last is not None:
        say()
        say(f"Last synchronised {moment(last['at'])}: {_counted(last['counts'])}.")
        if last["held"]:
            say(_held(id, {"held_count": last["held"], **last}))
    return None


@app.command("set")
def set_(
    id: Id,
    settings: Given = None,
    *,
    file: SettingsFile = None,
    secret_file: SecretFile = None,
) -> None:
    """Change settings. What is not given stays; NAME= alone puts one back to its default.

    The secret is asked for again where other servers would be told it.
    """
    from vestibule.apps.cli.asking import hidden

    changes = {name: value or None for name, value in settings_of(settings, file).items()}
    secret = hidden("Its password or shared secret", secret_file) if secret_file else None
    try:
        result = ask("directory.set", id=id, settings=changes, secret=secret)
    except Stop as refused:
        if secret is not None or refused.fields != ("secret",):
            raise
        note(str(refused))
        result = ask("directory.set", id=id, settings=changes, secret=hidden("Its password or shared secret"))
    say(f"Changed {listed(result['changed'])}." if result["changed"] else "Nothing was given to change.")


@app.command("test")
def probe(
    id: Id,
    user: Annotated[str, typer.Option(metavar="NAME", help="Somebody of the directory, as they sign in.")],
    *,
    password: Annotated[bool, typer.Option("--password", help="Ask for their password and try it, once.")] = False,
    json: AsJson = False,
) -> None:
    """Look for a person in the directory, and try their password if you like."""
    from vestibule.apps.cli.asking import hidden

    typed = hidden(f"Password of {user}") if password else None
    result = ask("directory.test", id=id, user=user, password=typed)
    if json:
        return write_json(result)
    _tell_found(user, result["found"])
    said = result["password"]
    if said is None:
        return None
    say("The password is right." if said["right"] else f"The password is not taken: {said['reason']}.")
    if said["detail"]:
        say(f"The directory says: {said['detail']}")
    for name, value in said["attributes"]:
        say(f"  {name} = {value}")
    if not said["right"]:
        raise typer.Exit(Code.FAILED)
    return None


@app.command()
def sync(
    id: Id,
    *,
    dry_run: DryRun = False,
    approve: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Let go of the people of this list, whatever the brake allows; its number is told with it.",
        ),
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="Ask only for what changed since the last run, as the schedule does.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take over the people of a directory now: who is new, who changed, who is gone."""
    with progress(id) as bar:
        report = ask(
            "directory.sync",
            bar,
            id=id,
            dry_run=dry_run or None,
            approve=approve or None,
            changes_only=changes or None,
        )
    if json:
        return write_json(report)
    say(f"{'Would be taken over' if dry_run else 'Taken over'}: {_counted(report)}.")
    for one in report["notes"][:SHOWN]:
        say(paragraph(f"{one['place']}: {one['what']}" if one["place"] else one["what"], "  ", 2))
    if len(report["notes"]) > SHOWN:
        say(f"  … and {len(report['notes']) - SHOWN} more; --json shows all.")
    if report["held_count"]:
        say(_nobody(report["held_count"]) if report["nobody_listed"] else _held(id, report))
        say(paragraph(listed(report["held"][:SHOWN]), "  "))
        raise typer.Exit(Code.FAILED)
    return None


@app.command()
def remove(
    id: Id,
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Make its people local users, who need a local password then.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Remove a directory that nobody belongs to."""
    from vestibule.apps.cli.asking import sure

    ask("directory.show", id=id)
    sure(f"Remove the directory {id}?", yes=yes)
    with progress(id) as bar:
        result = ask("directory.remove", bar, id=id, release=release or None)
    say(f"Removed {result['removed']}; {result['released']} people are local users now.")


def _servers(settings: dict[str, Any]) -> str:
    return listed([one if isinstance(one, str) else one["host"] for one in settings["servers"]])


def _counted(counts: dict[str, Any]) -> str:
    words = {
        "created": "{} new",
        "changed": "{} changed",
        "unchanged": "{} as before",
        "gone": "{} gone",
        "disabled": "{} disabled",
        "back": "{} back",
        "refused": "{} refused",
        "unreadable": "{} not readable",
    }
    return listed([text.format(counts[kind]) for kind, text in words.items() if counts.get(kind)]) or "nobody"


def _held(id: str, told: dict[str, Any]) -> str:
    if not told.get("held_as"):
        return paragraph(
            f"{told['held_count']} people are held and go on signing in, for the reason that is told above."
        )
    return paragraph(
        f"{told['held_count']} people are gone from the directory or disabled there. That is more than the brake "
        f"allows, so they are held and go on signing in. If it is right: vestibule directory sync {id} --approve "
        f"{told['held_as']}"
    )


def _nobody(count: int) -> str:
    return paragraph(
        f"The directory lists nobody at all. That is taken for an error, so the {count} people who would be gone stay. "
        "Correct base, the filters of items, or what the account may read."
    )


def _tell_found(name: str, found: dict[str, Any] | None) -> None:
    if found is None:
        say(f"Nobody was found by the name {name}.")
    elif "ambiguous" in found:
        say(f"Several people answer to {name}, so none of them can sign in by it:")
        for place in found["ambiguous"]:
            say(f"  {place}")
    else:
        card(
            {
                "found": found["place"],
                "name": found["name"],
                "other names": listed(found["other_names"]),
                "id": found["id"],
                "account": "" if found["enabled"] else "disabled",
            }
        )
