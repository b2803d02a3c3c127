"""Long work on the engine outlives its short absences: a shard that is opened, replaced or restarted."""

import time
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from vectors.protocol import Point, VectorStore, VectorStoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE_S = 60.0
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
PAGE = 256


def patiently(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call again while the engine is away, for a minute; every call of a store may be repeated.

    Raises VectorStoreUnavailable after that.
    """
    until, pause = time.monotonic() + PATIENCE_S, PAUSE_S
    while True:
        try:
            return call(*args, **options)
        except VectorStoreUnavailable:
            if time.monotonic() > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def pages(store: VectorStore, collection: str) -> Iterator[list[Point]]:
    """Every point of a collection, in order of ids. Raises CollectionMissing, VectorStoreUnavailable."""
    after: str | None = None
    while points := patiently(store.points, collection, after=after, limit=PAGE):
        yield points
        after = points[-1].id
