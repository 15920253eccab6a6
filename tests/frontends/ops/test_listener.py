"""Metrics and health on a socket of their own."""

import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from vestibule.frontends.ops.application import application
from vestibule.frontends.ops.listener import HttpListener


async def ready() -> str:
    return ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_is_written_is_sent_at_once(host: str) -> None:
    listener = HttpListener(application(CollectorRegistry(), ready), host, 0)
    assert listener._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    listener.start()
    try:
        reading, writing = await asyncio.open_connection(*listener.address)
        for _ in range(2):
            writing.write(b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await reading.readuntil(b"ready\n")).startswith(b"HTTP/1.1 200")
        writing.close()
        await writing.wait_closed()
    finally:
        await listener.close()
