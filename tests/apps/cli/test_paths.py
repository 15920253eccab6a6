"""The quick way to the control socket leads where the whole configuration leads."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from vestibule.apps.cli import paths
from vestibule.apps.configuration import DEFAULT_FILE, load
from vestibule.apps.configuration.model import DATA_DIRECTORY
from vestibule.apps.configuration.variables import CONFIGURATION_FILE

FILES = [
    "",
    'data_directory = "/srv/v"\n',
    '[server]\ncontrol_socket = "/run/v.sock"\n',
    'data_directory = "/srv/v"\n[server]\ncontrol_socket = "/run/v.sock"\nname = "x"\n',
    'server.control_socket = "/run/v.sock"\n',
]
ENVIRONMENTS: list[Mapping[str, str]] = [
    {},
    {"VESTIBULE_DATA_DIRECTORY": "/other"},
    {"VESTIBULE_SERVER_CONTROL_SOCKET": "/other/s"},
    {"VESTIBULE_SERVER_CONTROL_SOCKET": "/other/s", "VESTIBULE_DATA_DIRECTORY": "/other"},
]


@pytest.mark.parametrize("content", FILES)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_both_ways_lead_to_the_same_socket(content: str, environment: Mapping[str, str], tmp_path: Path) -> None:
    file = tmp_path / "vestibule.toml"
    file.write_text(content)
    quick = paths.control_socket({**environment, "VESTIBULE_CONFIG": str(file)})
    assert quick == load(file, environment).server.control_socket


def test_a_file_names_the_value(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("/run/x.sock\n")
    environment = {"VESTIBULE_SERVER_CONTROL_SOCKET_FILE": str(tmp_path / "value")}
    quick = paths.control_socket(environment, usual=tmp_path / "none")
    assert quick == load(None, environment).server.control_socket == Path("/run/x.sock")


@pytest.mark.parametrize(
    "content", ["data_directory = 7\n", "server = 7\n", "[[[\n", "server = {control_socket = 1}\n"]
)
def test_what_is_wrong_is_left_to_the_whole_configuration(content: str, tmp_path: Path) -> None:
    file = tmp_path / "vestibule.toml"
    file.write_text(content)
    assert paths.control_socket({"VESTIBULE_CONFIG": str(file)}) is None


def test_a_missing_file_is_left_to_the_whole_configuration(tmp_path: Path) -> None:
    assert paths.control_socket({"VESTIBULE_CONFIG": str(tmp_path / "none")}) is None


def test_the_names_are_those_of_the_configuration() -> None:
    assert (paths.CONFIGURATION_FILE, paths.USUAL_FILE) == (CONFIGURATION_FILE, DEFAULT_FILE)
    assert Path(paths.USUAL_DIRECTORY) == DATA_DIRECTORY
