"""What one batch works on when several nodes share the database: everything is locked before it is read.

The lock of a user guards all that a decision about this person may change. What another node has locked is *busy*:
events about it join a later batch. Administrative changes exclude all batches by a lock of their own.
"""

from vestibule.core.case import Key, KeyKind
from vestibule.core.snapshot import Snapshot
from vestibule.stores.sql.loaded import Loaded
from vestibule.stores.sql.postgresql.statements import SharedStatements
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.shapes import ATTEMPTS
from vestibule.stores.vault import Vault


class SharedLoaded(Loaded):
    """An identity map over one batch, of locked rows; a `patient` one waits for the users that others have locked."""

    def __init__(
        self, cursor: Cursor, statements: SharedStatements, vault: Vault, snapshot: Snapshot, *, patient: bool
    ) -> None:
        """Start empty; `load` fills it."""
        super().__init__(cursor, statements, vault, snapshot)
        self._shared = statements
        self._patient = patient
        self._busy_names: set[str] = set()
        self._busy_ids: set[str] = set()
        self._busy_attempts: set[str] = set()
        self._awaited: set[str] = set()

    def busy(self, key: Key) -> bool:
        """Whether another node has locked what the case of `key` stands on."""
        match key.kind:
            case KeyKind.NAME:
                return key.value in self._busy_names
            case KeyKind.CREDENTIAL:
                return self._owners.get(key.value) in self._busy_ids
            case KeyKind.ATTEMPT:
                attempt = self._attempts.get(key.value)
                return key.value in self._busy_attempts or (attempt is not None and attempt.user_id in self._busy_ids)

    def nobody(self, key: Key) -> bool:
        """Whether the case of `key` has no user whose lock would guard it."""
        attempt = self._attempts.get(key.value) if key.kind is KeyKind.ATTEMPT else None
        return self._user_id(key, attempt) not in self._users

    def gone_on(self) -> list[str]:
        """The attempts that were awaited and are not any more."""
        changed = self._changed_attempts.items()
        return [one for one, attempt in changed if one in self._awaited and not (attempt and attempt.awaited)]

    def _load_users(self, names: set[str], ids: set[str]) -> None:
        """Lock, then look at the attempts again: only now they stay as they are.

        A name that could not be locked as somebody's own may be busy, and then it is nobody's other name.
        """
        shared = self._shared
        by_key = shared.patient_users_by_key if self._patient else shared.users_by_key
        by_id = shared.patient_users_by_id if self._patient else shared.users_by_id
        self._take_users(self._many(by_key, names))
        aliases = self._aliases(names)  # they stay as they are: only administrative changes touch them
        ids = ids.union(aliases.values()) - self._users.keys()
        self._take_users(self._many(by_id, ids))
        self._find_busy(names - self._user_ids.keys(), ids - self._users.keys())
        others = {name: user_id for name, user_id in aliases.items() if name not in self._busy_names}
        self._user_ids.update(others)
        self._busy_names.update(name for name, user_id in others.items() if user_id in self._busy_ids)
        self._lock_attempts()

    def _find_busy(self, names: set[str], ids: set[str]) -> None:
        """Of what could not be locked, what exists is locked by another node."""
        if names or ids:
            for key, user_id in self._rows(self._shared.users_there, names, ids):
                self._busy_names.add(key)
                self._busy_ids.add(user_id)

    def _lock_attempts(self) -> None:
        """An attempt without a user has no other guard than its own row."""
        seen = set(self._attempts)
        found = [ATTEMPTS.decode(row, self._vault) for row in self._many(self._shared.locked_attempts, seen)]
        self._attempts.update((attempt.id, attempt) for attempt in found)
        self._busy_attempts = seen - {attempt.id for attempt in found}
        self._awaited = {attempt.id for attempt in found if attempt.awaited}
