"""The master key is replaced: at any moment there is a file that opens the database, at last only the new one."""

import asyncio
import itertools
import multiprocessing
import os
import random
import shutil
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.apps.installation import Installation, Token, make_template
from tests.conformance.store.opening import putting
from vestibule.apps import master_key
from vestibule.apps.commands.link import CommandFailed
from vestibule.apps.commands.running import Commands
from vestibule.apps.pieces import Pieces
from vestibule.core.credentials import Seed
from vestibule.core.journal import Query
from vestibule.core.secret import Secret
from vestibule.flows.refused import Refused
from vestibule.stores.key_file import next_of, read_key_file
from vestibule.stores.sql import read_keys
from vestibule.stores.sql.keyring import Keyring
from vestibule.stores.vault import KeyWrong, Vault

ACTOR = "uid 0 (root)"
KILLS = 15
ALICE = Token("alice", b"12345678901234567890")


async def run(pieces: Pieces, name: str, **arguments: object) -> dict[str, object]:
    return await Commands(pieces).run(name, arguments, ACTOR)


async def opened_with_alice(installation: Installation) -> Pieces:
    pieces = await installation.open()
    await pieces.store.change(putting(*ALICE.records()))
    return pieces


async def reads_alice(pieces: Pieces) -> bool:
    seed = await pieces.store.read(lambda reading: reading.get(Seed, "seed of alice"))
    return seed is not None and seed.secret == Secret(ALICE.secret)


def opens(key: Path, installation: Installation) -> bool:
    """Whether a server with this key file would start."""
    try:
        Vault.open(read_key_file(key), read_keys(f"sqlite:///{installation.database}"), os.urandom)
    except KeyWrong:
        return False
    return True


@pytest.mark.requirement(46)
async def test_both_keys_open_until_the_change_is_confirmed_and_then_the_new_one_only(
    installation: Installation, tmp_path: Path
) -> None:
    pieces = await opened_with_alice(installation)
    before = Path(shutil.copy(installation.key, tmp_path / "copy.key"))
    changed = await run(pieces, "key.master")
    assert changed["file"] == str(installation.key)
    assert read_key_file(Path(str(changed["aside"]))) == read_key_file(before) != read_key_file(installation.key)
    assert opens(installation.key, installation)
    assert opens(before, installation)
    assert (await run(pieces, "key.master"))["aside"] is None
    assert await run(pieces, "key.master", finish=True) == {"confirmed": True}
    assert await run(pieces, "key.master", finish=True) == {"confirmed": False}
    assert opens(installation.key, installation)
    assert not opens(before, installation)
    assert read_key_file(Path(str(changed["aside"]))) == read_key_file(before)
    assert await reads_alice(pieces)
    lines = await pieces.store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 99))
    assert [line.entry.action for line in lines] == ["key.master_changed", "key.master_confirmed"]


@pytest.mark.requirement(46)
async def test_data_keys_are_not_rotated_while_a_node_may_have_the_old_file(installation: Installation) -> None:
    pieces = await opened_with_alice(installation)
    await run(pieces, "key.master")
    with pytest.raises(CommandFailed, match="waits to be confirmed"):
        await run(pieces, "key.rotate", again=True)
    await run(pieces, "key.master", finish=True)
    assert (await run(pieces, "key.rotate", again=True))["key"] == 6
    assert await reads_alice(pieces)
    await pieces.close()
    assert await reads_alice(await installation.open())


async def test_a_node_with_the_old_file_is_told_to_take_the_new_one(installation: Installation, tmp_path: Path) -> None:
    pieces = await opened_with_alice(installation)
    old = Path(shutil.copy(installation.key, tmp_path / "other node.key"))
    await run(pieces, "key.master")
    keyring = Keyring(pieces.store, pieces.vault)
    for act in (
        master_key.change(keyring, old, actor=ACTOR, at=time.time),
        master_key.confirm(keyring, old, actor=ACTOR, at=0.0),
    ):
        with pytest.raises(Refused, match="is still the old"):
            await act
    assert opens(old, installation)


async def test_a_server_that_was_running_meanwhile_finds_the_new_file_by_itself(installation: Installation) -> None:
    """Another process changed the key and rotated: what that sealed opens here, without a restart."""
    running = await opened_with_alice(installation)
    master = running.vault
    other = Installation(installation.folder)
    command = await other.open()
    await run(command, "key.master")
    await run(command, "key.master", finish=True)
    await run(command, "key.rotate", again=True)
    await command.close()
    assert await reads_alice(running)
    assert master is running.vault


async def test_a_key_that_systemd_hands_over_is_left_alone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = await opened_with_alice(installation)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(installation.key.parent))
    with pytest.raises(CommandFailed, match="LoadCredential"):
        await run(pieces, "key.master")
    assert not next_of(installation.key).exists()


async def test_status_shows_each_key_and_what_it_has_sealed(installation: Installation) -> None:
    pieces = await opened_with_alice(installation)
    before = await run(pieces, "key.status")
    assert [(key["id"], key["purpose"], key["seals"], key["rows"]) for key in before["keys"]] == [  # type: ignore[attr-defined]
        (1, "seal", True, {"seeds": 1}),
        (2, "fingerprint", False, {}),
        (3, "recovery", False, {}),
        (4, "journal", False, {}),
        (5, "token", False, {}),
    ]
    assert all(key["made_at"] <= before["now"] for key in before["keys"])  # type: ignore[attr-defined]
    await run(pieces, "key.rotate", again=True)
    after = await run(pieces, "key.status")
    assert [(key["id"], key["rows"]) for key in after["keys"] if key["seals"]] == [(6, {"seeds": 1})]  # type: ignore[attr-defined]
    assert (after["rotation"], after["unreadable"], after["master_changed_at"]) == (None, [], None)


# -- kills -----------------------------------------------------------------------------------------------------------


async def _change_for_ever(installation: Installation, tell: Connection) -> None:
    pieces = await installation.open()
    keyring, key = Keyring(pieces.store, pieces.vault), installation.key
    tell.send("open")
    times = itertools.count(1e9 + 60 * os.getpid())
    for _ in range(10_000):
        await master_key.change(keyring, key, actor=ACTOR, at=lambda: next(times))
        await master_key.confirm(keyring, key, actor=ACTOR, at=1.0)


def _child(installation: Installation, tell: Connection) -> None:
    try:
        asyncio.run(_change_for_ever(installation, tell))
    except BaseException as error:
        tell.send(f"{type(error).__name__}: {error}")
        raise


async def _start(installation: Installation) -> tuple[bool, bool, bool]:
    """Start after a kill; whether a new file waits, a change waits, and the file in place is the new one."""
    pieces = await installation.open()
    assert await reads_alice(pieces)
    keyring = Keyring(pieces.store, pieces.vault)
    changed_at = await keyring.master_changed_at()
    rules = await keyring.ruled_by(read_key_file(installation.key))
    await pieces.close()
    return next_of(installation.key).exists(), changed_at is not None, rules


@pytest.mark.requirement(46)
@pytest.mark.timeout(120)
def test_a_kill_at_any_moment_leaves_a_file_that_opens_the_database(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    installation, chance = Installation(make_template(tmp_path / "new")), random.Random(46)

    async def lay_out() -> None:
        await (await opened_with_alice(installation)).close()

    asyncio.run(lay_out())
    fork, first = multiprocessing.get_context("fork"), installation.key.read_bytes()
    stages = set()
    for _ in range(KILLS):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=_child, args=(installation, theirs))
        child.start()
        with closing(ours):
            assert ours.poll(20)
            assert ours.recv() == "open"
            failed = ours.poll(chance.uniform(0, 0.06))
            child.kill()
            child.join()
            assert not failed, ours.recv()
        stages.add(asyncio.run(_start(installation)))
    assert len(stages) > 1, stages
    assert installation.key.read_bytes() != first
