"""The self-test: right on this build, and able to fail."""

import json

import pytest

from tests.apps.cli.terminal import Terminal
from vestibule.apps.cli import vectors
from vestibule.apps.cli.vectors import Vectors, judged, run


@pytest.mark.requirement(2)
def test_this_build_computes_what_the_standards_say() -> None:
    outcomes = run()
    assert {one.source for one in outcomes} >= {"RFC 4226 appendix D", "RFC 6238 appendix B"}
    assert [one.name for one in outcomes if not one.right] == []


def _breaks() -> bool:
    raise RuntimeError


@pytest.mark.parametrize("check", [lambda: False, _breaks])
def test_a_wrong_value_and_a_crash_fail(check: object) -> None:
    assert not judged(Vectors("x", "y", check)).right  # type: ignore[arg-type]  # the parameter's type is lost


def test_it_needs_no_configuration() -> None:
    done = Terminal({}).run("selftest", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["right"] is True


def test_an_old_sqlite_is_named() -> None:
    assert vectors.sqlite_note().startswith("SQLite 3.")
