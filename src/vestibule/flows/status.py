"""Status: how much of everything there is."""

from vestibule.core.attempts import Attempt
from vestibule.core.credentials import Credential
from vestibule.core.ports import Reading
from vestibule.core.users import User
from vestibule.flows.desk import Desk, Told


async def status(desk: Desk, actor: str) -> Told:  # noqa: ARG001 - every flow is told who asks
    """Count what is stored, and the decisions that wait."""
    snapshot = desk.store.snapshot

    def question(reading: Reading) -> Told:
        seedless = reading.count_by(Credential, "seed_id", "")  # see `inventory.is_token`
        return {
            "users": reading.count(User),
            "groups": len(snapshot.groups),
            "tokens": reading.count(Credential) - seedless,
            "recovery_lists": seedless,
            "clients": len(snapshot.clients),
            "rules": len(snapshot.rules),
            "attempts": reading.count(Attempt),
            "waiting": desk.waiting(),
            "now": desk.clock(),
        }

    return await desk.store.read(question)
