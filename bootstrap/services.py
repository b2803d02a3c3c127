"""Everything that the entry points hand on."""

import threading
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from bootstrap.answering import Answering
from catalog.database import upgrade
from catalog.site import ensure_live, filled_by, read_site
from indexer.operating import Operations
from indexer.queue import Bell, CeleryBell, WakeFile
from indexer.task_limits import Limits
from settings import secrets
from settings.shapes import claimed_batch
from telemetry import logs, tracing
from telemetry.versions import versions

if TYPE_CHECKING:
    # These bring PyTorch, which takes seconds to import: `twirl import` must not wait for it.
    from indexer.activity import Activity
    from indexer.fill import Filler, Record
    from indexer.importing import Imports
    from indexer.insights import Insights
    from indexer.inspection.round import Inspector
    from indexer.pipeline import Pipeline, Report
    from indexer.webhooks import Messenger


class Services(Answering):
    """What the entry points hand to the packages below them."""

    @cached_property
    def doorbell(self) -> Bell:
        """Tells whoever indexes that there is work."""
        return self.bell if self.deployed else self.wake_file

    @cached_property
    def wake_file(self) -> WakeFile:
        """The bell of the embedded indexer."""
        return WakeFile(self.data / "run" / "wake")

    @cached_property
    def bell(self) -> CeleryBell:
        """The bell of the deployed workers. After any fork."""
        return CeleryBell(self.settings.queue.redis_url, self.limits)

    @property
    def limits(self) -> Limits:
        """What a task may take."""
        chosen = self.settings.queue
        return Limits(chosen.task_soft_limit_s, chosen.task_limit_s, chosen.soft_shutdown_s)

    @property
    def lease_s(self) -> float:
        """After which a claim is another worker's: never before the task that holds it was killed."""
        least = self.settings.queue.task_limit_s if self.deployed else 0
        return max(self.settings.indexing.claim_lease_s, least)

    def activity(self, queues: Iterable[str]) -> "Activity":
        """This worker's record in the ledger: what it did, that it lives."""
        from indexer.activity import Activity

        return Activity(self.sessions, self.worker_id, queues, self.device)

    def pipeline(self, report: "Report | None" = None, keep_pixels: bool = True) -> "Pipeline":
        """One worker's way from catalogue rows to indexed vectors; `report` is told of every batch."""
        from indexer.pipeline import Pipeline

        return Pipeline(
            self.sessions, self.blobs, self.incoming, self.decoder, self.packs, self.store,
            worker_id=self.worker_id, batch=claimed_batch(self.settings),
            report=report or (lambda _done: None), keep_pixels=keep_pixels, span=tracing.span,
        )  # fmt: skip

    def filler(self, record: "Record | None" = None) -> "Filler":
        """One worker's part in filling the index of another pack; `record` is told what was done."""
        from indexer.fill import Filler

        return Filler(
            self.sessions, self.blobs, self.packs, self.store, self.worker_id,
            claimed_batch(self.settings), self.lease_s, record,
        )  # fmt: skip

    @property
    def insights(self) -> "Insights":
        """One worker's part in making days of what shoppers asked and chose."""
        from indexer.insights import Insights

        return Insights(self.sessions, self.settings.model.insight_days)

    @cached_property
    def inspector(self) -> "Inspector":
        """Looks through items for what is to be mended, while nothing else waits."""
        from indexer.inspection.round import Inspector
        from searcher.garments import garments

        return Inspector(self.sessions, self.blobs, self.store, self.packs, garments)

    def beside(self, budget_s: float = 0.0) -> Callable[[], None]:
        """What a worker does now and then beside its batches; items are looked through for that long."""
        insights, inspector = self.insights, self.inspector

        def go_on() -> None:
            insights()
            inspector.go_on(budget_s)

        return go_on

    def imports(self, stop: threading.Event | None = None) -> "Imports":
        """One worker's part in taking imports in; `stop` has it hand back what it is at."""
        from indexer.feed_fetch import FeedFetcher
        from indexer.importing import Imports

        return Imports(
            self.sessions, self.feed_files, self.blobs, self.incoming, self.decoder, self.worker_id,
            FeedFetcher(self.settings.indexing.feed_max_mb * 2**20), self.doorbell.ring, self.feed_limits,
            stop=stop or threading.Event(),
        )  # fmt: skip

    def messenger(self) -> "Messenger":
        """Tells webhooks what has ended."""
        from indexer.webhooks import Messenger

        return Messenger(self.sessions)

    def ring_imports(self) -> None:
        """Say that an import waits. Never raises."""
        if self.deployed:
            self.bell.post("maintenance", "twirl.imports")
        else:
            self.wake_file.ring()

    @cached_property
    def operations(self) -> Operations:
        """What operators decide."""
        return Operations(self.sessions, self.store, lambda: self.doorbell.ring(()))

    @cached_property
    def parts(self) -> dict[str, str]:
        """{part: version} of this program and of what it runs on."""
        return versions()

    def log_as(self, process: str) -> None:
        """Log as JSON lines, as this process, from now on."""
        logs.configure(self.settings.logging.log_level, process, secrets(self.settings))

    def observe(self, process: str) -> None:
        """Log, and send traces if a collector is named. After any fork: what sends does not survive one."""
        self.log_as(process)
        chosen = self.settings.operations
        if chosen.otlp_endpoint:
            tracing.start(chosen.otlp_endpoint, f"twirl-{process}", self.parts["twirl"], chosen.otlp_ratio)
            tracing.instrument(self.database, celery=self.deployed)

    def prepare(self) -> None:
        """Make folders, bring the schema up to date; the first time, note the images' place and the pack."""
        for name in ("blobs", "incoming", "index", "run", "photos"):
            (self.data / name).mkdir(parents=True, exist_ok=True)
        upgrade(self.database)
        self.place.settle(own_ledger=not self.settings.storage.database_url)
        if read_site(self.sessions).live is None:
            self._begin()

    def _begin(self) -> None:
        """Register the live index: of the setting's pack, or of the one that filled what is there."""
        filled = filled_by(self.sessions)
        at_hand = {each.fingerprint: each for each in self.pack_folders}
        pack = at_hand.get(filled) or self.pack_folders.first()
        self.pack_folders.keep(pack)
        with self.sessions.begin() as session:
            ensure_live(session, pack.fingerprint, pack.name, pack.dimension)

    def close(self) -> None:
        """Let go of what was opened; what was never asked for is not opened for it."""
        for name in ("models", "query_log", "events", "decoder", "store", "bell"):
            if name in self.__dict__:
                self.__dict__[name].close()
        if "database" in self.__dict__:
            self.database.dispose()
