"""Commands on the whole installation: backup, doctor, clock.confirm. They need the pieces, not only the desk."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from vestibule.apps.backup import backup
from vestibule.apps.commands.table import Flow
from vestibule.apps.doctor import examine
from vestibule.apps.pieces import Pieces
from vestibule.flows.clock import confirm
from vestibule.flows.desk import Desk, Progress, quiet
from vestibule.flows.refused import Refused


async def back_up(pieces: Pieces, _desk: Desk, actor: str, *, target: str) -> dict[str, Any]:
    """Copy everything but the master key to the absolute path `target` while sign-ins go on."""
    path = Path(target)
    if not path.is_absolute():
        raise Refused("target must be an absolute path: the server may work in another directory.", "target")
    try:
        done = await backup(pieces, path, actor=actor, at=time.time())
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. Choose another place.", "target") from None
    return {"path": str(done.path), "at": done.at, "octets": done.octets, "sha256": done.sha256}


async def look(pieces: Pieces, _desk: Desk, _actor: str, *, progress: Progress = quiet) -> dict[str, Any]:
    """What is wrong, or about to go wrong."""
    findings = await examine(pieces.configuration, pieces, now=time.time(), environment=os.environ, progress=progress)
    return {"findings": [asdict(one) for one in findings]}


async def confirm_clock(pieces: Pieces, _desk: Desk, actor: str) -> dict[str, Any]:
    """Say that the clock is right again after it was moved."""
    found = await confirm(pieces.store, actor=actor, at=time.time())
    return {"confirmed": asdict(found) if found else None}


def flows(pieces: Pieces) -> Mapping[str, Flow]:
    """These commands, with their pieces."""
    return {
        "backup": partial(back_up, pieces),
        "doctor": partial(look, pieces),
        "clock.confirm": partial(confirm_clock, pieces),
    }
