"""What this web process counts and times, in a registry of its own: requests, searches, refusals.

Figures that others keep (the ledger, the engine) are read when asked for: see `web.ops.collector`.
"""

from typing import Any, cast

from flask import Flask, current_app
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from searcher.results import Results
from web.metrics import EVERY, FAST, FINER, SEARCH_STAGES

KEY = "twirl-meters"


class Meters:
    """The metrics that are moved as things happen. Thread-safe; one for each process that serves."""

    def __init__(self) -> None:
        _without_created()
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = self._histogram("twirl_http_request_duration_seconds", FAST)
        self.in_flight = self._gauge("twirl_http_requests_in_flight")
        self.threads = self._gauge("twirl_http_threads")
        self.searches = self._histogram("twirl_search_duration_seconds", FINER)
        self.stages = self._histogram("twirl_search_stage_duration_seconds", FINER)
        self.search_errors = self._counter("twirl_search_errors_total")
        self.search_degraded = self._counter("twirl_search_degraded_total")
        self.rate_refused = self._counter("twirl_http_rate_refused_total")
        self.shed = self._counter("twirl_http_shed_total")
        self.search_refused = self._counter("twirl_search_refused_total")
        self.ops_refused = self._counter("twirl_ops_refused_total")
        for stage in SEARCH_STAGES:  # there from the start, so that a rate has somewhere to begin
            self.stages.labels(stage)

    def searched(self, results: Results) -> None:
        """Note a search by what its results say of their own making."""
        for stage, milliseconds in results.timings.items():
            if stage in SEARCH_STAGES:
                self.stages.labels(stage).observe(milliseconds / 1000)
        self.searches.labels(results.mode).observe(results.timings["total"] / 1000)
        for step in results.degraded:
            self.search_degraded.labels(step).inc()

    def decoded(self, seconds: float) -> None:
        """Note how long a shopper's photo took to decode."""
        self.stages.labels("decode").observe(seconds)

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        metric = EVERY[name]
        return Histogram(name, metric.meaning, metric.labels, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        return Gauge(name, EVERY[name].meaning, EVERY[name].labels, registry=self.registry)

    def _counter(self, name: str) -> Counter:
        return Counter(name, EVERY[name].meaning, EVERY[name].labels, registry=self.registry)


def _without_created() -> None:
    """Leave out the series of when each other one began, which nobody asks for."""
    disable: Any = disable_created_metrics  # it has no types
    disable()


def meters() -> Meters:
    """The meters of the application that is answering."""
    return cast(Meters, current_app.extensions[KEY])


def install(app: Flask, given: Meters | None = None) -> Meters:
    """Give an application its meters: new ones, or those of another application of the same process."""
    app.extensions[KEY] = made = given or Meters()
    return made
