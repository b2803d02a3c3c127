"""Single products, as a merchant's program reads, writes and deletes them. The caller commits.

Every change asks its condition with the row held: of two that begin from one version, one is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from catalog.currency import currency_of
from catalog.models import Merchant, Product
from catalog.pictures.decoding import ImageRefused, sniff
from catalog.products import Outcome, delete_product, find_product, hide_product, rows_to_change, save_product
from catalog.programs.documents import (
    PRICES,
    TEXTS,
    Known,
    ProductRefused,
    Written,
    document,
    merge_patch,
    read_document,
    record_from,
    tag,
)
from catalog.records import ProductRecord, RowFault
from catalog.storage.blobs import Incoming

MAX_SKU = 100
_OF_PRICE = ("price_minor", "sale_price_minor", "currency")


class ProductMissing(LookupError):
    """The shop has no such product."""


class ProductChanged(Exception):
    """The condition does not hold: the product is not, or no longer, as the caller believes."""


@dataclass(frozen=True)
class Condition:
    """What must be so for a change to be made. `versions` are tags; None: any, also none at all."""

    versions: frozenset[str] | None = None
    there: bool | None = None  # whether it must be there, or must not

    def check(self, product: Product | None) -> None:
        """Raise ProductChanged where it does not hold."""
        if self.there is not None and self.there != (product is not None):
            raise ProductChanged
        if self.versions is not None and (product is None or tag(product) not in self.versions):
            raise ProductChanged


@dataclass(frozen=True)
class Edited:
    """What came of a change."""

    product: Product
    outcome: Outcome


ANY, NOTHING = Condition(), Known()


def keep_uploads(incoming: Incoming, files: Mapping[str, bytes]) -> Known:
    """Keep the bytes of pictures that came along, by their names. Raises ProductRefused for what is none."""
    faults, sources = [], {}
    for name, data in files.items():
        try:
            sniff(data)
        except ImageRefused as error:
            faults.append(RowFault(0, "images", error.code, f"{name[:80]!r}: {error.message} {error.fix}"))
    if faults:
        raise ProductRefused(faults)
    for name, data in files.items():
        sources[name] = f"incoming:{incoming.put(data)}"
    return Known(sources)


def put_product(
    session: Session, merchant: Merchant, sku: str, given: Mapping[str, Any], known: Known = NOTHING,
    condition: Condition = ANY,
) -> Edited:  # fmt: skip
    """Make the product what the document says, or create it so. Raises ProductRefused, ProductChanged.

    `hidden` stays as it is where the document does not say.
    """
    held = _held(session, merchant.id, sku, condition)
    currency = _currency(session, merchant.id, held, given)
    written = read_document(given, sku, currency, known.and_of(held))
    if held is not None and written.record == record_from(held) and not _has_failed(held):
        return _hide(session, held, written.hidden, "unchanged")
    return _save(session, merchant.id, written)


def patch_product(
    session: Session, merchant: Merchant, sku: str, patch: Mapping[str, Any], known: Known = NOTHING,
    condition: Condition = ANY,
) -> Edited:  # fmt: skip
    """Apply a JSON merge patch. Raises ProductMissing, ProductRefused, ProductChanged.

    What the patch does not name stays as it is to the letter.
    """
    held = _held(session, merchant.id, sku, condition)
    if held is None:
        raise ProductMissing(sku)
    there = record_from(held)
    merged = merge_patch(document(held), patch)
    currency = _currency(session, merchant.id, held, merged)
    written = read_document(merged, sku, currency, known.and_of(held))
    record = _only(patch, written.record, there)
    hidden = False if patch.get("hidden", ...) is None else written.hidden
    if record == there:
        return _hide(session, held, hidden, "unchanged")
    return _save(session, merchant.id, Written(record, hidden))


def remove_product(session: Session, merchant_id: int, sku: str, condition: Condition = ANY) -> int:
    """Delete a product; its id. Raises ProductMissing, ProductChanged."""
    held = _held(session, merchant_id, sku, condition)
    if held is None:
        raise ProductMissing(sku)
    delete_product(session, merchant_id, sku)
    return held.id


def read_product(session: Session, merchant_id: int, sku: str) -> Product:
    """The product with its pictures, a hidden one too. Raises ProductMissing."""
    found = find_product(session, merchant_id, sku) if usable(sku) else None
    if found is None:
        raise ProductMissing(sku)
    _ = found.images  # read while the session is open
    return found


def products_after(session: Session, merchant_id: int, after: str, limit: int) -> Sequence[Product]:
    """The next `limit` products in the order of their skus, hidden ones too."""
    mine = select(Product).where(
        Product.merchant_id == merchant_id, Product.sku > after, Product.deleted_at.is_(None)
    )
    page = mine.order_by(Product.sku).limit(limit).options(selectinload(Product.images))
    return session.scalars(page).all()


def usable(sku: str) -> bool:
    """Whether a product could have this sku: what no database takes is nobody's."""
    return (
        0 < len(sku) <= MAX_SKU and "\0" not in sku and not any("\ud800" <= sign <= "\udfff" for sign in sku)
    )


def _held(session: Session, merchant_id: int, sku: str, condition: Condition) -> Product | None:
    """The row, which nobody else changes until the commit; None where the shop has no such product."""
    row = rows_to_change(session, merchant_id, [sku]).get(sku) if usable(sku) else None
    there = None if row is None or row.deleted_at is not None else row
    condition.check(there)
    return there


def _currency(session: Session, merchant_id: int, held: Product | None, given: Mapping[str, Any]) -> str:
    """What prices are read in: the shop's currency, as it is now that the merchant's turn is ours.

    A product of an older release may keep the prices that it has in another.
    """
    if held is not None and held.price_minor is not None:
        prices = document(held)
        if all(given.get(name) == prices[name] for name in PRICES):
            return held.currency
    return currency_of(session, merchant_id)


def _has_failed(product: Product) -> bool:
    """Whether a picture is to be tried again, though its document says nothing new."""
    return any(image.state == "failed" for image in product.images)


def _only(patch: Mapping[str, Any], new: ProductRecord, old: ProductRecord) -> ProductRecord:
    """The old record with what the patch names: the rest is not read anew, which could change it."""
    named = {name for name in patch if name in (*TEXTS, "images", "attributes")}
    if any(name in patch for name in PRICES):
        named |= set(_OF_PRICE)
    return replace(old, **{name: getattr(new, name) for name in named})


def _save(session: Session, merchant_id: int, written: Written) -> Edited:
    outcome = save_product(session, merchant_id, written.record)
    row = find_product(session, merchant_id, written.record.sku)
    assert row is not None  # noqa: S101 - it was saved just now
    return _hide(session, row, written.hidden, outcome)


def _hide(session: Session, row: Product, hidden: bool | None, outcome: Outcome) -> Edited:
    if hidden is not None and row.hidden != hidden:
        hide_product(session, row.merchant_id, row.sku, hidden)
        outcome = "updated" if outcome == "unchanged" else outcome
    session.flush()
    session.refresh(row, ["images"])
    return Edited(row, outcome)
