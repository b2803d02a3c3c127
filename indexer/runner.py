"""The embedded indexer: works the ledger's stages until told to stop, and sweeps in between.

Four things go on side by side: a thread writes what needs no model, so that a merchant's small edit is
searchable at once whatever is being imported; another fetches and decodes the next batch (with the decoder's
children) while the main thread embeds this one; a fourth takes imports in. An index that is being filled
gets a share of the rounds.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from structlog import get_logger

from catalog.database import AWAY
from catalog.site import SiteRefused
from embedding.errors import PackRefused
from indexer import sweeper
from indexer.pipeline import Pipeline
from indexer.queue import WakeFile
from vectors.protocol import VectorStoreError

log = get_logger("indexer")
BUSY_S, IDLE_S = 0.2, 1.0  # the pause after work, and the longest pause without
AWAY_S = 2.0  # the longest pause while the engine is away
LOOK_S = 0.1  # how often the bell is looked at while pausing
_OUTAGES = (VectorStoreError, *AWAY, SiteRefused, PackRefused, OSError, RuntimeError)
FILL_EVERY = 4  # rounds of an import to one piece of a fill


class Fills(Protocol):
    """What fills an index: `indexer.fill.Filler`."""

    def step(self) -> int:
        """Embed one piece; how many images, 0 when there is nothing to fill just now."""


class Steps(Protocol):
    """What takes imports in: `indexer.importing.Imports`."""

    def step(self) -> int:
        """Do what has waited longest; 0 when nothing waits."""


@dataclass(frozen=True)
class Rounds:
    """How often the sweeper does what, in seconds."""

    lease: float = 120.0  # after which a silent worker's claim is another's
    deleted: float = 0.0  # that what a merchant deleted can be brought back for
    claims: float = 10.0
    garbage: float = 3600.0
    query_days: float = sweeper.QUERY_DAYS  # that searches are kept for; days, not seconds


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and Ctrl-C set. Call it in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def lower_priority(by: int) -> None:
    """Give way to shoppers' searches; the decoder's children inherit it.

    Linux shares the processor between sessions first and heeds a process's own niceness only inside its
    session (autogroups, sched(7)); a supervised indexer is a session of its own, so that one gives way too.
    """
    if by > 0:
        os.nice(by)
        with suppress(OSError):  # no autogroups on this system, or none that we may set
            Path("/proc/self/autogroup").write_text(str(by))


def run_forever(
    pipeline: Pipeline,
    stop: threading.Event,
    *,
    bell: WakeFile | None = None,
    nice: int = 0,
    rounds: Rounds = Rounds(),
    fills: Fills | None = None,
    beat: Callable[[], None] = lambda: None,
    beside: Callable[[], object] = lambda: None,
    imports: Steps | None = None,
) -> None:
    """Index whatever the ledger has queued until `stop` is set; then finish the batches in hand and return.

    `beat` is called in every round: it says that this worker is alive. So is `beside`, for what else there is
    to do now and then. `imports` is worked in a thread of its own.
    """
    lower_priority(nice)
    runner = Runner(pipeline, stop, bell, rounds, fills, beat, beside, imports)
    try:
        runner.run()
    finally:
        runner.close()


class Runner:
    """The loops of one worker and the state that they keep between rounds."""

    def __init__(
        self,
        pipeline: Pipeline,
        stop: threading.Event,
        bell: WakeFile | None = None,
        rounds: Rounds = Rounds(),
        fills: Fills | None = None,
        beat: Callable[[], None] = lambda: None,
        beside: Callable[[], object] = lambda: None,
        imports: Steps | None = None,
    ) -> None:
        self.pipeline, self.stop, self.bell, self.rounds = pipeline, stop, bell, rounds
        self.fills, self.beat, self.beside, self.imports = fills, beat, beside, imports
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._swept = self._collected = float("-inf")
        self._rounds = 0

    def run(self) -> None:
        """Work, pause, sweep; outlive every outage. What neither loop can outlive ends both and is raised."""
        loops = [self.write_edits] if self.imports is None else [self.write_edits, self.imports.step]
        with ThreadPoolExecutor(len(loops), thread_name_prefix="beside") as threads:
            others = [threads.submit(self._ending, each) for each in loops]
            self._ending(self.work, self.start)
        for each in others:
            each.result()

    def _ending(self, work: Callable[[], int], start: Callable[[], None] = lambda: None) -> None:
        try:
            self._outlive(work, start)
        finally:
            self.stop.set()

    def _outlive(self, work: Callable[[], int], start: Callable[[], None] = lambda: None) -> None:
        """Repeat `work` until told to stop, with a pause where it found nothing; `start` after an outage."""
        away_s, idle_s, started = BUSY_S, BUSY_S, False
        while not self.stop.is_set():
            rung = self.bell.rung() if self.bell else 0
            try:
                if not started:
                    start()
                    started = True
                idle_s = BUSY_S if work() else min(idle_s * 2, IDLE_S)
                away_s = BUSY_S
            except _OUTAGES as error:
                log.warning("waiting", reason=str(error)[:200], seconds=away_s)
                self.stop.wait(away_s)
                away_s = min(away_s * 2, AWAY_S)
                continue
            self._pause(idle_s, rung)

    def start(self) -> None:
        """Take up what an earlier life left, or an outage took from our hands; make the collections."""
        worker, sessions = self.pipeline.worker_id, self.pipeline.sessions
        left = sweeper.release_worker(sessions, worker, self.pipeline.claims.holding)
        left += sweeper.release_dead(sessions)
        lost = self.pipeline.ensure()
        log.info("started", worker=worker, left_behind=left, reindexed=lost)

    def work(self) -> int:
        """Rounds until nothing is due, then sweep if it is time; return how many images were handled."""
        handled = 0
        while not self.stop.is_set() and (done := self.round()):
            handled += done
        self.sweep()
        return handled

    def round(self) -> int:
        """Embed a batch while the next one is decoded; then perhaps a piece of a fill. What was handled."""
        pipeline, batch = self.pipeline, self.pipeline.batch
        ahead = self._ahead.submit(pipeline.images, batch)
        try:
            embedded = pipeline.embed(batch)
        finally:
            ahead.exception()  # it is over, and whatever it raised comes with its result
        handled = embedded.claimed + ahead.result().claimed
        self.beat()
        self._sweep_claims()
        self.beside()
        self._rounds += 1
        if self.fills is not None and (not handled or self._rounds % FILL_EVERY == 0):
            handled += self.fills.step()
        return handled

    def write_edits(self) -> int:
        """Batches of what needs no model, until none is due; return how many images."""
        handled = 0
        while not self.stop.is_set() and (done := self.pipeline.index(self.pipeline.batch).claimed):
            handled += done
        return handled

    def sweep(self) -> None:
        """What is due of the sweeper's rounds while nothing waits."""
        pipeline = self.pipeline
        if time.monotonic() - self._collected >= self.rounds.garbage:
            self._collected = time.monotonic()
            sweeper.collect_garbage(pipeline.sessions, pipeline.blobs, pipeline.incoming)
            sweeper.forget_old(pipeline.sessions, self.rounds.query_days)

    def _sweep_claims(self) -> None:
        """Free what silent workers and importers hold when it is time, and purge tombstones."""
        if time.monotonic() - self._swept < self.rounds.claims:
            return
        self._swept = time.monotonic()
        sessions, store = self.pipeline.sessions, self.pipeline.store
        released = sweeper.release_stale(sessions, self.rounds.lease, self.pipeline.claims.holding)
        sweeper.end_silent_imports(sessions)
        site = self.pipeline.indexes.site()
        if released:
            sweeper.take_out_poisoned(sessions, store, site)
        sweeper.purge(sessions, store, site, max(self.rounds.lease, self.rounds.deleted))

    def _pause(self, seconds: float, rung: int) -> None:
        """Wait, but no longer than to the next ring of the bell."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.wait(min(left, LOOK_S)):
            if self.bell and self.bell.rung() != rung:
                return

    def close(self) -> None:
        """End the threads."""
        self._ahead.shutdown(wait=True)
        self.pipeline.close()
