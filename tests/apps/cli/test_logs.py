"""The log: one form for all who write to it, and no values of variables in a traceback."""

import json
import subprocess
import sys

import pytest

WRITING = """
import logging, sys
import structlog
from vestibule.apps.cli import logs
from vestibule.apps.configuration.model import Log
logs.configure(Log(format=sys.argv[1], level="info"))
log = structlog.get_logger()
log.debug("hidden")
log.info("shown", number=7)
logging.getLogger("uvicorn.error").warning("from %s", "elsewhere")
def fail(password):
    raise RuntimeError("it broke")
try:
    fail("canary-in-a-variable")
except RuntimeError:
    log.exception("bug")
"""


def written(form: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", WRITING, form], capture_output=True, text=True, check=True, timeout=30
    ).stderr


def test_json_is_one_object_a_line_whoever_logs() -> None:
    lines = [json.loads(line) for line in written("json").splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("shown", "info"),
        ("from elsewhere", "warning"),
        ("bug", "error"),
    ]
    assert lines[0]["number"] == 7
    assert all(line["timestamp"].endswith("Z") for line in lines)


@pytest.mark.requirement(47)
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_variables(form: str) -> None:
    text = written(form)
    assert "it broke" in text
    assert "canary-in-a-variable" not in text.replace('fail("canary-in-a-variable")', "")
