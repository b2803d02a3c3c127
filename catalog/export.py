"""The catalogue as a file, for training and for moving house: JSON lines in the columns that feeds have."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload, sessionmaker

from catalog.blobs import Blobs
from catalog.feeds.prices import minor_digits
from catalog.models import Product

_CHUNK = 500
_COLUMNS = {
    "id": "sku",
    "item_group_id": "item_group_id",
    "title": "title",
    "description": "description",
    "link": "link",
    "availability": "availability",
    "brand": "brand",
    "product_type": "category",
    "color": "colour",
    "pattern": "pattern",
    "material": "material",
    "gender": "gender",
    "age_group": "age_group",
    "size": "size",
}


def export_catalogue(
    sessions: sessionmaker[Session], blobs: Blobs, merchant_id: int, path: Path, size: int = 480
) -> int:
    """Write every shown product that has a decoded image to `path`; return how many.

    One JSON object a line: the feed's columns, the attributes, and `image_link` with `additional_image_link`
    as paths of the renditions with longest side `size`; `import_feed` reads the file back with the blobs'
    folder as images. The file appears whole or not at all.
    """
    beside = path.with_name(path.name + ".part")
    count = 0
    with beside.open("w", encoding="utf-8") as file:
        for line in _lines(sessions, blobs, merchant_id, size):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return count


def _lines(
    sessions: sessionmaker[Session], blobs: Blobs, merchant_id: int, size: int
) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        with sessions() as session:  # a session a chunk: no lock and no growing memory during a long export
            products = session.scalars(_page(merchant_id, after)).all()
        if not products:
            return
        for product in products:
            pictures = _pictures(product, blobs, size)
            if pictures:
                yield _line(product, pictures)
        after = products[-1].id


def _page(merchant_id: int, after: int) -> Any:
    shown = select(Product).where(
        Product.merchant_id == merchant_id,
        Product.id > after,
        Product.deleted_at.is_(None),
        Product.hidden.is_(False),
    )
    return shown.order_by(Product.id).limit(_CHUNK).options(selectinload(Product.images))


def _pictures(product: Product, blobs: Blobs, size: int) -> list[str]:
    decoded = [image.sha256 for image in product.images if image.sha256]
    return [str(blobs.path(sha256, size).resolve()) for sha256 in decoded if blobs.has(sha256)]


def _line(product: Product, pictures: list[str]) -> dict[str, Any]:
    line = {name: getattr(product, ours) for name, ours in _COLUMNS.items() if getattr(product, ours)}
    for name, minor in (("price", product.price_minor), ("sale_price", product.sale_price_minor)):
        if minor is not None:
            line[name] = _written(minor, product.currency)
    line["image_link"] = pictures[0]
    if pictures[1:]:
        line["additional_image_link"] = pictures[1:]
    return {**product.attributes, **line}


def _written(minor: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{minor / 10**digits:.{digits}f} {currency}"
