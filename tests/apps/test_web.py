"""Where the API listens and how: plain on loopback only, over TLS elsewhere, with a certificate that may change."""

import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.apps.installation import Installation
from vestibule.apps.bench import Doors
from vestibule.apps.web import Web, allowed_hosts, open_web
from vestibule.frontends.http.listener import Certificate, Files
from vestibule.stores.certificate_file import make_certificate

NOW = 1_750_000_000.0


def ops() -> Starlette:
    async def healthz(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("alive")

    return Starlette(routes=[Route("/healthz", healthz)])


@asynccontextmanager
async def web(installation: Installation, more: Mapping[str, str]) -> AsyncIterator[Web]:
    pieces = await installation.open(more)
    opened = open_web(pieces, ops(), CollectorRegistry(), structlog.get_logger(), Doors())
    opened.start()
    try:
        yield opened
    finally:
        await opened.close()


async def fetched(url: str, path: str = "/api/v1/docs.css", *, verify: ssl.SSLContext | bool = True) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, verify=verify) as client:
        return await client.get(f"{url}{path}")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


async def test_on_loopback_it_is_plain(installation: Installation) -> None:
    listen = {"VESTIBULE_API_LISTEN": "127.0.0.1:0,[::1]:0", "VESTIBULE_HTTP_LISTEN": "127.0.0.2:0"}
    async with web(installation, listen) as opened:
        assert [url.partition(":")[0] for url in opened.api] == ["http", "http"]
        for url in opened.api:
            assert (await fetched(url)).status_code == 200
            assert (await fetched(url, "/healthz")).status_code == 404
            assert (await fetched(url, "/signin")).status_code == 200
        assert (await fetched(f"http://{opened.http}", "/healthz")).text == "alive"
    assert not (installation.data / "api-certificate.pem").exists()


async def test_where_others_reach_it_it_speaks_tls_with_a_certificate_of_its_own(installation: Installation) -> None:
    own = installation.data / "api-certificate.pem"
    more = {"VESTIBULE_API_LISTEN": "0.0.0.0:0", "VESTIBULE_SERVER_ADDRESS": "127.0.0.1"}
    async with web(installation, more) as opened:
        url = opened.api[0].replace("0.0.0.0", "127.0.0.1")
        assert url.startswith("https://")
        answer = await fetched(url, verify=trusting(own))
        assert answer.status_code == 200
        with pytest.raises(httpx2.TransportError):
            await fetched(url)
        with pytest.raises(httpx2.TransportError):
            await fetched(url.replace("https", "http"))
    assert (installation.data / "api-key.pem").stat().st_mode & 0o777 == 0o600
    first = own.read_bytes()
    async with web(installation, more):
        assert own.read_bytes() == first


async def test_one_socket_serves_both_where_they_have_one_address(installation: Installation) -> None:
    async with web(installation, {}) as opened:
        assert len(opened.listeners) == 1
        assert (await fetched(opened.api[0])).status_code == 200
        assert (await fetched(opened.api[0], "/healthz")).text == "alive"
        assert (await fetched(opened.api[0], "/api/v1/status")).status_code == 401


async def test_without_an_address_there_is_no_api(installation: Installation) -> None:
    async with web(installation, {"VESTIBULE_API_LISTEN": ""}) as opened:
        assert opened.api == ()
        assert (await fetched(f"http://{opened.http}")).status_code == 404


async def test_it_answers_for_its_own_names_only(installation: Installation) -> None:
    more = {
        "VESTIBULE_API_LISTEN": "0.0.0.0:0,[2001:db8::1]:0,192.0.2.1:0",
        "VESTIBULE_API_ALLOWED_HOSTS": "MFA.Example.org.,2001:DB8::2",
        "VESTIBULE_SERVER_ADDRESS": "192.0.2.9",
        "VESTIBULE_API_PUBLIC_URL": "https://signin.example.org:8443",
    }
    found = set(allowed_hosts(installation.configuration(more)))
    own = {"localhost", "127.0.0.1", "[::1]", "mfa1", "192.0.2.9", "[2001:db8::1]", "192.0.2.1"}
    assert found == own | {"mfa.example.org", "[2001:db8::2]", "signin.example.org"}


# -- the certificate ---------------------------------------------------------------------------------------------


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **_details: object) -> None:
        self.lines.append(event)

    error = info


def pair(folder: Path, name: str) -> Files:
    folder.mkdir()
    files = Files(folder / "certificate.pem", folder / "key.pem")
    make_certificate(files.certificate, files.key, [name, "127.0.0.1"], NOW)
    return files


def test_a_certificate_that_is_replaced_is_taken_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    here, other, log = pair(tmp_path / "here", "one"), pair(tmp_path / "other", "two"), Log()
    certificate = Certificate(here, log)
    assert not certificate.look()
    shutil.copy(other.certificate, here.certificate)  # its key is not there yet
    assert not certificate.look()
    assert not certificate.look()
    assert log.lines == ["certificate not taken"]
    shutil.copy(other.key, here.key)
    assert certificate.look()
    here.key.unlink()
    assert not certificate.look()
    assert log.lines == ["certificate not taken", "certificate taken", "certificate not taken"]


async def test_the_next_connection_gets_the_new_certificate(installation: Installation, tmp_path: Path) -> None:
    here, other = pair(tmp_path / "here", "one"), pair(tmp_path / "other", "two")
    files = f"{here.certificate},{here.key}"
    async with web(installation, {"VESTIBULE_API_CERTIFICATE_FILES": files}) as opened:
        url, (listener,) = opened.api[0], opened.listeners
        assert url.startswith("https://")
        assert (await fetched(url, verify=trusting(here.certificate))).status_code == 200
        shutil.copy(other.certificate, here.certificate)
        shutil.copy(other.key, here.key)
        assert listener._certificate.look()  # type: ignore[union-attr]  # the one that the configuration names
        assert (await fetched(url, verify=trusting(other.certificate))).status_code == 200


def test_a_certificate_that_does_not_fit_its_key_stops_the_start(tmp_path: Path) -> None:
    here, other = pair(tmp_path / "here", "one"), pair(tmp_path / "other", "two")
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        Certificate(Files(here.certificate, other.key), Log())


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    context = Certificate(pair(tmp_path / "here", "one"), Log()).context
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
