"""Which LDAP servers are left alone because they did not answer, as metrics."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

LABELS = ("directory", "server")
Rests = Mapping[str, Mapping[str, tuple[bool, int]]]


class ServerRests(Collector):
    """Asked at each look at /metrics; an installation without LDAP directories has no lines."""

    def __init__(self, rests: Callable[[], Rests]) -> None:
        """Take what is open: by directory and server, whether it rests and how often it has."""
        self._rests = rests

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Give both families."""
        resting = GaugeMetricFamily("vestibule_directory_resting", "1 while a server is left alone.", labels=LABELS)
        often = CounterMetricFamily("vestibule_directory_rests", "Times that a server was left alone.", labels=LABELS)
        for directory, servers in self._rests().items():
            for server, (now, times) in servers.items():
                resting.add_metric((directory, server), float(now))
                often.add_metric((directory, server), times)
        yield resting
        yield often
