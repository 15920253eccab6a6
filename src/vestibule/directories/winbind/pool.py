"""Some running ntlm_auths, started when they are needed: so many questions at once, and the rest wait or are told no.

A program that died, or was left while it thought, is replaced. A question that was put is never put again: it may have
counted in the domain.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from vestibule.core.directories import ResponseVerdict, Verdict
from vestibule.core.errors import Unavailable
from vestibule.core.reasons import Reason
from vestibule.core.secret import Secret
from vestibule.directories.winbind.program import Program, Said
from vestibule.directories.winbind.statuses import status_of, trouble_of

AT_ONCE: Final = 4
PATIENCE: Final = 5.0


class NtlmAuth:
    """Asks the domain; `deadline` is in seconds of the event loop's clock."""

    def __init__(self, command: Sequence[str], *, at_once: int = AT_ONCE, patience: float = PATIENCE) -> None:
        """Take the program, and how many of it may run; nothing is started yet. `patience` is for one answer."""
        self._command = tuple(command)
        self._patience = patience
        self._turns = asyncio.Semaphore(at_once)
        self._idle: deque[Program] = deque()
        self._ending: set[asyncio.Task[None]] = set()

    async def check(
        self, user: str, domain: str, challenge: bytes, response: bytes, deadline: float
    ) -> ResponseVerdict:
        """What the domain says of a response (MS-CHAP version 2) of this person. Raises Unavailable."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable("winbind: too many responses are being checked") from None
        try:
            return _verdict(await self._asked(user, domain, challenge, response, deadline))
        finally:
            self._turns.release()

    async def close(self) -> None:
        """End all programs that wait; those that think are ended by who asked them."""
        while self._idle:
            self._end_soon(self._idle.popleft())
        await asyncio.gather(*self._ending)

    async def _asked(self, user: str, domain: str, challenge: bytes, response: bytes, deadline: float) -> Said:
        loop = asyncio.get_running_loop()
        program = await self._program()
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + self._patience)):
                return await program.ask(user, domain, challenge, response)
        except TimeoutError:
            raise Unavailable("winbind: no answer in time; see: wbinfo --ping-dc") from None
        finally:
            if program.usable:
                self._idle.append(program)
            else:
                self._end_soon(program)

    async def _program(self) -> Program:
        while self._idle:
            program = self._idle.pop()
            if program.usable:
                return program
            self._end_soon(program)
        return await Program.start(self._command)

    def _end_soon(self, program: Program) -> None:
        task = asyncio.get_running_loop().create_task(program.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def _verdict(said: Said) -> ResponseVerdict:
    """Raises Unavailable for what says nothing about the person."""
    if said.right:
        return ResponseVerdict(Verdict(right=True), Secret(said.key))
    status = status_of(said.error)
    if status is None:
        raise Unavailable(trouble_of(said.error))
    reason = Reason.WRONG_PASSWORD if status.reason is Reason.UNKNOWN_USER else status.reason
    return ResponseVerdict(Verdict(right=False, refusal=reason, detail=status.told))
