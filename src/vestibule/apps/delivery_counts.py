"""What providers of calls, texts and mail were handed, and which are left alone, as metrics."""

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vestibule.apps.delivery import Delivery


class DeliveryCounts(Collector):
    """Asked at each look at /metrics; an installation that sends nothing has no lines."""

    def __init__(self, delivery: Delivery) -> None:
        """Take what is counted."""
        self._delivery = delivery

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Give both families."""
        sends = CounterMetricFamily(
            "vestibule_sends", "What providers were handed.", labels=("provider", "medium", "outcome")
        )
        resting = GaugeMetricFamily(
            "vestibule_provider_resting", "1 while a provider is left alone.", labels=("provider", "medium")
        )
        for labels, number in tuple(self._delivery.counts.items()):
            sends.add_metric(labels, number)
        now = time.monotonic()
        for (provider, medium), breaker in tuple(self._delivery.breakers.items()):
            resting.add_metric((provider, medium.value), float(not breaker.lets(now)))
        yield sends
        yield resting
