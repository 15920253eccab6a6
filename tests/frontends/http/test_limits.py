"""Token buckets: so many in a second, a few more at once, and memory that has an end."""

from vestibule.frontends.http.limits import MOST_NAMES, Buckets


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_bucket_gives_what_it_holds_and_fills_again() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 3.0, clock)
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("b") == 0.0
    clock.at = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 0.5]
    clock.at = 100.0
    assert [buckets.take("a") for _ in range(4)][-1] == 0.5


def test_waiting_takes_nothing_and_debts_are_paid() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 1.0, clock)
    assert [buckets.wait("a") for _ in range(3)] == [0.0] * 3
    for _ in range(3):
        buckets.spend("a")
    assert buckets.wait("a") == 3.0
    clock.at = 3.0
    assert buckets.take("a") == 0.0


def test_names_that_owe_nothing_are_forgotten_when_there_are_too_many() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 10.0, clock)
    for i in range(MOST_NAMES - 1):
        buckets.take(f"old {i}")
    clock.at = 10.0
    for _ in range(10):
        buckets.take("busy")
    buckets.take("new")
    assert len(buckets._buckets) == 2
    assert buckets.take("busy") > 0
