"""The catalogue as a file, for training and for moving house: JSON lines in the columns that feeds have."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload, sessionmaker

from catalog.feeds.prices import minor_digits
from catalog.models import Product
from catalog.storage.blobs import BlobMissing, Blobs

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
    as paths of the renditions with longest side `size`: those of the blobs' own folder, or copies in
    `<path>.images` where object storage keeps them. `import_feed` reads the file back with that folder as
    images. The file appears whole or not at all.
    """
    beside = path.with_name(path.name + ".part")
    pictures = _Pictures(blobs, size, path.with_name(path.name + ".images"))
    count = 0
    with beside.open("w", encoding="utf-8") as file:
        for line in _lines(sessions, pictures, merchant_id):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return count


@dataclass(frozen=True)
class _Pictures:
    """Gives each decoded image a path, making a copy in `folder` where it has none of its own."""

    blobs: Blobs
    size: int
    folder: Path

    def paths(self, product: Product) -> list[str]:
        """The pictures of a product whose bytes are kept, in their order."""
        decoded = [image.sha256 for image in product.images if image.sha256]
        found = [self._path(sha256) for sha256 in decoded]
        return [str(path.resolve()) for path in found if path is not None]

    def _path(self, sha256: str) -> Path | None:
        try:
            content = self.blobs.content(sha256, self.size)
        except BlobMissing:
            return None
        if isinstance(content, Path):
            return content
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{sha256}.webp"
        path.write_bytes(content)
        return path


def _lines(
    sessions: sessionmaker[Session], pictures: _Pictures, merchant_id: int
) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        with sessions() as session:  # a session a chunk: no lock and no growing memory during a long export
            products = session.scalars(_page(merchant_id, after)).all()
        if not products:
            return
        for product in products:
            paths = pictures.paths(product)
            if paths:
                yield _line(product, paths)
        after = products[-1].id


def _page(merchant_id: int, after: int) -> Any:
    shown = select(Product).where(
        Product.merchant_id == merchant_id,
        Product.id > after,
        Product.deleted_at.is_(None),
        Product.hidden.is_(False),
    )
    return shown.order_by(Product.id).limit(_CHUNK).options(selectinload(Product.images))


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
