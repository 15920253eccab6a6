"""What an Asterisk tells, as values, and the WebSocket on which it comes."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from httpx2.websockets import AsyncWebSocketSession, HTTPXWSException

from vestibule.channels.asterisk.requests import Ari
from vestibule.core.errors import Unavailable

CONNECT_SECONDS: Final = 5.0
PING_SECONDS: Final = 10.0
LONGEST_EVENT: Final = 65_536


@dataclass(frozen=True, slots=True)
class Told:
    """One event about one channel. `at` is Asterisk's own time of it, so that the same event has the same id twice."""

    kind: str
    channel: str
    at: str = ""
    digit: str = field(default="", repr=False)
    playback: str = ""
    cause: int = 0
    status: str = ""


def told(text: str) -> Told | None:
    """The event, if it is about a channel. What makes no sense is nobody's."""
    try:
        event = json.loads(text)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    playback = _object(event, "playback")
    channel = _object(event, "channel") or _object(event, "peer")
    id = str(channel.get("id") or str(playback.get("target_uri", "")).removeprefix("channel:"))
    cause = event.get("cause")
    arguments = event.get("args")
    status = event.get("dialstatus") or (arguments[0] if isinstance(arguments, list) and arguments else "")
    return Told(
        str(event.get("type", "")),
        id,
        str(event.get("timestamp", "")),
        str(event.get("digit", "")),
        str(playback.get("id", "")),
        cause if isinstance(cause, int) else 0,
        str(status),
    )


def _object(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


@asynccontextmanager
async def events(ari: Ari, trust: ssl.SSLContext) -> AsyncIterator[AsyncIterator[Told]]:
    """The events of our application, until the connection breaks. Raises Unavailable, for what goes on inside as well.

    The WebSocket lives in a task group, so everything that breaks it comes in an exception group.
    """
    why = ""
    try:
        async with _session(ari, trust) as session:
            yield _received(session)
    except* Unavailable as group:
        why = str(group.exceptions[0])
    except* (HTTPXWSException, httpx2.HTTPError, OSError) as group:
        why = f"the events of Asterisk are not heard: {type(group.exceptions[0]).__name__}"
    if why:
        raise Unavailable(why)


@asynccontextmanager
async def _session(ari: Ari, trust: ssl.SSLContext) -> AsyncIterator[AsyncWebSocketSession]:
    async with (
        httpx2.AsyncClient(verify=trust, trust_env=False, timeout=CONNECT_SECONDS) as client,
        client.websocket(
            ari.events,
            headers=[ari.authorization],
            max_message_size_bytes=LONGEST_EVENT,
            keepalive_ping_interval_seconds=PING_SECONDS,
            keepalive_ping_timeout_seconds=PING_SECONDS,
        ) as session,
    ):
        yield session


async def _received(session: AsyncWebSocketSession) -> AsyncIterator[Told]:
    while True:
        event = told(await session.receive_text())
        if event is not None:
            yield event
