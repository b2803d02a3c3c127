"""From ledger rows to points in three stages. Each call of one claims a batch and sees it through.

    images   fetch, decode, keep renditions                          -> queue "embed"
    embed    encode with the pack of every maintained index, write   -> live
    index    no model needed: what is said of an image has changed, or it must not be found any more

Whatever is written is written in an order that a death in between only repeats: renditions before the
ledger names them, points in every maintained index before the ledger calls them live, raw bytes deleted
after their renditions are named. A row that moved on while it was in hand is looked at once more after the
late write: what must not be found leaves no point behind, in no index.
"""

import errno
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from structlog import get_logger

from catalog.database import AWAY
from catalog.pictures.decoder import Decoder, DecoderUnavailable, ImageRefused
from catalog.site import SiteRefused, SiteState
from catalog.storage.blobs import Blobs, Incoming, StorageUnavailable
from embedding.errors import PackRefused
from indexer import ledger
from indexer.acquire import Acquirer, Span, Spent
from indexer.checking import Checks
from indexer.claims import Claims, Job, Sessions
from indexer.encoding import Encoding
from indexer.errors import FetchFailed
from indexer.fetch import Fetcher
from indexer.hands import Hands
from indexer.indexes import Indexes
from vectors.protocol import CollectionMissing, VectorStore, VectorStoreUnavailable

if TYPE_CHECKING:  # the packs bring torch, which a process without the embed stage does not want
    from embedding.packs import Packs

log = get_logger("indexer")
FETCH_THREADS = 8
WORK = {"images": "decode", "embed": "embed", "index": "upsert"}  # what a stage is mostly about
LOOK_S = 0.1  # how often an embedding batch that waits to be full looks again
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
_AWAY = (
    VectorStoreUnavailable, CollectionMissing, *AWAY, DecoderUnavailable, PackRefused, SiteRefused
)  # fmt: skip

Report = Callable[["Done"], None]


@dataclass
class Done:
    """What one call of a stage did: rows claimed, and where they are now."""

    stage: str
    claimed: int = 0
    live: int = 0
    gone: int = 0  # out of every index, as the catalogue wants it
    passed: int = 0  # on to another stage
    failures: dict[str, int] = field(default_factory=dict)  # for now or for good, by the work that failed
    spent: Spent = field(default_factory=Spent)

    @property
    def failed(self) -> int:
        """How many failed, for now or for good."""
        return sum(self.failures.values())

    def fail(self, work: str, images: int = 1) -> None:
        """Count failures of one kind of work."""
        self.failures[work] = self.failures.get(work, 0) + images

    @property
    def seconds(self) -> dict[str, float]:
        """By kind of work: claim, fetch, decode, store, embed, upsert, mark. Threads add up."""
        return self.spent.seconds


class Pipeline:
    """One worker's stages. Safe between threads; its own threads end with `close`.

    `report` is told of every batch. `keep_pixels` holds what was just decoded in memory for the embed stage:
    for a process that works both.
    """

    def __init__(
        self,
        sessions: Sessions,
        blobs: Blobs,
        incoming: Incoming,
        decoder: Decoder,
        packs: "Packs",
        store: VectorStore,
        worker_id: str,
        batch: int = 32,
        allow_private_urls: bool = False,
        report: Report = lambda _done: None,
        keep_pixels: bool = True,
        span: Span = nullcontext,
    ) -> None:
        self.sessions, self.blobs, self.incoming, self.store = sessions, blobs, incoming, store
        self.packs, self.worker_id, self.batch, self.report = packs, worker_id, batch, report
        self._span = span
        self.claims = Claims(sessions, worker_id)
        self.indexes = Indexes(sessions, store, packs)
        fetcher = Fetcher(incoming, allow_private=allow_private_urls)
        self._acquirer = Acquirer(sessions, blobs, fetcher, decoder, 3 * batch if keep_pixels else 0)
        self._threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="acquire")
        self.checks = Checks(sessions, fetcher, decoder, blobs, self._threads, _of_the_world)
        self._encoding = Encoding(packs, self._acquirer, self._threads)
        self._hands = Hands()

    def ensure(self) -> int:
        """Make what collections are missing; how many images are queued because one was lost.

        Raises SiteRefused, VectorStoreError.
        """
        return self.indexes.ensure()

    def step(self) -> int:
        """One round of all stages; how many images came to an end, 0 when nothing is due."""
        round_ = [self.index(self.batch), self.images(self.batch), self.embed(self.batch)]
        claimed, passed = sum(done.claimed for done in round_), sum(done.passed for done in round_)
        return max(claimed - passed, min(claimed, 1))

    def images(self, limit: int) -> Done:
        """Fetch and decode a batch; where there is none, ask whether pictures are others by now.

        Raises what is the world's fault, with the claims given back.
        """
        done = self._work("images", limit, self._images)
        if done.claimed:
            return done
        with self._hands.shared():
            checked = self.checks.step(limit)
        return Done("images", checked.claimed, passed=checked.changed)

    def due(self, stage: str) -> bool:
        """Whether a batch of this stage would find anything."""
        return self.claims.due(stage) or (stage == "images" and self.checks.due())

    def embed(self, limit: int, wait_s: float = 0.0) -> Done:
        """Embed a batch, write it to every index, mark it live. Raises as `images` does.

        While images are being decoded, it waits up to `wait_s` seconds for the batch to be full; not where
        a merchant's edit waits.
        """
        until = time.monotonic() + wait_s
        while wait_s > 0 and (left := until - time.monotonic()) > 0 and not self.claims.gathered(limit):
            time.sleep(min(left, LOOK_S))
        return self._work("embed", limit, self._embed)

    def index(self, limit: int) -> Done:
        """Write what is said anew, take out what must not be found. Raises as `images` does."""
        return self._work("index", limit, self._index)

    def _work(self, stage: str, limit: int, handle: Callable[[list[Job], Done], None]) -> Done:
        with self._hands.shared():
            done = self._batch(stage, lambda: self.claims.take(stage, limit), handle)
        if done.claimed or not self.claims.has_suspect(stage):
            return done
        with self._hands.alone():
            return self._batch(stage, lambda: self.claims.take_suspect(stage), handle)

    def _batch(
        self, stage: str, take: Callable[[], list[Job]], handle: Callable[[list[Job], Done], None]
    ) -> Done:
        done = Done(stage, spent=Spent(self._span))
        began = time.perf_counter()
        jobs = take()  # no span: most looks find nothing
        if not jobs:
            return done
        done.spent.seconds["claim"] = time.perf_counter() - began
        done.claimed = len(jobs)
        try:
            with self._span(f"batch.{stage}"):
                handle(jobs, done)
        except Exception as error:
            self._give_back(jobs, error)
            done.fail(WORK[stage], len(jobs))
        finally:
            self.claims.let_go(jobs)
        self.report(done)
        seconds = {name: round(took, 3) for name, took in done.seconds.items()}
        log.info(stage, images=len(jobs), live=done.live, failed=done.failed, **seconds)
        return done

    def _images(self, jobs: list[Job], done: Done) -> None:
        jobs = self._without_gone(jobs, done)
        decoded = []
        for job, failed in self._acquirer.acquire(jobs, self._threads, done.spent):
            if failed is None:
                decoded.append(job)
            else:
                self._fail(job, failed, done)
        self._pass_on(decoded, "embed", done)
        with done.spent.on("store"):
            self._acquirer.forget_incoming(decoded, self._threads)

    def _embed(self, jobs: list[Job], done: Done) -> None:
        jobs = self._without_gone(jobs, done)
        site = self.indexes.site()
        for job in jobs:
            job.sha256 = job.image.sha256
        with done.spent.on("upsert"):
            self.indexes.known(jobs, site, twins=True)
        lost = self._encoding.fill(jobs, site.maintained, done.spent)
        self._pass_on([job for job in jobs if job.sha256 in lost], "images", done)
        self._write([job for job in jobs if job.sha256 not in lost], site, done)

    def _index(self, jobs: list[Job], done: Done) -> None:
        site = self.indexes.site()
        self._take_out([job for job in jobs if job.gone], site, done)
        jobs = [job for job in jobs if not job.gone]
        with done.spent.on("upsert"):
            self.indexes.known(jobs, site)
        needed = {ref.fingerprint for ref in site.maintained if ref.state == "ready"}
        lacking = [job for job in jobs if not needed <= job.vectors.keys()]
        self._pass_on([job for job in lacking if job.image.sha256], "embed", done)
        self._pass_on([job for job in lacking if not job.image.sha256], "images", done)
        self._write([job for job in jobs if job not in lacking], site, done)

    def _without_gone(self, jobs: list[Job], done: Done) -> list[Job]:
        """What is to be found; the rest goes where it is taken out."""
        self._pass_on([job for job in jobs if job.gone], "index", done)
        return [job for job in jobs if not job.gone]

    def _pass_on(self, jobs: list[Job], stage: str, done: Done) -> None:
        if jobs:
            with done.spent.on("mark"):
                ledger.pass_on(self.sessions, jobs, stage)
            done.passed += len(jobs)

    def _write(self, jobs: list[Job], site: SiteState, done: Done) -> None:
        """Points to every index, then the ledger; and a look at what moved on meanwhile."""
        if not jobs:
            return
        with done.spent.on("upsert"):
            self.indexes.write(jobs, site)
        with done.spent.on("mark"):
            late = ledger.mark_live(self.sessions, jobs, site)
            gone = ledger.vanished(self.sessions, late) if late else []
        self.indexes.delete(gone, site)
        done.live += len(jobs) - len(late)
        with done.spent.on("store"):  # an import brings the bytes again with whatever a row says anew
            self._acquirer.forget_incoming(jobs, self._threads)

    def _take_out(self, jobs: list[Job], site: SiteState, done: Done) -> None:
        if not jobs:
            return
        with done.spent.on("upsert"):
            self.indexes.delete(jobs, site)
        with done.spent.on("mark"):
            ledger.mark_gone(self.sessions, jobs, site)
        done.gone += len(jobs)

    def _fail(self, job: Job, failed: FetchFailed | ImageRefused, done: Done) -> None:
        transient, wait_s, asked = False, 0.0, True
        if isinstance(failed, FetchFailed):
            transient, wait_s, asked = failed.transient, failed.wait_s, failed.asked
        if ledger.is_final(job, transient, asked):
            self._take_back(job)
        words = f"{failed.message} {failed.fix}"
        ledger.mark_failed(self.sessions, job, failed.code, words, transient, wait_s, asked)
        done.fail("fetch" if isinstance(failed, FetchFailed) else "decode")
        log.warning("refused", sku=job.product.sku, position=job.image.position, code=failed.code)

    def _take_back(self, job: Job) -> None:
        """An image that failed for good is not to be found by an older picture of it."""
        if ledger.still_ours(self.sessions, [job]):
            self.indexes.delete([job], self.indexes.site())

    def _give_back(self, jobs: Sequence[Job], error: Exception) -> None:
        """Give claims back; raise when the world is at fault, and blame the image when it was alone."""
        if _of_the_world(error):
            if isinstance(error, CollectionMissing):
                self.indexes.missing()
            ledger.release(self.sessions, jobs)
            raise error
        log.error("batch-failed", images=len(jobs), exc_info=error)
        if len(jobs) == 1 and jobs[0].suspect:
            self._take_back(jobs[0])
            ledger.mark_failed(self.sessions, jobs[0], "indexing-error", repr(error))
        else:
            ledger.suspect(self.sessions, jobs)

    def close(self) -> None:
        """End the threads that fetch."""
        self._encoding.close()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _of_the_world(error: Exception) -> bool:
    """Whether no image is to blame: engine, database, storage or a pack away, disk full, too many files."""
    if isinstance(error, OSError):
        return isinstance(error, StorageUnavailable) or error.errno in _FULL
    return isinstance(error, _AWAY)
