"""Points, queries and revs as the client's own types, and records as points again."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import models

from vectors.protocol import Filter, Point, Sparse
from vectors.server.filters import compile_filter, not_newer_than
from vectors.server.layout import DENSE, LEXICAL

_SEARCH = models.SearchParams(
    hnsw_ef=128, quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)
)
_EXACT = models.SearchParams(exact=True)


def upserts(points: Sequence[Point], rows: NDArray[np.float32]) -> list[Any]:
    """One operation for each rev that occurs, oldest first, each behind the fence of its rev."""
    by_rev: dict[int | None, list[models.PointStruct]] = defaultdict(list)
    for point, row in zip(points, rows, strict=True):
        rev = point.payload.get("rev")
        by_rev[rev if isinstance(rev, int) else None].append(_struct(point, row))
    ordered = sorted(by_rev, key=lambda rev: (rev is not None, rev or 0))
    return [_upsert(by_rev[rev], rev) for rev in ordered]


def _upsert(points: list[models.PointStruct], rev: int | None) -> models.UpsertOperation:
    fence = None if rev is None else not_newer_than(rev)
    return models.UpsertOperation(upsert=models.PointsList(points=points, update_filter=fence))


def deletes(ids: Sequence[str], revs: Sequence[int] | None) -> list[Any]:
    """Operations that remove these points: all, or what carries no newer rev than is said of it."""
    if revs is None:
        return [models.DeleteOperation(delete=models.PointIdsList(points=list(ids)))]
    by_rev: dict[int, list[models.ExtendedPointId]] = defaultdict(list)
    for point_id, rev in zip(ids, revs, strict=True):
        by_rev[rev].append(point_id)
    return [
        models.DeleteOperation(delete=models.FilterSelector(filter=models.Filter(must=[named, fence])))
        for named, fence in (
            (models.HasIdCondition(has_id=some), not_newer_than(rev)) for rev, some in by_rev.items()
        )
    ]


def _struct(point: Point, row: NDArray[np.float32]) -> models.PointStruct:
    vector: dict[str, Any] = {DENSE: row.tolist()}
    if point.lexical is not None and len(point.lexical.indices):
        vector[LEXICAL] = _sparse(point.lexical)
    return models.PointStruct(id=point.id, vector=vector, payload=dict(point.payload))


def point(record: models.Record) -> Point:
    """A record with its payload and all its vectors -> a point."""
    vectors: Any = record.vector
    words, sparse = None, vectors.get(LEXICAL)
    if sparse is not None:
        words = Sparse(np.asarray(sparse.indices, np.uint32), np.asarray(sparse.values, np.float32))
    return Point(str(record.id), dense(record), dict(record.payload or {}), words)


def dense(record: models.Record) -> NDArray[np.float32]:
    """The unit vector of a record, (D,)."""
    vectors: Any = record.vector
    return np.asarray(vectors[DENSE], np.float32)


def query(vector: NDArray[np.float32] | Sparse, where: Filter, exact: bool) -> dict[str, Any]:
    """What is asked of the nearest points, as arguments of the client."""
    sparse = isinstance(vector, Sparse)
    return {
        "query": _sparse(vector) if isinstance(vector, Sparse) else vector.tolist(),
        "using": LEXICAL if sparse else DENSE,
        "query_filter": compile_filter(where),
        "search_params": _EXACT if exact else _SEARCH,
    }


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=sparse.indices.tolist(), values=sparse.values.tolist())
