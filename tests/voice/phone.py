"""A telephone for tests: a SIP user agent (RFC 3261) on a loopback socket that answers, hears and presses keys.

It carries G.711 µ-law (RFC 3551) and presses keys as RFC 4733 events, by SIP INFO, or as tones in the voice. What it
does is said by the number that is called. It is a callee only, and no more of SIP than that needs.
"""

import asyncio
import math
import re
import struct
from array import array
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

FRAME = 160  # samples in 20 ms
KEYS = "0123456789*#ABCD"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
TONES = {key: (row, column) for row, keys in zip(ROWS, ("123", "456", "789", "*0#"), strict=True)
         for column, key in zip(COLUMNS, keys, strict=True)}  # fmt: skip
QUIET = b"\xff" * FRAME
AUDIBLE = 600


def to_linear(octet: int) -> int:
    """G.711 µ-law to 16 bit (ITU-T G.711, table 2a)."""
    octet = ~octet & 0xFF
    value = (((octet & 0x0F) << 3) + 0x84) << ((octet & 0x70) >> 4)
    return 0x84 - value if octet & 0x80 else value - 0x84


def to_ulaw(sample: int) -> int:
    """16 bit to G.711 µ-law."""
    size = min(abs(sample), 32_635) + 0x84
    exponent = max(0, size.bit_length() - 8)
    return ~((0x80 if sample < 0 else 0) | (exponent << 4) | ((size >> (exponent + 3)) & 0x0F)) & 0xFF


LINEAR = [to_linear(octet) for octet in range(256)]


@dataclass(frozen=True)
class Plan:
    """What happens when this number is called. `status` refuses; `keys` (`,` a second) are pressed by `by`.

    They are pressed when the voice has been silent for a moment, or `at` seconds after the answer.
    """

    answers: bool = True
    status: int = 0
    deaf: bool = False
    rings: float = 0.1
    keys: str = ""
    by: str = "rfc4733"
    at: float | None = None
    gap: float = 0.7
    hangs_up: float | None = None


@dataclass
class Call:
    """One call that came in: its headers, what was heard, how it ended."""

    number: str
    headers: Mapping[str, list[str]]
    address: tuple[str, int]
    media: tuple[str, int]
    event_type: int | None
    heard: bytearray = field(default_factory=bytearray)
    gap: float = 0.7
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    voice: asyncio.TimerHandle | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    ended: str = ""
    pressed: str = ""  # keys that came in as events
    last_event: int = -1
    sequence: int = 1
    tone: str = ""
    holds: bool = False
    timestamp: int = 1000
    rtp_sequence: int = 1
    stream: "asyncio.DatagramTransport | None" = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.headers["call-id"][0]

    @property
    def tag(self) -> str:
        return f"tag{abs(hash(self.id)):x}"

    @property
    def samples(self) -> "array[int]":
        return array("h", (LINEAR[octet] for octet in self.heard))

    async def passes(self, seconds: float) -> None:
        """Let time pass, as long as the call lasts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()

    def hears(self) -> None:
        """A voice; it is silent again when nothing more is heard for a while."""
        self.silent.clear()
        if self.voice:
            self.voice.cancel()
        self.voice = asyncio.get_running_loop().call_later(self.gap, self.silent.set)

    def send(self, payload_type: int, payload: bytes, *, marker: bool = False, at: int | None = None) -> None:
        if self.stream:
            stamp = (self.timestamp if at is None else at) & 0xFFFFFFFF
            head = struct.pack("!BBHII", 0x80, payload_type | marker << 7, self.rtp_sequence & 0xFFFF, stamp, 7)
            self.stream.sendto(head + payload, self.media)
            self.rtp_sequence += 1


class Ear(asyncio.DatagramProtocol):
    def __init__(self, call: Call) -> None:
        self.call = call

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) >= 16 and data[1] & 0x7F == self.call.event_type:
            stamp = int.from_bytes(data[4:8], "big")
            self.call.pressed += KEYS[data[12] % len(KEYS)] if stamp != self.call.last_event else ""
            self.call.last_event = stamp
        if len(data) > 12 and data[1] & 0x7F == 0:
            self.call.heard += data[12:]
            if max(abs(LINEAR[octet]) for octet in data[12:]) > AUDIBLE:
                self.call.hears()


class Phone(asyncio.DatagramProtocol):
    """All telephones behind one socket; `plans` by number."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self.plans = plans
        self.calls: dict[str, Call] = {}
        self.invited: list[str] = []

    @classmethod
    async def listen(cls, plans: Mapping[str, Plan], port: int) -> "Phone":
        loop = asyncio.get_running_loop()
        _, phone = await loop.create_datagram_endpoint(lambda: cls(plans), ("127.0.0.1", port))
        return phone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    async def close(self) -> None:
        for call in self.calls.values():
            self._end(call, "closed")
        self.transport.close()

    def call_to(self, number: str) -> Call:
        """The newest call to a number."""
        return [call for call in self.calls.values() if call.number == number][-1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12:
            return
        start, headers, body = _read(data)
        if start.startswith("SIP/2.0"):
            return
        method, uri = start.split()[:2]
        call = self.calls.get(headers["call-id"][0])
        if method == "INVITE" and call is None:
            self._invited(uri, headers, body, addr)
        elif method == "CANCEL":
            self._answer(headers, addr, "200 OK", call)
            if call:
                self._answer(call.headers, call.address, "487 Request Terminated", call)
                self._end(call, "cancelled")
        elif method in {"BYE", "INFO", "OPTIONS"}:
            self._answer(headers, addr, "200 OK", call)
            if call and method == "BYE":
                self._end(call, "hung up on")

    def _invited(self, uri: str, headers: dict[str, list[str]], body: str, addr: tuple[str, int]) -> None:
        number = uri.partition(":")[2].partition("@")[0]
        plan = self.plans.get(number, Plan())
        self.invited.append(number)
        if plan.deaf:
            return
        host = re.findall(r"c=IN IP4 (\S+)", body)[0]
        port = int(re.findall(r"m=audio (\d+)", body)[0])
        events = re.findall(r"a=rtpmap:(\d+) telephone-event/8000", body)
        call = Call(number, headers, addr, (host, port), int(events[0]) if events else None, gap=plan.gap)
        self.calls[call.id] = call
        self._spawn(call, self._live(call, plan))

    def _spawn(self, call: Call, what: Coroutine[object, object, None]) -> None:
        call.tasks.append(asyncio.create_task(what))

    def _end(self, call: Call, how: str) -> None:
        call.ended = call.ended or how
        call.over.set()
        for task in call.tasks:
            if task is not asyncio.current_task():
                task.cancel()
        if call.stream:
            call.stream.close()

    async def _live(self, call: Call, plan: Plan) -> None:
        self._answer(call.headers, call.address, "100 Trying")
        if plan.status:
            self._answer(call.headers, call.address, f"{plan.status} No", call)
            self._end(call, "refused")
            return
        self._answer(call.headers, call.address, "180 Ringing", call)
        if not plan.answers:
            return
        await call.passes(plan.rings)
        await self._pick_up(call, plan)
        answered = asyncio.get_running_loop().time()
        if plan.keys:
            await self._when(call, plan, answered)
            await self._press(call, plan)
        if plan.hangs_up is not None:
            await call.passes(answered + plan.hangs_up - asyncio.get_running_loop().time())
            self._request(call, "BYE")
            self._end(call, "hung up")

    async def _pick_up(self, call: Call, plan: Plan) -> None:
        loop = asyncio.get_running_loop()
        call.stream, _ = await loop.create_datagram_endpoint(lambda: Ear(call), ("127.0.0.1", 0))
        port = call.stream.get_extra_info("sockname")[1]
        event = call.event_type if plan.by == "rfc4733" else None
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
        lines += [f"m=audio {port} RTP/AVP 0{f' {event}' if event else ''}", "a=rtpmap:0 PCMU/8000"]
        lines += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-16"] if event else []
        self._answer(call.headers, call.address, "200 OK", call, "\r\n".join([*lines, "a=ptime:20", "a=sendrecv", ""]))
        self._spawn(call, self._speak(call))

    async def _speak(self, call: Call) -> None:
        loop, count = asyncio.get_running_loop(), 0
        begun = loop.time()
        while not call.ended:
            if not call.holds:
                call.send(0, _tone(call.tone, call.timestamp) if call.tone else QUIET)
            call.timestamp += FRAME
            count += 1
            await call.passes(begun + count * 0.02 - loop.time())

    async def _when(self, call: Call, plan: Plan, answered: float) -> None:
        if plan.at is not None:
            await call.passes(answered + plan.at - asyncio.get_running_loop().time())
        else:
            await call.silent.wait()

    async def _press(self, call: Call, plan: Plan) -> None:
        for key in plan.keys:
            if key == ",":
                await call.passes(1)
            elif key == ".":  # once more when the voice has been silent
                call.silent.clear()
                await call.silent.wait()
            elif plan.by == "info":
                self._request(call, "INFO", f"Signal={key}\r\nDuration=160\r\n", "application/dtmf-relay")
                await call.passes(0.3)
            elif plan.by == "inband":
                call.tone = key
                await call.passes(0.14)
                call.tone = ""
                await call.passes(0.14)
            else:
                await self._event(call, key)

    async def _event(self, call: Call, key: str) -> None:
        """RFC 4733 section 2.5: growing durations at one timestamp, the end three times."""
        call.holds, at = True, call.timestamp
        for step in range(1, 6):
            body = struct.pack("!BBH", KEYS.index(key), 10, FRAME * step)
            call.send(call.event_type or 101, body, marker=step == 1, at=at)
            await call.passes(0.02)
        for _ in range(3):
            call.send(call.event_type or 101, struct.pack("!BBH", KEYS.index(key), 0x80 | 10, FRAME * 5), at=at)
        call.holds = False
        await call.passes(0.12)

    def _answer(
        self,
        headers: Mapping[str, list[str]],
        addr: tuple[str, int],
        status: str,
        call: Call | None = None,
        body: str = "",
    ) -> None:
        to = headers["to"][0]
        to += f";tag={call.tag}" if call and ";tag=" not in to else ""
        lines = [f"SIP/2.0 {status}", *(f"Via: {via}" for via in headers["via"])]
        lines += [f"Record-Route: {route}" for route in headers.get("record-route", [])]
        lines += [f"From: {headers['from'][0]}", f"To: {to}", f"Call-ID: {headers['call-id'][0]}"]
        lines += [f"CSeq: {headers['cseq'][0]}", f"Contact: <sip:phone@127.0.0.1:{self.port}>"]
        lines += ["Content-Type: application/sdp"] if body else []
        self.transport.sendto(
            ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + f"\r\n\r\n{body}").encode(), addr
        )

    def _request(self, call: Call, method: str, body: str = "", kind: str = "") -> None:
        contact = re.findall(r"<([^>]+)>", call.headers["contact"][0])[0]
        lines = [f"{method} {contact} SIP/2.0"]
        lines += [f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{call.tag}{call.sequence}", "Max-Forwards: 70"]
        lines += [
            f"From: {call.headers['to'][0].partition(';tag=')[0]};tag={call.tag}",
            f"To: {call.headers['from'][0]}",
        ]
        lines += [f"Call-ID: {call.id}", f"CSeq: {call.sequence} {method}"]
        lines += [f"Content-Type: {kind}"] if kind else []
        call.sequence += 1
        text = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + f"\r\n\r\n{body}"
        self.transport.sendto(text.encode(), call.address)


def _read(data: bytes) -> tuple[str, dict[str, list[str]], str]:
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return start, headers, body


def _tone(key: str, start: int) -> bytes:
    low, high = TONES[key]
    angles = [2 * math.pi * (start + step) / 8000 for step in range(FRAME)]
    return bytes(to_ulaw(int(6000 * (math.sin(low * angle) + math.sin(high * angle)))) for angle in angles)
