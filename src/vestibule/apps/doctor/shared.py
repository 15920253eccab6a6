"""The PostgreSQL that several nodes share: its clock against this one, and whether it forgets in a crash."""

import asyncio
from collections.abc import Iterator

from vestibule.apps.configuration import Configuration
from vestibule.apps.doctor.findings import Finding, Level
from vestibule.core.errors import Unavailable
from vestibule.stores.sql.looking import Facts, facts_of

CLOCK_TOLERANCE = 2.0  # seconds; a step of TOTP has 30


async def findings(configuration: Configuration, now: float) -> list[Finding]:
    """Ask the server, where there is one."""
    if not configuration.database.postgresql:
        return []
    try:
        facts = await asyncio.to_thread(facts_of, configuration.database.url)
    except Unavailable as unavailable:
        return [Finding(Level.ERROR, f"{unavailable}.", "Look into the log of the PostgreSQL server.")]
    return [*forgetful(facts), *clock(facts, now)]


def forgetful(facts: Facts) -> Iterator[Finding]:
    """Name settings with which a crash takes back what was committed."""
    if facts.forgetful:
        yield Finding(
            Level.ERROR,
            f"PostgreSQL runs with {', '.join(facts.forgetful)} off: after a crash it may have forgotten that a code "
            "was used, and the code signs in again.",
            "Switch on what is off in postgresql.conf, and restart or reload it.",
        )


def clock(facts: Facts, now: float) -> Iterator[Finding]:
    """Name clocks that differ: what one node calls the present, another calls the past."""
    ahead = facts.now - now
    if abs(ahead) > CLOCK_TOLERANCE:
        yield Finding(
            Level.WARNING,
            f"The clock of the PostgreSQL server is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this "
            "one. All nodes must agree on the time, for codes depend on it.",
            "Let a time service (chrony, systemd-timesyncd) keep the clock of each machine.",
        )
