"""What is known of models of authenticators: taken from a file of the FIDO Metadata Service, kept by model.

Each model is a note of its own, so that one registration reads one; the note about the file itself is written last,
and only then do the old file's models go. A file that is older than the one we have is not taken.
"""

import base64
import binascii
import json
from collections.abc import Iterable
from functools import partial
from typing import TypeVar

from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.passkeys import Metadata, Model, NotMetadata, Wanted
from vestibule.core.ports import Reading, Writing
from vestibule.flows.desk import Desk, Told, name_of
from vestibule.flows.passkey_shapes import Passkeys
from vestibule.flows.refused import Refused

FILE = "passkey.metadata"
MODELS = "passkey.model/"
SLICE = 100
METHOD = "passkey"
T = TypeVar("T")
OFF = "Passkeys are off: this server has no host name that they could be made for. Set api.public_url."


async def load(desk: Desk, actor: str, *, content: str, root: str = "") -> Told:
    """Take a file (Base64); `root` is a PEM certificate to trust instead of the built-in ones."""
    taken = _read(desk, content, root)
    before = await desk.store.read(_file)
    if before is not None and taken.number < before["number"]:
        raise Refused(
            f"The file is number {taken.number}, and {before['number']} is loaded already. Fetch the newest one.",
            "content",
        )
    for some in _slices(taken.models):
        await desk.store.change(partial(_keep, some=some))
    ids = [one.id for one in taken.models]
    note = {"number": taken.number, "due": taken.due, "at": desk.clock(), "models": ids}
    gone = sorted(set(before["models"] if before else ()) - set(ids))
    for old in _slices(gone):
        await desk.store.change(partial(_forget, some=old))

    def finish(writing: Writing) -> None:
        writing.set_state(FILE, json.dumps(note))
        writing.note(desk.entry("passkey.metadata", actor, number=taken.number, models=len(taken.models)))

    await desk.store.change(finish)
    return await show(desk, actor)


async def show(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """The file that is loaded, the models in it that are unsafe, and who has a passkey of one of them."""
    note = await desk.store.read(_file)
    if note is None:
        return {"file": None, "unsafe": [], "affected": []}
    unsafe: dict[str, Model] = {}
    for some in _slices(note["models"]):
        found = await desk.store.read(partial(_models, some=some))
        unsafe.update({one.id: one for one in found if one.unsafe})
    file = {name: note[name] for name in ("number", "due", "at")}
    told = [{"model": one.id, "name": one.name, "report": one.unsafe} for one in unsafe.values()]
    return {"file": {**file, "models": len(note["models"])}, "unsafe": told, "affected": await _affected(desk, unsafe)}


async def _affected(desk: Desk, unsafe: dict[str, Model]) -> list[Told]:
    """Everybody's passkeys of these models; in flat memory but for those that are found."""
    found, after, passkeys = list[Told](), "", desk.passkeys
    if passkeys is None:
        return found
    while page := await desk.store.read(lambda reading, after=after: reading.page(Credential, after, 500)):  # type: ignore[misc]  # bound now
        models = {one: unsafe.get(passkeys.asking.told(one).model) for one in page if is_passkey(one)}
        for one, model in models.items():
            if model is not None:
                user = await desk.store.read(lambda reading, one=one: name_of(reading, one.user_id))  # type: ignore[misc]  # bound now
                found.append(
                    {"user": user, "passkey": one.id, "label": one.label, "model": model.name, "report": model.unsafe}
                )
        after = page[-1].id
    return found


def is_passkey(one: Credential) -> bool:
    """Whether it is a whole passkey, not one that was only begun."""
    return one.method == METHOD and one.state is not CredentialState.PENDING


def model_in(reading: Reading, id: str) -> Model | None:
    """What is known of a model (AAGUID), or None."""
    text = reading.state(f"{MODELS}{id.lower()}")
    return Model.of(text) if text else None


def wanted_now(desk: Desk, reading: Reading) -> Wanted:
    """What the settings ask of a new passkey. Refused while makers' words are asked for and those we have are old."""
    settings = desk.store.snapshot.settings
    wanted = Wanted(settings.passkey_models, bool(settings.passkey_attestation))
    note = _file(reading)
    if wanted.attested and (note is None or note["due"] <= desk.clock()):
        raise Refused(OVERDUE)
    return wanted


OVERDUE = (
    "New passkeys can not be taken now: the list of known security keys is missing or too old. Tell your helpdesk."
)


def passkeys_of(desk: Desk) -> Passkeys:
    """The method; refused where it is not in use."""
    if desk.passkeys is None:
        raise Refused(OFF)
    return desk.passkeys


def _read(desk: Desk, content: str, root: str) -> Metadata:
    try:
        blob = base64.b64decode(content, validate=True)
    except binascii.Error:
        raise Refused("content must be the file in Base64.", "content") from None
    try:
        return passkeys_of(desk).taking.metadata(blob, desk.clock(), root.encode() or None)
    except NotMetadata as why:
        raise Refused(str(why), "content") from None


def _slices(some: Iterable[T]) -> Iterable[list[T]]:
    whole = list(some)
    return (whole[start : start + SLICE] for start in range(0, len(whole), SLICE))


def _keep(writing: Writing, some: list[Model]) -> None:
    for one in some:
        writing.set_state(f"{MODELS}{one.id}", one.text)


def _forget(writing: Writing, some: list[str]) -> None:
    for id in some:
        writing.set_state(f"{MODELS}{id}", "")


def _models(reading: Reading, some: list[str]) -> list[Model]:
    return [one for one in (model_in(reading, id) for id in some) if one is not None]


def _file(reading: Reading) -> Told | None:
    text = reading.state(FILE)
    found: Told | None = json.loads(text) if text else None
    return found
