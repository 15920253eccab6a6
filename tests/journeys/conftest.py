"""Worlds for the journeys: one on SQLite, and one that comes on both stores in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.journeys.world import World, in_process, make_database, memory_store, sqlite_store
from tests.waist.methods import Tap


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, to be copied."""
    return make_database(tmp_path_factory.mktemp("template") / "vestibule.db")


@pytest.fixture
async def world(template: Path, tmp_path: Path) -> AsyncIterator[World]:
    """A server on SQLite that refuses without delay."""
    async with in_process(await sqlite_store(template, tmp_path)) as opened:
        yield opened


@pytest.fixture(params=["memory", "sqlite"])
async def any_world(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> AsyncIterator[World]:
    """The same on each store; a tap is awaited for as long as its client waits."""
    store = memory_store() if request.param == "memory" else await sqlite_store(template, tmp_path)
    async with in_process(store, tap=Tap(seconds=600.0)) as opened:
        yield opened
