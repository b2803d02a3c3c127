"""An indexer over a shop of the tests that kills itself (SIGKILL) at a chosen call.

    python -m tests.support.dying_worker FOLDER SOCKET indexer.indexes:Indexes.write after 2

dies after the second return of that method. It ends by itself, with 0, when nothing is due any more.
"""

import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.indexing_shop import PlainEncoder, Shop
from indexer.machine import worker_name
from tests.support.fill_worker import LIVE, packs


def die_at(place: str, when: str, count: int) -> None:
    """Let the process die before or after the `count`th call of "module:name" or "module:Class.name"."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    setattr(owner, name, _deadly(getattr(owner, name), when, count))


def _deadly(work: Callable[..., Any], when: str, count: int) -> Callable[..., Any]:
    calls = itertools.count(1)

    def called(*given: Any, **named: Any) -> Any:
        last = next(calls) == count
        if last and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = work(*given, **named)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return called


def main() -> None:
    """Index until nothing is due, or until death."""
    folder, socket, place, when, count = sys.argv[1:]
    shop = Shop(Path(folder), PlainEncoder(LIVE), Path(socket))
    shop.packs = packs()  # type: ignore[assignment]
    pipeline = shop.pipeline(worker_name(os.getpid()), batch=8)
    die_at(place, when, int(count))
    while pipeline.step():
        pass
    shop.close()


if __name__ == "__main__":
    main()
