"""An Asterisk of one's own, as far as its REST interface goes: calls that do as they are told, events on a WebSocket.

What it says and does was taken from a real one (`test_real_asterisk.py` asks the same of that).
"""

import asyncio
import base64
import hashlib
import json
import struct
from contextlib import suppress
from itertools import count
from urllib.parse import unquote

from tests.channels.fakes.http_server import Asked, FakeHttp, Said
from tests.conformance.provider_suite import Act, Carried

USER, PASSWORD = "vestibule", "ari-canary-pass-word"
GREETING = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
STATUS = {Act.OTHER: 500, Act.CONFIGURATION: 400}


class FakeAri(FakeHttp):
    """One server; calls are told of by `tells`."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, bool] = {}  # channel → whether it has entered the application
        self.played: list[str] = []
        self.stopped: list[str] = []
        self.keyed: list[tuple[str, str]] = []
        self.hung_up: list[str] = []
        self.done = asyncio.Condition()
        self.listeners: list[asyncio.StreamWriter] = []
        self.stamps = count()

    def counts(self, asked: Asked) -> bool:
        return asked.method == "POST" and asked.path.count("/") == 3

    def accept(self, asked: Asked) -> Said:
        right = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if asked.headers.get("authorization") != right:
            return Said.json(401, {"message": "Authentication required"})
        _, _, kind, *rest = (unquote(part) for part in asked.path.split("/"))
        match asked.method, kind, rest:
            case "GET", "applications", [name]:
                ours = [id for id, entered in self.there.items() if entered]
                return Said.json(200, {"name": name, "channel_ids": ours})
            case "POST", "applications", [_name, "subscription"]:
                return Said.json(200, {})
            case "POST", "channels", [id]:
                return self.originated(id, asked)
            case _, "channels", [id, *action]:
                return (
                    self.channel(asked, id, *action) if id in self.there else Said.json(404, {"message": "no channel"})
                )
            case "DELETE", "playbacks", [id]:
                self.stopped.append(id)
                return Said(204)
            case _:
                return Said.json(404, {"message": "Resource not found"})

    def originated(self, id: str, asked: Asked) -> Said:
        if id in self.there:
            return Said.json(409, {"message": "Channel with given unique ID already exists"})
        number = asked.query["endpoint"].removeprefix("PJSIP/").removesuffix("@trunk")
        self.there[id] = False
        self.carried.append(Carried(f"+{number}", "", asked.query.get("callerId", ""), None, id, id))
        return Said.json(200, {"id": id, "state": "Down"})

    def channel(self, asked: Asked, id: str, action: str = "", playback: str = "") -> Said:
        match asked.method, action:
            case "POST", "play":
                self.played.append(asked.query["media"])
                self._soon("PlaybackStarted", id, playback)
            case "POST", "dtmf":
                self.keyed.append((asked.query["dtmf"], asked.query["before"]))
            case "DELETE", "":
                self.hung_up.append(id)
                del self.there[id]
                self._soon("ChannelDestroyed", id, cause=16)
            case _:
                pass
        return Said.json(200, {"id": id})

    def refuse(self, asked: Asked, act: Act) -> Said:
        if act is Act.SAME:
            return Said.json(429, {"message": "slow down"}, **{"Retry-After": "7"})
        return Said.json(STATUS.get(act, 400), {"message": "Allocation failed"})

    # -- events ---------------------------------------------------------------------------------------------------

    def _soon(self, kind: str, channel: str, playback: str = "", **more: object) -> None:
        task = asyncio.create_task(self.tells(kind, channel=channel, playback=playback, **more))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tells(self, kind: str, *, channel: str = "", playback: str = "", **more: object) -> None:
        """Send one event to all that listen."""
        if kind == "StasisStart":
            self.there[channel] = True
            more = {"args": []} | more
        if kind == "ChannelDestroyed":
            self.there.pop(channel, None)
        about: dict[str, object] = (
            {"playback": {"id": playback, "target_uri": f"channel:{channel}"}} if playback else {}
        )
        about |= {"peer" if kind == "Dial" else "channel": {"id": channel}} if channel and not playback else {}
        stamp = f"2026-11-20T21:00:00.{next(self.stamps):03}+0000"
        text = json.dumps({"type": kind, "timestamp": stamp, **about, **more}).encode()
        for writer in self.listeners:
            with suppress(ConnectionError):  # who has gone hears nothing
                writer.write(_frame(text))
                await writer.drain()
        async with self.done:
            self.done.notify_all()

    async def said(self, number: int) -> None:
        """Until so many messages have been begun; the newest is then said to its end."""
        async with asyncio.timeout(5), self.done:
            await self.done.wait_for(lambda: len(self.played) >= number)

    def breaks(self) -> None:
        """The connections of listeners end."""
        for writer in self.listeners:
            writer.close()
        self.listeners.clear()

    async def takes_over(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if asked.headers.get("upgrade", "").lower() != "websocket":
            return False
        key = asked.headers["sec-websocket-key"]
        accept = base64.b64encode(hashlib.sha1((key + GREETING).encode()).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        writer.write("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        await writer.drain()
        self.listeners.append(writer)
        while await reader.read(4096):
            pass
        return True


def _frame(text: bytes) -> bytes:
    size = len(text)
    return (struct.pack("!BB", 0x81, size) if size < 126 else struct.pack("!BBH", 0x81, 126, size)) + text
