"""What is wrong with this server, or about to go wrong, each with its cure.

    for finding in await examine(configuration, pieces, now=time.time()):
        print(finding.level, finding.what, finding.remedy)

It changes nothing and needs no network. To add a check: a generator of findings in one of the modules, one line here.
"""

from collections.abc import Mapping

from vestibule.apps.configuration import Configuration
from vestibule.apps.doctor import contents, files, machine, shared
from vestibule.apps.doctor.findings import Finding, Level, worst_first
from vestibule.apps.pieces import Pieces
from vestibule.flows.desk import Progress, quiet

__all__ = ["Finding", "Level", "examine"]


async def examine(
    configuration: Configuration,
    pieces: Pieces | None,
    *,
    now: float,
    environment: Mapping[str, str],
    progress: Progress = quiet,
) -> list[Finding]:
    """Look at everything, the worst first; without `pieces` (nothing could be opened) only at what is outside.

    The whole journal is verified, page by page; `progress` is told how many of its lines are done.
    """
    found = [
        *files.findings(configuration, environment),
        *machine.findings(configuration, now),
    ]
    if pieces is not None:
        found += await shared.findings(configuration, now)
        found += await contents.findings(pieces, environment, now, progress)
    return worst_first(found)
