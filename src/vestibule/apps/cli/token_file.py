"""Token files in and out: what opens or closes them is read from a file or typed, and what was found is told."""

import base64
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vestibule.apps.cli.asking import hidden, twice
from vestibule.apps.cli.exits import Code, Stop
from vestibule.apps.cli.importing import SHOWN, Report, finish, octets_of
from vestibule.apps.cli.output import moment, paragraph, progress, say
from vestibule.apps.cli.running import Arguments, ask, connected, pages
from vestibule.core.credentials import Algorithm
from vestibule.core.secret import Secret
from vestibule.wire.otpauth import OtpMethod
from vestibule.wire.pskc.writer import Passphrase, SharedKey, write_pskc
from vestibule.wire.token_csv import TokenRow

LONGEST_KEY_FILE = 4096
KEY_OCTETS = 32
WANTED = {
    "key": ("--key-file", "Pre-shared key, in hexadecimal or Base64"),
    "passphrase": ("--passphrase-file", "Passphrase of the file"),
}
"""What may open a file: the option that gives it, and how it is asked for."""


# ---------------------------------------------------------------------------------------------------------- import


def bring_in(file: Path, arguments: Arguments, key: Path | None, passphrase: Path | None, *, as_json: bool) -> None:
    """Import a token file and tell how it went. Raises Exit(1) when rows failed."""
    content = base64.b64encode(octets_of(file)).decode()
    given = {**arguments, "content": content, "file_name": file.name, **_opening(key, passphrase)}
    report = _imported(file, given)
    finish(file, report, _tell_remarks, "it holds keys", as_json=as_json)


def _opening(key: Path | None, passphrase: Path | None) -> Arguments:
    """What opens the file, as far as options say where it is."""
    found: Arguments = {}
    if key is not None:
        found["key"] = base64.b64encode(_key_octets(key)).decode()
    if passphrase is not None:
        found["passphrase"] = hidden("Passphrase", passphrase)
    return found


def _key_octets(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(LONGEST_KEY_FILE)
        with file.open("rb") as opened:
            return opened.read(LONGEST_KEY_FILE)
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}.", Code.USAGE) from None


def _imported(file: Path, given: Arguments) -> Report:
    """Import; what a closed file needs is asked for at a terminal, and named elsewhere."""
    try:
        return _asked(file, given)
    except Stop as stopped:
        wanted = next((one for one in WANTED if stopped.fields == (one,) and one not in given), None)
        if wanted is None:
            raise
        option, question = WANTED[wanted]
        if not sys.stdin.isatty():
            raise Stop(f"{stopped} Give it with {option} FILE.", stopped.code) from None
    typed = hidden(question)
    opened = base64.b64encode(typed.encode()).decode() if wanted == "key" else typed
    return _asked(file, {**given, wanted: opened})


def _asked(file: Path, given: Arguments) -> Report:
    with progress(file.name) as bar:
        return ask("token.import", bar, **given)


def _tell_remarks(report: Report) -> None:
    say(paragraph(f"Read as {report['title']}."))
    if report["assigned"]:
        say(f"{report['assigned']} went to the users that the file names.")
    _tell_rows("Taken with a waiver, for their keys are short", report["waived"], lambda one: f"{one['bits']} bits")
    _tell_rows("Expired, so they do not count", report["expired"], lambda one: moment(one["expires_at"]))
    _tell_rows("Without a serial number; made for them", report["numbered"], lambda one: f"line {one['line']}")
    _tell_rows(
        "Nobody's, for no user has the name in the file; add the user and import again",
        report["unowned"],
        lambda one: str(one["owner"]),
    )
    for text in report["notes"]:
        say(paragraph(f"Note: {text}.", hanging=2))


def _tell_rows(what: str, rows: list[dict[str, Any]], about: Callable[[dict[str, Any]], str]) -> None:
    if rows:
        shown = ", ".join(f"{one['serial']} ({about(one)})" for one in rows[:SHOWN])
        more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        say(paragraph(f"{what}: {shown}{more}.", hanging=2))


# ---------------------------------------------------------------------------------------------------------- export


def write(file: Path, key: Path | None, passphrase: Path | None) -> None:
    """Write all active tokens with their keys to a PSKC file, closed with a passphrase or with a key that is made here.

    Neither file may be there before, and only the owner may read them.
    """
    if key is not None and passphrase is not None:
        raise Stop("Close the file with a passphrase or with a key, not with both.", Code.USAGE)
    closing: SharedKey | Passphrase
    if passphrase is not None:
        asked = None if str(passphrase) == "-" and sys.stdin.isatty() else passphrase
        closing = Passphrase(Secret.of(twice("Passphrase", asked)))
    else:
        closing = SharedKey(Secret(secrets.token_bytes(KEY_OCTETS)), file.name)
        key = key or file.with_name(f"{file.name}.key")
        _write_new(key, iter((f"{closing.key.reveal().hex()}\n",)))
    counted = _Count()
    try:
        _write_new(file, write_pskc(_rows(counted), closing, secrets.token_bytes))
    except BaseException:
        if key is not None:
            key.unlink()  # it would open nothing
        raise
    say(f"Tokens in {file}: {counted.written}; left out, for they are pending or disabled: {counted.others}.")
    if key is not None:
        say(paragraph(f"The key that opens it is in {key}. Send the two by different ways, then delete both."))


class _Count:
    """How many were written, how many were not."""

    def __init__(self) -> None:
        self.written = 0
        self.others = 0


def _rows(counted: _Count) -> Iterator[TokenRow]:
    with connected() as server, progress("written") as bar:
        for page in pages(server, "token.keys", {}):
            counted.others += page["left_out"]
            for one in page["tokens"]:
                counted.written += 1
                yield _row(one)
            if bar:
                bar(counted.written, None)
    if not counted.written:
        raise Stop("There is no active token, so nothing was written.")


def _row(one: dict[str, Any]) -> TokenRow:
    return TokenRow(
        line=0,
        upn=one["user"],
        serial=one["serial"],
        secret=Secret(base64.b64decode(one["secret"])),
        period_seconds=one["period"],
        manufacturer=one["manufacturer"],
        model=one["model"],
        method=OtpMethod(one["method"]),
        algorithm=Algorithm(one["algorithm"]),
        digits=one["digits"],
        counter=one["counter"],
        drift=one["drift"],
        starts_at=one["starts_at"],
        expires_at=one["expires_at"],
    )


def _write_new(path: Path, texts: Iterator[str]) -> None:
    """Write a file that was not there, for the owner only; what was begun and not ended is taken away."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Stop(f"{path} is there already; nothing is written over it. Choose another name.", Code.USAGE) from None
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}.", Code.USAGE) from None
    try:
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as written:
            written.writelines(texts)
    except OSError as error:
        path.unlink()
        raise Stop(f"{path} cannot be written: {error.strerror}.", Code.FAILED) from None
    except BaseException:
        path.unlink()
        raise
