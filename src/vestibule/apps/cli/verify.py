"""`vestibule verify`."""

from typing import Annotated

import typer

from vestibule.apps.cli.options import SecretFile, commands

app = commands()

FIRST = {"code_only": "Code", "password_then_code": "Password"}


@app.command()
def verify(
    user: Annotated[str, typer.Argument(metavar="USER", show_default=False)],
    client: Annotated[str, typer.Option(metavar="ID", help="As which client to ask.", show_default=False)],
    password_file: SecretFile = None,
) -> None:
    """Sign in from the terminal, as a client would.

    It is a real sign-in: a code is spent, a failure counts, the journal has its line.
    """
    from vestibule.apps.cli.asking import hidden, typed
    from vestibule.apps.cli.exits import Code
    from vestibule.apps.cli.output import say
    from vestibule.apps.cli.running import connected, given

    with connected() as server:
        mode = server("client.show", {"id": client}, None)["client"]["sign_in"]
        field = hidden(FIRST.get(mode, "Password and code in one"), password_file)
        result = server("verify", {"user": user, "client": client, "typed": field}, None)
        while result["decision"] == "ask":
            answer = {"user": user, "client": client, "typed": typed("Code"), "state": result["state"]}
            result = server("verify", given(answer), None)
    if result["decision"] == "reject":
        say(f"Refused: {result['reason']}")
        raise typer.Exit(Code.FAILED)
    groups = f" (groups: {', '.join(result['groups'])})" if result["groups"] else ""
    say(f"Accepted: {result['user']}{groups}")
