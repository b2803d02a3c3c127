"""Filling an index: every image of the catalogue, embedded by another pack, from its stored rendition.

    registered -> pieces of some 256 images, claimed by any worker -> compared with the ledger -> ready

What merchants change meanwhile the pipeline writes to this index too, at a newer rev, and the engine keeps
the newest. A batch is looked at again after it was written: what is gone by then leaves no point behind, and
what has changed is written anew. A piece that is written twice is as good as one written once, so a
worker may die at any moment.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager
from structlog import get_logger

from catalog import fills
from catalog.database import AWAY
from catalog.identity import point_id
from catalog.models import Image
from catalog.site import IndexRef, read_site
from catalog.storage.blobs import Blobs
from embedding.errors import PackRefused
from embedding.feeder import ahead
from indexer import fill_claims, mapping
from indexer.claims import Sessions
from indexer.fill_claims import Piece
from indexer.fill_comparison import compare
from indexer.fill_pixels import stored_pixels
from indexer.indexes import is_unit
from vectors.protocol import CollectionMissing, Point, VectorStore, VectorStoreUnavailable

if TYPE_CHECKING:  # the packs bring torch, which a process that fills nothing does not want
    from embedding.pack import Pack
    from embedding.packs import Packs

log = get_logger("indexer")
LEASE_S = 120.0
READERS = 8  # threads that read the next pictures while some are encoded
LOOKS = 5  # at a batch after it was written; what still changes then, the comparison finds
_OUTAGES = (VectorStoreUnavailable, CollectionMissing, *AWAY, OSError)
RETRY_S = 30.0  # after which a pack that is not at hand is asked for again

Vector = NDArray[np.float32]


class Record(Protocol):
    """What a worker's record is told: `indexer.activity.Activity`."""

    def add(self, stage: str, images: int, seconds: float, failures: int = 0) -> None:
        """Count images and seconds of a stage."""


class Filler:
    """One worker's part in whatever is being filled. Not for several threads at once."""

    def __init__(
        self,
        sessions: Sessions,
        blobs: Blobs,
        packs: "Packs",
        store: VectorStore,
        worker_id: str,
        batch: int = 32,
        lease_s: float = LEASE_S,
        record: Record | None = None,
    ) -> None:
        self.sessions, self.blobs, self.packs, self.store = sessions, blobs, packs, store
        self.worker_id, self.batch, self.lease_s, self.record = worker_id, batch, lease_s, record
        self._piece: Piece | None = None
        self._work: Iterator[int] = iter(())
        self._not_before = float("-inf")  # when the rate allows the next batch
        self._made: set[int] = set()  # indexes whose collection is there
        self._without: dict[str, float] = {}  # packs that were not at hand, and when
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="fill")

    def step(self) -> int:
        """Write one batch; how many images, 0 when there is nothing to fill or the rate says to wait.

        Raises what is the world's fault (engine, database, storage away), the piece given back.
        """
        if self.due_in() > 0:
            return 0
        while self._piece is not None or self._take():
            try:
                return next(self._work)
            except StopIteration:
                self._piece = None
            except CollectionMissing:  # it is being dropped, or was lost
                self._made.clear()
                self._let_go()
                return 0
            except BaseException:
                self._let_go()
                raise
        return 0

    def due_in(self) -> float:
        """Seconds until the rate allows a next batch; 0 where nothing holds it up."""
        return max(self._not_before - time.monotonic(), 0.0)

    @property
    def comparing(self) -> bool:
        """Whether a comparison is in hand: it begins anew where it is given back."""
        return self._piece is not None and self._piece.comparison

    def rest(self) -> None:
        """Let others go on with the piece in hand, for who may not be asked again soon."""
        if not self.comparing:
            self._let_go()

    def close(self) -> None:
        """Give back what is in hand; end the threads that read."""
        self._let_go()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _let_go(self) -> None:
        piece, self._piece = self._piece, None
        if piece is not None:
            try:
                fill_claims.give_back(self.sessions, piece)
            except Exception as error:  # the lease runs out by itself
                log.warning("fill-not-given-back", cause=repr(error)[:200])

    def _take(self) -> bool:
        """Claim a piece of any index that is being filled; whether there was one."""
        for index in read_site(self.sessions).maintained:
            if index.state != "filling" or (pack := self._pack(index)) is None:
                continue
            piece = self._claim(index)
            if piece is not None:
                self._piece, self._work = piece, self._steps(piece, pack)
                return True
        return False

    def _claim(self, index: IndexRef) -> Piece | None:
        """A piece; where there is none, of those whose worker died, or of what comes next."""
        if index.id not in self._made:
            self.store.create(mapping.collection(index.fingerprint, index.dimension))
            self._made.add(index.id)
        piece = fill_claims.claim(self.sessions, index, self.worker_id, self.lease_s)
        if piece is None and (fill_claims.release_dead(self.sessions, index) or self._next(index)):
            piece = fill_claims.claim(self.sessions, index, self.worker_id, self.lease_s)
        return piece

    def _next(self, index: IndexRef) -> bool:
        """Cut the catalogue into pieces, or queue the comparison once all are written; whether to claim."""
        if fill_claims.busy(self.sessions, index):
            return False
        with self.sessions.begin() as session:
            fresh = fills.plan(session, index.id)
            return fills.begin_comparison(session, index.id) or fresh

    def _pack(self, index: IndexRef) -> "Pack | None":
        if time.monotonic() - self._without.get(index.fingerprint, float("-inf")) < RETRY_S:
            return None
        try:
            return self.packs.get(index.fingerprint)
        except PackRefused as error:  # another worker may have it
            self._without[index.fingerprint] = time.monotonic()
            log.warning("fill-without-pack", pack=index.pack, cause=str(error))
            return None

    def _steps(self, piece: Piece, pack: "Pack") -> Iterator[int]:
        if piece.comparison:
            yield from compare(self.sessions, self.blobs, self.store, piece)
        else:
            yield from self._write_piece(piece, pack)

    def _write_piece(self, piece: Piece, pack: "Pack") -> Iterator[int]:
        last = piece.first - 1
        while images := self._images(piece, last):
            while wait_s := fill_claims.reserve(self.sessions, piece.index, len(images)):
                self._not_before = time.monotonic() + wait_s
                yield 0
            last = images[-1].id
            self._write_what_can_be(piece.index, pack, images)
            if not fill_claims.written(self.sessions, piece, len(images), upto=last):
                log.info("fill-piece-lost", piece=piece.id)
                return
            yield len(images)
        fill_claims.finish(self.sessions, piece)

    def _images(self, piece: Piece, after: int) -> list[Image]:
        of_piece = _with_products().where(Image.id > after, Image.id <= piece.last, fills.belongs())
        with self.sessions() as session:
            return list(session.scalars(of_piece.order_by(Image.id).limit(self.batch)))

    def _write_what_can_be(self, index: IndexRef, pack: "Pack", images: Sequence[Image]) -> None:
        """A batch; where it fails and the world is not at fault, each image alone, the unusable left out."""
        try:
            self._write(index, pack, images)
        except _OUTAGES:
            raise
        except Exception as error:
            log.error("fill-failed", images=[image.id for image in images], exc_info=error)
            if len(images) > 1:
                for image in images:
                    self._write_what_can_be(index, pack, [image])

    def _write(self, index: IndexRef, pack: "Pack", images: Sequence[Image]) -> None:
        """Put images into the index as they are now, until they stay as they were read."""
        vectors = self._indexed(index, images)
        for _ in range(LOOKS):
            began = time.perf_counter()
            vectors = self._embedded(pack, images, vectors)
            done = time.perf_counter()
            points = _points(images, vectors)
            if points:
                self.store.upsert(index.collection, points)
            if self.record is not None:
                self.record.add("embed", len(images), done - began, len(images) - len(points))
                self.record.add("upsert", len(points), time.perf_counter() - done)
            images = self._changed(index, images)
            if not images:
                return

    def _indexed(self, index: IndexRef, images: Sequence[Image]) -> dict[str, Vector]:
        """{sha256: (D,)} of what the index has already: written by the pipeline, or by a worker that died."""
        found = self.store.vectors(index.collection, [_point_id(image) for image in images])
        rows = ((str(image.sha256), found.get(_point_id(image))) for image in images)
        return {sha256: row for sha256, row in rows if row is not None and is_unit(row)}

    def _embedded(
        self, pack: "Pack", images: Sequence[Image], vectors: dict[str, Vector]
    ) -> dict[str, Vector]:
        """The vectors of all these images whose picture can be read, each picture embedded once."""
        wanted = dict.fromkeys(str(image.sha256) for image in images if image.sha256 not in vectors)
        read = ahead(self._read, wanted, self._readers, depth=2 * pack.batch)
        whole = ((sha256, pixels) for sha256, pixels in read if pixels is not None)
        vectors = dict(vectors)
        while some := list(islice(whole, pack.batch)):
            rows = pack.encode_images([pixels for _, pixels in some])  # (B, D)
            vectors |= zip((sha256 for sha256, _ in some), rows, strict=True)
        return vectors

    def _read(self, sha256: str) -> tuple[str, NDArray[np.uint8] | None]:
        return sha256, stored_pixels(self.blobs, sha256)

    def _changed(self, index: IndexRef, images: Sequence[Image]) -> list[Image]:
        """Those that are no longer as they were read, to be written again; what is gone is taken out."""
        read = {image.id: image for image in images}
        with self.sessions() as session:
            theirs = Image.id.in_(read)
            there = {image.id: image for image in session.scalars(_with_products().where(theirs))}
            usable = select(Image.id).join(Image.product).where(theirs, fills.belongs())
            belong = set(session.scalars(usable))
        # What waits in a queue is about to be written by the pipeline, or taken out.
        gone = [image for image in images if image.id not in there or _settled_out(there[image.id], belong)]
        if gone:
            points, revs = [_point_id(image) for image in gone], [image.product.rev for image in gone]
            self.store.delete(index.collection, points, revs)
        here = [image for image in there.values() if image.id in belong]
        return [image for image in here if not _same(image, read[image.id])]


def _settled_out(image: Image, belong: set[int]) -> bool:
    return image.id not in belong and image.state in ("hidden", "failed")


def _with_products() -> Select[Image]:
    return select(Image).join(Image.product).options(contains_eager(Image.product))


def _point_id(image: Image) -> str:
    return point_id(image.product.merchant_id, image.product.sku, image.position)


def _points(images: Sequence[Image], vectors: dict[str, Vector]) -> list[Point]:
    return [
        Point(
            _point_id(image),
            vectors[str(image.sha256)],
            mapping.payload(image.product, image.position),
            mapping.told_apart(mapping.words(image.product), image.product, image.position),
        )
        for image in images
        if image.sha256 in vectors
    ]


def _same(image: Image, before: Image) -> bool:
    return (image.product.rev, image.sha256) == (before.product.rev, before.sha256)
