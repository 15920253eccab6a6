"""What an HTTP answer means for a send, and what of it may be shown."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.provider_suite import CODE, MAIL, NUMBER, TEXT, outgoing
from vestibule.core.delivery import Fault, Medium, Outcome
from vestibule.wire.exchange import (
    Answer,
    Lost,
    NotCarried,
    Request,
    by_status,
    code_of,
    harmless,
    json_object,
    retry_after,
    whole_seconds,
    without_answer,
)

NEVER, OTHER, KNOWN = Outcome.UNKNOWN, Fault.OTHER, Outcome.REJECTED


@pytest.mark.parametrize(
    ("status", "outcome", "fault"),
    [
        (302, KNOWN, Fault.CONFIGURATION),
        (400, KNOWN, Fault.CONFIGURATION),
        (401, KNOWN, Fault.CONFIGURATION),
        (404, KNOWN, Fault.CONFIGURATION),
        (408, KNOWN, OTHER),
        (429, KNOWN, Fault.SAME),
        (500, NEVER, None),
        (501, KNOWN, OTHER),
        (502, NEVER, None),
        (503, KNOWN, OTHER),
        (504, NEVER, None),
        (100, NEVER, None),
        (204, NEVER, None),
    ],
)
def test_a_status_alone_means(status: int, outcome: Outcome, fault: Fault | None) -> None:
    sent = by_status(Answer(status))
    assert (sent.outcome, sent.fault) == (outcome, fault)


DATE = "Fri, 20 Nov 2026 21:00:00 GMT"


@pytest.mark.parametrize(
    ("wanted", "date", "seconds"),
    [
        ("7", "", 7),
        (" 7 ", "", 7),
        ("0", "", 0),
        ("99999999999999999999", "", 3600),
        ("Fri, 20 Nov 2026 21:00:30 GMT", DATE, 30),
        ("Fri, 20 Nov 2026 20:00:00 GMT", DATE, 0),
        ("Fri, 20 Nov 2026 21:00:30 GMT", "", 0),
        ("Fri, 20 Nov 2026 21:00:30 -0000", DATE, 30),
        ("soon", DATE, 0),
        ("-1", DATE, 0),
        ("٧", DATE, 0),
        ("", "", 0),
    ],
)
def test_a_pause_is_read_in_seconds_or_against_the_answers_own_date(wanted: str, date: str, seconds: float) -> None:
    assert retry_after(Answer(429, {"retry-after": wanted, "date": date})) == seconds


@given(st.text(), st.text())
def test_any_pause_is_within_an_hour(wanted: str, date: str) -> None:
    assert 0 <= retry_after(Answer(429, {"retry-after": wanted, "date": date})) <= 3600


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"The 'To' number {NUMBER} is not valid", "The 'To' number … is not valid"),
        ("14255550142 is a landline", "… is a landline"),
        ("(425) 555-0142, or 425.555.0142", "(…, or …"),
        (f"no route for {MAIL}!", "no route for …"),
        (f"rejected: {TEXT}", "rejected: …"),
        ("a\r\nb\tc\x00d\u2028e", "a b c d e"),
        ("x" * 500, "x" * 200),
        ("error 301", "error 301"),
        (None, "None"),
    ],
)
def test_what_is_shown_of_a_providers_words_is_harmless(text: object, shown: str) -> None:
    assert harmless(text, outgoing(Medium.TEXT)) == shown


@given(st.text(max_size=30), st.text(max_size=30))
def test_neither_number_nor_code_gets_through(before: str, after: str) -> None:
    shown = harmless(f"{before}{NUMBER}{after} {CODE}", outgoing(Medium.TEXT))
    assert NUMBER[1:] not in shown
    assert CODE not in shown


def test_an_empty_address_hides_nothing_else() -> None:
    given_mail = outgoing(Medium.MAIL)
    assert harmless("abc", replace(given_mail, to=replace(given_mail.to, address=""))) == "abc"


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", {}),
        (b"", {}),
        (b"{", {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
        (rb'{"a": "\ud800\u0000b", "c": [{"\udc00": null}]}', {"a": "?b", "c": [{"?": None}]}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "😀"}),
    ],
)
def test_json_is_an_object_that_can_be_stored_or_nothing(octets: bytes, found: dict[str, object]) -> None:
    assert json_object(octets) == found


@pytest.mark.parametrize(
    ("value", "code"), [(21211, "21211"), ("a b\r\n", "ab"), (None, ""), ("", ""), (0, "0"), ("x" * 99, "x" * 40)]
)
def test_a_code_is_short_and_plain(value: object, code: str) -> None:
    assert code_of(value) == code


def test_nothing_of_a_request_or_an_answer_prints() -> None:
    request = Request("POST", "https://x.example/?text=" + CODE, (("authorization", CODE),), CODE.encode())
    assert CODE not in repr(request) + repr(Answer(200, {"x": CODE}, CODE.encode()))


@pytest.mark.parametrize(("seconds", "whole"), [(0.4, 1), (59.9, 59), (1e9, 600)])
def test_seconds_are_within_what_is_taken(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds, 1, 600) == whole


def test_no_answer_is_unknown_only_when_something_was_written() -> None:
    assert without_answer(Lost("x")).outcome is Outcome.UNKNOWN
    assert without_answer(NotCarried("x")).fault is Fault.OTHER
