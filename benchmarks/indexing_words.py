"""Words-only search over 100,000 items: p50 beyond encoding, with and without filters, facets warm.

    python -m benchmarks.indexing_words [--items 100000] [--rounds 40]

Rows are written straight into SQL and points straight into the engine (no pictures are decoded): what is
measured is searching. The text encoder is left out of the figure, which is what the target says.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from benchmarks.bar import Bar, show
from benchmarks.indexing_shop import PlainEncoder, Shop
from catalog.identity import point_id
from catalog.models import Image, Product
from indexer import mapping
from searcher.filters import Filters
from searcher.query import SearchQuery
from searcher.results import Results
from vectors.protocol import Point

TARGET_MS = 15.0
DIMENSION = 384
COLOURS = ("red", "navy", "black", "white", "green", "sand", "rose", "grey", "teal", "plum")
KINDS = ("dress", "shirt", "jacket", "jeans", "skirt", "coat", "jumper", "shorts", "hoodie", "blouse")
CLOTHS = ("linen", "cotton", "wool", "silk", "denim", "viscose")
SHAPES = ("slim", "relaxed", "cropped", "long", "wrap", "belted", "pleated", "oversized")


def fill(shop: Shop, items: int) -> None:
    """Rows and points of that many variants, three a product."""
    shop.pipeline()  # makes the collection
    rng = random.Random(5)
    rows = [_said(rng, number, shop.merchant) for number in range(items)]
    with shop.sessions.begin() as session:
        for start in range(0, items, 5000):
            session.execute(insert(Product), rows[start : start + 5000])
        _add_images(session, shop.encoder.fingerprint)
    vectors = np.random.default_rng(5)
    centres = vectors.normal(size=(200, DIMENSION))
    for start in range(0, items, 2000):
        span = (Product.id > start, Product.id <= start + 2000)
        with shop.sessions() as session:
            some = session.scalars(select(Product).where(*span)).all()
        noise = vectors.normal(size=(len(some), DIMENSION))
        near = centres[vectors.integers(0, 200, len(some))] + 0.6 * noise
        near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
        shop.store.upsert(shop.collection, [_point(*pair) for pair in zip(some, near, strict=True)])


def _point(product: Product, vector: NDArray[np.float32]) -> Point:
    point = point_id(product.merchant_id, product.sku, 0)
    return Point(point, vector, mapping.payload(product, 0), mapping.words(product))


def _said(rng: random.Random, number: int, merchant: int) -> dict[str, object]:
    colour, kind, cloth = rng.choice(COLOURS), rng.choice(KINDS), rng.choice(CLOTHS)
    title = f"{rng.choice(SHAPES)} {cloth} {kind} in {colour}".capitalize()
    return {
        "id": number + 1, "merchant_id": merchant, "sku": f"SKU-{number}", "item_group_id": f"G{number // 3}",
        "title": title, "brand": f"Brand {rng.randrange(300)}", "colour": colour, "material": cloth,
        "category": f"Clothes > {kind.capitalize()}s", "size": rng.choice("SML"), "gender": "female",
        "price_minor": rng.randrange(900, 30000), "description": f"{title}, cut {rng.choice(SHAPES)}.",
        "attributes": {},
    }  # fmt: skip


def _add_images(session: Session, fingerprint: str) -> None:
    """One live image a product."""
    said = {
        "position": 0, "source": "incoming:x", "sha256": "0" * 64, "state": "live", "removed": False,
        "attempts": 0, "fingerprint": fingerprint, "indexed_rev": 1,
    }  # fmt: skip
    values = select(Product.id, Product.merchant_id, *map(literal, said.values()))
    session.execute(insert(Image).from_select(["product_id", "merchant_id", *said], values))


def run(items: int, rounds: int) -> Iterator[Bar]:
    """Fill a shop and search it."""
    with tempfile.TemporaryDirectory(prefix="twirl-words-") as folder:
        shop = Shop(Path(folder), PlainEncoder(dimension=DIMENSION))
        shop.start_engine()
        try:
            fill(shop, items)
            yield from _measure(shop, items, rounds)
        finally:
            shop.close()


def _measure(shop: Shop, items: int, rounds: int) -> Iterator[Bar]:
    searcher, rng = shop.searcher(), random.Random(9)
    searcher.stock.look_every_s = 1.0
    searcher.search(SearchQuery(shop.merchant, words="warm up"))
    shop.store.optimize(shop.collection)
    while shop.store.stats(shop.collection)["optimising"]:
        time.sleep(1)
    for label, filters in (("", Filters()), (", one colour", Filters(colour=("red",), price_max=20000))):
        found: list[Results] = []
        for _ in range(rounds):
            words = f"{rng.choice(COLOURS)} {rng.choice(CLOTHS)} {rng.choice(KINDS)}"
            found.append(searcher.search(SearchQuery(shop.merchant, words=words, filters=filters)))
        beyond = [each.timings["total"] - each.timings.get("encode", 0.0) for each in found]
        stages = {
            name: statistics.median(each.timings.get(name, 0.0) for each in found)
            for name in ("search", "hydrate", "facets")
        }
        detail = ", ".join(f"{name} {took:.1f}" for name, took in stages.items())
        p50 = statistics.median(beyond)
        name = f"Words only, {items:,} items{label}: p50 beyond encoding"
        detail = f"p95 {np.quantile(beyond, 0.95):.1f}; {detail}"
        yield Bar(name, p50, f"< {TARGET_MS:g} ms", p50 < TARGET_MS, "ms", detail)


def bars(items: int = 100_000, rounds: int = 40) -> Iterator[Bar]:
    """Words-only search."""
    yield from run(items, rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure words-only search.")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    show(bars(chosen.items, chosen.rounds))
