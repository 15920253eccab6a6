"""A NAS as a process of its own: `python -m tests.races.radius_asker <host> <port>`.

It takes lines `name code` and answers each with `name code Accept` or `name code Reject`, many at once.
"""

import asyncio
import sys

from tests.journeys.nas import Nas, nas
from vestibule.wire.radius.packet import Code


async def serve(host: str, port: str) -> None:
    loop, asked = asyncio.get_running_loop(), set()
    async with nas((host, int(port))) as asker:
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            task = loop.create_task(ask(asker, *line.split()))
            asked.add(task)
            task.add_done_callback(asked.discard)


async def ask(asker: Nas, name: str, code: str) -> None:
    reply = await asker.ask(asker.request(name, code))
    print(name, code, "Accept" if reply.code == Code.ACCESS_ACCEPT else "Reject", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
