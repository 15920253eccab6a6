"""`vestibule user`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, DryRun, File, Limit, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, say, table, write_json
from vestibule.apps.cli.running import ask, connected, pages
from vestibule.core.users import Mfa

app = commands()

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Text = Annotated[str | None, typer.Option()]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group; repeat it for several.")]
Asked = Annotated[bool, typer.Option("--password", help="Ask for a password.")]
Factor = Annotated[
    Mfa | None,
    typer.Option(help="off: no second factor is asked. enabled: it is. enforced: it is, and one is registered."),
]


@app.callback()
def _user() -> None:
    """Users: add, import, list, show, set, block, password, reset, remove."""


@app.command()
def add(
    name: Name,
    *,
    first_name: Text = None,
    last_name: Text = None,
    email: Text = None,
    phone: Text = None,
    locale: Text = None,
    group: Groups = None,
    mfa: Factor = None,
    password: Asked = False,
    password_file: SecretFile = None,
) -> None:
    """Add a user, with a password if you ask for it."""
    from vestibule.apps.cli.asking import twice

    result = ask(
        "user.add",
        name=name,
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        locale=locale,
        groups=group,
        mfa=mfa,
        password=twice("Password", password_file) if password or password_file else None,
    )
    say(f"Added {result['user']['name']}.")


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="How the name begins.")] = None,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List users in order of name."""
    with connected() as server:
        users = [user for page in pages(server, "user.list", {"search": search}, limit) for user in page["users"]]
    if json:
        return write_json(users)
    rows = [(user["name"], _full_name(user), user["mfa"], _blocked(user), listed(user["groups"])) for user in users]
    return table(("name", "full name", "mfa", "blocked", "groups"), rows, "There are no such users.")


@app.command()
def show(name: Name, json: AsJson = False) -> None:
    """Show a user with tokens and failures."""
    result = ask("user.show", name=name)
    if json:
        return write_json(result)
    user = result["user"]
    card(
        {
            "name": user["name"],
            "full name": _full_name(user),
            "email": user["email"],
            "phone": user["phone"],
            "groups": listed(user["groups"]),
            "mfa": user["mfa"],
            "blocked": _blocked(user),
            "password": _since(result["password_changed_at"]),
            "added": moment(user["created_at"]),
        }
    )
    _show_tokens(result["credentials"])
    return _show_failures(result["failures"])


@app.command("set")
def set_(
    name: Name,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    first_name: Text = None,
    last_name: Text = None,
    email: Text = None,
    phone: Text = None,
    locale: Text = None,
    group: Annotated[list[str] | None, typer.Option("--group", help="All groups from now on; repeat it.")] = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take out of all groups.")] = False,
    mfa: Factor = None,
) -> None:
    """Change what is given; an empty text clears it."""
    changes = {
        "name": new_name,
        "first_name": first_name,
        "last_name": last_name,
        "email": email,
        "phone": phone,
        "locale": locale,
        "groups": [] if no_groups else group,
        "mfa": mfa,
    }
    result = ask("user.set", name=name, changes={key: value for key, value in changes.items() if value is not None})
    say(f"Changed {listed(result['changed'])}." if result["changed"] else "Nothing was different.")


@app.command()
def block(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; the journal keeps it.", show_default=False)],
    days: Annotated[int, typer.Option(min=1, help="How long.")] = 90,
) -> None:
    """Refuse every sign-in of a user for some time."""
    result = ask("user.block", name=name, reason=reason, days=days)
    say(f"Blocked {result['user']['name']} until {moment(result['user']['blocked']['until'])}.")


@app.command()
def unblock(name: Name) -> None:
    """Let a blocked user sign in again."""
    say(f"Unblocked {ask('user.unblock', name=name)['user']['name']}.")


@app.command()
def password(name: Name, password_file: SecretFile = None) -> None:
    """Set a new password."""
    from vestibule.apps.cli.asking import twice

    result = ask("user.password", name=name, password=twice("New password", password_file))
    say(f"{result['user']['name']} has a new password.")


@app.command()
def remove(
    name: Name,
    erase: Annotated[bool, typer.Option("--erase", help="Also erase the person from the journal.")] = False,
    yes: Yes = False,
) -> None:
    """Remove a user; tokens with a serial number go back to the inventory."""
    from vestibule.apps.cli.asking import sure

    sure(f"Remove {name}{' and erase them from the journal' if erase else ''}?", yes=yes)
    result = ask("user.remove", name=name, erase=erase)
    say(f"Removed {result['removed']}.")
    if result["returned"]:
        say(f"Back in the inventory: {listed(result['returned'])}")
    if erase:
        say(f"Erased from {result['erased']} journal lines.")


@app.command()
def reset(name: Name) -> None:
    """Forget a user's failed tries, so that delays end and stopped tokens count again."""
    say(f"Cleared {ask('user.reset', name=name)['cleared']} counters of {name}.")


@app.command("import")
def import_(file: File, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Add or change users from a CSV file; rows that fail go to Failures_FILE."""
    from vestibule.apps.cli.importing import bring_in

    bring_in("user.import", Path(file), {"dry_run": dry_run}, as_json=json)


def _full_name(user: dict[str, Any]) -> str:
    return f"{user['first_name']} {user['last_name']}".strip()


def _blocked(user: dict[str, Any]) -> str:
    return f"until {moment(user['blocked']['until'])}" if user["blocked"] else ""


def _since(at: float | None) -> str:
    return f"since {moment(at)}" if at else "none"


def _show_tokens(tokens: list[dict[str, Any]]) -> None:
    if tokens:
        say()
        table(
            ("token", "method", "state", "label"),
            [(one["serial"] or one["id"], one["method"], one["state"], one["label"]) for one in tokens],
        )


def _show_failures(failures: list[dict[str, Any]]) -> None:
    counted = [one for one in failures if one["count"]]
    if counted:
        say()
        table(
            ("failures of", "count", "last", "delayed until"),
            [
                (
                    f"{one['kind']} {one['name']}",
                    str(one["count"]),
                    moment(one["last_at"]),
                    "stopped" if one["stopped"] else moment(one["delayed_until"]),
                )
                for one in counted
            ],
        )
