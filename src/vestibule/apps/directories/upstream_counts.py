"""What upstream RADIUS servers answered, and what came in their name and was not believed, as metrics."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vestibule.directories.upstream_radius import UpstreamRadius

LABELS = ("directory", "server")


class UpstreamCounts(Collector):
    """Asked at each look at /metrics; an installation without such servers has no lines."""

    def __init__(self, upstreams: Callable[[], Mapping[str, UpstreamRadius]]) -> None:
        """Take what is open, by the id of its directory."""
        self._upstreams = upstreams

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Give both families."""
        counted = CounterMetricFamily("vestibule_upstream", "What upstream servers did.", labels=(*LABELS, "what"))
        resting = GaugeMetricFamily("vestibule_upstream_resting", "1 while a server is left alone.", labels=LABELS)
        for directory, upstream in self._upstreams().items():
            for server, counts in upstream.counts.items():
                resting.add_metric((directory, server), float(server in upstream.resting))
                for what, number in counts.items():
                    counted.add_metric((directory, server, what), number)
        yield counted
        yield resting
