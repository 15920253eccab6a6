"""Backup and restore: a copy under load is whole, and what was used before the restore is never good again."""

import asyncio
import contextlib
import json
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.apps.installation import Installation, Token
from tests.conformance.store.opening import putting
from vestibule.apps.background import heads_file
from vestibule.apps.backup import Backup, backup
from vestibule.apps.pieces import Pieces
from vestibule.apps.restore import Outcome, restore, rules
from vestibule.core.attempts import Attempt
from vestibule.core.case import Moment
from vestibule.core.clients import Client, SignIn
from vestibule.core.credentials import Credential, CredentialState, Seed
from vestibule.core.decisions import Accept, Decision, Reject
from vestibule.core.journal import Entry, Line, Query
from vestibule.core.messages import Message
from vestibule.core.oath import time_step
from vestibule.core.outbox import OutboxRow
from vestibule.core.ports import Passed, Reading, Record
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.core.users import Mfa, User
from vestibule.flows.authenticate import Beginning
from vestibule.flows.heads import RolledBack, current_heads, require_whole
from vestibule.flows.refused import Refused
from vestibule.methods.hotp import Hotp
from vestibule.methods.recovery import CODES, OCTETS, Recovery
from vestibule.methods.totp import Totp
from vestibule.stores.heads_file import read_heads, write_heads
from vestibule.stores.key_file import create_key_file
from vestibule.stores.sql import SCHEMA, SqlStore, copies
from vestibule.stores.vault import KeyWrong

CLIENT = Client("vpn", "VPN", ("127.0.0.1/32",), (Secret.of("a shared secret of the VPN"),), sign_in=SignIn.CODE_ONLY)
ALICE = Token("alice", b"12345678901234567890")
TOKENS = (
    ALICE,
    Token("minute", b"abcdefghijklmnopqrst", period=60),
    Token("fast", b"bcdefghijklmnopqrstu", drift=4),
    Token("slow", b"cdefghijklmnopqrstuv", drift=-4),
)
T = TypeVar("T")
BUTTON = Token("button", b"ABCDEFGHIJKLMNOPQRST", method="hotp")


async def put(pieces: Pieces, *records: Record) -> None:
    await pieces.store.change(putting(*records))


async def sign_in(pieces: Pieces, name: str, code: str) -> Decision:
    beginning = Beginning(
        secrets.token_hex(8), "vpn", name, Secret.of(code), "192.0.2.1", "192.0.2.1", time.monotonic() + 30
    )
    return await pieces.authenticate.begin(beginning)


async def lines_of(pieces: Pieces) -> list[Line]:
    return await pieces.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 9999))


async def entries_of(pieces: Pieces, action: str) -> list[Entry]:
    return [line.entry for line in await lines_of(pieces) if line.entry.action == action]


async def remember_heads(installation: Installation, pieces: Pieces) -> None:
    write_heads(installation.heads, await current_heads(pieces.store, time.time()))


async def taken(installation: Installation, pieces: Pieces, name: str = "backup.db") -> Backup:
    return await backup(pieces, installation.folder / name, actor="uid:0", at=time.time())


async def put_back(installation: Installation, done: Backup, at: float | None = None) -> Outcome:
    return await restore(installation.configuration(), done.path, actor="uid:0", at=time.time() if at is None else at)


def made_safe(pieces: Pieces, **counted: int) -> dict[str, int]:
    """How many credentials of each method in use a restore touched: these, and else none."""
    return {method.name: 0 for method in pieces.methods} | counted


def scratched(path: Path) -> None:
    """Damage one page that no other step reads."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_users_email'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@dataclass
class BreaksOff:
    """A store whose copy is damaged where nobody looks."""

    store: SqlStore

    async def read(self, question: Callable[[Reading], T]) -> T:
        return await self.store.read(question)

    async def backup(self, target: Path) -> None:
        await self.store.backup(target)
        scratched(target)


# -- backup -------------------------------------------------------------------------------------------------------


async def test_a_backup_is_one_closed_file_with_a_label_and_the_journal_knows_it(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, CLIENT, *ALICE.records())
    before = set(installation.folder.iterdir())
    done = await taken(installation, pieces)
    assert set(installation.folder.iterdir()) - before == {done.path}
    assert done.path.stat().st_mode & 0o777 == 0o600
    assert (done.octets, done.sha256) == (done.path.stat().st_size, copies.digest(done.path))
    label = copies.label_of(done.path)
    assert (float(label["at"]), label["schema"], label["server"]) == (done.at, SCHEMA, "mfa1")
    (chain,) = (await current_heads(pieces.store, 0.0)).chains
    assert json.loads(label["heads"]).keys() == {chain}
    (entry,) = await entries_of(pieces, "backup")
    assert (entry.actor, entry.detail["sha256"]) == ("uid:0", done.sha256)


@pytest.mark.requirement(47)
async def test_a_backup_holds_neither_the_master_key_nor_what_it_opens(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, CLIENT, *ALICE.records())
    octets = (await taken(installation, pieces)).path.read_bytes()
    key = installation.key.read_text()
    master = key.split(":")[1].encode()
    for secret in (master, ALICE.secret, CLIENT.secrets[0].reveal()):
        assert secret not in octets
    assert installation.key.read_text() == key


@pytest.mark.parametrize("name", ["backup.db", "backup.db.unfinished"])
async def test_nothing_is_overwritten_by_a_backup(installation: Installation, name: str) -> None:
    pieces = await installation.open()
    taken_place = installation.folder / name
    taken_place.write_text("mine")
    with pytest.raises(Refused, match=f"There is something at .*{name} already"):
        await taken(installation, pieces)
    assert taken_place.read_text() == "mine"
    assert await entries_of(pieces, "backup") == []


async def test_a_backup_that_fails_leaves_nothing(installation: Installation) -> None:
    pieces = await installation.open()
    with pytest.raises(FileNotFoundError):
        await taken(installation, pieces, "no such folder/backup.db")
    with pytest.raises(copies.CopyWrong):
        await taken(installation, replace(pieces, store=BreaksOff(pieces.store)))  # type: ignore[arg-type]  # two methods of it
    assert not list(installation.folder.glob("backup*"))
    assert await entries_of(pieces, "backup") == []


# -- restore ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(6)
async def test_no_code_that_was_used_after_the_backup_is_good_after_the_restore(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, CLIENT, *(record for token in (*TOKENS, BUTTON) for record in token.records()))
    done = await taken(installation, pieces)
    used = {token.name: token.code(time.time(), steps=1) for token in TOKENS}
    used["button"] = BUTTON.press(2)
    for name, code in used.items():
        assert await sign_in(pieces, name, code) == Accept(name)
    await pieces.close()
    await put_back(installation, done)
    pieces = await installation.open()
    for name, code in used.items():
        assert isinstance(await sign_in(pieces, name, code), Reject), name
    for token in TOKENS:
        for steps in (-1, 0, 1):
            assert isinstance(await sign_in(pieces, token.name, token.code(time.time(), steps)), Reject), token.name


@pytest.mark.requirement(6)
async def test_without_the_restore_that_code_would_have_been_good(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, CLIENT, *ALICE.records())
    done = await taken(installation, pieces)
    code = ALICE.code(time.time(), steps=1)
    assert await sign_in(pieces, "alice", code) == Accept("alice")
    await pieces.close()
    copies.remove([installation.database])
    copies.copy_file(done.path, installation.database)
    pieces = await installation.open()
    assert await sign_in(pieces, "alice", code) == Accept("alice")


@pytest.mark.requirement(6)
@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.name)
async def test_a_token_is_good_again_after_its_window(installation: Installation, token: Token) -> None:
    pieces = await installation.open()
    await put(pieces, *token.records())
    done = await taken(installation, pieces)
    await pieces.close()
    at = time.time()
    await put_back(installation, done, at)
    pieces = await installation.open()
    user, seed, credential = token.records()
    assert isinstance(user, User)
    assert isinstance(credential, Credential)
    marked = await pieces.store.read(lambda reading: reading.get(Seed, credential.seed_id))
    assert isinstance(seed, Seed)
    assert marked is not None
    assert marked.last_step == time_step(at, token.period) + max(token.drift, 0) + 1
    later = at + (3 + abs(token.drift)) * token.period
    assert isinstance(Totp().check(token.code(later), credential, marked, Moment(later, b"")), Passed)


@pytest.mark.requirement(6)
async def test_a_button_token_comes_back_by_two_consecutive_codes(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, CLIENT, *BUTTON.records())
    done = await taken(installation, pieces)
    await pieces.close()
    await put_back(installation, done)
    pieces = await installation.open()
    assert isinstance(await sign_in(pieces, "button", BUTTON.press(0)), Reject)
    credential = await pieces.store.read(lambda reading: reading.get(Credential, "token of button"))
    seed = await pieces.store.read(lambda reading: reading.get(Seed, "seed of button"))
    assert credential is not None
    assert seed is not None
    found = Hotp().resync(BUTTON.press(7), BUTTON.press(8), credential, seed, Moment(0.0, b""))
    assert isinstance(found, Passed)
    assert found.seed is not None
    assert not found.seed.resync


@pytest.mark.requirement(6)
async def test_recovery_codes_are_void_and_what_was_under_way_is_closed(installation: Installation) -> None:
    pieces = await installation.open()
    recovery = Recovery(lambda said: pieces.vault.mac("recovery", said))
    listed, codes = recovery.issue(Credential("list", "recovery", "user"), secrets.token_bytes(CODES * OCTETS))
    await put(
        pieces,
        CLIENT,
        User("user", "zoe", "zoe", mfa=Mfa.ENFORCED),
        listed,
        Credential("tap", "tap", "user", memory="kept"),
        Attempt("attempt", "vpn", "user", "zoe", "zoe", "", "", 0.0, time.time() + 60),
        OutboxRow("m", Message("m", "test", "tap", "attempt", "tap", time.time() + 60), "mfa1", time.time() + 60),
    )
    done = await taken(installation, pieces)
    await pieces.close()
    outcome = await put_back(installation, done)
    assert outcome.restored.credentials == made_safe(pieces, recovery=1)
    assert (outcome.restored.attempts, outcome.restored.messages) == (1, 1)
    pieces = await installation.open()
    assert await sign_in(pieces, "zoe", codes[0]) == Reject(Reason.NO_USABLE_PROMPT)
    found = await pieces.store.read(lambda reading: reading.page(Credential, "", 9))
    assert found == [
        replace(listed, memory="", state=CredentialState.DISABLED, version=2),
        Credential("tap", "tap", "user", memory="kept"),
    ]
    assert await pieces.store.read(lambda reading: (reading.count(Attempt), reading.count(OutboxRow))) == (0, 0)


async def test_each_method_that_is_in_use_says_what_a_restore_does(installation: Installation) -> None:
    pieces = await installation.open()
    assert set(rules()) == {method.name for method in pieces.methods}
    await pieces.close()


async def test_the_old_database_is_put_aside_whole_and_the_restore_begins_a_chain(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, *ALICE.records())
    done = await taken(installation, pieces)
    await put(pieces, *BUTTON.records())
    await pieces.close()
    old = installation.database.read_bytes()
    outcome = await put_back(installation, done)
    assert [path.read_bytes() for path in outcome.aside] == [old]
    assert ".before-restore-" in outcome.aside[0].name
    assert outcome.taken_at == done.at
    assert sorted(path.name for path in installation.data.iterdir()) == sorted(
        ["vestibule.db", *(path.name for path in outcome.aside)]
    )
    assert installation.database.stat().st_mode & 0o777 == 0o600
    pieces = await installation.open()
    (begun,) = await entries_of(pieces, "restore")
    assert (begun.actor, begun.detail["file"], begun.detail["sha256"]) == ("uid:0", "backup.db", done.sha256)
    (line,) = [line for line in await lines_of(pieces) if line.entry.action == "restore"]
    assert line.seq == 1
    (safe,) = await entries_of(pieces, "restore.safe")
    assert safe.detail["credentials"] == made_safe(pieces, totp=1)
    assert await pieces.store.read(lambda reading: reading.get(User, "id of button")) is None


@pytest.mark.requirement(49)
async def test_a_restore_journals_the_heads_that_it_is_behind_and_the_server_starts(installation: Installation) -> None:
    pieces = await installation.open()
    done = await taken(installation, pieces)
    await put(pieces, *ALICE.records())
    await remember_heads(installation, pieces)
    known = read_heads(installation.heads)
    assert known is not None
    (chain,) = known.chains
    await pieces.close()
    outcome = await put_back(installation, done)
    assert outcome.gaps == 1
    pieces = await installation.open()
    (accepted,) = await entries_of(pieces, "journal.rollback_accepted")
    assert (accepted.detail["chain"], accepted.detail["known_mac"]) == (chain, known.chains[chain].mac)
    await require_whole(pieces.store, read_heads(installation.heads))
    with pytest.raises(RolledBack):
        await require_whole(pieces.store, known)


async def test_a_server_without_a_database_is_restored_too(installation: Installation) -> None:
    pieces = await installation.open()
    await put(pieces, *ALICE.records())
    done = await taken(installation, pieces)
    await pieces.close()
    copies.remove([installation.database])
    assert (await put_back(installation, done)).aside == ()
    pieces = await installation.open()
    assert await pieces.store.read(lambda reading: reading.count(User)) == 1


async def test_the_log_of_a_server_that_was_killed_is_put_aside_with_its_database(installation: Installation) -> None:
    pieces = await installation.open()
    done = await taken(installation, pieces)
    await pieces.close()
    installation.database.with_name("vestibule.db-wal").write_bytes(b"what was committed last")
    outcome = await put_back(installation, done)
    assert [path.name.rpartition("Z")[2] for path in outcome.aside] == ["", "-wal"]
    assert outcome.aside[1].read_bytes() == b"what was committed last"
    await installation.open()


# -- what is not restored -----------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    octets = path.read_bytes()
    path.write_bytes(octets[: len(octets) // 2])


def scrambled(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[4096:-4096] = bytes(len(octets) - 8192)
    path.write_bytes(octets)


def unlabelled(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM state WHERE name LIKE 'backup.%'")


def of_tomorrow(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "There is no file"),
        (lambda path: path.write_text("hello"), "damaged"),
        (cut, "damaged"),
        (scrambled, "damaged"),
        (scratched, "damaged"),
        (unlabelled, "was not made by: vestibule backup"),
        (of_tomorrow, f"this program knows {SCHEMA} at most"),
        (lambda path: copies.label(path, {"at": repr(time.time() + 3600)}), "Set the clock first"),
    ],
    ids=["missing", "text", "cut", "scrambled", "scratched", "unlabelled", "of tomorrow", "from the future"],
)
async def test_what_cannot_be_restored_is_named_and_changes_nothing(  # type: ignore[no-untyped-def]
    installation: Installation,
    spoil,  # noqa: ANN001 - one of the lambdas above
    said: str,
) -> None:
    pieces = await installation.open()
    done = await taken(installation, pieces)
    await pieces.close()
    spoil(done.path)
    old = installation.database.read_bytes()
    with pytest.raises(Refused, match=said) as refused:
        await put_back(installation, done)
    assert str(done.path) in str(refused.value) or "clock" in said
    assert installation.database.read_bytes() == old
    assert [path.name for path in installation.data.iterdir()] == ["vestibule.db"]


async def test_another_master_key_restores_nothing(installation: Installation) -> None:
    pieces = await installation.open()
    done = await taken(installation, pieces)
    await pieces.close()
    installation.key.unlink()
    create_key_file(installation.key, secrets.token_bytes)
    with pytest.raises(KeyWrong, match="key file of its own time"):
        await put_back(installation, done)
    assert [path.name for path in installation.data.iterdir()] == ["vestibule.db"]


@pytest.mark.requirement(6, 56)
async def test_a_clock_that_is_behind_restores_nothing(installation: Installation) -> None:
    pieces = await installation.open()
    done = await taken(installation, pieces)
    write_heads(installation.heads, replace(await current_heads(pieces.store, 0.0), at=done.at + 3600))
    await pieces.close()
    with pytest.raises(Refused, match="Set the clock first"):
        await put_back(installation, done, at=done.at + 60)


def test_heads_lie_in_the_data_directory_when_systemd_hands_the_key_over(tmp_path: Path) -> None:
    configuration = Installation(tmp_path).configuration()
    assert heads_file(configuration, {}) == configuration.key.file.with_name("master.key.heads.json")
    handed_over = {"CREDENTIALS_DIRECTORY": str(configuration.key.file.parent)}
    assert heads_file(configuration, handed_over) == configuration.data_directory / "master.key.heads.json"


# -- under load -----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(6)
async def test_a_backup_under_load_is_whole_and_no_code_of_that_time_is_good_again(installation: Installation) -> None:
    pieces = await installation.open()
    people = [Token(f"user{i:03}", secrets.token_bytes(20)) for i in range(400)]
    await put(pieces, CLIENT, *(record for token in people for record in token.records()))
    used: dict[str, str] = {}
    begun, finished = asyncio.Event(), asyncio.Event()

    async def keep_signing_in(some: list[Token]) -> None:
        """Go on until the backup is there, and three times more."""
        more = 3
        for token in some:
            code = token.code(time.time())
            assert await sign_in(pieces, token.name, code) == Accept(token.name)
            used[token.name] = code
            begun.set()
            more -= finished.is_set()
            if not more:
                return

    load = [asyncio.create_task(keep_signing_in(people[i::4])) for i in range(4)]
    await begun.wait()
    done = await taken(installation, pieces)
    in_time = len(used)
    finished.set()
    await asyncio.gather(*load)
    assert 4 < in_time < len(used) < len(people)
    await pieces.close()
    await put_back(installation, done)
    pieces = await installation.open()
    refused = [await sign_in(pieces, name, code) for name, code in used.items()]
    assert all(isinstance(one, Reject) for one in refused)
    with contextlib.closing(sqlite3.connect(done.path)) as copy:
        (spent,) = copy.execute("SELECT count(*) FROM seeds WHERE last_step > 0").fetchone()
    assert 0 < spent < len(used)
