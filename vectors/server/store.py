"""`VectorStore` over a Qdrant server: gRPC, limits of time, aliases, writes that are applied on return."""

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
from vectors.server import connect, layout
from vectors.server import points as packing
from vectors.server.connect import Clients
from vectors.server.filters import compile_filter
from vectors.server.layout import DENSE, LEXICAL, Cluster
from vectors.server.patience import WRITE, Caller, Patience, Patient, Serial

T = TypeVar("T")
Way = Callable[[str, Callable[[QdrantClient], Any]], Any]  # `_ask` or `_write`: as a search waits, or longer

BATCH = 128  # points of one request
TIMEOUT_S = 2.0
# All replicas write in one order: a delete and an upsert of a point must not change places on one of them.
_ORDER = models.WriteOrdering.MEDIUM


class ServerStore:
    """See `VectorStore`. Safe between threads; opened after a fork; says in time that the server is away."""

    def __init__(
        self,
        clients: Clients,
        caller: Caller,
        *,
        timeout_s: float = TIMEOUT_S,
        cluster: Cluster | None = None,
    ) -> None:
        self._clients, self._caller, self._cluster = clients, caller, cluster or Cluster()
        self._read = Patience(answer_s=timeout_s, retry_s=timeout_s / 2)
        self._known: dict[str, Collection] = {}

    @staticmethod
    def connect(
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        grpc_port: int = 6334,
        cluster: Cluster | None = None,
    ) -> "ServerStore":
        """A server at `url`, e.g. http://qdrant:6333, which need not be there yet; `grpc_port` 0 speaks REST.

        A call for a search answers or raises VectorStoreUnavailable within `timeout_s`.
        """
        clients = connect.connect(url, api_key, timeout_s, grpc_port)
        return ServerStore(clients, Patient(), timeout_s=timeout_s, cluster=cluster)

    @staticmethod
    def local(path: Path | None = None) -> "ServerStore":
        """The client's own mode without a server, in memory or in a folder, for tests; one call at a time."""
        return ServerStore(connect.local(path), Serial())

    def create(self, collection: Collection) -> None:
        """See `VectorStore.create`; also finishes what another process, or a killed one, has begun."""
        checks.check_collection(collection)
        name = collection.name
        if self._meant(name, self._write) is not None:
            raise checks.name_taken(name)
        if not self._write(name, lambda client: client.collection_exists(name)):
            self._make(collection)
        info = self._write(name, lambda client: client.get_collection(name))
        checks.check_same(layout.read(name, info), collection)
        for field in collection.fields:  # before any point: a graph built earlier would not know them
            if field.name not in info.payload_schema:
                self._index(name, field)

    def collections(self) -> list[str]:
        """See `VectorStore.collections`."""
        return self._names(self._ask)

    def drop(self, name: str) -> None:
        """See `VectorStore.drop`; the server removes the aliases with it."""
        if name in self._names(self._write):
            self._write(name, lambda client: client.delete_collection(name))
        self._known.clear()

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`; the server itself compares revs, in the same step as it writes."""
        rows = self._checked(name, lambda collection: checks.check_points(collection, points))
        for start in range(0, len(points), BATCH):
            span = slice(start, start + BATCH)
            steps = packing.upserts(points[span], rows[span])
            self._update(name, steps)

    def _update(self, name: str, steps: list[Any]) -> None:
        self._write(name, lambda client: client.batch_update_points(name, steps, wait=True, ordering=_ORDER))

    def delete(self, name: str, ids: Sequence[str], revs: Sequence[int] | None = None) -> None:
        """See `VectorStore.delete`; the server itself compares revs, in the same step as it removes."""
        checks.check_ids(ids, revs)
        self._collection(name)
        if ids:
            self._update(name, packing.deletes(ids, revs))

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
        asked = packing.query(query, where, exact)
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
        found = self._ask(
            name, lambda client: client.facet(name, field, facet_filter=compiled, limit=limit, exact=True)
        )
        kept = [(hit.value, hit.count) for hit in found.hits if hit.count]  # none: they were overwritten
        return sorted(kept, key=lambda pair: (-pair[1], pair[0]))

    def vectors(self, name: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `VectorStore.vectors`."""
        checks.check_ids(ids)
        self._collection(name)
        wanted = list(ids)
        records = self._ask(
            name, lambda client: client.retrieve(name, wanted, with_payload=False, with_vectors=[DENSE])
        )
        return {str(record.id): packing.dense(record) for record in records}

    def scroll(
        self, name: str, *, after: str | None = None, limit: int = 1000
    ) -> list[tuple[str, dict[str, PayloadValue]]]:
        """See `VectorStore.scroll`."""
        records = self._records(name, after, limit, False)
        return [(str(record.id), dict(record.payload or {})) for record in records]

    def points(self, name: str, *, after: str | None = None, limit: int = 256) -> list[Point]:
        """See `VectorStore.points`."""
        return [packing.point(record) for record in self._records(name, after, limit, [DENSE, LEXICAL])]

    def count(self, name: str, where: Filter = ()) -> int:
        """See `VectorStore.count`."""
        self._checked(name, lambda known: checks.check_filter(known, where))
        compiled = compile_filter(where)
        return self._ask(name, lambda client: client.count(name, compiled, exact=True)).count

    def point_alias(self, alias: str, name: str) -> None:
        """See `VectorStore.point_alias`; the server applies both steps as one."""
        checks.check_name(alias)
        there = self._names(self._write)
        if name not in there:
            raise checks.collection_missing(name)
        if alias in there:
            raise checks.name_taken(alias)
        create = models.CreateAlias(collection_name=name, alias_name=alias)
        steps: list[Any] = [models.CreateAliasOperation(create_alias=create)]
        if self._meant(alias, self._write) is not None:
            steps.insert(0, models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
        self._write(name, lambda client: client.update_collection_aliases(steps))
        self._known.pop(alias, None)

    def resolve(self, alias: str) -> str | None:
        """See `VectorStore.resolve`."""
        return self._meant(alias, self._ask)

    def version(self) -> str:
        """See `VectorStore.version`."""
        return str(self._ask("", lambda client: client.info()).version)

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._caller.close()
        self._clients.close()

    def _ask(self, name: str, call: Callable[[QdrantClient], T]) -> T:
        return self._caller.call(name, lambda: call(self._clients.quick), self._read)

    def _write(self, name: str, call: Callable[[QdrantClient], T]) -> T:
        return self._caller.call(name, lambda: call(self._clients.patient), WRITE)

    def _names(self, by: Way) -> list[str]:
        found = by("", lambda client: client.get_collections())
        return sorted(collection.name for collection in found.collections)

    def _meant(self, alias: str, by: Way) -> str | None:
        found = by(alias, lambda client: client.get_aliases()).aliases
        return next((one.collection_name for one in found if one.alias_name == alias), None)

    def _make(self, collection: Collection) -> None:
        name, given = collection.name, layout.arguments(collection, self._cluster)
        try:
            self._write(name, lambda client: client.create_collection(name, **given))
        except VectorsRefused:
            if name not in self._names(self._write):  # else another process was first
                raise

    def _index(self, name: str, field: Field) -> None:
        kind = layout.index_of(field)
        self._write(name, lambda client: client.create_payload_index(name, field.name, kind, wait=True))

    def _records(
        self, name: str, after: str | None, limit: int, vectors: bool | list[str]
    ) -> list[models.Record]:
        """Records in id order; for work that is not a search, so it waits as writes do."""
        checks.check_ids([after] if after else [])
        checks.check_window(limit)
        self._collection(name)
        records, _ = self._write(  # the server begins AT the offset
            name,
            lambda client: client.scroll(
                name, limit=limit + 1, offset=after, with_payload=True, with_vectors=vectors
            ),
        )
        return [record for record in records if str(record.id) != after][:limit]

    def _collection(self, name: str) -> Collection:
        known = self._known.get(name)
        if known is None:
            info = self._ask(name, lambda client: client.get_collection(name))
            known = self._known[name] = layout.read(name, info)
        return known

    def _checked(self, name: str, check: Callable[[Collection], T]) -> T:
        """What is known of the collection is read again before a call is refused: an alias may have moved."""
        try:
            return check(self._collection(name))
        except VectorsRefused:
            self._known.pop(name, None)
            return check(self._collection(name))

    def _ranked(self, name: str, asked: dict[str, Any]) -> list[Hit]:
        found = self._ask(name, lambda client: client.query_points(name, with_payload=False, **asked))
        return [Hit(str(point.id), point.score) for point in found.points]

    def _grouped(self, name: str, asked: dict[str, Any]) -> list[Hit]:
        found = self._ask(
            name,
            lambda client: client.query_points_groups(name, group_size=1, with_payload=False, **asked),
        )
        return [Hit(str(group.hits[0].id), group.hits[0].score, group.id) for group in found.groups]
