"""A process that fills indexes of a shop of the tests, to be killed.

    python -m tests.support.fill_worker FOLDER

It embeds with plain encoders, `live` and `next`, and prints a line once it works.
"""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.indexing_shop import PlainEncoder, PlainPacks, Shop
from indexer.fill import Filler
from indexer.machine import worker_name

if TYPE_CHECKING:
    from embedding.packs import Packs

LIVE, NEXT = "a" * 32, "b" * 32


def packs() -> "Packs":
    """The encoder of the live index and that of the next one."""
    return cast("Packs", PlainPacks(PlainEncoder(LIVE), PlainEncoder(NEXT, dimension=32)))


def filler(shop: Shop, worker_id: str = "", batch: int = 8) -> Filler:
    """A worker's part in the fills of a shop."""
    name = worker_id or worker_name(os.getpid())
    return Filler(shop.sessions, shop.blobs, packs(), shop.store, name, batch)


def main() -> None:
    """Fill whatever is to be filled, for ever."""
    shop = Shop(Path(sys.argv[1]), PlainEncoder(LIVE))
    mine = filler(shop)
    print("working", flush=True)
    while True:
        if not mine.step():
            time.sleep(0.01)


if __name__ == "__main__":
    main()
