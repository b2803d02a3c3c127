"""The metrics that are not moved but read when somebody asks: ledger, indexes, dependencies, versions.

One slow or absent dependency costs its own figures and no others; the scrape is answered in time.
"""

import platform
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from catalog.models import now
from catalog.site import SiteState
from web.metrics import EVERY
from web.ops.figures import WORK, Figures
from web.ops.watch import Watch

PATIENCE_S = 3.0  # Prometheus gives a scrape ten


class Figuring(Collector):
    """Turns what `Watch` has seen into metric families."""

    def __init__(self, watch: Watch, data: Path) -> None:
        self._watch, self._data = watch, data
        self._totals = StageTotals()

    def describe(self) -> Iterable[Metric]:
        """Nothing: being registered must not read the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family that can be had now."""
        deadline = time.monotonic() + PATIENCE_S
        self._watch.begin()
        yield from self._dependencies()
        figures = self._watch.figures(max(0.1, deadline - time.monotonic()))
        if figures is not None:
            yield from _ledger(figures)
            yield from self._stages(figures)
            yield from _site(figures)
            yield from self._points(figures.site, max(0.1, deadline - time.monotonic()))
        yield from self._machine()
        yield from self._shelves()

    def _dependencies(self) -> Iterator[Metric]:
        up, took = _gauge("twirl_dependency_up"), _gauge("twirl_dependency_check_seconds")
        for name, state in self._watch.states().items():
            up.add_metric([name], float(state.ok))
            took.add_metric([name], state.seconds)
        yield from (up, took)
        if (waiting := self._watch.messages()) is not None:
            yield _by("twirl_broker_messages", waiting)

    def _stages(self, figures: Figures) -> Iterator[Metric]:
        totals = self._totals.add(figures)
        for place, name in enumerate(("images", "failures", "seconds")):
            metric = EVERY[f"twirl_index_stage_{name}_total"]
            family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
            for stage, sums in totals.items():
                family.add_metric([stage], sums[place])
            yield family

    def _points(self, site: SiteState, patience_s: float) -> Iterator[Metric]:
        points = _gauge("twirl_index_points")
        counted = self._watch.points(patience_s)
        for index in site.maintained:
            if index.collection in counted:
                points.add_metric([index.fingerprint, index.pack], counted[index.collection])
        yield points

    def _machine(self) -> Iterator[Metric]:
        try:
            disk = shutil.disk_usage(self._data)
        except OSError:  # the folder is gone: the dependency `images` says so
            return
        yield _gauge("twirl_disk_free_bytes", disk.free)
        yield _gauge("twirl_disk_size_bytes", disk.total)

    def _shelves(self) -> Iterator[Metric]:
        shape = "deployed" if self._watch.deployed else "embedded"
        yield _info("twirl_build_info", self._watch.parts["twirl"], platform.python_version(), shape)
        yield _info("twirl_engine_info", *self._watch.engine())
        model = self._watch.model()
        if model is not None:
            yield _info("twirl_model_info", *model)
        renewals, variants = self._watch.shelves()
        metric = EVERY["twirl_shelf_renewals_total"]
        yield CounterMetricFamily(metric.name, metric.meaning, value=renewals)
        yield _gauge("twirl_shelf_variants", variants)
        yield self._events()

    def _events(self) -> CounterMetricFamily:
        metric = EVERY["twirl_insight_events_total"]
        family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        for outcome, events in self._watch.noted().items():
            family.add_metric([outcome], events)
        return family


class StageTotals:
    """Sums since this process began that only rise, made of minutes that others write and in time delete.

    A minute is looked at while workers may still add to it; what it has more than at the last look is added.
    """

    def __init__(self, since: datetime | None = None) -> None:
        self._since = (since or now()).replace(second=0, microsecond=0)
        self._seen: dict[tuple[str, datetime], tuple[float, ...]] = {}
        self._sums: dict[str, list[float]] = {stage: [0.0, 0.0, 0.0] for stage in WORK}

    def add(self, figures: Figures) -> Mapping[str, list[float]]:
        """{stage: [images, failures, seconds]}"""
        found: dict[tuple[str, datetime], tuple[float, ...]] = {
            (stage, minute.at): (float(minute.images), float(minute.failures), minute.seconds)
            for stage, minutes in figures.minutes.items()
            for minute in minutes
            if minute.at >= self._since
        }
        for key, counts in found.items():
            before = self._seen.get(key, (0.0, 0.0, 0.0))
            sums = self._sums.setdefault(key[0], [0.0, 0.0, 0.0])
            for place, (more, less) in enumerate(zip(counts, before, strict=True)):
                sums[place] += max(0.0, more - less)
        self._seen = found
        return self._sums


def _ledger(figures: Figures) -> Iterator[Metric]:
    yield _by("twirl_images", figures.images)
    yield _by("twirl_images_failed", figures.failed)
    yield _gauge("twirl_products", figures.products)
    yield _by("twirl_queue_later_images", figures.later)
    yield _by("twirl_imports", figures.imports)
    due, oldest = _gauge("twirl_queue_images"), _gauge("twirl_queue_oldest_age_seconds")
    for each in figures.waiting:
        due.add_metric([each.queue, each.priority], each.images)
        oldest.add_metric([each.queue, each.priority], each.oldest_s)
    yield from (due, oldest)
    queues = ("images", "embed", "index", "maintenance")
    yield _by("twirl_workers", {queue: figures.workers_of(queue) for queue in queues})
    yield _gauge("twirl_ledger_read_seconds", figures.seconds)


def _site(figures: Figures) -> Iterator[Metric]:
    site, info = figures.site, _gauge("twirl_index_info")
    for index in site.indexes:
        role = "live" if index.live else "previous" if index == site.previous else "none"
        info.add_metric([index.fingerprint, index.pack, str(index.dimension), index.state, role], 1)
    total, done = _gauge("twirl_index_fill_images"), _gauge("twirl_index_fill_done_images")
    for fill in figures.fills:
        labels = [fill.index.fingerprint, fill.index.pack]
        total.add_metric(labels, fill.progress.total)
        done.add_metric(labels, fill.progress.done)
    yield from (info, total, done, _gauge("twirl_site_generation", site.generation))


def _gauge(name: str, value: float | None = None) -> GaugeMetricFamily:
    metric = EVERY[name]
    return GaugeMetricFamily(name, metric.meaning, value=value, labels=metric.labels or None)


def _by(name: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = _gauge(name)
    for label, value in values.items():
        family.add_metric([label], value)
    return family


def _info(name: str, *values: str) -> GaugeMetricFamily:
    family = _gauge(name)
    family.add_metric(list(values), 1)
    return family
