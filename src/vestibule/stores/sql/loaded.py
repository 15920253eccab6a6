"""What one batch of decisions works on: all their cases, read at once, and what the decisions changed.

Two events of one person in one batch are decided in order: the second sees what the first changed.
"""

from collections.abc import Iterable, Sequence

from vestibule.core.attempts import Attempt
from vestibule.core.case import Case, Key, KeyKind, Step
from vestibule.core.credentials import Credential, Seed
from vestibule.core.errors import Malformed
from vestibule.core.failures import FailureKey, FailureKind, Failures
from vestibule.core.snapshot import Snapshot
from vestibule.core.users import User
from vestibule.stores.sql.reading import Cursor
from vestibule.stores.sql.shape import Row
from vestibule.stores.sql.shapes import ATTEMPTS, CREDENTIALS, FAILURES, SEEDS, USERS, seed_memory
from vestibule.stores.sql.statements import Statements, packed
from vestibule.stores.vault import Vault


class Loaded:
    """An identity map over one batch."""

    def __init__(self, cursor: Cursor, statements: Statements, vault: Vault, snapshot: Snapshot) -> None:
        """Start empty; `load` fills it."""
        self._cursor = cursor
        self._statements = statements
        self._vault = vault
        self._snapshot = snapshot
        self._users: dict[str, User] = {}
        self._user_ids: dict[str, str] = {}  # by compared name
        self._owners: dict[str, str] = {}  # user id by credential id
        self._credentials: dict[str, tuple[Credential, ...]] = {}  # by user id
        self._seeds: dict[str, Seed] = {}
        self._failures: dict[str, dict[FailureKey, Failures]] = {}
        self._attempts: dict[str, Attempt] = {}
        self.refused: list[str] = []  # rows that the vault did not open, and why
        self._changed_users: dict[str, User] = {}
        self._changed_credentials: dict[str, Credential] = {}
        self._changed_seeds: dict[str, Seed] = {}
        self._changed_failures: dict[tuple[str, FailureKey], Failures | None] = {}
        self._changed_attempts: dict[str, Attempt | None] = {}

    def load(self, keys: Iterable[Key]) -> None:
        """Read everything that the cases of `keys` hold, kind by kind."""
        by_kind: dict[KeyKind, set[str]] = {kind: set() for kind in KeyKind}
        sources: set[str] = set()
        for key in keys:
            by_kind[key.kind].add(key.value)
            sources.add(key.source)
        self._load_attempts(by_kind[KeyKind.ATTEMPT])
        for row in self._many(self._statements.credentials_by_id, by_kind[KeyKind.CREDENTIAL]):
            credential = CREDENTIALS.decode(row, self._vault)
            self._owners[credential.id] = credential.user_id
        owners = {*self._owners.values(), *(attempt.user_id for attempt in self._attempts.values())} - {""}
        self._load_users(by_kind[KeyKind.NAME], owners)
        self._load_what_they_have(sources.union(attempt.source for attempt in self._attempts.values()))

    def _load_attempts(self, ids: set[str]) -> None:
        for row in self._many(self._statements.attempts_by_id, ids):
            attempt = ATTEMPTS.decode(row, self._vault)
            self._attempts[attempt.id] = attempt

    def _load_users(self, names: set[str], ids: set[str]) -> None:
        statements = self._statements
        self._take_users(self._many(statements.users_by_key, names))
        aliases = self._aliases(names)
        self._take_users(self._many(statements.users_by_id, ids.union(aliases.values()) - self._users.keys()))
        self._user_ids.update(aliases)

    def _aliases(self, names: set[str]) -> dict[str, str]:
        """User ids by those names that are nobody's own name but another name of somebody."""
        return {row[0]: row[1] for row in self._many(self._statements.aliases_by_id, names - self._user_ids.keys())}

    def _take_users(self, rows: Iterable[Row]) -> None:
        for row in rows:
            user = USERS.decode(row, self._vault)
            self._users[user.id] = user
            self._user_ids[user.key] = user.id

    def _load_what_they_have(self, sources: set[str]) -> None:
        credentials: dict[str, list[Credential]] = {user_id: [] for user_id in self._users}
        for row in self._many(self._statements.credentials_of, set(self._users)):
            credential = CREDENTIALS.decode(row, self._vault)
            credentials[credential.user_id].append(credential)
        self._credentials = {user_id: tuple(those) for user_id, those in credentials.items()}
        seed_ids = {one.seed_id for those in credentials.values() for one in those} - {""}
        for row in self._many(self._statements.seeds_by_id, seed_ids):
            self._take_seed(row)
        self._failures = {user_id: {} for user_id in self._users}
        for row in self._many(self._statements.failures_of, set(self._users), sources):
            failures = FAILURES.decode(row, self._vault)
            self._failures[failures.user_id][failures.kind, failures.name] = failures

    def _take_seed(self, row: Row) -> None:
        """A seed that the vault refuses is missing: no code of its credentials is right, and nobody else is harmed."""
        try:
            self._seeds[row[0]] = SEEDS.decode(row, self._vault)
        except Malformed as refused:
            self.refused.append(str(refused))

    def case(self, key: Key) -> Case:
        """The case of one key, as the batch stands now."""
        attempt = self._attempts.get(key.value) if key.kind is KeyKind.ATTEMPT else None
        user = self._users.get(self._user_id(key, attempt))
        if user is None:
            return Case(self._snapshot, attempt=attempt)
        credentials = self._credentials[user.id]
        seeds = {one.seed_id: self._seeds[one.seed_id] for one in credentials if one.seed_id in self._seeds}
        source = key.source or (attempt.source if attempt else "")
        return Case(self._snapshot, user, credentials, seeds, self._failures_from(user.id, source), attempt)

    def _failures_from(self, user_id: str, source: str) -> dict[FailureKey, Failures]:
        """The rows of all factors and of this source; another event of the batch may have loaded other sources'."""
        rows = self._failures[user_id]
        return {key: row for key, row in rows.items() if key[0] is FailureKind.FACTOR or key[1] == source}

    def _user_id(self, key: Key, attempt: Attempt | None) -> str:
        if key.kind is KeyKind.NAME:
            return self._user_ids.get(key.value, "")
        if key.kind is KeyKind.CREDENTIAL:
            return self._owners.get(key.value, "")
        return attempt.user_id if attempt else ""

    def apply(self, old: Case, step: Step) -> None:
        """Take over what the step changed: whatever is not the same object any more."""
        new = step.case
        if new.attempt is not old.attempt:
            self._apply_attempt(old.attempt, new.attempt)
        if old.user is None or new.user is None:
            return
        if new.user is not old.user:
            self._users[new.user.id] = self._changed_users[new.user.id] = new.user
        if new.credentials is not old.credentials:
            self._apply_credentials(old, new)
        if new.seeds is not old.seeds:
            changed = {one.id: one for one in new.seeds.values() if old.seeds.get(one.id) is not one}
            self._seeds.update(changed)
            self._changed_seeds.update(changed)
        if new.failures is not old.failures:
            self._apply_failures(new.user.id, old, new)

    def _apply_attempt(self, old: Attempt | None, new: Attempt | None) -> None:
        if old is not None and (new is None or new.id != old.id):
            self._attempts.pop(old.id, None)
            self._changed_attempts[old.id] = None
        if new is not None:
            self._attempts[new.id] = self._changed_attempts[new.id] = new

    def _apply_credentials(self, old: Case, new: Case) -> None:
        if new.user is None:
            return
        before = {one.id: one for one in old.credentials}
        changed = {one.id: one for one in new.credentials if before.get(one.id) is not one}
        self._credentials[new.user.id] = new.credentials
        self._changed_credentials.update(changed)

    def _apply_failures(self, user_id: str, old: Case, new: Case) -> None:
        known = self._failures[user_id]
        for key, row in new.failures.items():
            if old.failures.get(key) is not row:
                known[key] = self._changed_failures[user_id, key] = row
        for key in old.failures.keys() - new.failures.keys():
            known.pop(key, None)
            self._changed_failures[user_id, key] = None

    def save(self) -> None:
        """Write all that changed, in the order in which rows are locked: user, credentials, seeds, the rest."""
        records, vault = self._statements.records, self._vault
        self._execute(records[User].upsert, [USERS.encode(one, vault) for one in self._changed_users.values()])
        changed = self._changed_credentials.values()
        self._execute(records[Credential].upsert, [CREDENTIALS.encode(one, vault) for one in changed])
        seeds = sorted(self._changed_seeds.values(), key=lambda seed: seed.id)
        self._execute(self._statements.seed_memory, [(*seed_memory(one), one.id) for one in seeds])
        kept = [FAILURES.encode(one, vault) for one in self._changed_failures.values() if one]
        gone = [(user_id, *key) for (user_id, key), one in self._changed_failures.items() if one is None]
        self._execute(records[Failures].upsert, kept)
        self._execute(records[Failures].remove, gone)
        open_ones = [ATTEMPTS.encode(one, vault) for one in self._changed_attempts.values() if one]
        closed = [(attempt_id,) for attempt_id, one in self._changed_attempts.items() if one is None]
        self._execute(records[Attempt].upsert, open_ones)
        self._execute(records[Attempt].remove, closed)

    def _execute(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            self._cursor.executemany(statement, rows)

    def _many(self, statement: str, *values: set[str]) -> Sequence[Row]:
        return self._rows(statement, *values) if values[0] else []

    def _rows(self, statement: str, *values: set[str]) -> Sequence[Row]:
        self._cursor.execute(statement, tuple(packed(some, self._statements.dialect) for some in values))
        return self._cursor.fetchall()
