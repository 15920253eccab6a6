"""Runs commands by name: for the control door, and for the command line when no server runs.

Everything that goes wrong leaves here as `CommandFailed`, a bug too: its text has a reference, the log has the place in
the code under it, and neither has a value that was given.
"""

import secrets
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog

from vestibule.apps.commands import keys, upkeep
from vestibule.apps.commands.arguments import checked, takes_progress
from vestibule.apps.commands.desk import desk_of
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.table import FLOWS, Flow
from vestibule.apps.commands.verify import verify
from vestibule.apps.pieces import Pieces
from vestibule.core.errors import Malformed, Unavailable
from vestibule.core.ports import Conflict
from vestibule.flows.desk import quiet
from vestibule.flows.refused import Refused

Progress = Callable[[int, int | None], None]

REFERENCE_OCTETS = 4
PLACES = 5  # lines of code that the log names

log = structlog.get_logger()


class Commands:
    """The table, at the desk of these pieces."""

    def __init__(self, pieces: Pieces) -> None:
        """Know all commands. Raises Malformed, OSError for a dictionary file that can not be read."""
        self._desk = desk_of(pieces)
        self._flows: Mapping[str, Flow] = {
            **FLOWS,
            **upkeep.flows(pieces),
            **keys.flows(pieces),
            "verify": partial(verify, pieces.authenticate),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """What can be run."""
        return tuple(self._flows)

    async def run(
        self, name: str, arguments: Mapping[str, Any], actor: str, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Run one command for `actor`, who is named in the journal. Raises CommandFailed."""
        try:
            return await self._run(name, arguments, actor, progress or quiet)
        except Refused as refused:
            raise CommandFailed("refused", refused.text, refused.fields) from None
        except Conflict as conflict:
            raise CommandFailed("refused", f"Nothing was changed: {conflict}. Look, then try again.") from None
        except Malformed as malformed:
            raise CommandFailed("malformed", str(malformed)) from None
        except Unavailable as unavailable:
            raise CommandFailed("unavailable", str(unavailable)) from None
        except Exception as bug:
            raise CommandFailed("bug", _reported(name, bug)) from None

    async def _run(self, name: str, arguments: Mapping[str, Any], actor: str, progress: Progress) -> dict[str, Any]:
        flow = self._flows.get(name)
        if flow is None:
            raise Refused(f"There is no command {name}.", "command")
        given = checked(flow, arguments)
        if takes_progress(flow):
            given["progress"] = progress
        return await flow(self._desk, actor, **given)


def _reported(name: str, bug: Exception) -> str:
    """Log where it happened, without a word of what was given; the text for the person."""
    reference = secrets.token_hex(REFERENCE_OCTETS)
    places = [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(bug.__traceback__)]
    log.error("bug", command=name, reference=reference, error=type(bug).__name__, places=places[-PLACES:])
    return f"Something is wrong with this program. Its log says where, under the reference {reference}."
