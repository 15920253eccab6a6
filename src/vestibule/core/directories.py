"""Where people and their passwords are kept outside of ourselves."""

from dataclasses import dataclass

from vestibule.core.secret import Secret


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """One directory as administrators set it up. `settings` is the JSON text that its `kind` understands.

    `secret` is what the directory asks of us: the password of a service account, a shared secret.
    """

    id: str
    kind: str
    settings: str
    secret: Secret
    created_at: float = 0.0
    version: int = 1
