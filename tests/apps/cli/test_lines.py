"""Times as people type them, lines as they read them, rows as a spreadsheet may open them."""

import io
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from vestibule.apps.cli.exits import Stop
from vestibule.apps.cli.exporting import write_rows
from vestibule.apps.cli.lines import newest, point, printed, row
from vestibule.apps.cli.running import Arguments

LINE = {
    "at": 1800000000.0,
    "kind": "sign_in",
    "action": "sign_in",
    "method": "totp",
    "user_name": "anna",
    "accepted": False,
    "reason": "wrong_code",
    "client_id": "vpn",
    "actor": "",
}


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604800), ("1w", 604800)])
def test_a_time_may_be_how_long_ago(text: str, seconds: int) -> None:
    assert point(text) == pytest.approx(time.time() - seconds, abs=5)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is not in UTC."""
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "XYZ+5")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("text", ["2027-01-31", "2027-01-31T00:00", "2027-01-31T01:00+01:00"])
def test_a_time_may_be_a_date_in_utc_wherever_the_machine_is(text: str, elsewhere: None) -> None:
    assert point(text) == datetime(2027, 1, 31, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "2x", "-1h", "31.1.2027"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(Stop, match="2027-01-31"):
        point(text)


def test_a_line_shows_who_how_and_where() -> None:
    assert row(LINE) == ("2027-01-15 08:00:00Z", "anna", "totp", "refused: wrong_code", "vpn")
    assert printed(LINE, as_json=False) == "2027-01-15 08:00:00Z  anna  totp  refused: wrong_code  vpn"


def test_the_newest_lines_are_kept_of_many_pages() -> None:
    pages = {None: ([1, 2, 3], "a"), "a": ([4, 5], None)}

    def server(_command: str, arguments: Arguments, _progress: object) -> dict[str, Any]:
        lines, following = pages[arguments.get("after")]
        return {"lines": [{"seq": seq} for seq in lines], "next": following}

    assert [line["seq"] for line in newest(server, {}, 3)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-cmd", "'-cmd"),
        ("+49 30 1234567", "+49 30 1234567"),
        (-3, "-3"),
        (None, ""),
        (False, "false"),
        ("a,b", '"a,b"'),
    ],
)
def test_a_spreadsheet_runs_nothing_of_an_export(value: object, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    write_rows([[{"name": value, "last": "x"}], [{"name": "y", "last": "x"}]], "csv")
    assert written.getvalue() == f"name,last\r\n{cell},x\r\ny,x\r\n"
