"""`VectorStore` over a Qdrant server: gRPC, timeouts, aliases, writes that wait until they are applied."""

import contextlib
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models

from vectors import checks
from vectors.protocol import (
    Collection,
    Field,
    Filter,
    Hit,
    PayloadValue,
    Point,
    Sparse,
    Value,
    VectorsRefused,
)
from vectors.server.errors import attempt
from vectors.server.filters import compile_filter, not_newer_than

T = TypeVar("T")

DENSE, LEXICAL = "image", "lexical"
BATCH = 128  # points of one request
_KINDS = {
    "keyword": models.PayloadSchemaType.KEYWORD,
    "integer": models.PayloadSchemaType.INTEGER,
    "float": models.PayloadSchemaType.FLOAT,
}
_SEARCH = models.SearchParams(
    hnsw_ef=128, quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)
)
_EXACT = models.SearchParams(exact=True)


class ServerStore:
    """See `VectorStore`. Safe between threads."""

    def __init__(self, client: QdrantClient, *, serial: bool = False) -> None:
        self._client = client
        self._turn: contextlib.AbstractContextManager[Any] = (
            threading.RLock() if serial else contextlib.nullcontext()
        )
        self._known: dict[str, Collection] = {}

    @staticmethod
    def connect(
        url: str, *, api_key: str | None = None, timeout_s: float = 5.0, grpc_port: int = 6334
    ) -> "ServerStore":
        """A server at `url`, e.g. http://qdrant:6333; `grpc_port` 0 speaks REST only."""
        return ServerStore(
            QdrantClient(
                url=url,
                grpc_port=grpc_port or 6334,
                prefer_grpc=bool(grpc_port),
                api_key=api_key,
                timeout=math.ceil(timeout_s),
                check_compatibility=False,  # it would call at start, when the server may still be starting
            )
        )

    @staticmethod
    def local(path: Path | None = None) -> "ServerStore":
        """The client's own mode without a server, in memory or in a folder, for tests; one call at a time."""
        if path is None:
            return ServerStore(QdrantClient(":memory:"), serial=True)
        return ServerStore(QdrantClient(path=str(path), force_disable_check_same_thread=True), serial=True)

    def create(self, collection: Collection) -> None:
        """See `VectorStore.create`."""
        checks.check_collection(collection)
        name = collection.name
        if self._call(name, lambda: self._client.collection_exists(name)):
            checks.check_same(self._collection(name), collection)
            return
        if self.resolve(name) is not None:
            raise checks.name_taken(name)
        self._call(name, lambda: self._client.create_collection(name, **_layout(collection)))
        for field in collection.fields:  # before any point: a graph built earlier would not know them
            self._index(name, field)

    def collections(self) -> list[str]:
        """See `VectorStore.collections`."""
        found = self._call("", self._client.get_collections)
        return sorted(collection.name for collection in found.collections)

    def drop(self, name: str) -> None:
        """See `VectorStore.drop`; the server removes the aliases with it."""
        if self._call(name, lambda: self._client.collection_exists(name)) and self.resolve(name) is None:
            self._call(name, lambda: self._client.delete_collection(name))
        self._known.clear()

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`; the server itself compares revs, in the same step as it writes."""
        rows = self._checked(name, lambda collection: checks.check_points(collection, points))
        for start in range(0, len(points), BATCH):
            span = slice(start, start + BATCH)
            self._update(name, _upserts(points[span], rows[span]))

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """See `VectorStore.delete`."""
        checks.check_ids(ids)
        self._collection(name)
        if ids:
            selector = models.PointIdsList(points=list(ids))
            self._call(name, lambda: self._client.delete(name, selector, wait=True))

    def search(
        self,
        name: str,
        query: NDArray[np.float32] | Sparse,
        *,
        where: Filter = (),
        limit: int = 10,
        offset: int = 0,
        group_by: str | None = None,
        exact: bool = False,
    ) -> list[Hit]:
        """See `VectorStore.search`."""
        query = self._checked(name, lambda known: checks.check_search(known, query, where, group_by))
        checks.check_window(limit, offset)
        if limit == 0 or (isinstance(query, Sparse) and not len(query.indices)):
            return []
        asked = _asked(query, where, exact)
        if group_by is None:
            return self._ranked(name, asked | {"limit": limit, "offset": offset})
        return self._grouped(name, asked | {"limit": limit + offset, "group_by": group_by})[offset:]

    def facets(
        self, name: str, field: str, *, where: Filter = (), limit: int = 50
    ) -> list[tuple[Value, int]]:
        """See `VectorStore.facets`."""
        self._checked(name, lambda known: checks.check_facet(known, field, where))
        checks.check_window(limit)
        if limit == 0:
            return []
        compiled = compile_filter(where)
        found = self._call(
            name,
            lambda: self._client.facet(name, field, facet_filter=compiled, limit=limit, exact=True),
        )
        kept = [(hit.value, hit.count) for hit in found.hits if hit.count]  # some were overwritten
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))

    def vectors(self, name: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `VectorStore.vectors`."""
        checks.check_ids(ids)
        self._collection(name)
        records = self._call(
            name,
            lambda: self._client.retrieve(name, list(ids), with_payload=False, with_vectors=[DENSE]),
        )
        return {str(record.id): np.asarray(record.vector[DENSE], np.float32) for record in records}  # type: ignore[index,call-overload]

    def scroll(
        self, name: str, *, after: str | None = None, limit: int = 1000
    ) -> list[tuple[str, dict[str, PayloadValue]]]:
        """See `VectorStore.scroll`."""
        checks.check_ids([after] if after else [])
        checks.check_window(limit)
        self._collection(name)
        records, _ = self._call(  # the server begins AT the offset
            name, lambda: self._client.scroll(name, limit=limit + 1, offset=after, with_payload=True)
        )
        rows = [(str(record.id), dict(record.payload or {})) for record in records]
        return [row for row in rows if row[0] != after][:limit]

    def points(self, name: str, *, after: str | None = None, limit: int = 256) -> list[Point]:
        """See `VectorStore.points`."""
        checks.check_ids([after] if after else [])
        checks.check_window(limit)
        self._collection(name)
        records, _ = self._call(
            name,
            lambda: self._client.scroll(
                name, limit=limit + 1, offset=after, with_payload=True, with_vectors=[DENSE, LEXICAL]
            ),
        )
        return [_point(record) for record in records if str(record.id) != after][:limit]

    def count(self, name: str, where: Filter = ()) -> int:
        """See `VectorStore.count`."""
        self._checked(name, lambda known: checks.check_filter(known, where))
        compiled = compile_filter(where)
        return self._call(name, lambda: self._client.count(name, compiled, exact=True)).count

    def point_alias(self, alias: str, name: str) -> None:
        """See `VectorStore.point_alias`; the server applies both steps as one."""
        checks.check_name(alias)
        if name not in self.collections():
            raise checks.collection_missing(name)
        if alias in self.collections():
            raise checks.name_taken(alias)
        create = models.CreateAlias(collection_name=name, alias_name=alias)
        steps: list[Any] = [models.CreateAliasOperation(create_alias=create)]
        if self.resolve(alias) is not None:
            steps.insert(0, models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        self._call(name, lambda: self._client.update_collection_aliases(steps))
        self._known.pop(alias, None)

    def resolve(self, alias: str) -> str | None:
        """See `VectorStore.resolve`."""
        found = self._call(alias, self._client.get_aliases).aliases
        return next((one.collection_name for one in found if one.alias_name == alias), None)

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._client.close()

    def _call(self, name: str, call: Callable[[], T]) -> T:
        with self._turn:
            return attempt(name, call)

    def _update(self, name: str, operations: list[Any]) -> None:
        self._call(name, lambda: self._client.batch_update_points(name, operations, wait=True))

    def _index(self, name: str, field: Field) -> None:
        kind = _KINDS[field.kind]
        self._call(name, lambda: self._client.create_payload_index(name, field.name, kind, wait=True))

    def _collection(self, name: str) -> Collection:
        known = self._known.get(name)
        if known is None:
            info = self._call(name, lambda: self._client.get_collection(name))
            known = self._known[name] = _read_layout(name, info)
        return known

    def _checked(self, name: str, check: Callable[[Collection], T]) -> T:
        """What is known of the collection is read again before a call is refused: an alias may have moved."""
        try:
            return check(self._collection(name))
        except VectorsRefused:
            self._known.pop(name, None)
            return check(self._collection(name))

    def _ranked(self, name: str, asked: dict[str, Any]) -> list[Hit]:
        found = self._call(name, lambda: self._client.query_points(name, with_payload=False, **asked))
        return [Hit(str(point.id), point.score) for point in found.points]

    def _grouped(self, name: str, asked: dict[str, Any]) -> list[Hit]:
        found = self._call(
            name,
            lambda: self._client.query_points_groups(name, group_size=1, with_payload=False, **asked),
        )
        return [Hit(str(group.hits[0].id), group.hits[0].score, group.id) for group in found.groups]


def _layout(collection: Collection) -> dict[str, Any]:
    int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, quantile=0.99, always_ram=True)
    return {
        "vectors_config": {
            DENSE: models.VectorParams(size=collection.dimension, distance=models.Distance.COSINE)
        },
        "sparse_vectors_config": {LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        "hnsw_config": models.HnswConfigDiff(m=16, ef_construct=128),
        "quantization_config": models.ScalarQuantization(scalar=int8),
        "metadata": {"fields": [[field.name, field.kind] for field in collection.fields]},
    }


def _read_layout(name: str, info: models.CollectionInfo) -> Collection:
    vectors = info.config.params.vectors
    if not isinstance(vectors, dict) or DENSE not in vectors:
        raise VectorsRefused(
            "vectors-foreign", f"{name} was not made by Twirl.", "Use another collection name."
        )
    metadata = info.config.metadata or {}
    fields = tuple(Field(field, kind) for field, kind in metadata.get("fields", []))
    return Collection(name, vectors[DENSE].size, fields)


def _upserts(points: Sequence[Point], rows: NDArray[np.float32]) -> list[Any]:
    """One operation for each rev that occurs, oldest first, each behind the fence of its rev."""
    by_rev: dict[int | None, list[models.PointStruct]] = defaultdict(list)
    for point, row in zip(points, rows, strict=True):
        rev = point.payload.get("rev")
        by_rev[rev if isinstance(rev, int) else None].append(_struct(point, row))
    ordered = sorted(by_rev, key=lambda rev: (rev is not None, rev or 0))
    return [
        models.UpsertOperation(
            upsert=models.PointsList(
                points=by_rev[rev], update_filter=None if rev is None else not_newer_than(rev)
            )
        )
        for rev in ordered
    ]


def _struct(point: Point, row: NDArray[np.float32]) -> models.PointStruct:
    vector: dict[str, Any] = {DENSE: row.tolist()}
    if point.lexical is not None and len(point.lexical.indices):
        vector[LEXICAL] = _sparse(point.lexical)
    return models.PointStruct(id=point.id, vector=vector, payload=dict(point.payload))


def _point(record: models.Record) -> Point:
    vectors: Any = record.vector
    sparse = vectors.get(LEXICAL)
    words = None
    if sparse is not None:
        words = Sparse(np.asarray(sparse.indices, np.uint32), np.asarray(sparse.values, np.float32))
    return Point(str(record.id), np.asarray(vectors[DENSE], np.float32), dict(record.payload or {}), words)


def _asked(query: NDArray[np.float32] | Sparse, where: Filter, exact: bool) -> dict[str, Any]:
    sparse = isinstance(query, Sparse)
    return {
        "query": _sparse(query) if isinstance(query, Sparse) else query.tolist(),
        "using": LEXICAL if sparse else DENSE,
        "query_filter": compile_filter(where),
        "search_params": _EXACT if exact else _SEARCH,
    }


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=sparse.indices.tolist(), values=sparse.values.tolist())
