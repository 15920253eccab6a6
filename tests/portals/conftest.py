"""A portal for each test; where the store matters, once on the reference store and once on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.desks import Template, memory_office
from tests.portals.lobby import Lobby, lobby_of


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("new"))


@pytest.fixture(params=["memory", "sqlite"])
async def lobby(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Lobby]:
    office = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    async with lobby_of(office) as opened:
        yield opened
    await office.store.close()
