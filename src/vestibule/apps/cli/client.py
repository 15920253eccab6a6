"""`vestibule client`."""

from typing import Annotated, Any

import typer

from vestibule.apps.cli.options import AsJson, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, listed, moment, note, once, paragraph, say, table, write_json
from vestibule.apps.cli.running import ask
from vestibule.core.clients import SignIn

app = commands()

Id = Annotated[str, typer.Argument(metavar="CLIENT", help="Its id; see: vestibule client list", show_default=False)]
Mode = Annotated[SignIn | None, typer.Option(help="What stands in the password field, and when the code is asked.")]
Nas = Annotated[str | None, typer.Option(metavar="TEXT", help="Tells clients behind one address apart.")]
Match = Annotated[bool | None, typer.Option(help="Refuse names that nobody has.", show_default=False)]
Signed = Annotated[
    bool | None, typer.Option(help="Drop requests without one; needed against forged replies.", show_default=False)
]
Proxied = Annotated[
    bool | None, typer.Option(help="Drop requests with Proxy-State and no authenticator.", show_default=False)
]
Holds = Annotated[
    bool | None, typer.Option(help="The client can wait while an approval is given elsewhere.", show_default=False)
]
Budget = Annotated[float | None, typer.Option(metavar="SECONDS", help="How long the client waits for an answer.")]
Rejoin = Annotated[
    int | None, typer.Option(metavar="SECONDS", help="0 to 10: let a fresh packet repeat a sign-in just accepted.")
]
FirstFactor = Annotated[
    str | None,
    typer.Option(metavar="DIRECTORY", help="Ask this directory for everybody's password; '' for each one's own."),
]
PassUntil = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Until this day people without a second factor pass without; '' for never."),
]
PassThrough = Annotated[
    bool | None,
    typer.Option(help="Hand MS-CHAP and EAP on to its first factor; MS-CHAP can be broken.", show_default=False),
]


@app.callback()
def _client() -> None:
    """RADIUS clients: add, list, show, set, secret, remove."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NETWORK...", help="Where it asks from: 192.0.2.7 or 192.0.2.0/24; none for the API."),
    ] = None,
    *,
    id: Annotated[
        str | None, typer.Option(metavar="ID", help="A short name for rules; made of NAME otherwise.")
    ] = None,
    sign_in: Mode = None,
    nas_identifier: Nas = None,
    require_user_match: Match = None,
    require_message_authenticator: Signed = None,
    limit_proxy_state: Proxied = None,
    holds: Holds = None,
    time_budget: Budget = None,
    rejoin_seconds: Rejoin = None,
    first_factor: FirstFactor = None,
    pass_until: PassUntil = None,
    pass_through: PassThrough = None,
    secret_file: SecretFile = None,
    json: AsJson = False,
) -> None:
    """Add a RADIUS client; its secret is made here unless you bring one."""
    from vestibule.apps.cli.asking import hidden

    result = ask(
        "client.add",
        name=name,
        networks=networks,
        id=id,
        sign_in=sign_in,
        nas_identifier=nas_identifier,
        require_user_match=require_user_match,
        require_message_authenticator=require_message_authenticator,
        limit_proxy_state=limit_proxy_state,
        holds=holds,
        time_budget=time_budget,
        rejoin_seconds=rejoin_seconds,
        first_factor=first_factor,
        pass_until=pass_until,
        pass_through=pass_through,
        secret=hidden("Shared secret", secret_file) if secret_file else None,
    )
    if json:
        return write_json(result)
    say(f"Added {result['client']['id']} ({listed(result['client']['networks']) or 'HTTP API only'}).")
    return _tell(result)


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all clients."""
    clients = ask("client.list")["clients"]
    if json:
        return write_json(clients)
    rows = [(one["id"], listed(one["networks"]), one["nas_identifier"], one["sign_in"]) for one in clients]
    return table(("client", "networks", "NAS-Identifier", "sign-in"), rows, "There are no clients.")


@app.command()
def show(id: Id, json: AsJson = False) -> None:
    """Show a client, never its secret."""
    result = ask("client.show", id=id)
    if json:
        return write_json(result)
    one = result["client"]
    card(
        {
            "id": one["id"],
            "name": one["name"],
            "networks": listed(one["networks"]),
            "NAS-Identifier": one["nas_identifier"],
            "sign-in": one["sign_in"],
            "secrets": "2, a change-over is under way" if one["secrets"] == 2 else str(one["secrets"]),
            "require user match": _yes(one["require_user_match"]),
            "require Message-Authenticator": _yes(one["require_message_authenticator"]),
            "limit Proxy-State": _yes(one["limit_proxy_state"]),
            "holds for approvals": _yes(one["holds"]),
            "time budget": f"{one['time_budget']:g} s",
            "rejoin": f"{one['rejoin_seconds']} s" if one["rejoin_seconds"] else "",
            "first factor": one["first_factor"],
            "passes without a second factor until": moment(one["pass_until"]) if one["pass_until"] else "",
            "hands MS-CHAP and EAP on": _yes(one["pass_through"]),
            "added": moment(one["created_at"]),
        }
    )
    return _tell(result)


@app.command("set")
def set_(
    id: Id,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="A new name.")] = None,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="NETWORK", help="All networks from now on; repeat it for several."),
    ] = None,
    sign_in: Mode = None,
    nas_identifier: Nas = None,
    require_user_match: Match = None,
    require_message_authenticator: Signed = None,
    limit_proxy_state: Proxied = None,
    holds: Holds = None,
    time_budget: Budget = None,
    rejoin_seconds: Rejoin = None,
    first_factor: FirstFactor = None,
    pass_until: PassUntil = None,
    pass_through: PassThrough = None,
) -> None:
    """Change a client. What is not given stays."""
    result = ask(
        "client.set",
        id=id,
        name=name,
        networks=network,
        sign_in=sign_in,
        nas_identifier=nas_identifier,
        require_user_match=require_user_match,
        require_message_authenticator=require_message_authenticator,
        limit_proxy_state=limit_proxy_state,
        holds=holds,
        time_budget=time_budget,
        rejoin_seconds=rejoin_seconds,
        first_factor=first_factor,
        pass_until=pass_until,
        pass_through=pass_through,
    )
    say(f"Changed {listed(result['changed'])}." if result["changed"] else "Nothing was different.")
    _tell(result)


@app.command()
def secret(
    id: Id,
    finish: Annotated[bool, typer.Option("--finish", help="End the change-over: the old secret is refused.")] = False,
    secret_file: SecretFile = None,
    json: AsJson = False,
) -> None:
    """Begin to change a client's secret. Until --finish, the old one and the new one are taken."""
    from vestibule.apps.cli.asking import hidden

    given = hidden("New shared secret", secret_file) if secret_file else None
    result = ask("client.secret", id=id, step="finish" if finish else "begin", secret=given)
    if json:
        return write_json(result)
    if finish or result["client"]["secrets"] == 1:
        say(f"{id} now has one secret, the new one.")
    else:
        say(
            paragraph(
                f"{id} now has two secrets. Set the new one on the client, then: vestibule client secret {id} --finish"
            )
        )
    return _tell(result)


@app.command()
def remove(id: Id, yes: Yes = False) -> None:
    """Remove a client. Its requests are dropped from now on."""
    from vestibule.apps.cli.asking import sure

    if not yes:
        ask("client.show", id=id)  # nobody is asked about what is not there
    sure(f"Remove the client {id}?", yes=yes)
    say(f"Removed {ask('client.remove', id=id)['removed']}.")


def _tell(result: dict[str, Any]) -> None:
    """The new secret, if one was made, and every warning."""
    if result.get("secret"):
        once({"Secret": result["secret"]}, "Set it on the client now.")
    for warning in result["warnings"]:
        note(paragraph(f"Warning: {warning}"))


def _yes(value: bool) -> str:
    return "yes" if value else "no"
