"""Where a running server would answer, found without loading the configuration.

Loading it takes longer than most commands. What is read here is not checked: when no server answers, the command
loads the configuration in full, which names everything that is wrong with it.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIGURATION_FILE = "VESTIBULE_CONFIG"
USUAL_FILE = Path("/etc/vestibule/vestibule.toml")
USUAL_DIRECTORY = "/var/lib/vestibule"


def control_socket(environment: Mapping[str, str], usual: Path = USUAL_FILE) -> Path | None:
    """The path of the control socket, or None when it takes the whole configuration to tell."""
    try:
        table = _table(environment.get(CONFIGURATION_FILE), usual)
        named = _value(environment, "VESTIBULE_SERVER_CONTROL_SOCKET", table.get("server", {}).get("control_socket"))
        directory = _value(environment, "VESTIBULE_DATA_DIRECTORY", table.get("data_directory"))
    except (OSError, ValueError, AttributeError):
        return None
    return Path(named or f"{directory or USUAL_DIRECTORY}/control.sock")


def _table(chosen: str | None, usual: Path) -> dict[str, Any]:
    path = Path(chosen) if chosen else usual
    if not chosen and not path.exists():
        return {}
    return tomllib.loads(path.read_text("utf-8-sig"))


def _value(environment: Mapping[str, str], variable: str, written: object) -> str:
    """The environment counts more than the file; raises ValueError for what is no text."""
    if variable in environment:
        return environment[variable]
    if f"{variable}_FILE" in environment:
        return Path(environment[f"{variable}_FILE"]).read_text("utf-8").strip()
    if written is not None and not isinstance(written, str):
        raise ValueError
    return written or ""
