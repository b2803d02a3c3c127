"""Pictures to vectors, by the pack of every maintained index; the next are read while some are encoded."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING

from catalog.site import IndexRef
from embedding.feeder import ahead
from indexer.acquire import Acquirer, Pixels, Spent
from indexer.claims import Job
from indexer.indexes import Vector

if TYPE_CHECKING:  # the packs bring torch, which a process without the embed stage does not want
    from embedding.pack import Pack
    from embedding.packs import Packs


class Encoding:
    """Encodes each picture once a pack, in batches of the packs' own size. Safe between threads."""

    def __init__(self, packs: "Packs", acquirer: Acquirer, threads: ThreadPoolExecutor) -> None:
        """`threads` read and decode."""
        self.packs, self._acquirer, self._threads = packs, acquirer, threads
        self._ahead = ThreadPoolExecutor(2, thread_name_prefix="ahead")

    def fill(self, jobs: Sequence[Job], refs: Iterable[IndexRef], spent: Spent) -> set[str | None]:
        """Give each job the vectors that it lacks; return the hashes of bytes that are lost."""
        wanting = _wanting(jobs, refs)
        packs = {fingerprint: self.packs.get(fingerprint) for fingerprint, some in wanting.items() if some}
        hashes = sorted(set().union(*wanting.values()))
        size = max((pack.batch for pack in packs.values()), default=1)
        chunks = [hashes[start : start + size] for start in range(0, len(hashes), size)]
        lost: set[str | None] = {None}
        here = copy_context()  # the trace that this is about goes along into the threads

        def read(some: Sequence[str]) -> dict[str, Pixels | None]:
            return here.copy().run(self._read, some, spent)

        for found in ahead(read, chunks, self._ahead, depth=1):
            pixels = {sha256: image for sha256, image in found.items() if image is not None}
            lost |= found.keys() - pixels.keys()
            for fingerprint, pack in packs.items():
                _encode(pack, jobs, wanting[fingerprint] & pixels.keys(), pixels, spent)
        return lost

    def _read(self, hashes: Sequence[str], spent: Spent) -> dict[str, Pixels | None]:
        return self._acquirer.pixels(hashes, self._threads, spent)

    def close(self) -> None:
        """End the threads."""
        self._ahead.shutdown(wait=True, cancel_futures=True)


def _wanting(jobs: Sequence[Job], refs: Iterable[IndexRef]) -> dict[str, set[str]]:
    """{fingerprint: hashes of what it has to encode}."""
    wanting: dict[str, set[str]] = {ref.fingerprint: set() for ref in refs}
    for job in jobs:
        for fingerprint in wanting.keys() - job.vectors.keys():
            wanting[fingerprint] |= {job.sha256} if job.sha256 else set()
    return wanting


def _encode(
    pack: "Pack", jobs: Sequence[Job], some: set[str], pixels: dict[str, Pixels], spent: Spent
) -> None:
    """Encode some of the pictures by one pack and give the rows to the jobs that lack them."""
    if not some:
        return
    hashes = sorted(some)
    with spent.on("embed"):
        rows = pack.encode_images([pixels[sha256] for sha256 in hashes])  # (B, D)
    made: dict[str, Vector] = dict(zip(hashes, rows, strict=True))
    for job in jobs:
        if job.sha256 in made:
            job.vectors.setdefault(pack.fingerprint, made[job.sha256])
