"""`vestibule passkey`."""

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from vestibule.apps.cli.importing import octets_of
from vestibule.apps.cli.options import AsJson, commands
from vestibule.apps.cli.output import moment, paragraph, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()


@app.callback()
def _passkey() -> None:
    """Passkeys: what is known of their models, and who has an unsafe one."""


@app.command()
def metadata(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The file of the FIDO Metadata Service, as it was fetched."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM file with a root certificate to trust instead.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Load what the FIDO Alliance says of models of security keys; without a file, show what is loaded."""
    if file is None:
        told = ask("passkey.models")
    else:
        content = base64.b64encode(octets_of(file)).decode()
        more = {"root": octets_of(root).decode("ascii", "replace")} if root else {}
        told = ask("passkey.metadata", content=content, **more)
    if json:
        return write_json(told)
    return _tell(told)


@app.command()
def affected(json: AsJson = False) -> None:
    """List the people who have a passkey of a model that is not safe any more."""
    told = ask("passkey.models")
    if json:
        return write_json(told["affected"])
    return _tell_affected(told["affected"])


def _tell(told: dict[str, Any]) -> None:
    known = told["file"]
    if known is None:
        return say(
            paragraph(
                "No metadata are loaded. Fetch https://mds.fidoalliance.org/ and load the file with: "
                "vestibule passkey metadata FILE"
            )
        )
    say(f"File {known['number']}, loaded {moment(known['at'])}. Models in it: {known['models']}.")
    say(f"The next one is due by {moment(known['due'])}.")
    if told["unsafe"]:
        say(f"Unsafe models, of which no new passkeys are taken: {len(told['unsafe'])}.")
    return _tell_affected(told["affected"])


def _tell_affected(rows: list[dict[str, Any]]) -> None:
    """Who has one; what to do about it."""
    found = [(one["user"] or "", one["model"], one["report"], one["passkey"]) for one in rows]
    table(("user", "model", "report", "passkey"), found, "Nobody has a passkey of an unsafe model.")
    if found:
        say(paragraph("To take one away, once its owner has another factor: vestibule token remove PASSKEY"))
