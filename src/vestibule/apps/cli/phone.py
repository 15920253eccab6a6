"""`vestibule phone`."""

from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import listed, moment, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

User = Annotated[str, typer.Argument(metavar="USER", help="Whose it is.", show_default=False)]
Which = Annotated[
    str, typer.Argument(metavar="PHONE", help="Its id, its label, or the whole number.", show_default=False)
]
Number = Annotated[
    str,
    typer.Argument(
        metavar="NUMBER", help="As '+1 425 555 0100', '… x123' with an extension, or an address.", show_default=False
    ),
]
Uses = Annotated[
    list[str] | None, typer.Option("--use", metavar="USE", help="text, call or reply; may be given again.")
]


@app.callback()
def _phone() -> None:
    """Telephone numbers, mail addresses and PINs: add, list, set, remove, pin."""


@app.command()
def add(
    user: User,
    number: Number,
    *,
    kind: Annotated[str, typer.Option(metavar="KIND", help="mobile, office, or backup (tried last).")] = "mobile",
    use: Uses = None,
    pin: Annotated[bool | None, typer.Option("--pin/--no-pin", help="Whether a PIN is asked for as well.")] = None,
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is called.")] = None,
    json: AsJson = False,
) -> None:
    """Give somebody a number or an address; it counts at once."""
    result = ask("phone.add", user=user, number=number, kind=kind, uses=use, pin=pin, label=label)
    if json:
        return write_json(result)
    one = result["phone"]
    return say(f"Added {one['to']} for {user}: {listed(one['uses'])}.")


@app.command("list")
def list_(user: User, json: AsJson = False) -> None:
    """List the numbers and addresses of somebody, masked."""
    phones = ask("phone.list", user=user)["phones"]
    if json:
        return write_json(phones)
    return table(
        ("id", "to", "label", "kind", "region", "uses", "proven"), list(map(_row, phones)), f"{user} has none."
    )


@app.command("set")
def set_(
    user: User,
    phone: Which,
    *,
    number: Annotated[str | None, typer.Option(metavar="NUMBER", help="Another number; the old one is told.")] = None,
    use: Uses = None,
    pin: Annotated[str | None, typer.Option(metavar="yes|no|default", help="Whether a PIN is asked for.")] = None,
    label: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is called.")] = None,
) -> None:
    """Change a number, what it serves, or what it is called."""
    result = ask("phone.set", user=user, phone=phone, number=number, uses=use, pin=pin, label=label)
    say(f"Changed {listed(result['changed'])}." if result["changed"] else "Nothing was given to change.")


@app.command()
def remove(user: User, phone: Which, *, yes: Yes = False) -> None:
    """Take a number or an address away."""
    from vestibule.apps.cli.asking import sure

    sure(f"Take this number or address away from {user}?", yes=yes)
    say(f"Removed {ask('phone.remove', user=user, phone=phone)['removed']}.")


@app.command()
def pin(
    user: User,
    *,
    typed: Annotated[bool, typer.Option("--typed", help="Ask for the PIN instead of drawing one.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Do not ask for another one at its first use.")] = False,
    off: Annotated[bool, typer.Option("--remove", help="Take the PIN away.")] = False,
) -> None:
    """Give somebody a PIN, shown once, or take it away."""
    from vestibule.apps.cli.asking import hidden

    if off:
        ask("pin.remove", user=user)
        return say(f"{user} is asked for no PIN any more.")
    given = hidden(f"PIN of {user}") if typed else None
    result = ask("pin.set", user=user, pin=given, must_change=not keep)
    say(f"The PIN of {user} is set." if typed else f"The PIN of {user}, shown once: {result['pin']}")
    return say("It must be changed at its first use.") if result["must_change"] else None


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    proven = moment(one["proven_at"]) if one["proven_at"] else ""
    return one["id"], one["to"], one["label"], one["kind"], one["region"], listed(one["uses"]), proven
