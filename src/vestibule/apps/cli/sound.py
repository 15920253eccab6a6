"""`vestibule sound`."""

import base64
from pathlib import Path
from typing import Annotated

import typer

from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.options import AsJson, commands
from vestibule.apps.cli.output import note, say, table, write_json
from vestibule.apps.cli.running import ask

app = commands()

LARGEST = 5 * 1024 * 1024
MP3 = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")

Language = Annotated[str, typer.Argument(metavar="LANGUAGE", help="As en, nl or pt-BR.", show_default=False)]
Message = Annotated[
    str, typer.Argument(metavar="MESSAGE", help="Its name; see: vestibule sound list", show_default=False)
]


@app.callback()
def _sound() -> None:
    """What is said in calls: list, add, remove, render."""


@app.command("list")
def list_(json: AsJson = False) -> None:
    """List all messages, and where recordings of your own are played."""
    result = ask("sound.list")
    if json:
        return write_json(result)
    own: dict[str, list[str]] = {}
    for one in result["recordings"]:
        own.setdefault(one["message"], []).append(f"{one['language']} ({one['seconds']:g} s)")
    rows = [(one["message"], ", ".join(own.get(one["message"], [])), one["words"]) for one in result["messages"]]
    return table(("message", "recordings", "words"), rows)


@app.command()
def add(
    language: Language,
    message: Message,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="WAV or MP3, below 5 MB and 20 seconds.")],
    json: AsJson = False,
) -> None:
    """Play a recording of your own to people of a language. Its words must ask for the same keys."""
    content = base64.b64encode(_wav_of(file)).decode()
    result = ask("sound.add", language=language, message=message, content=content, file_name=file.name)
    if json:
        return write_json(result)
    one = result["recording"]
    return say(f"{one['message']} in {one['language']}: {one['seconds']:g} seconds, from the next call on.")


@app.command()
def remove(language: Language, message: Message) -> None:
    """Go back to the words that come with Vestibule."""
    ask("sound.remove", language=language, message=message)
    say("Removed.")


@app.command()
def render(
    languages: Annotated[list[str] | None, typer.Argument(metavar="[LANGUAGE...]", help="en, nl, th.")] = None,
) -> None:
    """Make recordings of the words that come with Vestibule, by espeak-ng, for providers that do not speak.

    A server does so by itself when an Asterisk is set up; Twilio and Telnyx need it for Thai only.
    """
    from vestibule.apps.cli.start import configured
    from vestibule.apps.rendering import render
    from vestibule.core.call_sounds import LANGUAGES
    from vestibule.core.errors import Unavailable

    wanted = languages or list(LANGUAGES)
    unknown = [one for one in wanted if one not in LANGUAGES]
    if unknown:
        raise Stop(f"There are no words in {unknown[0]}; known are {', '.join(LANGUAGES)}.", Code.USAGE)
    directory = configured().data_directory / "sounds"
    note(f"This takes half a minute. The recordings are kept in {directory}.")
    try:
        made = render(directory, wanted)
    except Unavailable as unavailable:
        raise Stop(f"{unavailable}.") from None
    except OSError as error:
        raise Stop(f"{directory} cannot be written: {error.strerror}.") from None
    say(f"Made {made}." if made else "All are there.")


def _wav_of(file: Path) -> bytes:
    """The file as WAV; an MP3 is unpacked here, by a program of this machine, never in the server. Raises Stop."""
    from vestibule.apps.speech import unpacked
    from vestibule.core.errors import Malformed, Unavailable

    try:
        octets = file.read_bytes()
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.", Code.USAGE) from None
    if len(octets) > LARGEST:
        raise Stop(f"{file} is larger than 5 MB. A message takes less than 20 seconds.", Code.USAGE)
    if not octets.startswith(MP3):
        return octets
    try:
        return unpacked(octets)
    except (Malformed, Unavailable) as error:
        raise Stop(f"{file}: {error}.") from None
