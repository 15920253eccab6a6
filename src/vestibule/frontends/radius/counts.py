"""What the door counts, and a log that a flood can not fill: one line a minute for each kind and source."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import FilteringBoundLogger

MINUTE = 60.0
MOST_SOURCES = 10_000
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0)


class Counts:
    """The metrics of the RADIUS door and its rate-limited log."""

    def __init__(self, registry: CollectorRegistry, log: FilteringBoundLogger) -> None:
        """Register the metrics."""
        self._log = log
        self._told: dict[tuple[str, str], float] = {}
        self._kept_quiet = 0
        packets = Counter("vestibule_radius_packets", "Packets received.", ["kind"], registry=registry)
        replies = Counter("vestibule_radius_replies", "Replies sent.", ["code"], registry=registry)
        self.dropped = Counter("vestibule_radius_dropped", "Packets without an answer.", ["why"], registry=registry)
        self.in_flight = Gauge("vestibule_radius_in_flight", "Packets being decided on.", registry=registry)
        self.seconds = Histogram(
            "vestibule_radius_seconds",
            "From packet to decision; the delay of refusals is not in it.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._packets = packets
        self._replies = replies
        self.requests = packets.labels("access")
        self.accounting = packets.labels("accounting")
        self.status = packets.labels("status")
        self.duplicates = packets.labels("duplicate")

    def replied(self, code: str) -> None:
        """Count a reply."""
        self._replies.labels(code).inc()

    def drop(self, why: str, source: str, now: float, detail: str = "") -> None:
        """Count a packet that stays without an answer, and say so in the log unless it was said a moment ago."""
        self.dropped.labels(why).inc()
        if now < self._told.get((why, source), 0.0):
            self._kept_quiet += 1
            return
        if len(self._told) >= MOST_SOURCES:
            self._told.clear()
        self._told[why, source] = now + MINUTE
        self._log.warning("radius packet dropped", why=why, source=source, detail=detail, kept_quiet=self._kept_quiet)
        self._kept_quiet = 0
