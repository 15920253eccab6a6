"""`vestibule token`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.options import AsJson, DryRun, File, Limit, SecretFile, Yes, commands
from vestibule.apps.cli.output import card, moment, once, say, table, write_json
from vestibule.apps.cli.running import ask, connected, pages
from vestibule.core.credentials import Algorithm

app = commands()

Token = Annotated[str, typer.Argument(metavar="TOKEN", help="A serial number or an id.", show_default=False)]
User = Annotated[str, typer.Argument(metavar="USER", show_default=False)]
Pending = Annotated[bool, typer.Option("--pending", help="It counts only after a first code; see activate.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The pre-shared key of an encrypted PSKC file (- is standard input)."),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The passphrase of an encrypted PSKC file (- is standard input)."),
]
Waiver = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Take keys under 112 bits until this date, such as 2027-01-31."),
]


class Method(StrEnum):
    """What a token can be."""

    TOTP = "totp"
    HOTP = "hotp"


@app.callback()
def _token() -> None:
    """Tokens: import, assign, activate, resync, disable, export."""


@app.command("import")
def import_(
    file: File,
    *,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    waiver_until: Waiver = None,
    pending: Pending = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Add tokens from a file of their keys; CSV rows that fail go to Failures_FILE.

    PSKC (also encrypted), the CSV forms of MFA Server, Microsoft Entra, OATH and Yubico, SafeNet XML, lists of otpauth
    URIs and Google Authenticator's QR codes are told apart by what they hold.
    """
    from vestibule.apps.cli.token_file import bring_in

    arguments = {"dry_run": dry_run, "waiver_until": waiver_until, "pending": pending}
    bring_in(file, arguments, key_file, passphrase_file, as_json=json)


@app.command()
def add(
    user: User,
    *,
    method: Method = Method.TOTP,
    serial: Annotated[str | None, typer.Option()] = None,
    algorithm: Algorithm = Algorithm.SHA1,
    digits: Annotated[int, typer.Option(min=6, max=8)] = 6,
    period: Annotated[int, typer.Option(help="Seconds of one code (TOTP): 30 or 60.")] = 30,
    counter: Annotated[int, typer.Option(help="The next counter (HOTP).")] = 0,
    label: Annotated[str | None, typer.Option(help="What the user calls it.")] = None,
    secret_file: SecretFile = None,
    pending: Pending = False,
    waiver_until: Waiver = None,
    qr: Annotated[bool, typer.Option(help="Draw the QR code.")] = True,
    json: AsJson = False,
) -> None:
    """Give a user a token; its key is made here unless you bring one (Base32)."""
    from vestibule.apps.cli.asking import hidden

    result = ask(
        "token.add",
        user=user,
        method=method,
        serial=serial,
        algorithm=algorithm,
        digits=digits,
        period=period,
        counter=counter,
        label=label,
        secret=hidden("Secret in Base32", secret_file) if secret_file else None,
        pending=pending,
        waiver_until=waiver_until,
    )
    if json:
        return write_json(result)
    return _show_once(result, qr=qr)


@app.command("list")
def list_(
    user: Annotated[str | None, typer.Option(help="Only those of this user.")] = None,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only those of nobody.")] = False,
    limit: Limit = 100,
    json: AsJson = False,
) -> None:
    """List tokens."""
    wanted = {"user": user, "unassigned": unassigned}
    with connected() as server:
        tokens = [one for page in pages(server, "token.list", wanted, limit) for one in page["tokens"]]
    if json:
        return write_json(tokens)
    return table(("token", "method", "user", "state", "label"), list(map(_row, tokens)), "There are no such tokens.")


@app.command()
def show(token: Token, json: AsJson = False) -> None:
    """Show a token, never its key."""
    result = ask("token.show", token=token)
    if json:
        return write_json(result)
    one = result["token"]
    timed = one["method"] == "totp"
    return card(
        {
            "id": one["id"],
            "serial": one["serial"],
            "method": f"{one['method']} {one['algorithm']}, {one['digits']} digits",
            "period": f"{one['period']} s" if timed else "",
            "user": one["user"] or "nobody",
            "label": one["label"],
            "state": one["state"] if one["usable"] else f"{one['state']}, does not count",
            "maker": f"{one['manufacturer']} {one['model']}".strip(),
            "waiver until": moment(one["waiver_until"]),
            "counts from": moment(one["starts_at"]),
            "expires": moment(one["expires_at"]),
            "drift": f"{result['drift']} steps" if timed else "",
            "counter": "" if timed else str(result["counter"]),
            "resync": "two codes in a row are asked" if result["resync"] else "",
            "failures": str(result["failures"]),
            "last used": moment(result["used_at"]),
            "added": moment(one["created_at"]),
        }
    )


@app.command()
def assign(token: Token, user: User, pending: Pending = False) -> None:
    """Give a token of the inventory to a user."""
    _told("is now with", ask("token.assign", token=token, user=user, pending=pending))


@app.command()
def unassign(token: Token) -> None:
    """Take a token back into the inventory."""
    _told("is back in the inventory", ask("token.unassign", token=token))


@app.command()
def activate(token: Token) -> None:
    """Make a pending token count, by a current code."""
    from vestibule.apps.cli.asking import typed

    _told("is active for", ask("token.activate", token=token, code=typed("Code")))


@app.command()
def resync(token: Token) -> None:
    """Find a token's clock or counter again, by two codes in a row."""
    from vestibule.apps.cli.asking import typed

    result = ask("token.resync", token=token, first=typed("First code"), second=typed("The code after it"))
    timed = result["token"]["method"] == "totp"
    found = f"its clock is {result['drift']} steps off" if timed else f"its next counter is {result['counter']}"
    say(f"Token {_called(result['token'])} is in step again: {found}.")


@app.command()
def disable(token: Token) -> None:
    """Let a token count no more, until it is enabled."""
    _told("is disabled", ask("token.disable", token=token))


@app.command()
def enable(token: Token) -> None:
    """Let a disabled token count again."""
    _told("is active", ask("token.enable", token=token))


@app.command()
def remove(token: Token, yes: Yes = False) -> None:
    """Remove a token for good."""
    from vestibule.apps.cli.asking import sure

    sure(f"Remove the token {token} for good?", yes=yes)
    say(f"Removed {ask('token.remove', token=token)['removed']}.")


@app.command()
def export(
    pskc: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a closed PSKC file of active tokens with their keys.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the key is written that opens the PSKC file; else beside it."),
    ] = None,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Close it with the passphrase in this file (- asks for it).", allow_dash=True
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Write all tokens as CSV (or JSON Lines) to standard output, never a key; or, with their keys, to a PSKC file."""
    if pskc is None and (key_file or passphrase_file):
        raise Stop("A key or passphrase closes a PSKC file. Say where to write it: --pskc FILE", Code.USAGE)
    if pskc is not None:
        from vestibule.apps.cli.token_file import write

        return write(pskc, key_file, passphrase_file)
    from vestibule.apps.cli.exporting import write_rows

    with connected() as server:
        return write_rows((page["tokens"] for page in pages(server, "token.export", {})), "jsonl" if json else "csv")


def _show_once(result: dict[str, Any], *, qr: bool) -> None:
    one = result["token"]
    say(f"{one['user']} has a new token{' ' + one['serial'] if one['serial'] else ''} ({one['state']}).")
    if qr:
        from vestibule.apps.cli.qr import drawn

        say()
        say(drawn(result["uri"]))
    once({"Secret": result["secret"], "URI": result["uri"]}, "Put it into the authenticator now.")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return _called(one), one["method"], one["user"] or "", one["state"], one["label"]


def _called(one: dict[str, Any]) -> str:
    return str(one["serial"] or one["id"])


def _told(what: str, result: dict[str, Any]) -> None:
    one = result["token"]
    say(f"Token {_called(one)} {what}{' ' + one['user'] if what.endswith(('with', 'for')) else ''}.")
