"""Bar: of two revisions of one item that two workers write at the same time, the newer one stays, always.

    python -m benchmarks.trust.races [--trials 1000] [--seed 1]

In each trial one worker is held up at a random place of its work, the item is changed, and another worker
does some or all of its own before the first goes on. What both have left is compared with the ledger
and the picture.
"""

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from benchmarks.bar import Bar, show
from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from catalog.identity import point_id
from catalog.products import find_product, hide_product
from indexer import ledger
from indexer.pipeline import Pipeline
from indexer.sweeper import collect_garbage

ITEMS = 20  # that take turns
SAME = 0.95  # cosine of a picture and itself, once encoded as a rendition


class Trial:
    """One interleaving."""

    def __init__(self, shop: Shop, number: int, rng: random.Random, late: Pipeline, other: Pipeline) -> None:
        self.shop, self.number, self.rng, self.late, self.other = shop, number, rng, late, other
        self.sku = f"R{number % ITEMS}"
        self.happened = False
        places = [(late.indexes, "write"), (late.indexes, "delete"), (ledger, "mark_live"),
                  (shop.decoder, "decode"), (shop.encoder, "encode_images")]  # fmt: skip
        self.places = [(thing, name) for thing, name in places if hasattr(thing, name)]

    def run(self) -> str:
        """What is wrong afterwards; "" where the newest has won."""
        self._put(0)
        thing, name = self.rng.choice(self.places)
        undo = _before(thing, name, self._meanwhile)
        try:
            _work(self.late)
        finally:
            undo()
        if not self.happened:  # the place was not passed: the change comes after
            self._meanwhile()
        _work(self.other)
        _work(self.late)
        return self._wrong(name)

    def _put(self, edition: int) -> None:
        self.seed = 2 * self.number + edition
        title = f"Edition {self.seed}"
        self.shop.put(self.sku, picture(self.seed), title=title, brand=f"Brand {self.seed % 7}")

    def _meanwhile(self) -> None:
        self.happened = True
        if self.rng.random() < 0.2:
            with self.shop.sessions.begin() as session:
                hide_product(session, self.shop.merchant, self.sku)
        if self.rng.random() < 0.5:
            for _ in range(self.rng.randrange(3)):
                self.other.step()
        with self.shop.sessions.begin() as session:
            hide_product(session, self.shop.merchant, self.sku, False)
        self._put(1)
        for _ in range(self.rng.choice((0, 1, 2, 3, 20))):
            if not self.other.step():
                break

    def _wrong(self, place: str) -> str:
        point = point_id(self.shop.merchant, self.sku, 0)
        with self.shop.sessions() as session:
            product = find_product(session, self.shop.merchant, self.sku)
            assert product is not None
            images = [image for image in product.images if not image.removed]
            said = [(image.state, image.indexed_rev == product.rev) for image in images]
        vector = self.shop.store.vectors(self.shop.collection, [point]).get(point)
        wanted = self.shop.encoder.encode_images([pixels(self.seed)])[0]
        like = -1.0 if vector is None else float(np.dot(vector, wanted))
        if product.title == f"Edition {self.seed}" and said == [("live", True)] and like > SAME:
            return ""
        return f"trial {self.number}, held up at {place}: {product.title!r}, {said}, likeness {like:.2f}"


def _before(thing: Any, name: str, happens: Callable[[], None]) -> Callable[[], None]:
    """Have something happen once, before this is called next; what undoes it."""
    real = getattr(thing, name)

    def late(*given: Any, **named: Any) -> Any:
        setattr(thing, name, real)
        happens()
        return real(*given, **named)

    setattr(thing, name, late)
    return lambda: setattr(thing, name, real)


def _work(pipeline: Pipeline) -> None:
    while pipeline.step():
        pass


def bars(trials: int = 1000, seed: int = 1) -> Iterator[Bar]:
    """The bar of the issue."""
    with tempfile.TemporaryDirectory(prefix="twirl-races-") as folder:
        shop = Shop(Path(folder), PlainEncoder(secrets.token_hex(8)))
        shop.start_engine()
        try:
            rng, late, other = random.Random(seed), shop.pipeline("late:1"), shop.pipeline("other:1")
            began = time.monotonic()
            wrong = [said for at in range(trials) if (said := Trial(shop, at, rng, late, other).run())]
            took = time.monotonic() - began
            for each in wrong[:10]:
                print(" ", each)
            name, target = "two revisions at once: not the newest", f"0 of {trials}"
            yield Bar(name, len(wrong), target, not wrong, detail=f"{took:.0f} s")
            collect_garbage(shop.sessions, shop.blobs, shop.incoming, age_s=0)
            found = shop.differences()
            name = "two revisions at once: differences"
            yield Bar(name, len(found), "0", not found, detail=str(found[:3]))
        finally:
            shop.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trust.races")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))  # warnings and worse
    sys.exit(any(not bar.ok for bar in show(bars(asked.trials, asked.seed))))
