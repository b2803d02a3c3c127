"""What one collection holds, in 40 bytes a point: ids in order, the rev each carries, whether it is sound.

Ten million points are 400 MB; their vectors and payloads pass by and are forgotten.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.indexes import is_unit
from indexer.patience import pages
from vectors.protocol import Point, VectorStore


@dataclass(frozen=True)
class Found:
    """What the collection has for one point."""

    rev: int
    sound: bool  # its vector is a unit vector
    said: int  # of its payload: see `digest`


class Census:
    """The points of a collection. `find` ticks those off that an image owns; the rest is `unowned`."""

    def __init__(self, store: VectorStore, collection: str) -> None:
        """Read the whole collection. Raises CollectionMissing, VectorStoreUnavailable."""
        columns = [_columns(points) for points in pages(store, collection)]
        self._ids: NDArray[np.bytes_] = _joined([each[0] for each in columns], "S16")
        self._revs: NDArray[np.int64] = _joined([each[1] for each in columns], "<i8")
        self._sound: NDArray[np.bool_] = _joined([each[2] for each in columns], "?")
        self._said: NDArray[np.uint64] = _joined([each[3] for each in columns], "<u8")
        self._owned = np.zeros(len(self._ids), np.bool_)

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, points: Sequence[str]) -> dict[str, Found]:
        """{point: what there is} of those that the collection has; they have an owner from now on."""
        wanted = np.array([uuid.UUID(point).bytes for point in points], "S16")
        places = np.searchsorted(self._ids, wanted)
        found = {}
        for point, key, at in zip(points, wanted, places.tolist(), strict=True):
            if at < len(self._ids) and self._ids[at] == key:
                self._owned[at] = True
                found[point] = Found(int(self._revs[at]), bool(self._sound[at]), int(self._said[at]))
        return found

    def unowned(self) -> Iterator[tuple[str, int]]:
        """The points that nobody has asked for, each with its rev."""
        for key, rev in zip(self._ids[~self._owned], self._revs[~self._owned].tolist(), strict=True):
            yield _text(key), rev

    def duplicates(self) -> Iterator[str]:
        """Points that the collection holds twice, which only a damaged engine does."""
        same = self._ids[1:] == self._ids[:-1]
        yield from dict.fromkeys(_text(key) for key in self._ids[1:][same])


def digest(payload: Mapping[str, Any]) -> int:
    """A number that differs where payloads do."""
    plain = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return int.from_bytes(hashlib.blake2b(plain.encode(), digest_size=8).digest(), "little")


def _columns(points: Sequence[Point]) -> tuple[NDArray[Any], ...]:
    return (
        np.array([uuid.UUID(point.id).bytes for point in points], "S16"),
        np.array([_rev(point.payload) for point in points], "<i8"),
        np.array([is_unit(point.vector) for point in points], "?"),
        np.array([digest(point.payload) for point in points], "<u8"),
    )


def _joined(columns: Sequence[NDArray[Any]], kind: str) -> NDArray[Any]:
    return np.concatenate(columns) if columns else np.array([], kind)


def _rev(payload: Mapping[str, Any]) -> int:
    rev = payload.get("rev", 0)
    return rev if isinstance(rev, int) else 0


def _text(key: bytes) -> str:
    return str(uuid.UUID(bytes=bytes(key).ljust(16, b"\0")))
