"""The bytes of a claimed image: fetched and decoded once, kept as renditions under their hash."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from catalog.blobs import Blobs
from catalog.images import Decoder, ImageRefused, read_rendition
from indexer.errors import FetchFailed
from indexer.fetch import INCOMING, Fetcher
from indexer.ledger import Job, Sessions, known_sizes

EMBEDDED_SIZE = 480  # the rendition that a later embedding reads again


class Acquirer:
    """Fills in a job's `sha256`, `size` and, where it had to be decoded, `pixels`."""

    def __init__(self, sessions: Sessions, blobs: Blobs, fetcher: Fetcher, decoder: Decoder) -> None:
        self.sessions, self.blobs, self.fetcher, self.decoder = sessions, blobs, fetcher, decoder

    def acquire(
        self, jobs: Sequence[Job], threads: ThreadPoolExecutor
    ) -> list[tuple[Job, FetchFailed | ImageRefused | None]]:
        """Each job with what went wrong with it, or None."""
        by_source: dict[str, list[Job]] = {}
        for job in jobs:  # the sizes of a garment share a photo: fetched and decoded once
            by_source.setdefault(job.image.source, []).append(job)
        failures = threads.map(self._acquire_shared, by_source.values())
        outcome = [
            (job, failed) for same, failed in zip(by_source.values(), failures, strict=True) for job in same
        ]
        self._fill_sizes([job for job, failed in outcome if failed is None])
        return outcome

    def _acquire_shared(self, jobs: list[Job]) -> FetchFailed | ImageRefused | None:
        """Jobs of one source, each told the same."""
        missing = [job for job in jobs if not self._kept(job)]
        if not missing:
            return None
        try:
            picture = self.decoder.decode(self.fetcher.fetch(jobs[0].image.source), renditions=True)
        except (FetchFailed, ImageRefused) as failed:
            return failed
        self.blobs.put(picture.sha256, picture.renditions)
        for job in missing:
            job.sha256, job.size = picture.sha256, (picture.width, picture.height)
            job.pixels = picture.pixels
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

    def pixels(self, job: Job) -> NDArray[np.uint8]:
        """(H, W, 3) RGB of a job: as decoded just now, else from the kept rendition."""
        if job.pixels is None:
            job.pixels = read_rendition(self.blobs.read(str(job.sha256), EMBEDDED_SIZE))
        return job.pixels

    def forget_incoming(self, jobs: Iterable[Job]) -> None:
        """Delete raw bytes whose renditions are kept: any row that names them is served by those."""
        for source in {job.image.source for job in jobs if job.image.source.startswith(INCOMING)}:
            self.fetcher.incoming.delete(source.removeprefix(INCOMING))
