"""What products were before the last import changed them: one row a product, with the bytes of its pictures.

Kept for the last import of a merchant that changed anything; the first change of the next one forgets it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from catalog.importing.tables import ImportBefore, ImportBeforeImage
from catalog.models import Product
from catalog.records import ProductRecord

_COLUMNS = (
    "sku", "title", "description", "link", "brand", "category", "colour", "pattern", "material", "gender",
    "age_group", "size", "price_minor", "sale_price_minor", "currency", "availability", "item_group_id",
)  # fmt: skip
_INCOMING = "incoming:"
_Seen = tuple[dict[str, Any], str, list[dict[str, Any]]]  # the record, its hash, its pictures' bytes
_NOT_THERE: _Seen = ({}, "", [])


class Befores:
    """Collects what products are, before a batch is written, and writes it down with the batch."""

    def __init__(self, merchant_id: int, job_id: int) -> None:
        self.merchant_id, self.job_id = merchant_id, job_id
        self._seen: dict[str, _Seen] = {}

    def note(self, product: Product) -> None:
        """Take down a product that is about to change; one that is deleted counts as not there."""
        if product.deleted_at is None:
            pictures = [image for image in product.every_image if not image.removed]
            images = [found for image in pictures if (found := _image(image)) is not None]
            record = _record(product, [image.source for image in pictures])
            self._seen[product.sku] = (record, product.content_hash, images)

    def write(self, session: Session, changed: Mapping[str, tuple[int, str]]) -> None:
        """Write down what was noted of {sku: (rev now, outcome)}; forget what earlier imports left."""
        if not changed:
            return
        forget_befores(session, self.merchant_id, but=self.job_id)
        seen = [self._seen.get(sku, _NOT_THERE) for sku in changed]
        mine = {"merchant_id": self.merchant_id, "job_id": self.job_id}
        rows = [
            {
                **mine,
                "sku": sku,
                "outcome": outcome,
                "rev": rev,
                "content_hash": content_hash,
                "record": record,
            }
            for (sku, (rev, outcome)), (record, content_hash, _) in zip(changed.items(), seen, strict=True)
        ]
        added = insert(ImportBefore).returning(ImportBefore.id, sort_by_parameter_order=True)
        ids = session.scalars(added, rows).all()
        images = [
            {"before_id": before_id, **image}
            for before_id, (_, _, images) in zip(ids, seen, strict=True)
            for image in images
        ]
        if images:
            session.execute(insert(ImportBeforeImage), images)
        self._seen.clear()


def forget_befores(session: Session, merchant_id: int, but: int = 0) -> None:
    """Forget what a merchant's products were before other imports than `but`."""
    old = ImportBefore.merchant_id == merchant_id, ImportBefore.job_id != but
    if session.scalar(select(ImportBefore.id).where(*old).limit(1)) is None:
        return
    session.execute(
        delete(ImportBeforeImage).where(ImportBeforeImage.before_id.in_(select(ImportBefore.id).where(*old)))
    )
    session.execute(delete(ImportBefore).where(*old))


def record_before(before: ImportBefore) -> ProductRecord:
    """The product as it was, as a record that can be saved again."""
    return ProductRecord(**{**before.record, "images": tuple(before.record["images"])})


def images_before(session: Session, ids: Sequence[int]) -> dict[int, dict[int, ImportBeforeImage]]:
    """{id of the before: {position: its bytes}}."""
    found: dict[int, dict[int, ImportBeforeImage]] = {}
    for each in session.scalars(select(ImportBeforeImage).where(ImportBeforeImage.before_id.in_(ids))):
        found.setdefault(each.before_id, {})[each.position] = each
    return found


def _record(product: Product, images: list[str]) -> dict[str, Any]:
    said = {name: getattr(product, name) for name in _COLUMNS}
    return {**said, "attributes": dict(product.attributes), "images": images}


def _image(image: Any) -> dict[str, Any] | None:
    """The bytes that must be kept: decoded ones, or raw ones that wait."""
    if image.sha256:
        return {
            "position": image.position, "sha256": image.sha256, "width": image.width, "height": image.height
        }  # fmt: skip
    if image.source.startswith(_INCOMING):
        sha256 = image.source.removeprefix(_INCOMING)
        return {"position": image.position, "sha256": sha256, "width": None, "height": None}
    return None
