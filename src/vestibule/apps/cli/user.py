"""`vestibule user`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, DryRun, File, Limit, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, say, table, write_json
from vestibule.apps.cli.running import ask, connected, pages
from vestibule.apps.cli.user_access import add_to
from vestibule.core.users import Mfa

app = commands()

User = Annotated[str, typer.Argument(metavar="USER", help="A name or an id.", show_default=False)]
Text = Annotated[str | None, typer.Option(metavar="TEXT")]
Email = Annotated[str | None, typer.Option(metavar="ADDRESS")]
Phone = Annotated[str | None, typer.Option(metavar="NUMBER", help="With its country: +43 1 5550100")]
Locale = Annotated[str | None, typer.Option(metavar="LANGUAGE", help="Such as en or de-AT.")]
Groups = Annotated[list[str] | None, typer.Option("--group", metavar="GROUP", help="Repeat it for several.")]
Asked = Annotated[bool, typer.Option("--password", help="Ask for a password.")]
Factor = Annotated[
    Mfa | None,
    typer.Option(help="off: no second factor is asked. enabled: it is. enforced: it is, and one is registered."),
]


@app.callback()
def _user() -> None:
    """Users: add, import, list, show, set, role, block, pass, reset, remove."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the user types to sign in.", show_default=False)],
    *,
    first_name: Text = None,
    last_name: Text = None,
    email: Email = None,
    phone: Phone = None,
    locale: Locale = None,
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
    rows = [
        (user["name"], _full_name(user), user["mfa"], _role(user), _blocked(user), listed(user["groups"]))
        for user in users
    ]
    return table(("name", "full name", "mfa", "role", "blocked", "groups"), rows, "There are no such users.")


@app.command()
def show(name: User, json: AsJson = False) -> None:
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
            "role": _role(user),
            "blocked": _blocked(user),
            "password": _password(user, result["password_changed_at"]),
            "added": moment(user["created_at"]),
        }
    )
    _show_factors(result["credentials"])
    return _show_failures(result["failures"], {one["id"]: _called(one) for one in result["credentials"]})


@app.command("set")
def set_(
    name: User,
    *,
    new_name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="A new name.")] = None,
    first_name: Text = None,
    last_name: Text = None,
    email: Email = None,
    phone: Phone = None,
    locale: Locale = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="GROUP", help="All groups from now on; repeat it.")
    ] = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take out of all groups.")] = False,
    mfa: Factor = None,
) -> None:
    """Change a user. What is not given stays; an empty text clears a field."""
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
    name: User,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the journal keeps it.", show_default=False)],
    days: Annotated[int, typer.Option(min=1, metavar="DAYS", help="How long.")] = 90,
) -> None:
    """Refuse every sign-in of a user for some time."""
    result = ask("user.block", name=name, reason=reason, days=days)
    say(f"Blocked {result['user']['name']} until {moment(result['user']['blocked']['until'])}.")


@app.command()
def unblock(name: User) -> None:
    """Let a blocked user sign in again."""
    say(f"Unblocked {ask('user.unblock', name=name)['user']['name']}.")


@app.command()
def password(name: User, password_file: SecretFile = None) -> None:
    """Set a new password."""
    from vestibule.apps.cli.asking import twice

    result = ask("user.password", name=name, password=twice("New password", password_file))
    say(f"{result['user']['name']} has a new password.")


@app.command()
def remove(
    name: User,
    erase: Annotated[bool, typer.Option("--erase", help="Also erase the person from the journal.")] = False,
    yes: Yes = False,
) -> None:
    """Remove a user. Tokens with a serial number go back to the inventory."""
    from vestibule.apps.cli.asking import sure

    if not yes:
        ask("user.show", name=name)  # nobody is asked about what is not there
    sure(f"Remove {name}{' and erase them from the journal' if erase else ''}?", yes=yes)
    result = ask("user.remove", name=name, erase=erase)
    say(f"Removed {result['removed']}.")
    if result["returned"]:
        say(f"Back in the inventory: {listed(result['returned'])}")
    if erase:
        say(f"Erased from {result['erased']} journal lines.")


@app.command()
def reset(name: User) -> None:
    """Forget a user's failed tries. Delays end, and tokens that were stopped count again."""
    say(f"Cleared {ask('user.reset', name=name)['cleared']} counters of {name}.")


@app.command("import")
def import_(file: File, dry_run: DryRun = False, json: AsJson = False) -> None:
    """Add or change users from a CSV file. Rows that fail go to Failures_FILE."""
    from vestibule.apps.cli.importing import bring_in

    bring_in("user.import", Path(file), {"dry_run": dry_run}, as_json=json)


add_to(app)


def _password(user: Mapping[str, Any], changed_at: float | None) -> str:
    """Where it is: with the directory that the person comes from, or here since then."""
    return f"checked by the directory {user['directory']}" if user["directory"] else _since(changed_at)


def _full_name(user: dict[str, Any]) -> str:
    return f"{user['first_name']} {user['last_name']}".strip()


def _role(user: dict[str, Any]) -> str:
    return "" if user["role"] == "none" else str(user["role"])


def _blocked(user: dict[str, Any]) -> str:
    return f"until {moment(user['blocked']['until'])}" if user["blocked"] else ""


def _since(at: float | None) -> str:
    return f"since {moment(at)}" if at else "none"


def _show_factors(factors: list[dict[str, Any]]) -> None:
    if factors:
        say()
        table(
            ("factor", "serial", "label", "state"),
            [(one["method"], one["serial"], one["label"], _state(one)) for one in factors],
        )


def _state(factor: dict[str, Any]) -> str:
    """An active one that does not count any more says so: its waiver is over."""
    return factor["state"] if factor["usable"] or factor["state"] != "active" else "active, does not count"


def _called(factor: dict[str, Any]) -> str:
    """A factor in a sentence."""
    return f"{factor['method']} {factor['serial'] or factor['label']}".strip()


def _show_failures(failures: list[dict[str, Any]], factors: Mapping[str, str]) -> None:
    """Failures by place and by factor; a factor that is gone has no name."""
    counted = [one for one in failures if one["count"]]
    if counted:
        say()
        table(
            ("failures of", "count", "last", "delayed until"),
            [
                (
                    _counted_for(one, factors),
                    str(one["count"]),
                    moment(one["last_at"]),
                    "stopped" if one["stopped"] else moment(one["delayed_until"]),
                )
                for one in counted
            ],
        )


def _counted_for(failures: dict[str, Any], factors: Mapping[str, str]) -> str:
    if failures["kind"] == "source":
        return f"place {failures['name']}"
    return factors.get(
        failures["name"], failures["name"] if failures["name"] == "password" else "a factor that is gone"
    )
