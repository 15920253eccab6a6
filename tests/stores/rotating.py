"""A database whose keys are rotated: people with tokens, clients, remembered answers, and processes that are killed.

A child is forked, so that it starts in no time; it opens a store of its own, rotates keys for ever and lets people sign
in meanwhile, until it is killed.
"""

import asyncio
import multiprocessing
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from tests.conformance.store.opening import AnyKind, putting
from tests.conformance.store.sign_ins import START, VPN, Desk
from tests.flows.desks import Office, office_of
from tests.stores.postgresql import MASTER
from vestibule.core.api_keys import PastRequest
from vestibule.core.clients import Client
from vestibule.core.credentials import Credential, Seed
from vestibule.core.decisions import Accept
from vestibule.core.delivery import Medium
from vestibule.core.directories import DirectoryRecord
from vestibule.core.oath import hotp, time_step
from vestibule.core.ports import Reading, Record
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.core.sends import Send
from vestibule.core.users import Mfa, User
from vestibule.flows import keys
from vestibule.stores.sql import SqlStore, open_store, read_keys
from vestibule.stores.sql.key_table import SEALED
from vestibule.stores.sql.keyring import Keyring
from vestibule.stores.vault import Vault

PEOPLE = 20
BESIDE = 6  # clients, directories, remembered answers, providers and calls each
TURN = 1000  # time steps that one process may use up
SLICE = 4
ROWS = PEOPLE + 5 * BESIDE + 1


def secret_of(number: int) -> Secret:
    return Secret(b"%020d" % number)


def everything() -> list[Record]:
    records: list[Record] = [VPN]
    for number in range(PEOPLE):
        user = f"user {number}"
        records += [
            User(f"id of {user}", user, user, mfa=Mfa.ENFORCED),
            Seed(f"seed of {user}", secret_of(number)),
            Credential(f"token of {user}", "totp", f"id of {user}", seed_id=f"seed of {user}"),
        ]
    for number in range(BESIDE):
        records += [
            Client(f"client {number}", f"client {number}", (), (secret_of(number), secret_of(number + 1))),
            DirectoryRecord(f"directory {number}", "ldap", "{}", secret_of(number)),
            PastRequest(f"request {number}", "digest", secret_of(number), 1.0),
            ProviderRecord(f"provider {number}", "webhook", "{}", secret_of(number)),
            Send(f"send {number}", "", "", "", "", "", Medium.CALL, begun_at=1.0, memory=secret_of(number)),
        ]
    return records


@dataclass
class World:
    """One node on the database."""

    url: str
    vault: Vault
    store: SqlStore
    keyring: Keyring
    office: Office

    async def rotate(self, *, again: bool = True, slice_rows: int = SLICE) -> dict[str, Any]:
        return await keys.rotate(self.keyring, self.office.desk, "tester", again=again, slice_rows=slice_rows)

    async def signs_in(self, number: int, step: int, secret: int | None = None) -> bool:
        """Whether this person is let in with the code of a time step, of the own secret unless another is named."""
        at = START + 30 * step
        code = hotp(secret_of(number if secret is None else secret).reveal(), time_step(at, 30))
        return isinstance((await Desk(self.store).began(f"user {number}", code, at)).decision, Accept)

    async def whole(self, step: int) -> None:
        """Everybody is let in, and every sealed value of the database opens."""
        assert all([await self.signs_in(number, step) for number in range(PEOPLE)])
        for shape in SEALED:
            assert await self.store.read(partial(_page, kind=shape.kind))
        assert {VPN.id, *(f"client {number}" for number in range(BESIDE))} <= self.store.snapshot.clients.keys()

    async def used(self) -> set[int]:
        """The keys that rows are sealed with."""
        return {one.id for one in await self.keyring.versions() if one.rows}

    async def actions(self) -> list[str]:
        return await self.office.actions()


def _page(reading: Reading, kind: AnyKind) -> list[Any]:
    return list(reading.page(kind, "", ROWS))


@asynccontextmanager
async def opened(url: str, name: str = "mfa1", master: Callable[[], Secret] = lambda: MASTER) -> AsyncIterator[World]:
    """Open the database as a process would that has just started."""
    rows = await asyncio.to_thread(read_keys, url)
    vault = Vault.open(master(), rows, secrets.token_bytes, reread=master)
    store = await open_store(url, vault, node=name, now=1.0, chance=secrets.token_bytes)
    try:
        yield World(url, vault, store, Keyring(store, vault), office_of(store, vault, lambda chain: b""))
    finally:
        await store.close()


async def laid_out(url: str) -> None:
    async with opened(url) as world:
        await world.store.change(putting(*everything()))


Work = Callable[[World], Coroutine[Any, Any, None]]


def killed(url: str, turn: int, chance: random.Random, longest: float, work: Work) -> None:
    """Fork a process that works and lets people sign in for ever, and kill it at some moment."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    child = fork.Process(target=_child, args=(url, turn, theirs, work))
    child.start()
    try:
        assert ours.poll(20), "the store did not open"
        assert ours.recv() == "open"
        if ours.poll(chance.uniform(0, longest)):
            raise AssertionError(ours.recv())
    finally:
        child.kill()
        child.join()


def _child(url: str, turn: int, tell: Connection, work: Work) -> None:
    try:
        asyncio.run(_busy(url, turn, tell, work))
    except BaseException as error:
        tell.send(f"{type(error).__name__}: {error}")
        raise


async def _busy(url: str, turn: int, tell: Connection, work: Work) -> None:
    async with opened(url) as world:
        tell.send("open")
        signing_in = asyncio.create_task(_sign_in_for_ever(world, turn))
        working = asyncio.create_task(work(world))
        ended, _ = await asyncio.wait({signing_in, working}, return_when=asyncio.FIRST_COMPLETED)
        ended.pop().result()
        raise AssertionError("nothing was to end")


async def _sign_in_for_ever(world: World, turn: int) -> None:
    for step in range(turn * TURN, (turn + 1) * TURN):
        for number in range(PEOPLE):
            assert await world.signs_in(number, step), f"user {number} was refused"


async def rotate_for_ever(world: World) -> None:
    while True:
        await world.rotate(again=True)


async def rotate_times(world: World, times: int) -> None:
    for _ in range(times):
        await world.rotate(again=True)


async def check(url: str, turn: int) -> str:
    """After a kill: open, let everybody in, and look at every row; how far the rotation had come."""
    async with opened(url) as world:
        await world.whole((turn + 1) * TURN - 1)
        rotation = await world.keyring.rotation()
        return "none" if rotation is None else rotation.table or "walked"
