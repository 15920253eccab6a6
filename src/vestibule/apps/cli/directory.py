"""`vestibule directory`."""

import tomllib
from collections.abc import Iterable
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.options import AsJson, DryRun, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, note, paragraph, progress, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

SHOWN = 20

Id = Annotated[
    str, typer.Argument(metavar="DIRECTORY", help="Its id; see: vestibule directory list", show_default=False)
]
SettingsFile = Annotated[
    Path | None, typer.Option("--file", exists=True, dir_okay=False, metavar="FILE", help="Settings as TOML.")
]
Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE...",
        help="Settings, as base=dc=example,dc=org; a name that is repeated makes a list.",
        show_default=False,
    ),
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
    result = ask("directory.add", id=id, kind=kind, settings=_settings(settings, file), secret=secret)
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
            say(_held(id, last["held"]))
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

    changes = {name: value or None for name, value in _settings(settings, file).items()}
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
        bool,
        typer.Option(
            "--approve", help="Let go of all who are gone, block all who are disabled, whatever the brake allows."
        ),
    ] = False,
    json: AsJson = False,
) -> None:
    """Take over the people of a directory now: who is new, who changed, who is gone."""
    with progress(id) as bar:
        report = ask("directory.sync", bar, id=id, dry_run=dry_run or None, approve=approve or None)
    if json:
        return write_json(report)
    say(f"{'Would be taken over' if dry_run else 'Taken over'}: {_counted(report)}.")
    for one in report["notes"][:SHOWN]:
        say(paragraph(f"{one['place']}: {one['what']}" if one["place"] else one["what"], "  ", 2))
    if len(report["notes"]) > SHOWN:
        say(f"  … and {len(report['notes']) - SHOWN} more; --json shows all.")
    if report["held_count"]:
        say(_nobody(report["held_count"]) if report["nobody_listed"] else _held(id, report["held_count"]))
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


def _settings(given: Iterable[str] | None, file: Path | None) -> dict[str, Any]:
    """Settings of a file, and over them those of the command line."""
    settings = _of_file(file) if file else {}
    fresh: dict[str, Any] = {}
    for pair in given or ():
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise Stop(f"{pair} is no setting; write NAME=VALUE.", Code.USAGE)
        value = _value(text)
        fresh[name] = [*_as_list(fresh[name]), value] if name in fresh else value
    return settings | fresh


def _value(text: str) -> object:
    """A number, true, false or a list as JSON has them; everything else is a text."""
    try:
        return loads(text)
    except JSONDecodeError:
        return text


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _of_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Stop(f"{file} cannot be read as TOML: {error}", Code.USAGE) from None


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


def _held(id: str, count: int) -> str:
    return paragraph(
        f"{count} people are gone from the directory or disabled there. That is more than the brake allows, so they "
        f"are held and go on signing in. If it is right: vestibule directory sync {id} --approve"
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
