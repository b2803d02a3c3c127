"""Bar: 2,000 random edits with kills: nothing differs, and nothing that was deleted returns.

    python -m benchmarks.trust.edits [--edits 2000] [--kills 20] [--seed 1]

The indexer and the engine are killed at random moments (SIGKILL) while a merchant creates, updates, hides,
shows and deletes; what is taken away is looked for by its own picture right after, and again at the end.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from benchmarks.bar import Bar, show
from benchmarks.indexing_kill import Worker
from benchmarks.indexing_shop import Shop, picture, pixels
from catalog.models import Image, Product
from catalog.products import delete_product, hide_product
from indexer.sweeper import collect_garbage, unfinished
from searcher.errors import SearchUnavailable
from searcher.query import SearchQuery

SETTLE_S, SKUS = 300.0, 300


class Merchant:
    """Edits a shop, and knows what it should be afterwards: {sku: picture} of what is for sale."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.rng, self.searcher = shop, random.Random(seed), shop.searcher()
        self.selling: dict[str, int] = {}
        self.hidden: dict[str, int] = {}
        self.deleted: dict[str, int] = {}
        self.returned: list[str] = []
        self.edits, self.asked = 0, 0

    def edit(self) -> None:
        """Once, at random."""
        self.edits += 1
        sku = f"E{self.rng.randrange(SKUS)}"
        if sku in self.selling and self.rng.random() < 0.4:
            self._take_away(sku)
            return
        if sku in self.hidden and self.rng.random() < 0.5:
            with self.shop.sessions.begin() as session:
                hide_product(session, self.shop.merchant, sku, False)
            self.selling[sku] = self.hidden.pop(sku)
            return
        kept = self.selling.get(sku, self.hidden.get(sku))
        seed = (
            self.edits * 1000 + self.rng.randrange(1000) if kept is None or self.rng.random() < 0.5 else kept
        )
        self.shop.put(
            sku, picture(seed, 96), title=f"Garment {self.edits}", colour=f"Colour {self.edits % 9}"
        )
        (self.hidden if sku in self.hidden else self.selling)[sku] = seed
        self.deleted.pop(sku, None)

    def _take_away(self, sku: str) -> None:
        seed = self.selling.pop(sku)
        deletes = self.rng.random() < 0.7
        with self.shop.sessions.begin() as session:
            (delete_product if deletes else hide_product)(session, self.shop.merchant, sku)
        (self.deleted if deletes else self.hidden)[sku] = seed
        self.look_for(sku, seed)

    def look_for(self, sku: str, seed: int) -> None:
        """Search for what must not be found."""
        try:
            found = self.searcher.search(SearchQuery(self.shop.merchant, photo=pixels(seed, 96), limit=20))
        except SearchUnavailable:  # the engine has just been killed
            return
        self.asked += 1
        if any(hit.product.sku == sku for hit in found.hits):
            self.returned.append(sku)


def run(folder: Path, edits: int, kills: int, seed: int) -> Iterator[Bar]:
    """Edit under fire; yields the bars."""
    shop = Shop(folder / "data")
    shop.start_engine()
    worker, rng = Worker(shop.root, None), random.Random(seed + 1)
    moments = sorted(rng.sample(range(edits), min(kills, edits)))
    began = time.monotonic()
    try:
        worker.start()
        merchant = Merchant(shop, seed)
        for number in range(edits):
            merchant.edit()
            if moments and number == moments[0]:
                moments.pop(0)
                _kill(shop, worker, rng)
        settled = _settled(shop)
        for sku, picture_seed in merchant.deleted.items():
            merchant.look_for(sku, picture_seed)
        took = f"{edits} edits, {kills} kills, {time.monotonic() - began:.0f} s"
        yield from _bars(shop, merchant, settled, took)
    finally:
        worker.stop()
        shop.close()


def _kill(shop: Shop, worker: Worker, rng: random.Random) -> None:
    time.sleep(rng.uniform(0.0, 0.5))
    if rng.random() < 0.5:
        worker.kill()
        worker.start()
    else:
        assert shop.engine is not None
        os.kill(shop.engine.pid, signal.SIGKILL)
        shop.start_engine()


def _settled(shop: Shop) -> bool:
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        if unfinished(shop.sessions) == 0:
            collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0)
            return True
        time.sleep(0.2)
    return False


def _bars(shop: Shop, merchant: Merchant, settled: bool, took: str) -> Iterator[Bar]:
    found = shop.differences()
    kinds = ", ".join(f"{count} x {kind}" for kind, count in Counter(each.kind for each in found).items())
    detail = "; ".join(filter(None, (took, "" if settled else "not settled in time", kinds)))
    yield Bar("random edits with kills: differences", len(found), "0", settled and not found, detail=detail)
    with shop.sessions() as session:
        rows = (
            select(Product.sku).join(Image.product).where(Image.state == "live", Product.deleted_at.is_(None))
        )
        live = set(session.scalars(rows))
    wrong = live ^ set(merchant.selling)
    yield Bar(
        "random edits with kills: not for sale as asked",
        len(wrong),
        f"0 of {len(merchant.selling)}",
        not wrong,
    )
    returned, asked = len(merchant.returned), merchant.asked
    yield Bar(
        "deleted or hidden and found all the same", returned, f"0 of {asked}", not returned and asked > 0
    )


def bars(edits: int = 2000, kills: int = 20, seed: int = 1) -> Iterator[Bar]:
    """The bar of the issue."""
    with tempfile.TemporaryDirectory(prefix="twirl-edits-") as folder:
        yield from run(Path(folder), edits, kills, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.edits")
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(any(not bar.ok for bar in show(bars(asked.edits, asked.kills, asked.seed))))
