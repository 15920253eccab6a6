"""Keys of programs that use the HTTP API: what each may do, and what is kept of it (never the key itself)."""

from dataclasses import dataclass, field
from enum import StrEnum

from vestibule.core.secret import Secret


class Scope(StrEnum):
    """What a key is for."""

    VERIFY = "verify"  # sign people in as one client, and see no attempts but its own
    MANAGE = "manage"  # administer, as far as its rights go


class Right(StrEnum):
    """What a key of the scope `manage` may do; nothing is included in anything else."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    DIRECTORIES_READ = "directories:read"
    DIRECTORIES_WRITE = "directories:write"
    PROVIDERS_READ = "providers:read"
    PROVIDERS_WRITE = "providers:write"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    FACTORS_WRITE = "factors:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    POLICY_READ = "policy:read"
    POLICY_WRITE = "policy:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    JOURNAL_READ = "journal:read"
    STATUS_READ = "status:read"
    ROLES_WRITE = "roles:write"
    UNATTENDED = "unattended"  # opens no operation: nobody calls, so no check of who calls is asked for


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `id` is public and stands in the key; `digest` is HMAC(token key, id and secret), in hex.

    A key for a client (`client_id`) verifies, any other one manages. `expires_at` is 0 for a key without an end.
    """

    id: str
    name: str
    digest: str = field(repr=False)
    client_id: str = ""
    rights: tuple[Right, ...] = ()
    expires_at: float = 0.0
    created_at: float = 0.0
    created_by: str = ""

    @property
    def scope(self) -> Scope:
        """What it is for."""
        return Scope.VERIFY if self.client_id else Scope.MANAGE

    @property
    def actor(self) -> str:
        """How the journal names whoever uses it."""
        return f"key {self.name}"

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return 0 < self.expires_at <= now


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A write that was done under an Idempotency-Key: the same request again gets the same answer.

    `id` and `digest` are HMACs, of the key's id with its Idempotency-Key and of the whole request. `answer` is JSON,
    empty while the work is under way; it is a secret, because what is shown once stands in it.
    """

    id: str
    digest: str
    answer: Secret
    at: float
