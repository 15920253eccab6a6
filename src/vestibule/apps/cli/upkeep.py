"""Commands on the whole installation, in this process: backup, doctor, clock.confirm.

The flows of `apps.commands` stand at the desk, which has no pieces; these need them. The names and the results are
those that a server which knows them gives.
"""

import os
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vestibule.apps.backup import backup
from vestibule.apps.doctor import examine
from vestibule.apps.pieces import Pieces
from vestibule.flows.clock import confirm
from vestibule.flows.refused import Refused

Act = Callable[[Pieces, str, Mapping[str, Any]], Coroutine[Any, Any, dict[str, Any]]]


async def _backup(pieces: Pieces, actor: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    target = Path(arguments["target"])
    try:
        done = await backup(pieces, target, actor=actor, at=time.time())
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}. Choose another place.", "target") from None
    return {"path": str(done.path), "at": done.at, "octets": done.octets, "sha256": done.sha256}


async def _doctor(pieces: Pieces, _actor: str, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    findings = await examine(pieces.configuration, pieces, now=time.time(), environment=os.environ)
    return {"findings": [asdict(one) for one in findings]}


async def _confirm(pieces: Pieces, actor: str, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    found = await confirm(pieces.store, actor=actor, at=time.time())
    return {"confirmed": asdict(found) if found else None}


ACTS: Mapping[str, Act] = {"backup": _backup, "doctor": _doctor, "clock.confirm": _confirm}
