"""One worker's way from ledger rows to points: claim, fetch, decode, embed, upsert, mark live.

Whatever is written is written in an order that a death in between only repeats: renditions before the
ledger names them, points before the ledger calls them live, raw bytes deleted after their renditions are
named. `prepare` and `complete` are the two halves of a step, so that a runner can decode the next batch
while this one is embedded.
"""

import errno
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import OperationalError
from structlog import get_logger

from catalog.blobs import Blobs, Incoming, StorageUnavailable
from catalog.identity import collection_name
from catalog.images import Decoder, DecoderUnavailable, ImageRefused
from indexer import ledger, mapping
from indexer.acquire import Acquirer
from indexer.errors import FetchFailed
from indexer.fetch import Fetcher
from indexer.ledger import Job, Sessions
from vectors.protocol import CollectionMissing, Point, VectorStore, VectorStoreUnavailable

if TYPE_CHECKING:  # the pack brings torch, which a process that only rings the bell does not want
    from embedding.pack import Pack

log = get_logger("indexer")
FETCH_THREADS = 8


@dataclass
class Batch:
    """Claimed images between the two halves of a step; `handled` counts those that are finished with."""

    jobs: list[Job]
    handled: int = 0
    timings: dict[str, float] = field(default_factory=dict)  # seconds by stage

    @property
    def suspect(self) -> bool:
        """Whether a worker died over it: then nothing else may be in our hands meanwhile."""
        return any(job.suspect for job in self.jobs)


class Pipeline:
    """Moves claimed images into the index. One instance a worker; its threads end with `close`."""

    def __init__(
        self,
        sessions: Sessions,
        blobs: Blobs,
        incoming: Incoming,
        decoder: Decoder,
        pack: "Pack",
        store: VectorStore,
        worker_id: str,
        batch: int = 32,
        allow_private_urls: bool = False,
    ) -> None:
        self.sessions, self.blobs, self.incoming, self.store = sessions, blobs, incoming, store
        self.pack, self.worker_id, self.batch = pack, worker_id, batch
        self.collection = collection_name(pack.fingerprint)
        fetcher = Fetcher(incoming, allow_private=allow_private_urls)
        self._acquirer = Acquirer(sessions, blobs, fetcher, decoder)
        self._threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="acquire")

    def ensure_collection(self) -> bool:
        """Make this pack's collection where it is missing; True when it was. Raises VectorStoreError."""
        missing = self.collection not in self.store.collections()
        self.store.create(mapping.collection(self.pack.fingerprint, self.pack.dimension))
        if self.store.resolve(mapping.ALIAS) is None:
            self.store.point_alias(mapping.ALIAS, self.collection)
        return missing

    def step(self) -> int:
        """Handle one batch from claim to live; return how many images, 0 when none is due."""
        batch = self.prepare()
        return self.complete(batch) if batch else 0

    def prepare(self, fresh_only: bool = False) -> Batch | None:
        """Claim a batch, take out what must not be found, fetch and decode the rest. None when idle.

        Raises VectorStoreUnavailable with the claims given back.
        """
        jobs = ledger.claim(self.sessions, self.worker_id, self.batch, fresh_only)
        if not jobs:
            return None
        batch = Batch(jobs)
        try:
            return self._prepare(batch)
        except Exception as error:
            self._give_back(batch.jobs, error)
            return batch

    def _prepare(self, batch: Batch) -> Batch:
        began = time.perf_counter()
        gone = [job for job in batch.jobs if job.gone]
        if gone:
            self.store.delete(self.collection, [job.point_id for job in gone])
            ledger.mark_gone(self.sessions, gone)
        batch.handled += len(gone)
        batch.jobs = [job for job in batch.jobs if not job.gone]
        decoded = []
        for job, failed in self._acquirer.acquire(batch.jobs, self._threads):
            if failed is None:
                decoded.append(job)
            else:
                self._fail(job, failed)
                batch.handled += 1
        batch.jobs = ledger.note_decoded(self.sessions, decoded)
        self._acquirer.forget_incoming(decoded)
        batch.timings["acquire"] = time.perf_counter() - began
        return batch

    def complete(self, batch: Batch) -> int:
        """Embed and upsert a prepared batch and mark it live; return how many images were handled.

        Raises VectorStoreUnavailable with the claims given back.
        """
        if not batch.jobs:
            return batch.handled
        try:
            self._timed(batch, "embed", self._fill_vectors)
            self._timed(batch, "upsert", self._upsert)
            self._timed(batch, "mark", self._mark_live)
        except Exception as error:
            self._give_back(batch.jobs, error)
            return batch.handled
        seconds = {name: round(took, 3) for name, took in batch.timings.items()}
        log.info("indexed", images=len(batch.jobs), **seconds)
        return batch.handled + len(batch.jobs)

    def _timed(self, batch: Batch, stage: str, work: Callable[[Sequence[Job]], None]) -> None:
        began = time.perf_counter()
        work(batch.jobs)
        batch.timings[stage] = time.perf_counter() - began

    def _fill_vectors(self, jobs: Sequence[Job]) -> None:
        """Give each job its vector: from the index where these bytes are in it, else embedded once."""
        known = self._indexed_vectors(jobs)
        for job in jobs:
            job.vector = known.get(str(job.sha256))
        fresh = list({job.sha256: job for job in jobs if job.vector is None}.values())
        if not fresh:
            return
        rows = self.pack.encode_images([self._acquirer.pixels(job) for job in fresh])  # (B, D)
        made = {job.sha256: row for job, row in zip(fresh, rows, strict=True)}
        for job in jobs:
            job.vector = made[job.sha256] if job.vector is None else job.vector
            job.pixels = None

    def _indexed_vectors(self, jobs: Sequence[Job]) -> dict[str, NDArray[np.float32]]:
        """{sha256: (D,)} of bytes that this pack has embedded before."""
        fingerprint = self.pack.fingerprint
        points = ledger.twins(self.sessions, [str(job.sha256) for job in jobs], fingerprint)
        points |= {str(job.sha256): job.point_id for job in jobs if job.image.fingerprint == fingerprint}
        if not points:
            return {}
        found = self.store.vectors(self.collection, list(points.values()))
        usable = {point for point, row in found.items() if abs(float(np.linalg.norm(row)) - 1) < 0.01}
        return {sha: found[point] for sha, point in points.items() if point in usable}

    def _upsert(self, jobs: Sequence[Job]) -> None:
        lexical = {job.product.id: job.product for job in jobs}
        sparse = {key: mapping.words(product) for key, product in lexical.items()}
        points = []
        for job in jobs:
            assert job.vector is not None  # noqa: S101 - filled by the stage before
            said = mapping.payload(job.product, job.image.position)
            points.append(Point(job.point_id, job.vector, said, sparse[job.product.id]))
        self.store.upsert(self.collection, points)

    def _mark_live(self, jobs: Sequence[Job]) -> None:
        late = ledger.mark_live(self.sessions, jobs, self.pack.fingerprint)
        if late:  # the product has moved on: a newer rev is queued, but what is gone must not stay behind
            gone = ledger.vanished(self.sessions, late)
            self.store.delete(self.collection, [job.point_id for job in gone])

    def _fail(self, job: Job, failed: FetchFailed | ImageRefused) -> None:
        transient = isinstance(failed, FetchFailed) and failed.transient
        if ledger.is_final(job, transient) and ledger.still_ours(self.sessions, job):
            self.store.delete(self.collection, [job.point_id])  # an older picture of it is not this one
        ledger.mark_failed(self.sessions, job, failed.code, f"{failed.message} {failed.fix}", transient)
        log.warning("refused", sku=job.product.sku, position=job.image.position, code=failed.code)

    def _give_back(self, jobs: Sequence[Job], error: Exception) -> None:
        """Give claims back; raise when the world is at fault, and blame the image when it was alone."""
        if _of_the_world(error):
            ledger.release(self.sessions, jobs)
            raise error
        log.error("batch-failed", images=len(jobs), exc_info=error)
        if len(jobs) == 1 and jobs[0].suspect:
            ledger.mark_failed(self.sessions, jobs[0], "indexing-error", repr(error))
        else:
            ledger.suspect(self.sessions, jobs)

    def abandon(self, batch: Batch) -> None:
        """Give a prepared batch back that will not be completed."""
        ledger.release(self.sessions, batch.jobs)

    def close(self) -> None:
        """End the threads that fetch."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _of_the_world(error: Exception) -> bool:
    """Whether no image is to blame: engine, database or storage away, disk full, too many files open."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)
    if isinstance(error, OSError):
        return isinstance(error, StorageUnavailable) or error.errno in full
    return isinstance(
        error, (VectorStoreUnavailable, CollectionMissing, OperationalError, DecoderUnavailable)
    )
