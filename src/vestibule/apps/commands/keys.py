"""Commands on the keys of the installation: key.status, key.rotate, key.discard, key.master."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from vestibule.apps import master_key
from vestibule.apps.commands.table import Flow
from vestibule.apps.pieces import Pieces
from vestibule.flows import keys
from vestibule.flows.desk import Desk, Progress, quiet
from vestibule.flows.refused import Refused
from vestibule.stores.sql.keyring import Keyring
from vestibule.stores.vault import KeyWrong


async def rotate(
    keyring: Keyring, desk: Desk, actor: str, *, again: bool = False, progress: Progress = quiet
) -> dict[str, Any]:
    """Seal everything anew with a fresh key, or go on with it."""
    try:
        return await keys.rotate(keyring, desk, actor, again=again, progress=progress)
    except KeyWrong as wrong:
        raise Refused(str(wrong)) from None


async def change_master(
    pieces: Pieces, keyring: Keyring, _desk: Desk, actor: str, *, finish: bool = False
) -> dict[str, Any]:
    """Put a new master key in force, or go on with it; `finish` lets the old one open nothing any more."""
    file = pieces.configuration.key.file
    try:
        if finish:
            return {"confirmed": await master_key.confirm(keyring, file, actor=actor, at=time.time())}
        changed = await master_key.change(keyring, file, actor=actor, at=time.time)
    except KeyWrong as wrong:
        raise Refused(str(wrong)) from None
    except OSError as error:
        raise Refused(
            f"{error.filename or file} cannot be written: {error.strerror}. The old master key is still in force. Let "
            "the server's user write to this directory, or run this without a server, then do it again."
        ) from None
    aside = str(changed.aside) if changed.aside else None
    return {"file": str(changed.file), "aside": aside, "since": changed.since}


def flows(pieces: Pieces) -> Mapping[str, Flow]:
    """These commands, with their pieces."""
    keyring = Keyring(pieces.store, pieces.vault)
    return {
        "key.status": partial(keys.status, keyring),
        "key.rotate": partial(rotate, keyring),
        "key.discard": partial(keys.discard, keyring),
        "key.master": partial(change_master, pieces, keyring),
    }
