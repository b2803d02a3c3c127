"""Making the next things in threads while this one is used: pictures are read while others are embedded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def ahead(
    make: Callable[[Item], Made], items: Iterable[Item], threads: Executor, depth: int = 2
) -> Iterator[Made]:
    """What `make` makes of each item, in order, with up to `depth` begun before they are asked for.

    What `make` raises is raised when its turn comes. Nothing is begun after that, or after the caller leaves.
    """
    begun: deque[Future[Made]] = deque()
    try:
        for item in items:
            begun.append(threads.submit(make, item))
            if len(begun) > depth:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
