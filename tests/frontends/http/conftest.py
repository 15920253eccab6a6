"""A door for each test; where the store matters, once on the reference store and once on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.desks import Template, memory_office
from tests.frontends.http.door import Door, door_of


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("new"))


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    office = memory_office()
    async with door_of(office) as opened:
        yield opened
    await office.store.close()


@pytest.fixture(params=["memory", "sqlite"])
async def any_door(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Door]:
    office = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    async with door_of(office) as opened:
        yield opened
    await office.store.close()
