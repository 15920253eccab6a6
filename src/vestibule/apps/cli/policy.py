"""`vestibule policy`."""

from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, Yes, commands
from vestibule.apps.cli.output import listed, say, table, write_json
from vestibule.apps.cli.running import ask
from vestibule.core.policy import Outcome

app = commands()

Name = Annotated[str, typer.Argument(metavar="RULE", help="Its name.", show_default=False)]
Clients = Annotated[list[str] | None, typer.Option(metavar="ID", help="Only for this client; repeat it for several.")]
Groups = Annotated[list[str] | None, typer.Option(metavar="GROUP", help="Only for its members; repeat it for several.")]
Networks = Annotated[
    list[str] | None,
    typer.Option(metavar="NETWORK", help="Only for people who come from it, as 192.0.2.0/24; repeat it for several."),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(metavar="METHOD", help="A second factor that is good enough, as totp; repeat it. Any otherwise."),
]
Position = Annotated[int | None, typer.Option(min=1, metavar="N", help="1 is the first; the last otherwise.")]


@app.callback()
def _policy() -> None:
    """Rules in order: who needs a second factor, who is let in, who is not."""


@app.command()
def add(
    name: Name,
    outcome: Annotated[
        Outcome, typer.Argument(metavar="OUTCOME", help="deny, allow (the first factor is enough) or require.")
    ],
    *,
    client: Clients = None,
    group: Groups = None,
    network: Networks = None,
    method: Methods = None,
    position: Position = None,
) -> None:
    """Add a rule. The first rule that matches a sign-in speaks."""
    result = ask(
        "policy.add",
        name=name,
        outcome=outcome,
        clients=client,
        groups=group,
        networks=network,
        methods=method,
        position=position,
    )
    say(f"Added {result['rule']['name']} as rule {result['rule']['position']}.")


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List the rules in order."""
    _show(ask("policy.list"), as_json=json)


@app.command()
def move(
    name: Name, position: Annotated[int, typer.Argument(min=1, metavar="POSITION", help="1 is the first.")]
) -> None:
    """Move a rule to another place in the order."""
    _show(ask("policy.move", name=name, position=position), as_json=False)


@app.command()
def remove(name: Name, yes: Yes = False) -> None:
    """Remove a rule."""
    from vestibule.apps.cli.asking import sure

    if not yes:
        ask("policy.show", name=name)  # nobody is asked about what is not there
    sure(f"Remove the rule {name}?", yes=yes)
    say(f"Removed {ask('policy.remove', name=name)['removed']}.")


@app.command("test")
def try_out(
    user: Annotated[str, typer.Argument(metavar="USER", show_default=False)],
    client: Annotated[str, typer.Argument(metavar="CLIENT", show_default=False)],
    address: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where the person is.")] = None,
    json: AsJson = False,
) -> None:
    """Say which rule would speak, and what it would ask."""
    result = ask("policy.test", user=user, client=client, address=address)
    if json:
        return write_json(result)
    asked = "A second factor is asked." if result["second_factor"] else "No second factor is asked."
    methods = f" by {listed(result['methods'])}" if result["methods"] else ""
    say(f"{result['outcome']}{methods}, by the rule: {result['rule']}")
    return None if result["outcome"] == "deny" else say(asked)


def _show(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        return write_json(result)
    rows = [
        (str(one["position"]), one["name"], one["outcome"], _conditions(one), listed(one["methods"]) or "any")
        for one in result["rules"]
    ]
    rows.append(("", result["default"], "", "everyone else", ""))
    return table(("", "rule", "outcome", "when", "methods"), rows)


def _conditions(one: dict[str, Any]) -> str:
    parts = [f"{what} {listed(one[key])}" for what, key in _CONDITIONS if one[key]]
    return "; ".join(parts) or "always"


_CONDITIONS = (("client", "clients"), ("group", "groups"), ("from", "networks"))
