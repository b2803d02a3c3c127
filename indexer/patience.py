"""Long work on the engine outlives its short absences: a shard that is opened, replaced or restarted."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from vectors.protocol import FORBIDDEN, Point, VectorStore, VectorStoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)
PATIENCE_S = 60.0
SILENT_S = 2.0  # absences that nobody need be told of
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
PAGE = 256


def patiently(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call again while the engine is away, for a minute; every call of a store may be repeated.

    Says so when it takes long. Raises VectorStoreUnavailable after that; at once where the key is refused.
    """
    began, pause, told = time.monotonic(), PAUSE_S, False
    while True:
        try:
            return call(*args, **options)
        except VectorStoreUnavailable as error:
            waited = time.monotonic() - began
            if waited > PATIENCE_S or error.code == FORBIDDEN:
                raise
            if waited > SILENT_S and not told:
                told = True
                log.warning("Waiting a minute for the vector engine. %s", error.message)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)


def pages(store: VectorStore, collection: str) -> Iterator[list[Point]]:
    """Every point of a collection, in order of ids. Raises CollectionMissing, VectorStoreUnavailable."""
    after: str | None = None
    while points := patiently(store.points, collection, after=after, limit=PAGE):
        yield points
        after = points[-1].id
