"""Bytes of an image outside the index: its rows in PostgreSQL, and its three renditions."""

import io
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pgserver.postgres_server import get_server
from sqlalchemy import Engine, insert, text

from atelier.catalogue import plan
from atelier.drawing import draw
from benchmarks.bar import SHARED
from benchmarks.sizing_collection import IMAGES_A_PRODUCT, products
from catalog.database import open_engine, upgrade
from catalog.models import Image, Merchant, Product
from catalog.pictures.decoder import Decoder

BATCH = 2_000
DRAWN, DRAWN_PX = 24, 1_600
TABLES = ("product", "image")


def rows_bytes(few: int, many: int) -> dict[str, float]:
    """{table: bytes for each image}, indexes included: what the images between `few` and `many` add."""
    with tempfile.TemporaryDirectory(prefix="twirl-pg-") as folder:
        server = get_server(folder)
        engine = open_engine(server.get_uri())
        try:
            upgrade(engine)
            source = products(many // IMAGES_A_PRODUCT)
            _insert(engine, islice(source, few // IMAGES_A_PRODUCT))
            before = _sizes(engine)
            _insert(engine, source)
            after = _sizes(engine)
        finally:
            engine.dispose()
            server.cleanup()
    return {table: (after[table] - before[table]) / (many - few) for table in TABLES}


def _insert(engine: Engine, source: Iterator[Product]) -> None:
    while batch := list(islice(source, BATCH)):
        wanted = [column.key for column in Product.__table__.columns]
        rows = [{key: value for key in wanted if (value := getattr(each, key)) is not None} for each in batch]
        with engine.begin() as connection:
            for merchant in sorted({each.merchant_id for each in batch}):
                known = text("SELECT 1 FROM merchant WHERE id = :id")
                if connection.execute(known, {"id": merchant}).first() is None:
                    connection.execute(insert(Merchant).values(id=merchant, slug=f"shop-{merchant}"))
            connection.execute(insert(Product), rows)
            connection.execute(insert(Image), [row for each in batch for row in _images(each)])


def _images(product: Product) -> Iterator[dict[str, object]]:
    for position in range(IMAGES_A_PRODUCT):
        sha256 = f"{product.id * IMAGES_A_PRODUCT + position:064x}"
        yield {
            "product_id": product.id, "merchant_id": product.merchant_id, "position": position,
            "source": f"https://images.shop.example/{product.sku}/{position}.jpg", "sha256": sha256,
            "width": 1200, "height": 1500, "state": "live", "fingerprint": "0" * 32, "indexed_rev": 1,
        }  # fmt: skip


def _sizes(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        size = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        return {table: int(connection.execute(size, {"name": table}).scalar_one()) for table in TABLES}


def rendition_bytes() -> dict[str, float]:
    """{what: mean bytes of the three renditions of an image}, of drawings and of what photos are at hand."""
    found = {"drawings, 1600 px": _mean(_drawings())}
    photos = sorted((SHARED / "data" / "magento").rglob("*.jpg"))[:60]
    if photos:
        found["studio photos, 512 px"] = _mean(path.read_bytes() for path in photos)
    return found


def _drawings() -> Iterator[bytes]:
    for row in plan(DRAWN, 7)[:DRAWN]:
        file = io.BytesIO()
        draw(row.garment, DRAWN_PX, row.seed).save(file, "JPEG", quality=90)
        yield file.getvalue()


def _mean(pictures: Iterator[bytes]) -> float:
    with Decoder() as decoder:
        sizes = [
            sum(len(data) for data in decoder.decode(picture, renditions=True).renditions.values())
            for picture in pictures
        ]
    return sum(sizes) / len(sizes)


if __name__ == "__main__":
    print(Path(__file__).name, rows_bytes(4_000, 12_000), rendition_bytes())
