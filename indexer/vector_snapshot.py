"""The vectors of an index in three files of a backup, and an index filled from them without a model.

A snapshot keeps for each point its id, the rev that it carries and its vector; what is said about it comes
from SQL when it is put back. It is taken after SQL's moment: a point that has changed since carries another
rev than its row and is left to be embedded again.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from catalog import fills
from catalog.identity import point_id
from catalog.keeping.backup_folder import Backup, PartWriter, VectorPart, damaged
from catalog.models import Image
from catalog.site import IndexRef
from indexer import mapping
from indexer.claims import Sessions
from indexer.patience import pages, patiently
from indexer.reindex import requeue
from vectors.protocol import CollectionMissing, Point, VectorStore

ROWS = 500

Ids = NDArray[np.bytes_]  # (N,) of 16 bytes


@dataclass(frozen=True)
class Refilled:
    """What came of putting vectors back: points written, and images queued to be embedded again."""

    points: int = 0
    queued: int = 0


def take(store: VectorStore, index: IndexRef, folder: Path) -> VectorPart | None:
    """Write an index's vectors under folder/vectors; None where it has no collection.

    Raises VectorStoreUnavailable.
    """
    names = [f"vectors/{index.fingerprint}.{kind}" for kind in ("ids", "revs", "vectors")]
    writers = [PartWriter(folder, name) for name in names]
    try:
        for points in pages(store, index.collection):
            for writer, data in zip(writers, _columns(points), strict=True):
                writer.write(data)
                writer.records += len(points)
    except CollectionMissing:
        for writer, name in zip(writers, names, strict=True):
            writer.finish()
            (folder / name).unlink()
        return None
    return VectorPart(index.fingerprint, index.dimension, *(writer.finish() for writer in writers))


def _columns(points: Sequence[Point]) -> tuple[bytes, bytes, bytes]:
    ids = b"".join(uuid.UUID(point.id).bytes for point in points)
    revs = np.array([_rev(point.payload) for point in points], "<i8")
    rows = np.stack([np.asarray(point.vector, "<f4") for point in points])
    return ids, revs.tobytes(), rows.tobytes()


def _rev(payload: Any) -> int:
    rev = payload.get("rev", 0)
    return rev if isinstance(rev, int) else 0


class Snapshot:
    """The vectors of one index in a backup; read from the disk as they are asked for."""

    def __init__(self, backup: Backup, part: VectorPart) -> None:
        """Raises BackupRefused for files whose lengths do not belong together."""
        count = part.ids.records
        if (part.ids.bytes, part.revs.bytes, part.vectors.bytes) != (
            16 * count, 8 * count, 4 * count * part.dimension,
        ):  # fmt: skip
            raise damaged(backup.folder, f"the vectors of {part.fingerprint[:16]} do not belong together")
        self.part = part
        self._ids: Ids = np.fromfile(backup.path(part.ids), "S16")
        self._revs = np.fromfile(backup.path(part.revs), "<i8")
        self._vectors = (
            np.memmap(backup.path(part.vectors), "<f4", "r", shape=(count, part.dimension))
            if count
            else np.zeros((0, part.dimension), np.float32)
        )

    def find(self, points: Sequence[str]) -> dict[str, tuple[int, NDArray[np.float32]]]:
        """{point: (its rev, its vector)} of those that the snapshot has."""
        wanted = np.array([uuid.UUID(point).bytes for point in points], "S16")
        places = np.searchsorted(self._ids, wanted)
        found = {}
        for point, place, key in zip(points, places, wanted, strict=True):
            if place < len(self._ids) and self._ids[place] == key:
                found[point] = (int(self._revs[place]), np.array(self._vectors[place], np.float32))
        return found


def refill(sessions: Sessions, store: VectorStore, index: IndexRef, snapshot: Snapshot | None) -> Refilled:
    """Fill an empty collection with what the ledger wants in it and the snapshot has; queue the rest.

    An index that is still being filled gets what the snapshot has: its fill finds what it lacks.
    """
    patiently(store.create, mapping.collection(index.fingerprint, index.dimension))
    written = queued = 0
    for images in _wanted(sessions):
        points = [_point(image) for image in images]
        known = snapshot.find(points) if snapshot else {}
        usable = {
            image.id: known[point][1]
            for image, point in zip(images, points, strict=True)
            if point in known and _is_of(image, known[point][0])
        }
        if usable:
            rows = _points([image for image in images if image.id in usable], usable)
            patiently(store.upsert, index.collection, rows)
            written += len(usable)
        if index.state == "ready":
            lacking = [image.id for image in images if image.state == "live" and image.id not in usable]
            queued += requeue(sessions, lacking, "embed")
    return Refilled(written, queued)


def _is_of(image: Image, rev: int) -> bool:
    """Whether the vector of a point at this rev is one of the bytes that the row names."""
    return rev == image.indexed_rev if image.state == "live" else rev <= image.product.rev


def _wanted(sessions: Sessions) -> Iterator[list[Image]]:
    """Images, with their products, whose vectors some index has; in chunks by id."""
    after = 0
    rows = select(Image).join(Image.product).options(contains_eager(Image.product))
    rows = rows.where(fills.belongs()).order_by(Image.id).limit(ROWS)
    while True:
        with sessions() as session:
            images = list(session.scalars(rows.where(Image.id > after)))
        if not images:
            return
        yield images
        after = images[-1].id


def _point(image: Image) -> str:
    return point_id(image.product.merchant_id, image.product.sku, image.position)


def _points(images: Sequence[Image], vectors: dict[int, NDArray[np.float32]]) -> list[Point]:
    words = {image.product.id: mapping.words(image.product) for image in images}
    return [
        Point(
            _point(image), vectors[image.id], mapping.payload(image.product, image.position),
            mapping.told_apart(words[image.product.id], image.product, image.position),
        )
        for image in images
    ]  # fmt: skip
