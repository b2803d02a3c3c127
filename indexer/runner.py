"""The embedded indexer: polls the ledger until told to stop, and sweeps in between.

The next batch is fetched and decoded in a thread (and the decoder's children) while this one is embedded.
"""

import os
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError
from structlog import get_logger

from indexer import sweeper
from indexer.pipeline import Batch, Pipeline
from indexer.queue import WakeFile
from indexer.reindex import enqueue_reindex, enqueue_stale
from vectors.protocol import VectorStoreError, VectorStoreUnavailable

log = get_logger("indexer")
BUSY_S, IDLE_S = 0.2, 1.0  # the pause after work, and the longest pause without
AWAY_S = 2.0  # the longest pause while the engine is away
LOOK_S = 0.1  # how often the bell is looked at while pausing


@dataclass(frozen=True)
class Rounds:
    """How often the sweeper does what, in seconds."""

    lease: float = 120.0  # after which a silent worker's claim is another's
    claims: float = 10.0
    garbage: float = 3600.0


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
) -> None:
    """Index whatever the ledger has queued until `stop` is set; then finish the batch in hand and return."""
    lower_priority(nice)
    runner = Runner(pipeline, stop, bell, rounds)
    try:
        runner.run()
    finally:
        runner.close()


class Runner:
    """The loop of one worker and the state that it keeps between rounds."""

    def __init__(
        self, pipeline: Pipeline, stop: threading.Event, bell: WakeFile | None, rounds: Rounds
    ) -> None:
        self.pipeline, self.stop, self.bell, self.rounds = pipeline, stop, bell, rounds
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._swept = self._collected = float("-inf")
        self._idle_s = BUSY_S

    def run(self) -> None:
        """Work, pause, sweep; outlive every outage."""
        away_s = BUSY_S
        started = False
        while not self.stop.is_set():
            try:
                if not started:
                    self.start()
                    started = True
                self.round()
                away_s = BUSY_S
            except (VectorStoreError, OperationalError, OSError, RuntimeError) as error:
                log.warning("waiting", reason=str(error)[:200], seconds=away_s)
                self.stop.wait(away_s)
                away_s = min(away_s * 2, AWAY_S)
                started = started and isinstance(error, VectorStoreUnavailable)

    def start(self) -> None:
        """Take up what an earlier life left, and whatever this pack has not embedded."""
        worker, sessions = self.pipeline.worker_id, self.pipeline.sessions
        left = sweeper.release_worker(sessions, worker) + sweeper.release_dead(sessions)
        lost = enqueue_reindex(sessions) if self.pipeline.ensure_collection() else 0
        stale = enqueue_stale(sessions, self.pipeline.pack.fingerprint)
        log.info("started", worker=worker, left_behind=left, reindexed=lost + stale)

    def round(self) -> None:
        """Work until nothing is due, then sweep if it is time, then pause."""
        rung = self.bell.rung() if self.bell else 0
        if self.drain():
            self._idle_s = BUSY_S
        self.sweep()
        self._pause(self._idle_s, rung)
        self._idle_s = min(self._idle_s * 2, IDLE_S)

    def drain(self) -> int:
        """Handle batches until none is due; return how many images."""
        handled = 0
        batch = self.pipeline.prepare()
        while batch is not None:
            ahead = None if batch.suspect or self.stop.is_set() else self._prepare_ahead()
            try:
                handled += self.pipeline.complete(batch)
            except BaseException:
                self._abandon(ahead)
                raise
            following = ahead.result() if ahead else None
            self._sweep_claims()
            batch = following or (None if self.stop.is_set() else self.pipeline.prepare())
        return handled

    def _abandon(self, ahead: "Future[Batch | None] | None") -> None:
        """Let go of the batch that was prepared while another one failed."""
        if ahead is not None and ahead.exception() is None and (batch := ahead.result()):
            self.pipeline.abandon(batch)

    def _prepare_ahead(self) -> "Future[Batch | None]":
        return self._ahead.submit(self.pipeline.prepare, fresh_only=True)

    def sweep(self) -> None:
        """What is due of the sweeper's rounds; only while no batch is in hand."""
        pipeline = self.pipeline
        if self._sweep_claims():
            sweeper.purge(pipeline.sessions, pipeline.store, pipeline.collection, self.rounds.lease)
            sweeper.settle_alias(pipeline.sessions, pipeline.store, pipeline.collection)
        if time.monotonic() - self._collected >= self.rounds.garbage:
            self._collected = time.monotonic()
            sweeper.collect_garbage(pipeline.sessions, pipeline.blobs, pipeline.incoming)

    def _sweep_claims(self) -> bool:
        """Free the claims of silent workers when it is time; whether it was."""
        if time.monotonic() - self._swept < self.rounds.claims:
            return False
        self._swept = time.monotonic()
        sweeper.release_stale(self.pipeline.sessions, self.rounds.lease, but=self.pipeline.worker_id)
        return True

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
