"""What the Celery tasks of one process share, and what each of them does with it.

A task takes one batch from the ledger, whatever it was rung for, and rings again while more is due. It never
fails for the world's sake: with the engine or the database away it lets go and works no more for a moment,
and the beat rings again.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from structlog import get_logger

from catalog.database import AWAY
from catalog.models import Image
from catalog.site import SiteRefused
from catalog.storage.blobs import Blobs, Incoming
from embedding.errors import PackRefused
from indexer import sweeper
from indexer.activity import Activity
from indexer.claims import Sessions
from indexer.fill import Filler
from indexer.importing import Imports
from indexer.model_loading import ModelLoading
from indexer.pipeline import Done, Pipeline
from indexer.queue import CeleryBell
from indexer.webhooks import Messenger
from vectors.protocol import VectorStoreError

log = get_logger("worker")
OUTAGES = (VectorStoreError, *AWAY, SiteRefused, PackRefused, OSError, RuntimeError)
FIRST_REST_S, LONGEST_REST_S = 1.0, 15.0  # after an outage
MORE = 2  # messages to have waiting where more is due, so that those at work double from batch to batch
FED = {"images": ("embed",), "embed": ("images",), "index": ("embed", "images")}  # where a stage passes on to
AHEAD = 64  # batches that may wait to be embedded before no more images are decoded
FETCHED = 32  # images at most: their hosts may be slow, and a task has its limits
FILL_S = 3.0  # of filling an index, before others have their turn
COMPARE_S = 30.0  # of the comparison at its end, which no other process can go on with
ALIVE_S = 5.0  # between two signs of life, with what was counted since
PURGED_AT_ONCE = 200


@dataclass
class Workshop:
    """The parts of one process, made after any fork. Safe between threads."""

    sessions: Sessions
    pipeline: Pipeline
    models: ModelLoading
    fills: Filler
    bell: CeleryBell
    activity: Activity
    blobs: Blobs
    incoming: Incoming
    lease_s: float = 120.0
    deleted_s: float = 0.0  # that what a merchant deleted can be brought back for
    embed_wait_s: float = 0.0
    query_days: float = sweeper.QUERY_DAYS
    beside: Callable[[], object] = lambda: None  # what else there is to do now and then
    imports: Imports | None = None
    close_parts: Callable[[], None] = lambda: None
    _messenger: Messenger = field(init=False)
    _rests: dict[str, tuple[float, float]] = field(default_factory=dict)  # until when, for how long
    _interrupted: bool = False
    _batch_ended: float = 0.0
    _filling: threading.Lock = field(default_factory=threading.Lock)
    _importing: threading.Lock = field(default_factory=threading.Lock)
    _closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._messenger = Messenger(self.sessions)

    def open(self) -> None:
        """Take up what an earlier life of this process and dead neighbours left; say that we are here."""
        worker = self.pipeline.worker_id
        self._outliving(lambda: sweeper.release_worker(self.sessions, worker), "release")
        self._outliving(lambda: sweeper.release_dead(self.sessions), "release")
        self.activity.beat()
        threading.Thread(target=self._stay_alive, name="alive", daemon=True).start()

    def close(self) -> None:
        """Sign off and end what was started."""
        self._closed.set()
        self.fills.close()
        self.activity.close()
        self.pipeline.close()
        self.close_parts()

    def images(self) -> int:
        """Fetch and decode a batch, unless far more is decoded than embedded: the beat rings again."""
        limit = min(self.pipeline.batch, FETCHED)
        return self._stage("images", limit, lambda: self._crowded() or self.pipeline.images(limit))

    def embed(self) -> int:
        """Embed a batch into every index."""
        return self._stage("embed", self.pipeline.batch, self._embed)

    def index(self) -> int:
        """Write a batch of what needs no model."""
        limit = self.pipeline.batch
        return self._stage("index", limit, lambda: self.pipeline.index(limit))

    def fill(self) -> int:
        """Go on filling the indexes of other packs, for a moment."""
        if not self._filling.acquire(blocking=False):
            return 0
        try:
            return self._outliving(self._fill, "fill")
        finally:
            self._filling.release()

    def take_in(self) -> int:
        """Do what has waited longest in the line of imports, and ring for the next."""
        if self.imports is None or not self._importing.acquire(blocking=False):
            return 0
        try:
            if done := self._outliving(self.imports.step, "imports"):
                self.bell.post("maintenance", "twirl.imports")
            return done
        finally:
            self._importing.release()

    def tell(self) -> int:
        """Send what webhooks are to be told, a few at a time; how many messages."""
        if sent := self._outliving(self._messenger.step, "webhooks"):
            self.bell.post("images", "twirl.webhooks")
        return sent

    def tidy(self) -> int:
        """Purge tombstones, take out what was given up, end silent imports; how many products are purged."""
        return self._outliving(self._tidy, "tidy")

    def garbage(self) -> int:
        """Delete bytes that no row names, and old records; how many bytes' names."""
        return self._outliving(self._garbage, "garbage")

    def _stage(self, stage: str, limit: int, work: Callable[[], Done]) -> int:
        def worked() -> int:
            idle_s = self._since_batch()
            done = work()
            began = time.perf_counter()
            more = self._ring_on(done, limit)
            self._batch_ended = time.perf_counter() if more else 0.0
            log.debug("batch", task=stage, images=done.claimed, idle=idle_s, ring=time.perf_counter() - began)
            return done.claimed

        return self._outliving(worked, stage)

    def _embed(self) -> Done:
        if not self._models_ready():  # the beat rings again
            return Done("embed")
        return self.pipeline.embed(self.pipeline.batch, self.embed_wait_s)

    def _models_ready(self) -> bool:
        """Whether the models of every maintained index are loaded. Before anything is claimed for them."""
        maintained = self.pipeline.indexes.site().maintained
        return self.models.ready(index.fingerprint for index in maintained)

    def _since_batch(self) -> float:
        """Seconds since the last batch where more was due then: what the queue cost."""
        return time.perf_counter() - self._batch_ended if self._batch_ended else 0.0

    def _ring_on(self, done: Done, limit: int) -> bool:
        """Ring for more of the same, and for what this batch has fed; whether anything is due."""
        if not done.claimed:
            return False
        due = list(FED[done.stage]) if done.passed else []
        if done.claimed >= limit or self.pipeline.due(done.stage):
            due.append(done.stage)
        self.bell.call(*due, wanted=MORE)
        return bool(due)

    def _crowded(self) -> Done | None:
        """Nothing done, where so much waits to be embedded that decoding more only fills the storage."""
        far = AHEAD * self.pipeline.batch
        waiting = select(Image.id).where(Image.state == "queued", Image.queue == "embed")
        with self.sessions() as session:
            there = session.scalars(waiting.offset(far).limit(1)).first()
        return None if there is None else Done("images")

    def _fill(self) -> int:
        began, filled = time.monotonic(), 0
        while images := self.fills.step():
            filled += images
            if time.monotonic() - began > (COMPARE_S if self.fills.comparing else FILL_S):
                break
        self.fills.rest()  # the next message may go to another process
        if filled:
            self.bell.call("maintenance", wanted=MORE)
        return filled

    def _tidy(self) -> int:
        self.beside()
        sweeper.end_silent_imports(self.sessions)
        site = self.pipeline.indexes.site()
        sweeper.take_out_poisoned(self.sessions, self.pipeline.store, site)
        grace_s = max(self.lease_s, self.deleted_s)
        purged = sweeper.purge(self.sessions, self.pipeline.store, site, grace_s, PURGED_AT_ONCE)
        if purged == PURGED_AT_ONCE:
            self.bell.post("maintenance", "twirl.tidy")
        return purged

    def _garbage(self) -> int:
        removed = sweeper.collect_garbage(self.sessions, self.blobs, self.incoming)
        sweeper.forget_old(self.sessions, self.query_days)
        return removed

    def _outliving(self, work: Callable[[], int], what: str) -> int:
        until, seconds = self._rests.get(what, (0.0, FIRST_REST_S))
        if time.monotonic() < until:
            return 0
        try:
            done = work()
        except OUTAGES as error:
            self._interrupted = True
            log.warning("waiting", task=what, reason=str(error)[:200], seconds=seconds)
            self._rests[what] = time.monotonic() + seconds, min(seconds * 2, LONGEST_REST_S)
            return 0
        self._rests.pop(what, None)
        return done

    def _stay_alive(self) -> None:
        while not self._closed.wait(ALIVE_S):
            self.activity.beat()
            if self._interrupted:
                self._take_up()

    def _take_up(self) -> None:
        """Queue again what an outage took from our hands: the ledger may have been away when we let go."""
        worker, holding = self.pipeline.worker_id, self.pipeline.claims.holding
        try:
            lost = sweeper.hand_back(self.sessions, worker, holding)
        except OUTAGES:
            return
        self._interrupted = False
        if lost:
            log.info("taken-up", images=lost)
            self.bell.ring()


class Workbench:
    """The workshop of this process, made when it is first asked for: a forked copy makes its own."""

    def __init__(self, make: Callable[[], Workshop]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Workshop | None = None
        self._owner = 0

    def get(self) -> Workshop | None:
        """This process's workshop, open; None while the ledger is away."""
        with self._lock:
            if self._made is None or self._owner != os.getpid():
                try:
                    made = self._make()
                except OUTAGES as error:
                    log.warning("waiting", task="start", reason=str(error)[:200])
                    return None
                made.open()
                self._made, self._owner = made, os.getpid()
            return self._made

    def close(self) -> None:
        """Close this process's workshop, if it has one."""
        with self._lock:
            if self._made is not None and self._owner == os.getpid():
                self._made.close()
            self._made = None
