"""A server's files for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apps.installation import Installation, make_template


@pytest.fixture(scope="session")
def new_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server that was never used, to be copied."""
    return make_template(tmp_path_factory.mktemp("installation"))


@pytest.fixture
async def installation(new_installation: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    """A server of this test's own."""
    made = Installation.copied(new_installation, tmp_path / "server")
    yield made
    await made.close()
