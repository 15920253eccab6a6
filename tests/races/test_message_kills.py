"""Processes that send are killed again and again: no message reaches a person twice, and what may have is `unknown`."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conformance.store.opening import putting
from tests.delivery.world import OLD
from tests.journeys.program import Home
from vestibule.core.credentials import Credential, CredentialState
from vestibule.core.messages import Message
from vestibule.core.outbox import OutboxRow
from vestibule.core.phones import PHONE, TEXT_USE, Phone
from vestibule.core.ports import Record, Writing
from vestibule.core.providers import ProviderRecord
from vestibule.core.secret import Secret
from vestibule.core.sends import Send, SendState
from vestibule.core.users import User

MESSAGES = 300
KILLS = 30
FOR_GOOD = 4e9
WIDE = {
    "sending.prefix_in_hour": "100000",
    "sending.prefix_numbers_in_hour": "100000",
    "sending.region_money_in_day": "1000",
    "sending.money_in_day": "1000",
}


class Carrier:
    """What has been carried: the ids of sends, as often as they came."""

    def __init__(self, chance: random.Random) -> None:
        self.carried: Counter[str] = Counter()
        self.came = asyncio.Condition()
        self.done = asyncio.Event()
        self._chance = chance

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one, a little late, so that many are under way when their process dies."""
        with contextlib.suppress(ConnectionError):
            line = await reader.readline()
            if line == b"done\n":
                self.done.set()
            else:
                self.carried[line.decode().strip()] += 1
            async with self.came:
                self.came.notify_all()
            slow = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(self._chance.uniform(0, 0.02), slow.set_result, None)
            await slow
            writer.write(b"ok\n")
            await writer.drain()
        writer.close()

    async def more(self, number: int) -> None:
        wanted = self.carried.total() + number
        async with self.came:
            await self.came.wait_for(lambda: self.carried.total() >= wanted)


def everything() -> list[Record]:
    """People who wait for the code that proves their number."""
    records: list[Record] = [ProviderRecord("line", "scripted", "{}", Secret(b""))]
    memory = Phone(uses=(TEXT_USE,), vouched=True, changed_at=OLD).text()
    for number in range(MESSAGES):
        id, to = f"user {number}", f"+1425{2_000_000 + 17 * number}"
        one = Credential(f"phone {number}", PHONE, id, state=CredentialState.PENDING, memory=memory, reach=to)
        message = Message(f"message {number}", "text", one.id, "", "verify", FOR_GOOD)
        records += [User(id, id, id), one, OutboxRow(message.id, message, "", 0.0)]
    return records


async def laid_out(folder: Path) -> Home:
    home = Home.lay_out(folder)
    records = everything()
    async with home.opened() as store:
        for start in range(0, len(records), 100):
            await store.change(putting(*records[start : start + 100]))

        def settings(writing: Writing) -> None:
            for name, value in WIDE.items():
                writing.set(name, value)

        await store.change(settings)
    return home


@asynccontextmanager
async def nursery(home: Home) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = (sys.executable, "-m", "tests.races.sender", home.url, str(home.key))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def begin(process: asyncio.subprocess.Process, line: str) -> int:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()
    return int(await asyncio.wait_for(process.stdout.readline(), 30))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("idempotent", [False, True], ids=["plain", "idempotent"])
async def test_no_message_is_sent_twice_however_often_the_process_dies(tmp_path: Path, *, idempotent: bool) -> None:
    home, chance = await laid_out(tmp_path), random.Random(5)
    carrier, path = Carrier(chance), str(tmp_path / "carrier")
    server = await asyncio.start_unix_server(carrier.take, path)
    async with nursery(home) as process:
        for _ in range(KILLS):
            child = await begin(process, f"{path} {int(idempotent)} mfa1")
            await carrier.more(chance.randrange(1, 8))
            os.kill(child, signal.SIGKILL)
        await begin(process, f"{path} {int(idempotent)} mfa1")
        await asyncio.wait_for(carrier.done.wait(), 60)
    server.close()
    async with home.opened() as store:
        sends = await store.read(lambda reading: reading.page(Send, "", 99_999))
    compare(sends, carrier.carried, idempotent=idempotent)


def compare(sends: list[Send], carried: Counter[str], *, idempotent: bool) -> None:
    """One send for each message; it was carried once, or nobody can say; told twice only where that is harmless."""
    assert Counter(one.message_id for one in sends) == Counter(f"message {n}" for n in range(MESSAGES))
    states = Counter(one.state for one in sends)
    for one in sends:
        times = carried[one.id]
        if one.state is SendState.ACCEPTED:
            assert times == 1 or (idempotent and times > 1)
        else:
            assert (one.state, idempotent) == (SendState.UNKNOWN, False)
            assert times in {0, 1}
    assert carried.keys() <= {one.id for one in sends}
    assert idempotent or states[SendState.UNKNOWN] > 0, "no kill hit a send; the test shows nothing"
