"""What is kept of synchronisations: who leads one now, when the last good ones began, how the last one ended."""

import json

from vestibule.core.directories import DirectoryRecord
from vestibule.core.ports import Reading, Writing
from vestibule.flows.desk import Told
from vestibule.flows.refused import Missing, Refused

LEASE_SECONDS = 120.0


def lead(writing: Writing, directory: str, run: str, now: float) -> None:
    """Take, or keep, the lead for a while. Refused while another run has it, here or elsewhere, or without a directory.

    A lead that ends later than any can was taken by a clock that was wrong, and is none.
    """
    if writing.get(DirectoryRecord, directory) is None:
        raise Missing(f"There is no directory {directory}. See them with: vestibule directory list", "id")
    holder, until = json.loads(writing.state(state_name(directory, "lease")) or '["", 0]')
    if holder not in {"", run} and now < until <= now + 2 * LEASE_SECONDS:
        raise Refused(f"The directory {directory} is being synchronised just now. Try again later.", "directory")
    writing.set_state(state_name(directory, "lease"), json.dumps([run, now + LEASE_SECONDS]))


def led_until(reading: Reading, directory: str) -> float:
    """Until when somebody leads a run, if nobody gives it up before; 0 for nobody."""
    holder, until = json.loads(reading.state(state_name(directory, "lease")) or '["", 0]')
    return float(until) if holder else 0.0


def give_up_lead(writing: Writing, directory: str, run: str) -> None:
    """Let others lead, if this run still does."""
    if (writing.state(state_name(directory, "lease")) or "[]").startswith(f'["{run}"'):
        writing.set_state(state_name(directory, "lease"), "")


def forget(writing: Writing, directory: str) -> None:
    """Forget all runs: another directory of this id begins anew."""
    for what in ("lease", "begun", "last"):
        writing.set_state(state_name(directory, what), "")


def begun(reading: Reading, directory: str) -> tuple[int, float, float]:
    """Of which version of the settings the last good runs were; when the last whole one and the last one began."""
    version, whole, last = json.loads(reading.state(state_name(directory, "begun")) or "[0, 0.0, 0.0]")
    return version, whole, last


def remember_begun(writing: Writing, directory: str, version: int, whole: float, last: float) -> None:
    """What `begun` gives from now on."""
    writing.set_state(state_name(directory, "begun"), json.dumps([version, whole, last]))


def last_run(reading: Reading, directory: str) -> Told | None:
    """How the last run of a directory ended: when it was (`at`), its counts, how many are held; None before any."""
    text = reading.state(state_name(directory, "last"))
    return dict(json.loads(text)) if text else None


def state_name(directory: str, what: str) -> str:
    """Where it stands in the store."""
    return f"directory/{directory}/{what}"
