"""`vestibule provider`."""

from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.exits import Stop
from vestibule.apps.cli.given import Given, SettingsFile, settings_of
from vestibule.apps.cli.options import AsJson, DryRun, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, note, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

Id = Annotated[str, typer.Argument(metavar="PROVIDER", help="Its id; see: vestibule provider list", show_default=False)]


@app.callback()
def _provider() -> None:
    """Providers of calls, texts and mail: add, list, show, set, test, sends, prices, remove."""


@app.command()
def add(
    id: Annotated[str, typer.Argument(metavar="PROVIDER", help="A short name for it.", show_default=False)],
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="twilio, telnyx, smtp …; each has its page.", show_default=False)
    ],
    settings: Given = None,
    *,
    file: SettingsFile = None,
    secret_file: SecretFile = None,
    json: AsJson = False,
) -> None:
    """Set a provider up; its password or token is asked for."""
    from vestibule.apps.cli.asking import hidden

    secret = hidden("Its password or token", secret_file)
    result = ask("provider.add", id=id, kind=kind, settings=settings_of(settings, file), secret=secret)
    if json:
        return write_json(result)
    one = result["provider"]
    say(f"Added {one['id']}: {listed(one['media'])}.")
    if one["hook"]:
        note(f"It tells us things at: {one['hook']}")
    return note(f"Try it: vestibule provider test {one['id']} --user NAME")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all providers."""
    providers = ask("provider.list")["providers"]
    if json:
        return write_json(providers)
    rows = [(one["id"], one["kind"], listed(one["media"]), "yes" if one["enabled"] else "no") for one in providers]
    return table(("provider", "kind", "carries", "enabled"), rows, "There are none: no call, text or mail is sent.")


@app.command()
def show(id: Id, json: AsJson = False) -> None:
    """Show a provider, never its secret, and the URL at which it tells us things."""
    one = ask("provider.show", id=id)["provider"]
    if json:
        return write_json(one)
    values = {name: value if isinstance(value, str) else dumps(value) for name, value in one["settings"].items()}
    state = {"enabled": "yes" if one["enabled"] else "no", "secret": "set" if one["secret"] else "none"}
    return card({"id": one["id"], "kind": one["kind"], **state, "URL for it": one["hook"] or "none", **values})


@app.command("set")
def set_(
    id: Id,
    settings: Given = None,
    *,
    file: SettingsFile = None,
    secret_file: SecretFile = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether anything is sent by it.")] = None,
) -> None:
    """Change settings. What is not given stays; NAME= alone puts one back to its default."""
    from vestibule.apps.cli.asking import hidden

    changes = {name: value or None for name, value in settings_of(settings, file).items()}
    secret = hidden("Its password or token", secret_file) if secret_file else None
    try:
        result = ask("provider.set", id=id, settings=changes, secret=secret, enabled=enabled)
    except Stop as refused:
        if secret is not None or refused.fields != ("secret",):
            raise
        note(str(refused))
        secret = hidden("Its password or token")
        result = ask("provider.set", id=id, settings=changes, secret=secret, enabled=enabled)
    say(f"Changed {listed(result['changed'])}." if result["changed"] else "Nothing was given to change.")


@app.command("test")
def probe(
    id: Id,
    user: Annotated[str, typer.Option(metavar="NAME", help="To whom; what is sent goes to their own number.")],
    phone: Annotated[str | None, typer.Option(metavar="PHONE", help="Which of their numbers or addresses.")] = None,
) -> None:
    """Send a test to somebody, by this provider alone. A running server sends it."""
    message = ask("provider.test", id=id, user=user, phone=phone)["message"]
    say("It is sent by the running server within seconds.")
    note(f"See what became of it: vestibule provider sends --message {message}")


@app.command()
def sends(
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Only what went to this person.")] = None,
    message: Annotated[str | None, typer.Option(metavar="ID", help="Only what became of this message.")] = None,
    json: AsJson = False,
) -> None:
    """Show what was handed to providers, and what became of it."""
    found = ask("provider.sends", user=user, message=message)["sends"]
    if json:
        return write_json(found)
    heads = ("when", "provider", "carries", "state", "why", "region", "cost")
    return table(heads, list(map(_send, found)), "Nothing was sent.")


@app.command()
def prices(
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="provider,medium,place,price as CSV."),
    ] = None,
    *,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Take prices from a table, or show what is known without one."""
    if file is not None:
        result = ask("price.set", content=file.read_text(encoding="utf-8-sig"), dry_run=dry_run or None)
        return say(f"{'Would be taken' if dry_run else 'Taken'}: {result['prices']} prices.")
    found = ask("price.list")["prices"]
    if json:
        return write_json(found)
    rows = [(one["provider"], one["medium"], one["place"], f"{one['price']:g}") for one in found]
    return table(("provider", "carries", "place", "price"), rows, "No prices are known; the settings assume some.")


@app.command()
def remove(id: Id, *, yes: Yes = False) -> None:
    """Remove a provider that no route names."""
    from vestibule.apps.cli.asking import sure

    ask("provider.show", id=id)
    sure(f"Remove the provider {id}?", yes=yes)
    say(f"Removed {ask('provider.remove', id=id)['removed']}.")


def _send(one: dict[str, Any]) -> tuple[str, ...]:
    why = " ".join(part for part in (one["fault"], one["code"]) if part)
    cost = f"{one['cost']:g} {one['currency']}" if one["cost"] else ""
    return moment(one["begun_at"]), one["provider"], one["medium"], one["state"], why, one["region"], cost
