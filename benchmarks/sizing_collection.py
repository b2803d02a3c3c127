"""A collection as a shop of some size has it, and what each of its parts takes on disk and in memory.

python -m benchmarks.sizing_collection resident FOLDER     (a process of its own: see `benchmarks.sizing`)
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from atelier.catalogue import plan
from atelier.merchandise import columns
from benchmarks.vectors_100k import Rows, clustered
from catalog.identity import point_id
from catalog.models import Product
from indexer import mapping
from vectors import lexical
from vectors.edge.shard import SLICE, Shard, create_shard, prepare
from vectors.protocol import Between, Collection, Equals, Point

DIMENSION = 416  # of the shipped pack
IMAGES_A_PRODUCT = 2
STYLES = 1500  # drawn once and sold again by each merchant under its own skus
MERCHANT_EVERY = 5_000  # products
SEARCHES = 1_500

# The parts of a segment, by the beginning of a path below it.
PARTS = {
    "vector_storage-image/matrix": "vectors, float32",
    "vector_storage-image/quantized": "vectors, int8",
    "vector_index-image": "graph",
    "vector_storage-lexical": "words, stored",
    "vector_index-lexical": "words, indexed",
    "payload_storage": "payloads",
    "payload_index": "payload indexes",
    "id_tracker": "ids",
}
LOG, OTHER = "write-ahead log", "flags, rest"


def products(count: int) -> Iterator[Product]:
    """Rows as a feed of clothes has them: titles, descriptions of some eighty words, fifteen fields."""
    feed = [columns(row.sku, row.group, row.garment, row.seed, row.family) for row in plan(STYLES, 7)]
    for number in range(count):
        row, merchant = feed[number % len(feed)], number // MERCHANT_EVERY + 1
        told = " ".join(str(feed[(number + n) % len(feed)]["description"]) for n in (0, 7, 19))
        yield Product(
            id=number + 1, merchant_id=merchant, rev=1, hidden=False, content_hash=f"{number:064x}",
            sku=f"{row['id']}-{number}", item_group_id=f"{row['item_group_id']}-{number // len(feed)}",
            title=str(row["title"]), description=told, link=str(row["link"]), brand=str(row["brand"]),
            category=str(row["product_type"]), colour=str(row["color"]), pattern=str(row["pattern"]),
            material=str(row["material"]), gender=str(row["gender"]), age_group=str(row["age_group"]),
            size=str(row["size"]), price_minor=1_000 + 7 * (number % 9_001), sale_price_minor=None,
            currency="USD", availability="in_stock", attributes={"kind": row["kind"], "cut": row["length"]},
        )  # fmt: skip


def points(count: int) -> Iterator[Point]:
    """One for each image."""
    rows, _ = clustered(count, 1, DIMENSION)
    number = 0
    for product in products(count // IMAGES_A_PRODUCT):
        words = mapping.words(product)
        for position in range(IMAGES_A_PRODUCT):
            payload = mapping.payload(product, position)
            yield Point(point_id(product.merchant_id, product.sku, position), rows[number], payload, words)
            number += 1


def build(folder: Path, count: int, without: str = "") -> None:
    """A closed shard of so many points, all of them in the graph; without "words" or "indexes" if so said."""
    collection = Collection("sizing", DIMENSION, () if without == "indexes" else mapping.FIELDS)
    create_shard(folder, collection)
    shard, batch = Shard(folder, collection), []
    for point in points(count):
        batch.append(replace(point, lexical=None) if without == "words" else point)
        if len(batch) == SLICE:
            shard.upsert(batch, prepare(batch))
            batch = []
    shard.upsert(batch, prepare(batch))
    shard.optimize()
    shard.flush()
    shard.close()


def part_of(path: Path) -> str:
    """The part of a segment that a file is of."""
    pieces = path.parts
    if pieces[0] == "wal":
        return LOG
    inside = "/".join(pieces[pieces.index("segments") + 2 :]) if "segments" in pieces else ""
    return next((part for start, part in PARTS.items() if inside.startswith(start)), OTHER)


def on_disk(folder: Path) -> dict[str, int]:
    """Bytes that each part fills, not those that its files reserve."""
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file():
            sizes[part_of(path.relative_to(folder))] += path.stat().st_blocks * 512
    return dict(sizes)


def resident(folder: Path) -> dict[str, object]:
    """What a process has in memory when it has searched for a while: mapped by part, and anonymous."""
    before = _anonymous()
    collection = Collection("sizing", DIMENSION, mapping.FIELDS)
    shard = Shard(folder, collection)
    _search(shard)
    mapped: dict[str, int] = defaultdict(int)
    name = ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split(maxsplit=5)
        if not first[0].endswith(":"):
            name = first[5] if len(first) == 6 else ""
        elif first[0] == "Rss:" and name.startswith(str(folder)):
            mapped[part_of(Path(name).relative_to(folder))] += int(first[1]) * 1024
    found = {"mapped": dict(mapped), "anonymous": _anonymous() - before, "points": shard.count()}
    shard.close()
    return found


def _search(shard: Shard) -> None:
    """As shoppers do: a merchant's, some under a price, some by words, one hit a product."""
    rng = np.random.default_rng(3)
    queries: Rows = rng.standard_normal((SEARCHES, DIMENSION)).astype(np.float32)
    merchants = max(1, shard.count() // IMAGES_A_PRODUCT // MERCHANT_EVERY)
    for number, query in enumerate(queries):
        own = Equals("merchant", 1 + number % merchants)
        where = (own, Between("price", 2_000, 9_000)) if number % 2 else (own,)
        shard.search(query, where, 48, 0, "group", False)
        shard.search(query, (), 48, 0, None, False)
        if number % 5 == 0:
            shard.search(lexical.query("black wool dress"), where, 48, 0, "group", False)


def _anonymous() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not say what a process has in memory")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(resident(Path(sys.argv[2]))))
