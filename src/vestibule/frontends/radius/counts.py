"""What the door counts, and a log that a flood can not fill: a line a minute for each kind and source, some in all."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import FilteringBoundLogger

MINUTE = 60.0
LINES_PER_MINUTE = 60  # sources are easily forged, so all together are limited too
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0)


class Counts:
    """The metrics of the RADIUS door and its rate-limited log."""

    def __init__(self, registry: CollectorRegistry, log: FilteringBoundLogger) -> None:
        """Register the metrics."""
        self._log = log
        self._told: set[tuple[str, str]] = set()
        self._told_since = -MINUTE
        self._kept_quiet = 0
        packets = Counter("vestibule_radius_packets", "Packets received.", ["kind"], registry=registry)
        replies = Counter("vestibule_radius_replies", "Replies sent.", ["code"], registry=registry)
        self._dropped = Counter("vestibule_radius_dropped", "Packets without an answer.", ["why"], registry=registry)
        self._in_flight = Gauge("vestibule_radius_in_flight", "Packets being decided on.", registry=registry)
        self.seconds = Histogram(
            "vestibule_radius_seconds",
            "From packet to decision; the delay of refusals and the wait for an approval are not in it.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self.connections = Gauge("vestibule_radsec_connections", "RadSec connections that are open.", registry=registry)
        self._turned_away = Counter(
            "vestibule_radsec_turned_away",
            "RadSec connections that were not taken or were ended.",
            ["why"],
            registry=registry,
        )
        self._replies = replies
        self.requests = packets.labels("access")
        self.accounting = packets.labels("accounting")
        self.status = packets.labels("status")
        self.duplicates = packets.labels("duplicate")

    def follow_in_flight(self, number: Callable[[], int]) -> None:
        """Read the number of packets that are being decided on from `number`."""
        self._in_flight.set_function(number)

    def replied(self, code: str) -> None:
        """Count a reply."""
        self._replies.labels(code).inc()

    def drop(self, why: str, source: str, now: float, detail: str = "") -> None:
        """Count a packet that stays without an answer, and say so."""
        self._dropped.labels(why).inc()
        self._say("radius packet dropped", why, source, now, detail)

    def turn_away(self, why: str, source: str, now: float, detail: str = "") -> None:
        """Count a connection that is not taken, or not kept, and say so."""
        self._turned_away.labels(why).inc()
        self._say("radsec connection ended", why, source, now, detail)

    def refuse(self, why: str, source: str, now: float, detail: str) -> None:
        """Say that requests are refused unread, and what to set."""
        self._say("radius request refused", why, source, now, detail)

    def _say(self, event: str, why: str, source: str, now: float, detail: str) -> None:
        """Write the line, unless this was said within the minute or enough was."""
        if now >= self._told_since + MINUTE:
            self._told_since, self._told = now, set()
        if (why, source) in self._told or len(self._told) >= LINES_PER_MINUTE:
            self._kept_quiet += 1
            return
        self._told.add((why, source))
        self._log.warning(event, why=why, source=source, detail=detail, kept_quiet=self._kept_quiet)
        self._kept_quiet = 0
