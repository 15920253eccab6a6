"""A terminal on an installation of the test's own."""

from pathlib import Path

import pytest

from tests.apps.cli.terminal import Terminal
from tests.apps.installation import Installation


@pytest.fixture
def installation(new_installation: Path, tmp_path: Path) -> Installation:
    """The files alone: only processes open them."""
    return Installation.copied(new_installation, tmp_path / "server")


@pytest.fixture
def terminal(installation: Installation) -> Terminal:
    return Terminal(installation.environment())
