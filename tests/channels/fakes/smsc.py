"""A message centre of one's own (SMPP 3.4): it binds, takes parts and puts them together, reports, and is written to.

`python -m tests.channels.fakes.smsc --port 2775` runs it by hand, for a Kannel or a server of one's own.
"""

import argparse
import asyncio
import re
import ssl
from collections import deque
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Self

from tests.conformance.provider_suite import Act, Carried
from vestibule.core.errors import Malformed
from vestibule.wire.smpp.pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    HEADED,
    MESSAGE_STATE,
    OK,
    RECEIPT,
    RECEIPTED_ID,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Address,
    Pdu,
    ShortMessage,
    decode,
    encode,
    id_body,
    message_body,
    read_bind,
    read_message,
    size,
)
from vestibule.wire.smpp.texts import DEFAULT, UCS2, address_number, message_text, number_address
from vestibule.wire.sms_text import Alphabet, alphabet_of, encoded

SYSTEM_ID = "vestibule"
PASSWORD = "smpp2718"
STATUS = {
    Act.SAME: 0x58,
    Act.OTHER: 0x08,
    Act.DESTINATION: 0x0B,
    Act.POLICY: 0x66,
    Act.CONFIGURATION: 0x0A,
}
TRANSMITTER, RECEIVER = 0x02, 0x01
HELD = re.compile(r"0000(\d\d)(\d\d)(\d\d)(\d\d)000R")


@dataclass
class Link:
    """One bound client."""

    writer: asyncio.StreamWriter
    responses: "dict[int, asyncio.Future[Pdu]]"


class FakeSmsc:
    """Message ids are 8 hexadecimal digits; `receipts` makes it report each text as delivered by itself."""

    def __init__(self, *, receipts: bool = False) -> None:
        self.carried: list[Carried] = []
        self.submitted: list[ShortMessage] = []
        self.ids: list[tuple[ShortMessage, str]] = []
        self.binds = 0
        self.greetings = 0
        self.refuse_binds = 0
        self.mute = False
        self.tls: ssl.SSLContext | None = None
        self.bound = asyncio.Condition()
        self._more = asyncio.Event()
        self._receipts = receipts
        self._parts: dict[tuple[str, int], dict[int, str]] = {}
        self._acts: deque[Act] = deque()
        self._ids = count(0x1A2B3C01)
        self._sequence = count(1)
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def next(self, *acts: Act) -> None:
        self._acts = deque(acts)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self.tls)

    async def stop(self) -> None:
        """Go away, with all connections."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def until_bound(self, times: int = 1) -> None:
        """Wait until somebody has bound so many times."""
        async with self.bound:
            await self.bound.wait_for(lambda: self.binds >= times and bool(self._links))

    async def taken(self, number: int, patience: float = 20.0) -> Carried:
        """The text with this number, from 1, as soon as it is whole."""
        async with asyncio.timeout(patience):
            while len(self.carried) < number:
                self._more.clear()
                await self._more.wait()
        return self.carried[number - 1]

    async def report(
        self, carried: Carried, *, delivered: bool, as_text: bool = False, id: str = "", link: Link | None = None
    ) -> Pdu:
        """Send a receipt, by optional parameters or as text, and wait for the response."""
        state, word = (2, "DELIVRD") if delivered else (5, "UNDELIV")
        reference = id or carried.reference
        text = (
            f"id:{reference} sub:001 dlvrd:001 submit date:2611202100 done date:2611202101 "
            f"stat:{word} err:{'000' if delivered else '011'} text:4938"
        )
        options = () if as_text else ((RECEIPTED_ID, reference.encode() + b"\0"), (MESSAGE_STATE, bytes((state,))))
        octets = text.encode() if as_text else b""
        source, to = number_address(carried.to), Address(0, 1, carried.sender.lstrip("+"))
        return await self.tell(
            message_body(ShortMessage(source, to, octets, esm_class=RECEIPT, options=options)), link=link
        )

    async def write(self, sender: str, recipient: str, text: str) -> Pdu:
        """A reply from a telephone, in the alphabet that has its signs."""
        alphabet = alphabet_of(text)
        coding = DEFAULT if alphabet is Alphabet.GSM else UCS2
        octets = encoded(text, alphabet)
        return await self.deliver(ShortMessage(number_address(sender), number_address(recipient), octets, coding))

    async def deliver(self, message: ShortMessage) -> Pdu:
        """One deliver_sm on the newest connection, and its response."""
        return await self.tell(message_body(message))

    async def tell(self, body: bytes, command: int = DELIVER_SM, link: Link | None = None) -> Pdu:
        """Any request, on the newest connection where none is named, and its response."""
        link = link or self._links[-1]
        sequence = next(self._sequence)
        link.responses[sequence] = asyncio.get_running_loop().create_future()
        link.writer.write(encode(Pdu(command, OK, sequence, body)))
        return await link.responses[sequence]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = Link(writer, {})
        try:
            while True:
                head = await reader.readexactly(4)
                await self._take(link, decode(head + await reader.readexactly(size(head) - 4)))
        except (OSError, EOFError, Malformed, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if link in self._links:
                self._links.remove(link)
            for waiting in link.responses.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError())
                    waiting.exception()
            writer.close()

    async def _take(self, link: Link, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            waiting = link.responses.get(pdu.sequence)
            if waiting is not None and not waiting.done():
                waiting.set_result(pdu)
            return
        match pdu.command:
            case found if found in (BIND_TRANSCEIVER, TRANSMITTER, RECEIVER):
                await self._bind(link, pdu)
            case found if found == SUBMIT_SM:
                await self._submit(link, pdu)
            case found if found == ENQUIRE_LINK:
                self.greetings += 1
                if not self.mute:
                    self._answer(link, pdu, OK)
            case found if found == UNBIND:
                self._answer(link, pdu, OK)
                raise EOFError
            case _:
                self._answer(link, pdu, 0x03)

    async def _bind(self, link: Link, pdu: Pdu) -> None:
        bind = read_bind(pdu.body)
        right = bind.system_id == SYSTEM_ID and bind.password.reveal() == PASSWORD.encode()
        status = self.refuse_binds or (OK if right else 0x0E)
        self._answer(link, pdu, status, id_body("SMSC") if status == OK else b"")
        if status == OK:
            self.binds += 1
            self._links.append(link)
            async with self.bound:
                self.bound.notify_all()

    async def _submit(self, link: Link, pdu: Pdu) -> None:
        act = self._acts.popleft() if self._acts else Act.ACCEPT
        message = read_message(pdu.body)
        if act in STATUS:
            self._answer(link, pdu, STATUS[act])
            return
        id = f"{next(self._ids):08x}"
        self.submitted.append(message)
        self.ids.append((message, id))
        carried = self._put_together(message, id)
        match act:
            case Act.HANG | Act.BROKEN | Act.NONSENSE:  # the response never comes
                return
            case Act.DROP:
                raise EOFError
            case _:
                self._answer(link, pdu, OK, id_body(id))
        if self._receipts and message.registered & 1:
            part = carried or Carried(address_number(message.destination), "", address_number(message.source))
            receipt = asyncio.ensure_future(self.report(part, delivered=True, as_text=True, id=id, link=link))
            receipt.add_done_callback(lambda done: done.exception())

    def _put_together(self, message: ShortMessage, id: str) -> Carried | None:
        """The whole text when its last part has come."""
        text, to = message_text(message), address_number(message.destination)
        if message.esm_class & HEADED:
            _length, _kind, _size, mark, parts, number = message.octets[:6]
            here = self._parts.setdefault((to, mark), {})
            here[number] = text
            if len(here) < parts:
                return None
            text = "".join(here[place] for place in sorted(here))
        held = HELD.fullmatch(message.validity)
        days, hours, minutes, seconds = map(int, held.groups()) if held else (0, 0, 0, 0)
        whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        carried = Carried(to, text, address_number(message.source), float(whole) if held else None, "", id)
        self.carried.append(carried)
        self._more.set()
        return carried

    def _answer(self, link: Link, request: Pdu, status: int, body: bytes = b"") -> None:
        link.writer.write(encode(Pdu(request.command | RESPONSE, status, request.sequence, body)))


async def _run(port: int) -> None:
    smsc = FakeSmsc(receipts=True)
    await smsc.start(port)
    print(f"system_id {SYSTEM_ID}, password {PASSWORD}, port {smsc.port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A message centre that carries nothing.")
    parser.add_argument("--port", type=int, default=2775)
    asyncio.run(_run(parser.parse_args().port))
