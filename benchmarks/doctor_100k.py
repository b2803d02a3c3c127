"""Bar: the doctor compares 100,000 images in bounded memory.

    python -m benchmarks.doctor_100k [--rows 100000]

Writes rows straight into SQL and points straight into the engine: what is measured is the comparison. The
images share 200 pictures on the disk. A tenth of the points are then taken out, and found.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import contains_eager

from benchmarks.bar import Bar, show
from benchmarks.indexing_shop import PlainEncoder, Shop
from catalog.identity import point_id
from catalog.models import Image, Product
from catalog.storage.blobs import SIZES
from indexer import mapping
from indexer.doctor import diagnose
from vectors.protocol import Point

PICTURES = 200
DIMENSION = 256
CHUNK = 2000
LIMIT_MB = 64


def fill(shop: Shop, rows: int) -> None:
    """Products of one image each, live; their points."""
    hashes = [f"{number:02x}".rjust(64, f"{number % 10}") for number in range(PICTURES)]
    for sha256 in set(hashes):
        shop.blobs.put(sha256, dict.fromkeys(SIZES, b"x"))
    with shop.sessions.begin() as session:
        for start in range(0, rows, CHUNK):
            numbers = range(start + 1, min(start + CHUNK, rows) + 1)
            session.execute(insert(Product), [_product(shop.merchant, number) for number in numbers])
            images = [_image(shop, number, hashes[number % PICTURES]) for number in numbers]
            session.execute(insert(Image), images)
    shop.store.create(mapping.collection(shop.encoder.fingerprint, DIMENSION))
    rng = np.random.default_rng(1)
    read = select(Image).join(Image.product).options(contains_eager(Image.product)).order_by(Image.id)
    for start in range(0, rows, CHUNK):
        with shop.sessions() as session:
            found = session.scalars(read.where(Image.id.between(start + 1, start + CHUNK))).all()
        made = rng.normal(size=(len(found), DIMENSION)).astype(np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        shop.store.upsert(
            shop.collection,
            [Point(_point(shop, image.product.sku), row, mapping.payload(image.product, 0))
             for image, row in zip(found, made, strict=True)],
        )  # fmt: skip


def _product(merchant: int, number: int) -> dict[str, object]:
    return {
        "id": number, "merchant_id": merchant, "sku": f"SKU-{number}", "item_group_id": f"G{number // 3}",
        "title": f"Garment {number}", "colour": "Red", "category": "Women > Dresses", "price_minor": number,
        "description": "Woven. " * 40,
    }  # fmt: skip


def _image(shop: Shop, number: int, sha256: str) -> dict[str, object]:
    return {
        "id": number, "product_id": number, "merchant_id": shop.merchant, "position": 0,
        "source": f"https://shop.example/{number}.jpg", "sha256": sha256, "state": "live", "indexed_rev": 1,
        "fingerprint": shop.encoder.fingerprint,
    }  # fmt: skip


def _point(shop: Shop, sku: str) -> str:
    return point_id(shop.merchant, sku, 0)


def bars(rows: int = 100_000) -> Iterator[Bar]:
    """Compare what agrees, then what does not."""
    with tempfile.TemporaryDirectory(prefix="twirl-doctor-") as folder:
        shop = Shop(Path(folder), PlainEncoder(dimension=DIMENSION))
        shop.start_engine()
        try:
            fill(shop, rows)
            yield from _compared(shop, rows, {})
            tenth = [_point(shop, f"SKU-{number}") for number in range(1, rows + 1, 10)]
            shop.store.delete(shop.collection, tenth)
            yield from _compared(shop, rows, {"missing-point": len(tenth)})
        finally:
            shop.close()


def _compared(shop: Shop, rows: int, expected: dict[str, int]) -> Iterator[Bar]:
    """In a process of its own, whose memory nothing else has touched."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=_examine, args=(shop.root, shop.socket, theirs))
    child.start()
    kinds, took, grown = ours.recv()
    child.join()
    what = f"The doctor over {rows:,} images" + (", a tenth of them amiss" if expected else "")
    yield Bar(f"{what}: memory", grown, f"<= {LIMIT_MB} MiB", grown <= LIMIT_MB, "MiB", f"{took:.0f} s")
    wrong = sum(abs(kinds[kind] - expected.get(kind, 0)) for kind in {*kinds, *expected})
    yield Bar(f"{what}: differences mistaken or missed", wrong, "0", not wrong, "", f"{dict(kinds)}")


def _examine(root: Path, socket: Path, answer: Connection) -> None:
    shop = Shop(root, PlainEncoder(dimension=DIMENSION), socket)
    before, began = _memory_mb("VmRSS"), time.monotonic()
    kinds = Counter(each.kind for each in diagnose(shop.sessions, shop.blobs, shop.incoming, shop.store))
    answer.send((kinds, time.monotonic() - began, _memory_mb("VmHWM") - before))
    shop.close()


def _memory_mb(what: str) -> float:
    """VmRSS: memory now; VmHWM: the most that there was. rusage would count the parent's before the fork."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compare a large ledger with its index.")
    parser.add_argument("--rows", type=int, default=100_000)
    shown = show(bars(parser.parse_args().rows))
    sys.exit(0 if all(bar.ok for bar in shown) else 1)
