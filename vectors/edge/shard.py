"""One Qdrant Edge shard in our own types. Every call holds the GIL, so calls are kept small."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qe
from numpy.typing import NDArray

from vectors.edge.filters import compile_filter, seen_groups
from vectors.protocol import Collection, Filter, Hit, PayloadValue, Point, Sparse, Value

DENSE, LEXICAL = "image", "lexical"
# Up to so many KB of vectors under a filter are compared one by one, in int8: as fast as a graph and exact.
# With 1,000 instead, a filter that kept 5 % of 100,000 points went through the graph at a recall of 0.983.
FULL_SCAN_KB = 20_000
SLICE = 256  # vectors read in one turn of the engine

_KINDS = {
    "keyword": qe.PayloadSchemaType.Keyword,
    "integer": qe.PayloadSchemaType.Integer,
    "float": qe.PayloadSchemaType.Float,
}
_SEARCH = qe.SearchParams(
    hnsw_ef=96, quantization=qe.QuantizationSearchParams(rescore=True, oversampling=2.0)
)
_EXACT = qe.SearchParams(exact=True)


def create_shard(folder: Path, collection: Collection) -> None:
    """Make an empty shard at `folder` with its payload indexes; complete and closed when it returns."""
    folder.mkdir(parents=True)
    shard = qe.EdgeShard.create(str(folder), _config(collection.dimension))
    for field in collection.fields:  # before any point: a graph built earlier would not know them
        shard.update(qe.UpdateOperation.create_field_index(field.name, _KINDS[field.kind]))
    shard.flush()
    shard.close()


class Shard:
    """An open shard. Not safe between threads: the server gives each call its turn."""

    def __init__(self, folder: Path, collection: Collection) -> None:
        self._shard = qe.EdgeShard.load(str(folder), None)
        self._collection = collection

    def upsert(self, points: Sequence[Point], prepared: list[qe.Point]) -> int:
        """Write those of the points that are not older than what is stored; how many that were."""
        chosen = self._fence(points, prepared)
        if chosen:
            self._shard.update(qe.UpdateOperation.upsert_points(chosen))
        return len(chosen)

    def delete(self, ids: Sequence[str], revs: Sequence[int] | None = None) -> int:
        """Remove points, those left that carry a newer rev than is said; how many ids were asked for."""
        if revs is not None:
            stored, upto = self._revs(ids), dict(zip(ids, revs, strict=True))
            ids = [each for each in ids if stored.get(each, upto[each]) <= upto[each]]
        if ids:
            self._shard.update(qe.UpdateOperation.delete_points(list(ids)))
        return len(ids)

    def search(
        self,
        query: NDArray[np.float32] | Sparse,
        where: Filter,
        limit: int,
        offset: int,
        group_by: str | None,
        exact: bool,
    ) -> list[Hit]:
        """See `VectorStore.search`."""
        if limit == 0 or (isinstance(query, Sparse) and not len(query.indices)):
            return []
        if group_by is not None:
            return self._grouped(query, where, limit + offset, group_by, exact)[offset:]
        found = self._find(query, compile_filter(where), limit, offset, exact, False)
        return [Hit(str(point.id), point.score) for point in found]

    def facets(self, field: str, where: Filter, limit: int) -> list[tuple[Value, int]]:
        """See `VectorStore.facets`; a value that only overwritten points had still comes, with count 0."""
        if limit == 0:
            return []
        response = self._shard.facet(qe.FacetRequest(field, limit, True, compile_filter(where)))
        return sorted(
            ((hit.value, hit.count) for hit in response.hits if hit.count),
            key=lambda pair: (-pair[1], pair[0]),
        )

    def vectors(self, ids: Sequence[str]) -> list[tuple[str, NDArray[np.float32]]]:
        """Ids that exist with their unit vectors, (D,) float32."""
        records = self._shard.retrieve(list(ids), False, [DENSE])
        return [(str(record.id), _dense(record.vector)) for record in records]

    def scroll(self, after: str | None, limit: int) -> list[tuple[str, dict[str, PayloadValue]]]:
        """See `VectorStore.scroll`."""
        request = qe.ScrollRequest(after, limit + 1, None, True, False, None)  # the engine begins AT `after`
        records, _ = self._shard.scroll(request)
        rows = [(str(record.id), record.payload or {}) for record in records]
        return [row for row in rows if row[0] != after][:limit]

    def points(self, after: str | None, limit: int) -> list[Point]:
        """See `VectorStore.points`."""
        records, _ = self._shard.scroll(qe.ScrollRequest(after, limit + 1, None, True, True, None))
        found = [(str(record.id), record) for record in records]
        return [_point(point_id, record) for point_id, record in found if point_id != after][:limit]

    def count(self, where: Filter = ()) -> int:
        """Points under the filter, exactly."""
        return self._shard.count(qe.CountRequest(True, compile_filter(where)))

    def optimize(self) -> None:
        """Build graphs, merge segments: seconds to minutes with the GIL held, so only in a process beside."""
        self._shard.optimize()

    def flush(self) -> None:
        """Shorten what the write-ahead log must replay at the next opening."""
        self._shard.flush()

    def close(self) -> None:
        """Let the shard's lock go."""
        self._shard.close()

    def _find(
        self,
        query: NDArray[np.float32] | Sparse,
        compiled: qe.Filter | None,
        limit: int,
        offset: int,
        exact: bool,
        payload: bool | list[str],
    ) -> list[qe.ScoredPoint]:
        nearest, params = _nearest(query), _EXACT if exact else _SEARCH
        request = qe.SearchRequest(nearest, limit, offset, compiled, params, False, payload, None)
        return self._shard.search(request)

    def _grouped(
        self, query: NDArray[np.float32] | Sparse, where: Filter, wanted: int, field: str, exact: bool
    ) -> list[Hit]:
        """The best hit of each group: take more than wanted, then ask again without the groups seen."""
        best: dict[Value, Hit] = {}
        compiled, depth = compile_filter(where), 3 * wanted
        while True:
            found = self._find(query, compiled, depth, 0, exact, [field])
            for point in found:
                group = (point.payload or {}).get(field)
                if group is not None and group not in best:
                    best[group] = Hit(str(point.id), point.score, group)
            if len(best) >= wanted or len(found) < depth:
                return list(best.values())[:wanted]
            compiled = compile_filter(where, without=seen_groups(field, list(best)))

    def _fence(self, points: Sequence[Point], prepared: list[qe.Point]) -> list[qe.Point]:
        """The newest of each id in the call, unless the store holds a newer one."""
        stored = self._revs([point.id for point in points if "rev" in point.payload])
        chosen: dict[str, qe.Point] = {}
        for point, ready in zip(points, prepared, strict=True):
            rev = _rev(point.payload)
            if rev is None or rev >= stored.get(point.id, rev):
                chosen[point.id] = ready
                if rev is not None:
                    stored[point.id] = rev
        return list(chosen.values())

    def _revs(self, ids: Sequence[str]) -> dict[str, int]:
        if not ids:
            return {}
        records = self._shard.retrieve(list(ids), ["rev"], False)
        revs = {str(record.id): _rev(record.payload or {}) for record in records}
        return {point_id: rev for point_id, rev in revs.items() if rev is not None}


def prepare(points: Sequence[Point]) -> list[qe.Point]:
    """Points as the engine's own, made outside its turn."""
    ready = []
    for point in points:
        vector: dict[str, Any] = {DENSE: point.vector}
        if point.lexical is not None and len(point.lexical.indices):
            vector[LEXICAL] = _sparse(point.lexical)
        ready.append(qe.Point(point.id, vector, dict(point.payload)))
    return ready


def read_built(folder: Path) -> int:
    """Points that were in the graph when this generation was built."""
    try:
        return int(json.loads((folder / "built.json").read_text())["points"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # then the graph is built again soon
        return 0


def write_built(folder: Path, points: int) -> None:
    """Remember it, so a restarted engine knows what is not in the graph yet."""
    (folder / "built.json").write_text(json.dumps({"points": points}))


def _config(dimension: int) -> qe.EdgeConfig:
    int8 = qe.ScalarQuantizationConfig(type=qe.ScalarType.Int8, quantile=0.99, always_ram=True)
    return qe.EdgeConfig(
        vectors={
            DENSE: qe.EdgeVectorParams(size=dimension, distance=qe.Distance.Cosine, quantization_config=int8)
        },
        sparse_vectors={LEXICAL: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
        # One thread: the graph is built beside, on a machine that serves searches meanwhile.
        hnsw_config=qe.HnswIndexConfig(
            m=16, ef_construct=128, full_scan_threshold=FULL_SCAN_KB, max_indexing_threads=1
        ),
        # One segment: every segment is searched on its own, so two cost nearly twice the time of one.
        optimizers=qe.EdgeOptimizersConfig(
            indexing_threshold=2000, default_segment_number=1, max_segment_size=4_000_000
        ),
        max_search_threads=1,
        wal_enabled=True,
    )


def _nearest(query: NDArray[np.float32] | Sparse) -> qe.Query:
    if isinstance(query, Sparse):
        return qe.Query.Nearest(_sparse(query), using=LEXICAL)
    return qe.Query.Nearest(query, using=DENSE)  # type: ignore[arg-type]  # the stub names lists only


def _sparse(sparse: Sparse) -> qe.SparseVector:
    return qe.SparseVector(sparse.indices.tolist(), sparse.values.tolist())


def _dense(vector: Any) -> NDArray[np.float32]:
    return np.asarray(vector[DENSE], np.float32)


def _point(point_id: str, record: qe.Record) -> Point:
    vectors: Any = record.vector
    words, sparse = None, vectors.get(LEXICAL)
    if sparse is not None:
        words = Sparse(np.asarray(sparse.indices, np.uint32), np.asarray(sparse.values, np.float32))
    return Point(point_id, _dense(vectors), record.payload or {}, words)


def _rev(payload: Any) -> int | None:
    rev = payload.get("rev")
    return rev if isinstance(rev, int) else None
