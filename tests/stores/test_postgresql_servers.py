"""Several servers in one URL: each is asked, all at once, and the first that takes writes is used."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from tests.stores.postgresql import Server
from vestibule.stores.sql.postgresql.connecting import Address, Bounds
from vestibule.stores.sql.postgresql.servers import of_each

WRITABLE = "target_session_attrs=read-write"
BOUNDS = Bounds(connect_seconds=5.0)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://v@db1/v?sslmode=verify-full", ["postgresql://v@db1/v?sslmode=verify-full"]),
        ("postgresql:///v?host=/run/postgresql", ["postgresql:///v?host=/run/postgresql"]),
        ("postgresql://v@db1,db2/v", [f"postgresql://v@db1/v?{WRITABLE}", f"postgresql://v@db2/v?{WRITABLE}"]),
        (
            "postgresql://v:p,w@db1:5433,[2001:db8::1]:5434/v?target_session_attrs=primary",
            [
                "postgresql://v:p,w@db1:5433/v?target_session_attrs=primary",
                "postgresql://v:p,w@[2001:db8::1]:5434/v?target_session_attrs=primary",
            ],
        ),
        (
            "postgresql://v@/v?host=/run/one,/run/two&port=5433,5434&passfile=/etc/pgpass",
            [
                f"postgresql://v@%2Frun%2Fone:5433/v?passfile=/etc/pgpass&{WRITABLE}",
                f"postgresql://v@%2Frun%2Ftwo:5434/v?passfile=/etc/pgpass&{WRITABLE}",
            ],
        ),
        (
            "postgresql://v@db1,db2:7/v?port=5433",
            [f"postgresql://v@db1:5433/v?{WRITABLE}", f"postgresql://v@db2:7/v?{WRITABLE}"],
        ),
        ("postgresql://v@db1,db2,db3/v?port=1,2", ["postgresql://v@db1,db2,db3/v?port=1,2"]),
    ],
)
def test_each_server_has_a_url_of_its_own(url: str, wanted: list[str]) -> None:
    assert of_each(url) == wanted


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """A primary and its standby."""
    primary = Server.made()
    standby = primary.standby()
    yield primary, standby
    primary.remove()
    standby.remove()


async def connected(*servers: Server, options: str = "") -> asyncpg.Connection:
    folders = ",".join(str(server.folder) for server in servers)
    url = f"postgresql://vestibule@/postgres?host={folders}{options}"
    return await Address(lambda: url, "test", BOUNDS).connect()


async def takes_writes(*servers: Server) -> bool:
    connection = await connected(*servers)
    try:
        return not await connection.fetchval("SELECT pg_is_in_recovery()")
    finally:
        await connection.close()


@pytest.mark.requirement(53)
async def test_the_one_that_takes_writes_is_found_in_any_order(servers: tuple[Server, Server]) -> None:
    primary, standby = servers
    assert await takes_writes(primary, standby)
    assert await takes_writes(standby, primary)


@pytest.mark.requirement(53)
async def test_a_first_one_that_holds_still_is_not_waited_for(servers: tuple[Server, Server]) -> None:
    primary, standby = servers
    with standby.frozen():
        async with asyncio.timeout(BOUNDS.connect_seconds / 2):
            assert await takes_writes(standby, primary)


async def test_where_none_takes_writes_that_is_said(servers: tuple[Server, Server]) -> None:
    _, standby = servers
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await connected(standby, standby)


async def test_connections_that_are_not_needed_are_closed(servers: tuple[Server, Server]) -> None:
    primary, _ = servers
    for _ in range(5):
        await (await connected(primary, primary)).close()
    counting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test'"
    async with asyncio.timeout(BOUNDS.connect_seconds):
        while await primary.asked(counting):
            pass
