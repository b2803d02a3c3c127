"""The bytes of claimed images: fetched and decoded once, kept as renditions under their hash."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catalog.pictures.decoder import Decoder, ImageRefused, read_rendition
from catalog.storage.blobs import BlobMissing, Blobs
from indexer.claims import Job, Sessions
from indexer.errors import FetchFailed
from indexer.fetch import INCOMING, Fetcher
from indexer.ledger import known_sizes

EMBEDDED_SIZE = 480  # the rendition that a later embedding reads again
T = TypeVar("T")
R = TypeVar("R")
Pixels = NDArray[np.uint8]
Span = Callable[[str], AbstractContextManager[object]]  # marks a piece of work where traces are sent


def _each(threads: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Work the items in threads, within our context: the request and the trace that this is about."""
    calls = [partial(copy_context().run, work, item) for item in items]
    return threads.map(lambda call: call(), calls)


class Recent:
    """The pixels that were decoded last, by hash, until they are embedded: nobody reads them again."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pixels: OrderedDict[str, Pixels] = OrderedDict()
        self._guard = threading.Lock()

    def put(self, sha256: str, pixels: Pixels) -> None:
        """Keep (H, W, 3) RGB; the oldest beyond the limit go."""
        with self._guard:
            self._pixels[sha256] = pixels
            while len(self._pixels) > self._limit:
                self._pixels.popitem(last=False)

    def take(self, sha256: str) -> Pixels | None:
        """Give them away, or None."""
        with self._guard:
            return self._pixels.pop(sha256, None)


class Spent:
    """Seconds by kind of work, added up over the threads that do it; spans where traces are sent."""

    def __init__(self, span: Span = nullcontext) -> None:
        self.seconds: dict[str, float] = {}
        self._span = span
        self._guard = threading.Lock()

    @contextmanager
    def on(self, work: str) -> Iterator[None]:
        """Count the block's time."""
        began = time.perf_counter()
        try:
            with self.span(work):
                yield
        finally:
            self.add(work, time.perf_counter() - began)

    def span(self, work: str) -> AbstractContextManager[object]:
        """Mark the block in the trace only: it may wait for others."""
        return self._span(f"index.{work}")

    def add(self, work: str, seconds: float) -> None:
        """Count time that was measured elsewhere."""
        with self._guard:
            self.seconds[work] = self.seconds.get(work, 0.0) + seconds


class Acquirer:
    """Fills in a job's `sha256` and `size`, and gives its pixels. `recent` of 0 keeps no pixels in memory."""

    def __init__(
        self, sessions: Sessions, blobs: Blobs, fetcher: Fetcher, decoder: Decoder, recent: int
    ) -> None:
        self.sessions, self.blobs, self.fetcher, self.decoder = sessions, blobs, fetcher, decoder
        self._recent = Recent(recent)

    def acquire(
        self, jobs: Sequence[Job], threads: ThreadPoolExecutor, spent: Spent
    ) -> list[tuple[Job, FetchFailed | ImageRefused | None]]:
        """Each job with what went wrong with it, or None."""
        by_source: dict[str, list[Job]] = {}
        for job in jobs:  # the sizes of a garment share a photo: fetched and decoded once
            by_source.setdefault(job.image.source, []).append(job)
        failures = _each(threads, lambda same: self._acquire_shared(same, spent), by_source.values())
        outcome = [
            (job, failed) for same, failed in zip(by_source.values(), failures, strict=True) for job in same
        ]
        self._fill_sizes([job for job, failed in outcome if failed is None])
        return outcome

    def _acquire_shared(self, jobs: list[Job], spent: Spent) -> FetchFailed | ImageRefused | None:
        """Jobs of one source, each told the same."""
        missing = [job for job in jobs if not self._kept(job)]
        if not missing:
            return None
        try:
            with spent.on("fetch"):
                fetched = self.fetcher.get(jobs[0].image.source)
            with spent.span("decode"):
                picture = self.decoder.decode(fetched.data or b"", renditions=True)
            spent.add("decode", picture.seconds)
        except (FetchFailed, ImageRefused) as failed:
            return failed
        with spent.on("store"):
            self.blobs.put(picture.sha256, picture.renditions)
        self._recent.put(picture.sha256, picture.pixels)
        for job in missing:
            job.sha256, job.size = picture.sha256, (picture.width, picture.height)
            job.validators = fetched.validators
        return None

    def _kept(self, job: Job) -> bool:
        """Whether the bytes were decoded before, for this image or for another with the same ones."""
        sha256 = job.image.sha256
        if sha256 is None and job.image.source.startswith(INCOMING):
            sha256 = job.image.source.removeprefix(INCOMING)
        if sha256 is None or not self.blobs.has(sha256):
            return False
        job.sha256 = sha256
        return True

    def _fill_sizes(self, jobs: Iterable[Job]) -> None:
        unknown = [job for job in jobs if job.size is None and job.sha256]
        if not unknown:
            return
        sizes = known_sizes(self.sessions, [str(job.sha256) for job in unknown])
        for job in unknown:
            job.size = sizes.get(str(job.sha256)) or self._rendered_size(str(job.sha256))

    def _rendered_size(self, sha256: str) -> tuple[int, int]:
        """The size of the largest rendition, where the original's is in no row any more."""
        height, width, _ = read_rendition(self.blobs.read(sha256, 1200)).shape
        return width, height

    def pixels(
        self, hashes: Sequence[str], threads: ThreadPoolExecutor, spent: Spent
    ) -> dict[str, Pixels | None]:
        """{sha256: (H, W, 3) RGB}, decoded just now or read from the rendition; None where that is gone."""
        found = _each(threads, lambda each: self._pixels(each, spent), hashes)
        return dict(zip(hashes, found, strict=True))

    def _pixels(self, sha256: str, spent: Spent) -> Pixels | None:
        pixels = self._recent.take(sha256)
        if pixels is None:
            try:
                with spent.on("fetch"):
                    data = self.blobs.read(sha256, EMBEDDED_SIZE)
            except BlobMissing:
                return None
            with spent.on("decode"):
                pixels = read_rendition(data)
        return pixels

    def forget_incoming(self, jobs: Iterable[Job], threads: ThreadPoolExecutor) -> None:
        """Delete raw bytes whose renditions are kept: any row that names them is served by those."""
        sources = {job.image.source for job in jobs if job.image.source.startswith(INCOMING)}
        hashes = {source.removeprefix(INCOMING) for source in sources}
        if hashes:
            list(threads.map(self.fetcher.incoming.delete, hashes - self.blobs.missing(hashes)))
