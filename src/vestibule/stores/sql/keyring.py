"""The keys of a database that is open: one method for each slice of a rotation, whatever process runs it.

Rules of this file: each step is one slice of its own and leaves the database whole; where to go on is stored with what
was done; what a step expects it looks up in its own transaction, so that a step can be done twice, or by two at once.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from vestibule.core.errors import Malformed
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.keys import KeyVersion, Rotation
from vestibule.core.ports import Reading, Writing
from vestibule.core.secret import Secret
from vestibule.stores.sql.key_table import SEALED, SEALS, KeyTable, made_at, sealed_values
from vestibule.stores.sql.reading import SqlReading
from vestibule.stores.sql.store import SqlStore
from vestibule.stores.sql.writing import SqlWriting
from vestibule.stores.vault import SEALING, KeyRow, Vault, opens, sealed_with

ROTATION = "key.rotation"
MASTER = "key.master"
NAMED = 20  # rows that do not open whose places are kept

TABLES = tuple(shape.table.name for shape in SEALED)
SHAPE = {shape.table.name: shape for shape in SEALED}

EntryOf = Callable[[Rotation], Entry]


class Keyring:
    """What `flows.keys` works with, on a SQL store."""

    def __init__(self, store: SqlStore, vault: Vault) -> None:
        """Take the store and the vault that it was opened with."""
        self._store = store
        self._vault = vault

    # -- looking --------------------------------------------------------------------------------------------------

    async def versions(self) -> tuple[KeyVersion, ...]:
        """All data keys, with the rows that each has sealed. Rows of a key that is gone stand under its id."""
        return await self._store.read(_versions)

    async def rotation(self) -> Rotation | None:
        """The rotation that is under way, if any."""
        return await self._store.read(lambda reading: _rotation(_table(reading)))

    async def master_changed_at(self) -> float | None:
        """Since when a change of the master key waits to be confirmed, if one does."""
        return await self._store.read(lambda reading: _changed_at(_table(reading)))

    async def ruled_by(self, master: Secret) -> bool:
        """Whether this is the master key that the data keys are sealed with by now."""
        rows = await self._store.read(lambda reading: _table(reading).rows())
        return all(opens(master, row) for row in rows)

    # -- a new sealing key ----------------------------------------------------------------------------------------

    async def begin(self, at: float, entry: EntryOf) -> Rotation | None:
        """Store a new key that nobody seals with yet; one under way is given back instead.

        None while a change of the master key waits to be confirmed: not every node could open the new key. Raises
        KeyWrong when the master key at hand is not the newest.
        """

        def act(writing: Writing) -> Rotation | None:
            table, slice_ = _table(writing), _sql(writing)
            under_way = _rotation(table)
            if under_way is not None or _changed_at(table) is not None:
                return under_way
            old = tuple(row.id for row in table.rows() if row.purpose == SEALING)
            fresh = slice_.new_sealing_key()
            table.add(fresh, at)
            table.note(SEALS, str(max(old)))
            total = sum(sum(rows.values()) for key_id, rows in table.used().items() if key_id in old)
            rotation = Rotation(fresh.id, old, at, TABLES[0], total=total)
            _save(table, rotation)
            slice_.note(entry(rotation))
            slice_.settings_changed = True  # every node reads the keys before its next batch
            return rotation

        return await self._store.change(act)

    async def switch(self) -> None:
        """Let the newest key seal from now on, on every node: each has it at hand, or reads it before it seals."""

        def act(writing: Writing) -> None:
            table = _table(writing)
            if SEALS in table.notes():
                table.note(SEALS, "")
                _sql(writing).settings_changed = True

        await self._store.change(act)

    async def seal_anew(self, at: float, limit: int) -> Rotation | None:
        """Seal up to `limit` rows anew and remember where to go on; None when no rotation is under way."""

        def act(writing: Writing) -> Rotation | None:
            rotation = _rotation(_table(writing))
            if rotation is None or not rotation.table:
                return rotation
            rotation = _next_slice(_sql(writing), rotation, at, limit)
            _save(_table(writing), rotation)
            return rotation

        return await self._store.change(act)

    async def retire(self, entry: EntryOf) -> Rotation | None:
        """Remove the old keys if no row refers to them; else begin the walk anew, and give that.

        The rows are counted in the transaction that removes the keys, and nothing is sealed beside it.
        """

        def act(writing: Writing) -> Rotation | None:
            table = _table(writing)
            rotation = _rotation(table)
            if rotation is None:
                return None
            used = table.used()
            if any(used.get(key_id) for key_id in rotation.replaces):
                again = replace(rotation, table=TABLES[0], after="")
                _save(table, again)
                return again
            for key_id in rotation.replaces:
                table.drop(key_id)
            table.note(ROTATION, "")
            _sql(writing).note(entry(rotation))
            _sql(writing).settings_changed = True  # every node forgets the old keys before its next batch
            return None

        return await self._store.change(act)

    async def discard(self, table: str, row_id: str, entry: Entry) -> bool | None:
        """Remove a row that does not open; False for one that opens and stays, None when there is no such row."""

        def act(writing: Writing) -> bool | None:
            shape = SHAPE.get(table)
            if shape is None:
                return None
            try:
                return None if writing.get(shape.kind, row_id) is None else False
            except Malformed:
                writing.remove(shape.kind, row_id)
                _sql(writing).note(entry)
                return True

        return await self._store.change(act)

    # -- a new master key -----------------------------------------------------------------------------------------

    async def change_master(self, master: Secret, at: float, entry: Entry) -> None:
        """Seal all data keys under `master` as well, unless a change waits to be confirmed. Raises KeyWrong."""

        def act(writing: Writing) -> bool:
            table, slice_ = _table(writing), _sql(writing)
            if _changed_at(table) is not None:
                return False
            for row in slice_.keys_under(master):
                table.wrap(row)
            table.note(MASTER, repr(at))
            slice_.note(entry)
            return True

        if await self._store.change(act):
            self._vault.take_master(master)

    async def confirm_master(self, entry: Entry) -> bool:
        """Forget how the data keys were sealed under the master key before; whether there was anything to confirm."""

        def act(writing: Writing) -> bool:
            table = _table(writing)
            if _changed_at(table) is None:
                return False
            for row in table.rows():
                table.wrap(KeyRow(row.id, row.purpose, row.sealed))
            table.note(MASTER, "")
            _sql(writing).note(entry)
            return True

        return await self._store.change(act)


def _next_slice(slice_: SqlWriting, rotation: Rotation, at: float, limit: int) -> Rotation:
    """Walk one table in order of key, and go on with the next one at its end."""
    shape = SHAPE[rotation.table]
    rows = slice_.keys.page(shape, rotation.after, limit)
    stale = [row for row in rows if {sealed_with(one) for one in sealed_values(shape, row)} - {rotation.to}]
    done, refused = slice_.seal_anew(shape, stale)
    for one in refused:
        place, _, why = one.rpartition(": ")
        slice_.note(Entry(at, EntryKind.SYSTEM, "row.refused", detail={"row": place, "why": why}))
    first = rotation.table == TABLES[0] and not rotation.after
    named = refused if first else [*rotation.refused, *refused]
    table, after = (rotation.table, rows[-1][0]) if len(rows) == limit else (_following(rotation.table), "")
    return replace(
        rotation,
        table=table,
        after=after,
        done=rotation.done + done,
        refused=tuple(named[:NAMED]),
        refusals=len(refused) + (0 if first else rotation.refusals),
    )


def _following(table: str) -> str:
    return (*TABLES, "")[TABLES.index(table) + 1]


def _versions(reading: Reading) -> tuple[KeyVersion, ...]:
    table = _table(reading)
    rows, notes, used = table.rows(), table.notes(), table.used()
    sealing = [row.id for row in rows if row.purpose == SEALING]
    current = int(notes.get(SEALS, 0)) or max(sealing)
    first = next((head.started_at for head in reading.chains()), None)  # the keys of a new database go unnoted
    versions = [
        KeyVersion(
            row.id,
            row.purpose,
            float(notes[made_at(row.id)]) if made_at(row.id) in notes else first,
            row.id == current,
            dict(used.pop(row.id, {})) if row.purpose == SEALING else {},
        )
        for row in rows
    ]
    return (*versions, *(KeyVersion(key_id, "", None, seals=False, rows=dict(left)) for key_id, left in used.items()))


def _rotation(table: KeyTable) -> Rotation | None:
    text = table.notes().get(ROTATION)
    if text is None:
        return None
    found = json.loads(text)
    return Rotation(**{**found, "replaces": tuple(found["replaces"]), "refused": tuple(found["refused"])})


def _save(table: KeyTable, rotation: Rotation) -> None:
    table.note(ROTATION, json.dumps(asdict(rotation)))


def _changed_at(table: KeyTable) -> float | None:
    noted = table.notes().get(MASTER)
    return None if noted is None else float(noted)


def _table(reading: Reading) -> KeyTable:
    """The table of keys as this view sees it."""
    if not isinstance(reading, SqlReading):
        raise TypeError("this is no view of a SQL database")
    return reading.keys


def _sql(writing: Writing) -> SqlWriting:
    """The slice with what only a SQL database can."""
    if not isinstance(writing, SqlWriting):
        raise TypeError("this is no slice of a SQL database")
    return writing
