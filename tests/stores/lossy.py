"""A way to a PostgreSQL that can lose the answer to the next COMMIT: the server has it, nobody hears of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 1 << 16
COMMIT = b"COMMIT\0"


@dataclass
class Lossy:
    """A socket in `folder` that leads to the server's; set `lose` to lose one answer."""

    folder: Path
    server: Path
    lose: bool = False
    lost: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(str(self.server))
        losing = asyncio.Event()
        self.open |= {writer, far_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self.there(reader, far_writer, losing), self.back(far_reader, writer, losing))
        for one in (writer, far_writer):
            one.close()

    async def there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while octets := await reader.read(CHUNK):
            if self.lose and COMMIT in octets:
                self.lose = False
                self.lost += 1
                losing.set()
            writer.write(octets)
            await writer.drain()
        writer.close()

    async def back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, losing: asyncio.Event) -> None:
        while octets := await reader.read(CHUNK):
            if losing.is_set():
                break
            writer.write(octets)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def lossy_way(folder: Path, server: Path) -> AsyncIterator[Lossy]:
    """Open the way: the server listens in `server`, clients ask in `folder`."""
    name = ".s.PGSQL.5432"
    way = Lossy(folder, server / name)
    listener = await asyncio.start_unix_server(way.carry, str(folder / name))
    try:
        yield way
    finally:
        listener.close()
        for one in way.open:
            one.close()
