"""When to ask again, and when to leave a server alone: pure, with the clock and chance handed in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directories.upstream_radius.breaker import Breaker
from vestibule.directories.upstream_radius.timing import Timing, jitter


def test_a_packet_is_sent_five_times_within_thirty_seconds() -> None:
    assert list(Timing().delays(lambda: 0.0)) == [2.0, 4.0, 8.0, 16.0]
    assert list(Timing(in_all=100.0).delays(lambda: 0.0)) == [2.0, 4.0, 8.0, 16.0, 16.0]


@given(st.lists(st.floats(-0.1, 0.1), min_size=10, max_size=10))
def test_chance_moves_each_time_by_a_tenth_at_most(drawn: list[float]) -> None:
    delays = list(Timing(in_all=1000.0).delays(itertools.cycle(drawn).__next__))
    assert len(delays) == 5
    assert 1.8 <= delays[0] <= 2.2
    for before, after in itertools.pairwise(delays):
        assert 1.9 * before - 1e-9 <= after <= 2.1 * before + 1e-9 or 14.4 - 1e-9 <= after <= 17.6 + 1e-9
    assert sum(Timing().delays(itertools.cycle(drawn).__next__)) <= 30.0 + 1e-9


@pytest.mark.parametrize(("octets", "number"), [(b"\0\0", -0.1), (b"\xff\xff", 0.1), (b"\x7f\xff", 0.0)])
def test_chance_is_made_of_octets(octets: bytes, number: float) -> None:
    assert jitter(octets) == pytest.approx(number, abs=1e-5)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    assert [breaker.unanswered(at, at) for _ in range(3)] == [False, False, True]
    return breaker


def test_three_requests_without_an_answer_open_it_and_an_answer_closes_it() -> None:
    breaker = opened()
    assert not breaker.admits(1.0)
    assert breaker.answered(1.0)
    assert not breaker.answered(2.0)
    assert breaker.admits(1.0)


def test_requests_that_are_dropped_by_a_server_that_answers_others_do_not_count() -> None:
    breaker = Breaker()
    breaker.answered(0.5)
    assert not any(breaker.unanswered(sent_at=0.0, now=5.0) for _ in range(100))
    assert breaker.admits(5.0)


def test_answers_in_between_begin_the_count_anew() -> None:
    breaker = Breaker()
    for second in range(0, 100, 10):
        assert not breaker.unanswered(second, second + 1.0)
        assert not breaker.unanswered(second, second + 1.0)
        breaker.answered(second + 2.0)


def test_while_open_one_request_in_each_rest_is_let_through_and_rests_grow() -> None:
    breaker = opened(at=0.0)
    assert not breaker.admits(4.9)
    assert breaker.admits(5.0)
    breaker.asked(5.0)
    assert not breaker.admits(5.1)
    assert not breaker.unanswered(5.0, 7.0)
    for rest, since in ((10.0, 7.0), (20.0, 17.0), (40.0, 37.0), (60.0, 77.0), (60.0, 137.0)):
        assert not breaker.admits(since + rest - 0.1)
        assert breaker.admits(since + rest)
        breaker.asked(since + rest)
        breaker.unanswered(since + rest, since + rest)
