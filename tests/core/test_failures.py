"""Rows of failures: what is counted where, how long the delay is, what is given back and what is cleared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.core.failures import (
    KNOWN_SOURCE_SECONDS,
    PASSWORD,
    FailureKind,
    Failures,
    Limits,
    Rows,
    accepted,
    factor_delayed,
    factor_stopped,
    failed,
    given_back,
    known_source,
    source_delayed,
    why_not_tried,
)
from vestibule.core.reasons import Reason

NOW = 1_000_000.0
LIMITS = Limits()
HOME, CAFE, TOKEN = "home", "café", "token"


def fail(rows: Rows, *factors: str, source: str = HOME, times: int = 1, now: float = NOW) -> Rows:
    for _ in range(times):
        rows = failed(rows, "alice", source, factors, limits=LIMITS, now=now)
    return rows


def accept(rows: Rows, *, source: str = HOME, password: bool = True, code: bool = True, now: float = NOW) -> Rows:
    return accepted(rows, "alice", source, password=password, code=code, now=now)


def give_back(rows: Rows, source: str = HOME, now: float = NOW) -> Rows:
    return given_back(rows, source, PASSWORD, limits=LIMITS, now=now)


def of_factor(rows: Rows, factor: str) -> int:
    row = rows.get((FailureKind.FACTOR, factor))
    return row.count if row else 0


def of_source(rows: Rows, source: str = HOME) -> int:
    row = rows.get((FailureKind.SOURCE, source))
    return row.count if row else 0


# -- delay ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(19)
@pytest.mark.parametrize(
    ("count", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (99, 3600), (10**9, 3600)],
)
def test_the_delay_grows_from_30_seconds_to_an_hour(count: int, seconds: float) -> None:
    assert LIMITS.delay(count, 5) == seconds


def test_a_place_waits_until_the_delay_is_over() -> None:
    rows = fail({}, PASSWORD, times=6)
    assert source_delayed(rows, HOME, LIMITS, NOW)
    assert source_delayed(rows, HOME, LIMITS, NOW + 59.9)
    assert not source_delayed(rows, HOME, LIMITS, NOW + 60)
    assert not source_delayed(rows, CAFE, LIMITS, NOW)


def test_a_place_that_failed_less_often_does_not_wait_even_when_the_clock_runs_behind() -> None:
    rows = fail({}, PASSWORD, times=4)
    assert not source_delayed(rows, HOME, LIMITS, NOW - 0.3)
    assert not source_delayed(rows, HOME, LIMITS, NOW - 1000)


def test_a_clock_that_runs_behind_a_little_shortens_no_delay() -> None:
    rows = fail({}, PASSWORD, times=5)
    assert source_delayed(rows, HOME, LIMITS, NOW - 60)


def test_a_delay_from_more_than_the_longest_delay_ahead_comes_from_a_wrong_clock() -> None:
    rows = fail({}, PASSWORD, times=25, source=CAFE)
    assert not source_delayed(rows, CAFE, LIMITS, NOW - 3600)
    assert not factor_delayed(rows, PASSWORD, HOME, LIMITS, NOW - 3600)


def test_a_place_is_forgotten_after_a_day_and_a_factor_is_not() -> None:
    rows = fail(fail({}, TOKEN, times=30), TOKEN, now=NOW + 86400)
    assert of_source(rows) == 1
    assert of_factor(rows, TOKEN) == 31


# -- factors ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(18)
@pytest.mark.parametrize(
    ("count", "stranger", "known"),
    [
        (19, None, None),
        (20, Reason.THROTTLED, None),
        (79, Reason.THROTTLED, None),
        (80, Reason.TOO_MANY_FAILURES, None),
        (99, Reason.TOO_MANY_FAILURES, None),
        (100, Reason.TOO_MANY_FAILURES, Reason.TOO_MANY_FAILURES),
    ],
)
def test_strangers_wait_and_stop_before_known_places_do(
    count: int, stranger: Reason | None, known: Reason | None
) -> None:
    rows = {**accept({}), (FailureKind.FACTOR, TOKEN): Failures("alice", FailureKind.FACTOR, TOKEN, count, NOW)}
    assert why_not_tried(rows, TOKEN, CAFE, LIMITS, NOW) is stranger
    assert why_not_tried(rows, TOKEN, HOME, LIMITS, NOW) is known
    assert why_not_tried(rows, "other", CAFE, LIMITS, NOW) is None


@pytest.mark.parametrize(("hard_stop", "strangers"), [(1, 1), (3, 3), (5, 4), (10, 8), (100, 80)])
def test_a_fifth_of_the_tries_is_kept_for_known_places(hard_stop: int, strangers: int) -> None:
    limits = Limits(hard_stop=hard_stop)
    rows = fail({}, TOKEN, times=strangers)
    assert factor_stopped(rows, TOKEN, CAFE, limits, NOW)
    assert not factor_stopped(fail({}, TOKEN, times=strangers - 1), TOKEN, CAFE, limits, NOW)


def test_what_a_known_place_fails_counts_but_makes_no_stranger_wait() -> None:
    rows = fail(fail({}, TOKEN, times=20, source=CAFE), TOKEN, now=NOW + 30)
    assert factor_delayed(rows, TOKEN, CAFE, LIMITS, NOW + 30), "a stranger's failure prolongs the delay"
    rows = fail(fail(accept({}), TOKEN, times=20, source=CAFE), TOKEN, now=NOW + 60)
    assert of_factor(rows, TOKEN) == 21
    assert not factor_delayed(rows, TOKEN, CAFE, LIMITS, NOW + 60)


def test_a_place_is_known_for_thirty_days_after_an_accept() -> None:
    rows = accept({})
    assert known_source(rows, HOME, NOW)
    assert known_source(rows, HOME, NOW + KNOWN_SOURCE_SECONDS - 1)
    assert not known_source(rows, HOME, NOW + KNOWN_SOURCE_SECONDS)
    assert not known_source(rows, CAFE, NOW)
    assert not known_source(fail({}, PASSWORD), HOME, NOW)


# -- given back -------------------------------------------------------------------------------------------------


def test_one_try_is_given_back_and_no_more() -> None:
    rows = give_back(fail({}, PASSWORD, times=3))
    assert (of_source(rows), of_factor(rows, PASSWORD)) == (2, 2)


def test_what_was_cleared_meanwhile_is_not_given_back_again() -> None:
    rows = accept(fail(fail({}, PASSWORD, times=4, source=CAFE), PASSWORD))
    assert give_back(rows) is rows
    assert of_factor(give_back(rows), PASSWORD) == 4


@pytest.mark.parametrize("times", range(5, 20))
def test_a_delay_that_was_served_stays_served(times: int) -> None:
    rows = fail({}, PASSWORD, times=times)
    then = NOW + LIMITS.delay(times, LIMITS.source_tries)
    rows = give_back(fail(rows, PASSWORD, now=then), now=then + 1)
    assert of_source(rows) == times
    assert not source_delayed(rows, HOME, LIMITS, then + 1)


def test_a_strangers_right_password_makes_no_other_stranger_wait() -> None:
    rows = fail({}, PASSWORD, times=22)
    then = NOW + LIMITS.delay(22, LIMITS.factor_tries)
    rows = give_back(fail(rows, PASSWORD, source=CAFE, now=then), CAFE, then)
    assert not factor_delayed(rows, PASSWORD, CAFE, LIMITS, then)


def test_the_right_password_of_a_known_place_shortens_no_strangers_delay() -> None:
    rows = fail(accept({}), PASSWORD, times=22, source=CAFE)
    for seconds in range(100):
        rows = give_back(fail(rows, PASSWORD, now=NOW + seconds), now=NOW + seconds)
    assert factor_delayed(rows, PASSWORD, CAFE, LIMITS, NOW + 99)
    assert not factor_delayed(rows, PASSWORD, CAFE, LIMITS, NOW + 120)


# -- cleared ----------------------------------------------------------------------------------------------------


@pytest.mark.requirement(19)
def test_an_accept_clears_its_own_share_of_every_factor() -> None:
    rows = fail(fail(fail({}, PASSWORD, times=2), TOKEN, "other"), TOKEN, times=3, source=CAFE)
    rows = accept(rows)
    assert [of_factor(rows, factor) for factor in (PASSWORD, TOKEN, "other")] == [0, 3, 0]
    assert (of_source(rows), of_source(rows, CAFE)) == (0, 3)


@pytest.mark.requirement(19)
@pytest.mark.parametrize(
    ("password", "code", "left"), [(True, False, [0, 4, 4]), (False, True, [2, 0, 2]), (True, True, [0, 0, 0])]
)
def test_an_accept_clears_only_what_it_proved(left: list[int], *, password: bool, code: bool) -> None:
    rows = fail(fail({}, PASSWORD, times=2), TOKEN, "other", times=4)
    rows = accept(rows, password=password, code=code)
    assert [of_factor(rows, PASSWORD), of_factor(rows, TOKEN), of_source(rows)] == left


def test_an_accept_that_changes_nothing_writes_nothing() -> None:
    rows = accept({})
    assert accept(rows, now=NOW + 86399) is rows
    assert known_source(accept(rows, now=NOW + 86400), HOME, NOW + KNOWN_SOURCE_SECONDS)


def test_the_proof_of_an_accept_is_kept_until_the_next_one() -> None:
    rows = accepted({}, "alice", HOME, password=True, code=True, now=NOW, proof="proof")
    assert rows[FailureKind.SOURCE, HOME].accepted_proof == "proof"
    assert accept(rows)[FailureKind.SOURCE, HOME].accepted_proof == ""


# -- always -----------------------------------------------------------------------------------------------------

ACTS = st.tuples(
    st.sampled_from(["fail", "give back", "accept", "accept by password", "accept by code"]),
    st.sampled_from([HOME, CAFE]),
    st.sets(st.sampled_from([PASSWORD, TOKEN, "other"])),
    st.floats(-1e5, 1e5),
)


@pytest.mark.requirement(19)
@given(st.lists(ACTS, max_size=40))
def test_a_factor_counts_exactly_what_the_places_caused(acts: list[tuple[str, str, set[str], float]]) -> None:
    rows: Rows = {}
    now = NOW
    for act, source, factors, seconds in acts:
        now += seconds
        match act:
            case "fail":
                rows = fail(rows, *sorted(factors), source=source, now=now)
            case "give back":
                rows = give_back(rows, source, now)
            case _:
                rows = accept(
                    rows, source=source, password=act != "accept by code", code=act != "accept by password", now=now
                )
        for factor in (PASSWORD, TOKEN, "other"):
            caused = sum(dict(row.shares).get(factor, 0) for row in rows.values())
            assert of_factor(rows, factor) == caused
