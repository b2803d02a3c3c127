"""The client of the engine process: `VectorStore` over unix sockets, a connection per thread."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vectors import checks
from vectors.budget import spending
from vectors.edge.channel import Channel, Moved
from vectors.edge.frames import Header
from vectors.edge.wire import (
    pack_collection,
    pack_filter,
    pack_points,
    pack_query,
    unpack_collection,
    unpack_points,
)
from vectors.protocol import (
    Collection,
    Filter,
    Hit,
    PayloadValue,
    Point,
    Sparse,
    Value,
    VectorsRefused,
    VectorStoreUnavailable,
)

T = TypeVar("T")

BATCH = 32  # points of one frame, which the engine applies in one turn: 1 to 2 ms of its time
WRITE_S = 60.0  # a write may wait while a copy is taken
READ_PATIENCE_S = 1.5  # while a shard restarts: a shopper gets an answer, or 503, within 2 s
WRITE_PATIENCE_S = 15.0


class EdgeStore:
    """See `VectorStore`. Safe between threads; opened after a fork; fast to say that the engine is away."""

    def __init__(self, socket: Path, timeout_s: float = 2.0) -> None:
        self._socket, self._timeout_s = socket, timeout_s
        self._local = threading.local()
        self._open: weakref.WeakSet[Channel] = weakref.WeakSet()
        self._routes: dict[str, tuple[str, Collection]] = {}
        self._guard = threading.Lock()

    def create(self, collection: Collection) -> None:
        """See `VectorStore.create`."""
        checks.check_collection(collection)
        packed = {"collection": pack_collection(collection), "wait": collection.name}
        self._keeper({"op": "create", **packed}, WRITE_S)

    def collections(self) -> list[str]:
        """See `VectorStore.collections`."""
        return list(self._keeper({"op": "collections"})["names"])

    def drop(self, name: str) -> None:
        """See `VectorStore.drop`."""
        self._keeper({"op": "drop", "name": name}, WRITE_S)
        self._routes.clear()

    def upsert(self, name: str, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`; sent in small frames, so searches go on between them."""
        rows = self._checked(name, lambda collection: checks.check_points(collection, points))
        for start in range(0, len(points), BATCH):
            span = slice(start, start + BATCH)
            header, body = pack_points(points[span], rows[span])
            self._shard(name, {"op": "upsert", **header}, body, WRITE_S)

    def delete(self, name: str, ids: Sequence[str], revs: Sequence[int] | None = None) -> None:
        """See `VectorStore.delete`."""
        checks.check_ids(ids, revs)
        self._collection(name)
        for start in range(0, len(ids), 8 * BATCH):
            span = slice(start, start + 8 * BATCH)
            header: dict[str, object] = {"op": "delete", "ids": list(ids[span])}
            if revs is not None:
                header["revs"] = list(revs[span])
            self._shard(name, header, timeout_s=WRITE_S)

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
        packed, body = pack_query(query)
        header = {
            "op": "search",
            "where": pack_filter(where),
            "limit": limit,
            "offset": offset,
            "exact": exact,
        }
        if group_by is not None:
            header["group"] = group_by
        reply, _ = self._shard(name, header | packed, body)
        return [Hit(*hit) for hit in reply["hits"]]

    def facets(
        self, name: str, field: str, *, where: Filter = (), limit: int = 50
    ) -> list[tuple[Value, int]]:
        """See `VectorStore.facets`."""
        self._checked(name, lambda known: checks.check_facet(known, field, where))
        checks.check_window(limit)
        header = {"op": "facets", "field": field, "where": pack_filter(where), "limit": limit}
        return [(value, count) for value, count in self._shard(name, header)[0]["facets"]]

    def vectors(self, name: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """See `VectorStore.vectors`."""
        checks.check_ids(ids)
        dimension = self._collection(name).dimension
        found: dict[str, NDArray[np.float32]] = {}
        for batch in _batches(ids, 1000):
            reply, body = self._shard(name, {"op": "vectors", "ids": list(batch)})
            rows = np.frombuffer(body, "<f4").reshape(-1, dimension)
            found |= dict(zip(reply["ids"], rows, strict=True))
        return found

    def scroll(
        self, name: str, *, after: str | None = None, limit: int = 1000
    ) -> list[tuple[str, dict[str, PayloadValue]]]:
        """See `VectorStore.scroll`."""
        checks.check_ids([after] if after else [])
        checks.check_window(limit)
        reply, _ = self._shard(name, {"op": "scroll", "after": after, "limit": limit})
        return [(point_id, payload) for point_id, payload in reply["rows"]]

    def points(self, name: str, *, after: str | None = None, limit: int = 256) -> list[Point]:
        """See `VectorStore.points`."""
        checks.check_ids([after] if after else [])
        checks.check_window(limit)
        reply, body = self._shard(name, {"op": "points", "after": after, "limit": limit}, timeout_s=WRITE_S)
        return unpack_points(reply, body, reply["dimension"])

    def count(self, name: str, where: Filter = ()) -> int:
        """See `VectorStore.count`."""
        self._checked(name, lambda known: checks.check_filter(known, where))
        return int(self._shard(name, {"op": "count", "where": pack_filter(where)})[0]["count"])

    def point_alias(self, alias: str, name: str) -> None:
        """See `VectorStore.point_alias`."""
        self._keeper({"op": "alias", "alias": alias, "name": name})

    def resolve(self, alias: str) -> str | None:
        """See `VectorStore.resolve`."""
        name = self._keeper({"op": "resolve", "alias": alias})["name"]
        return None if name is None else str(name)

    def version(self) -> str:
        """See `VectorStore.version`: the engine is a library, installed beside us."""
        return metadata.version("qdrant-edge-py")

    def stats(self, name: str) -> dict[str, Any]:
        """Points, those outside the graph (tail), generation, optimising. Beside the protocol."""
        return self._shard(name, {"op": "stats"})[0]

    def optimize(self, name: str) -> None:
        """Begin to build the graph beside, now. Not in the protocol: the engine does so when it should."""
        self._keeper({"op": "succeed", "name": self._collection(name).name})

    def close(self) -> None:
        """Hang up in every thread."""
        with self._guard:
            for channel in list(self._open):
                channel.close()

    def _collection(self, name: str) -> Collection:
        return self._route(name)[1]

    def _checked(self, name: str, check: Callable[[Collection], T]) -> T:
        """What is known of the collection is read again before a call is refused: an alias may have moved."""
        try:
            return check(self._collection(name))
        except VectorsRefused:
            self._routes.pop(name, None)
            return check(self._collection(name))

    def _route(self, name: str) -> tuple[str, Collection]:
        route = self._routes.get(name)
        if route is None:
            found = self._keeper({"op": "locate", "name": name})
            route = self._routes[name] = (found["socket"], unpack_collection(found["collection"]))
        return route

    def _keeper(self, header: Header, timeout_s: float | None = None) -> Header:
        for fresh in (False, True):
            try:
                return self._ask(str(self._socket), header, b"", timeout_s)[0]
            except TimeoutError as error:
                raise _away("vectors-timeout", "The engine did not answer in time.") from error
            except (OSError, ValueError) as error:
                if fresh:
                    raise _away("vectors-away", "The engine is not running.") from error
        raise AssertionError("the second try returns or raises")

    def _shard(
        self, name: str, header: Header, body: bytes = b"", timeout_s: float | None = None
    ) -> tuple[Header, bytearray]:
        """Ask who serves the name; ask the keeper again when that one has moved or is gone.

        Every operation may be repeated: it reads, or it writes the same points again behind the rev fence.
        """
        patience = READ_PATIENCE_S if timeout_s is None else WRITE_PATIENCE_S
        until, pause = time.monotonic() + patience, 0.0
        while True:
            path, _collection = self._route(name)
            try:
                return self._ask(path, {**header, "name": name}, body, timeout_s)
            except TimeoutError as error:
                raise _away("vectors-timeout", "The engine did not answer in time.") from error
            except (OSError, ValueError, Moved) as error:
                self._routes.pop(name, None)
                if time.monotonic() > until:
                    raise _away("vectors-away", f"The shard of {name} is away.") from error
            time.sleep(pause)  # a handover is over at once; a shard that died takes a moment to start
            pause = min(0.2, 2 * pause + 0.01)

    def _ask(
        self, path: str, header: Header, body: bytes, timeout_s: float | None
    ) -> tuple[Header, bytearray]:
        channels = self._channels()
        channel = channels.get(path) or self._connect(path, channels)
        try:
            with spending(timeout_s or self._timeout_s) as limit_s:
                return channel.call(header, body, limit_s)
        except (OSError, ValueError, Moved):  # the next reply would not be ours
            channels.pop(path, None)
            channel.close()
            raise

    def _channels(self) -> dict[str, Channel]:
        """This thread's connections; a forked child begins with none."""
        if getattr(self._local, "owner", None) != os.getpid():
            self._local.owner, self._local.channels = os.getpid(), {}
        channels: dict[str, Channel] = self._local.channels
        return channels

    def _connect(self, path: str, channels: dict[str, Channel]) -> Channel:
        """Connect, and hang up on shards that nobody serves by now: another thread may have been told so."""
        served = {str(self._socket), *(socket for socket, _ in list(self._routes.values()))}
        for gone in channels.keys() - served - {path}:
            channels.pop(gone).close()
        channel = channels[path] = Channel(path, self._timeout_s)
        with self._guard:
            self._open.add(channel)
        return channel


def _batches(ids: Sequence[str], size: int) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def _away(code: str, message: str) -> VectorStoreUnavailable:
    return VectorStoreUnavailable(code, message, "Start the engine, or wait until it has restarted.")
