"""HTTP to providers: what was surely not carried, and what may have been."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.channels.fakes.http_server import Asked, FakeHttp, Said
from tests.conformance.provider_suite import Act, free_port, soon
from tests.journeys.certificates import Authority
from vestibule.channels.exchange import HttpExchange
from vestibule.wire.exchange import Answer, Lost, NotCarried, Request


class Page(FakeHttp):
    def accept(self, asked: Asked) -> Said:
        return Said(200, b"yes", {"X-Kept": "1", "Set-Cookie": "a=b"})

    def refuse(self, asked: Asked, act: Act) -> Said:
        return Said(500)


def request(url: str, body: bytes = b"x") -> Request:
    return Request("POST", url, (("content-type", "text/plain"),), body)


async def test_an_answer_has_its_headers_in_lower_case_and_leaves_no_cookie() -> None:
    exchange = HttpExchange()
    async with Page() as page:
        found, again = [await exchange(request(f"http://127.0.0.1:{page.port}/a?b=%2B"), soon()) for _ in range(2)]
        await exchange.close()
    assert isinstance(found, Answer)
    assert isinstance(again, Answer)
    assert (found.status, found.body, found.headers["x-kept"]) == (200, b"yes", "1")
    assert [asked.target for asked in page.asked] == ["/a?b=%2B"] * 2
    assert not any("cookie" in asked.headers for asked in page.asked)


async def test_a_connection_that_ended_while_it_was_idle_is_opened_anew() -> None:
    exchange = HttpExchange()
    page = Page()
    async with page:
        port = page.port
        assert isinstance(await exchange(request(f"http://127.0.0.1:{port}/"), soon()), Answer)
    server = await asyncio.start_server(page._serve, "127.0.0.1", port)
    found = await exchange(request(f"http://127.0.0.1:{port}/"), soon())
    await exchange.close()
    server.close()
    assert isinstance(found, Answer)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "https://", "http://[", "http://nothing.invalid/", "///"]
)
async def test_what_can_not_be_reached_was_not_carried(url: str) -> None:
    exchange = HttpExchange()
    found = await exchange(request(url), soon(2))
    await exchange.close()
    assert isinstance(found, NotCarried)


@pytest.mark.requirement(53)
async def test_no_more_connections_than_the_pool_has_are_opened_and_the_rest_is_not_carried() -> None:
    exchange = HttpExchange()
    async with Page() as page:
        page.next(*[Act.HANG] * 60)
        asks = [exchange(request(f"http://127.0.0.1:{page.port}/"), soon(1.0)) for _ in range(60)]
        found = await asyncio.gather(*asks)
        await exchange.close()
        assert len(page.asked) == 50
    assert sum(isinstance(one, Lost) for one in found) == 50
    assert sum(isinstance(one, NotCarried) for one in found) == 10


async def test_a_strange_certificate_is_told_nothing(tmp_path: Path) -> None:
    authority = Authority.made(tmp_path / "ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("sms", address="127.0.0.1"))
    page = Page()
    server = await asyncio.start_server(page._serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    stranger, knowing = HttpExchange(), HttpExchange(str(authority.file))
    assert isinstance(await stranger(request(url), soon()), NotCarried)
    assert not page.asked
    assert isinstance(await knowing(request(url), soon()), Answer)
    for one in (stranger, knowing):
        await one.close()
    server.close()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    exchange = HttpExchange()
    async with Page() as page:
        assert isinstance(await exchange(request(f"http://127.0.0.1:{page.port}/"), soon()), Answer)
        await exchange.close()


class Torrent:
    """Answers without an end: by drops, or as fast as it is taken."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.over = asyncio.Event()
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = asyncio.ensure_future(self.over.wait())
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
            while not over.done():
                writer.write(b"x" * (1 if self.pause else 65_536))
                await writer.drain()
                await asyncio.wait({over}, timeout=self.pause)
        except OSError:
            pass
        finally:
            over.cancel()
            writer.transport.abort()
            self.ended.set()


@pytest.mark.requirement(53)
@pytest.mark.parametrize(("pause", "outcome"), [(0.05, Lost), (0.0, Answer)])
async def test_an_answer_without_an_end_takes_neither_time_nor_room(pause: float, outcome: type) -> None:
    torrent, exchange = Torrent(pause), HttpExchange()
    server = await asyncio.start_server(torrent.serve, "127.0.0.1", 0)
    began = soon(0)
    found = await exchange(request(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"), soon(0.5))
    took = soon(0) - began
    torrent.over.set()
    await torrent.ended.wait()
    await exchange.close()
    server.close()
    assert isinstance(found, outcome)
    assert took < 1.0
    assert not isinstance(found, Answer) or len(found.body) == 65_536
