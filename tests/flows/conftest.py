"""The desk for tests of administration, once on the reference store and once on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.desks import Office, Template, memory_office


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.make(tmp_path_factory.mktemp("new"))


@pytest.fixture(params=["memory", "sqlite"])
async def office(request: pytest.FixtureRequest, new_database: Template, tmp_path: Path) -> AsyncIterator[Office]:
    opened = memory_office() if request.param == "memory" else await new_database.office(tmp_path)
    yield opened
    await opened.store.close()
