"""Every maintained index as one: what is written goes to all of them, what is known comes from each.

SQL says which indexes there are. Their collections are made, and the engine's alias follows the live one,
whenever SQL's answer has changed since the last look.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from structlog import get_logger

from catalog.site import SiteState, live_index, read_site
from indexer import ledger, mapping
from indexer.claims import Job, Sessions
from indexer.reindex import enqueue_reindex
from vectors.protocol import CollectionMissing, Point, VectorStore

if TYPE_CHECKING:  # the packs bring torch, which a process without the embed stage does not want
    from embedding.packs import Packs

log = get_logger("indexer")
Vector = NDArray[np.float32]


class Indexes:
    """The maintained indexes of one process. Safe between threads."""

    def __init__(self, sessions: Sessions, store: VectorStore, packs: "Packs") -> None:
        self.sessions, self.store, self.packs = sessions, store, packs
        self._settled = 0  # the generation under which every collection was there
        self._guard = threading.Lock()

    def site(self) -> SiteState:
        """The indexes that a batch is to be written to. Raises SiteRefused, VectorStoreError."""
        site = read_site(self.sessions)
        if site.generation != self._settled:
            with self._guard:
                site = self._settle()
        return site

    def ensure(self) -> int:
        """Make what collections are missing; return how many images are queued because one was lost."""
        with self._guard:
            return self._made(read_site(self.sessions))

    def _settle(self) -> SiteState:
        """Look again until nothing has changed meanwhile: an older look must not have the last word."""
        site = read_site(self.sessions)
        while site.generation != self._settled:
            self._made(site)
            self.packs.keep(ref.fingerprint for ref in site.maintained)
            self._settled, site = site.generation, read_site(self.sessions)
        return site

    def _made(self, site: SiteState) -> int:
        """Queue what a lost collection held, then make it: its absence is what tells of the loss.

        Who dies between leaves it to the next; in the other order nobody would ever fill it again.
        """
        live = live_index(site)
        there = set(self.store.collections())
        lost = [
            ref.collection for ref in site.maintained if ref.state == "ready" and ref.collection not in there
        ]
        queued = enqueue_reindex(self.sessions) if lost else 0
        if queued:
            log.warning("index-lost", collections=lost, queued=queued)
        for ref in site.maintained:
            self.store.create(mapping.collection(ref.fingerprint, ref.dimension))
        if self.store.resolve(mapping.ALIAS) != live.collection:
            self.store.point_alias(mapping.ALIAS, live.collection)
        return queued

    def missing(self) -> None:
        """Say that a collection was not there: it is made before the next batch."""
        self._settled = 0

    def known(self, jobs: Sequence[Job], site: SiteState, twins: bool = False) -> None:
        """Give each job the vectors of its bytes that the indexes have, at its own point or at a twin's."""
        points = {job.image.id: job.point_id for job in jobs if job.indexed}
        if twins:
            hashes = {str(job.sha256) for job in jobs if job.image.id not in points}
            same = ledger.twins(self.sessions, hashes) if hashes else {}
            points |= {job.image.id: same[str(job.sha256)] for job in jobs if str(job.sha256) in same}
        for ref in site.maintained if points else ():
            found = self.store.vectors(ref.collection, list(set(points.values())))
            usable = {point: row for point, row in found.items() if is_unit(row)}
            for job in jobs:
                row = usable.get(points.get(job.image.id, ""))
                if row is not None:
                    job.vectors[ref.fingerprint] = row

    def write(self, jobs: Sequence[Job], site: SiteState) -> None:
        """Write each job's point to every index that it has a vector for."""
        products = {job.product.id: job.product for job in jobs}
        words = {key: mapping.words(product) for key, product in products.items()}
        said = {job.image.id: mapping.payload(job.product, job.image.position) for job in jobs}
        told = {
            job.image.id: mapping.told_apart(words[job.product.id], job.product, job.image.position)
            for job in jobs
        }
        for ref in site.maintained:
            points = [
                Point(job.point_id, job.vectors[ref.fingerprint], said[job.image.id], told[job.image.id])
                for job in jobs
                if ref.fingerprint in job.vectors
            ]
            if points:
                self.store.upsert(ref.collection, points)

    def delete(self, jobs: Sequence[Job], site: SiteState) -> None:
        """Take the jobs' points out of every index, but for what has been written since they were claimed."""
        delete_points(self.store, site, {job.point_id: job.product.rev for job in jobs})


def delete_points(store: VectorStore, site: SiteState, points: Mapping[str, int]) -> None:
    """Take {point: rev} out of every maintained index; one whose collection is not there has none.

    A point that carries a newer rev stays: whoever takes out may be late, and the product be for sale again.
    """
    for ref in site.maintained if points else ():
        try:
            store.delete(ref.collection, list(points), list(points.values()))
        except CollectionMissing:
            continue


def is_unit(row: Vector) -> bool:
    """Whether this is a vector at all: what a damaged index gives back has another length."""
    return abs(float(np.linalg.norm(row)) - 1) < 0.01
