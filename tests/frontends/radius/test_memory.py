"""What the door remembers and says stays bounded, and what it remembers is forgotten in time."""

from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from vestibule.frontends.radius.counts import LINES_PER_MINUTE, Counts
from vestibule.frontends.radius.duplicates import MOST_ASKERS, Duplicates, Turn, packet_id

HERE: tuple[Any, tuple[Any, ...]] = ("socket", ("192.0.2.1", 1))


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, int]] = []

    def warning(self, event: str, *, why: str, source: str, detail: str, kept_quiet: int) -> None:
        self.lines.append((why, source, kept_quiet))


@pytest.mark.requirement(40)
def test_a_packet_is_known_by_client_and_octets() -> None:
    identities = {packet_id(client, octets) for client in ("vpn", "wifi") for octets in (b"a", b"b")}
    assert len(identities) == 4
    assert packet_id("vpn", b"a") in identities


@pytest.mark.requirement(40)
def test_a_reply_is_remembered_for_its_time_however_long_it_took() -> None:
    duplicates = Duplicates(30)
    slow, fast = duplicates.begin(Turn("slow", [HERE])), duplicates.begin(Turn("fast", [HERE]))
    duplicates.answer(fast, b"fast", 1)
    duplicates.answer(slow, b"slow", 100)
    assert duplicates.find("fast") is None
    assert duplicates.find("slow") is slow
    duplicates.answer(duplicates.begin(Turn("other", [HERE])), b"", 129.9)
    assert slow.reply == b"slow"
    assert duplicates.find("slow") is slow
    duplicates.answer(duplicates.begin(Turn("one more", [HERE])), b"", 130)
    assert duplicates.find("slow") is None
    assert len(duplicates) == 2


def test_a_packet_that_was_dropped_is_new_when_it_comes_again() -> None:
    duplicates = Duplicates(30)
    duplicates.drop(duplicates.begin(Turn("packet", [HERE])))
    assert duplicates.find("packet") is None
    assert len(duplicates) == 0


def test_an_answer_goes_to_few_places_only() -> None:
    turn = Duplicates(30).begin(Turn("packet", [HERE]))
    for port in range(100):
        turn.join(("socket", ("192.0.2.1", port)))
    assert len(turn.askers) == MOST_ASKERS


def test_each_kind_and_source_is_told_once_a_minute_and_all_together_seldom() -> None:
    log, registry = Log(), CollectorRegistry()
    counts = Counts(registry, cast("FilteringBoundLogger", log))
    for _ in range(3):
        counts.drop("malformed", "a", 5.0)
    assert log.lines == [("malformed", "a", 0)]
    counts.drop("malformed", "a", 66.0)
    assert log.lines[1:] == [("malformed", "a", 2)]
    for number in range(1000):
        counts.drop("unknown client", f"source {number}", 67.0)
    assert len(log.lines) == 1 + LINES_PER_MINUTE
    assert registry.get_sample_value("vestibule_radius_dropped_total", {"why": "unknown client"}) == 1000


def test_packets_that_are_being_decided_on_are_counted_when_asked() -> None:
    registry, under_way = CollectorRegistry(), [1, 2, 3]
    Counts(registry, cast("FilteringBoundLogger", Log())).follow_in_flight(lambda: len(under_way))
    assert registry.get_sample_value("vestibule_radius_in_flight") == 3
    under_way.clear()
    assert registry.get_sample_value("vestibule_radius_in_flight") == 0
