"""One node as a process of its own: `python -m tests.races.node <database URL> <socket> <name>`.

It takes lines `name code time` on a unix socket and answers each with the kind of the decision.
"""

import asyncio
import secrets
import sys

from tests.conformance.store.sign_ins import Desk
from tests.stores.postgresql import MASTER, open_node
from vestibule.stores.sql import SqlStore, read_keys
from vestibule.stores.vault import Vault


async def serve(url: str, path: str, name: str) -> None:
    vault = Vault.open(MASTER, await asyncio.to_thread(read_keys, url), secrets.token_bytes)
    store = await open_node(url, vault, name)
    server = await asyncio.start_unix_server(lambda reader, writer: answer(store, reader, writer), path)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    await store.close()


async def answer(store: SqlStore, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    desk = Desk(store)
    while line := await reader.readline():
        name, typed, at = line.decode().split()
        turn = await desk.began(name, typed, float(at))
        writer.write(f"{type(turn.decision).__name__}\n".encode())
        await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
