"""One item mended by hand: validated as a feed's row is, refused where somebody else was faster.

What is edited is the feed's again with the next import that says otherwise, unless its field is locked:
`Product.locked` names what no feed changes, "price" for both prices, "images" for the pictures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.currency import agree, currency_of
from catalog.feeds.cells import Row
from catalog.feeds.columns import NAMES, feed_name
from catalog.feeds.prices import minor_digits
from catalog.feeds.rows import record_of
from catalog.models import Product
from catalog.products import note_edit, rows_to_change
from catalog.records import ProductRecord, RowFault

TEXTS = (
    "title", "description", "link", "brand", "category", "colour", "pattern", "material", "gender",
    "age_group", "size", "item_group_id", "availability",
)  # fmt: skip
FIELDS = (*TEXTS, "price", "sale_price")  # what a form may hold
LOCKS = (*TEXTS, "price", "images")
_COLUMNS = {"price": ("price_minor", "currency"), "sale_price": ("sale_price_minor",)}
_PICTURE = "picture"  # a row of a feed needs one; those of the item stay as they are


@dataclass(frozen=True)
class Edit:
    """What a form says: `cells` by our names, as typed, those of FIELDS that it holds.

    `rev` is the one that the form was filled from. `locked` are the LOCKS that are to hold from now on; None
    leaves them as they are.
    """

    rev: int
    cells: Mapping[str, str] = field(default_factory=dict)
    locked: frozenset[str] | None = None


class EditRefused(Exception):
    """What was typed cannot be: `faults` say of each field why, and how to mend it."""

    def __init__(self, faults: Iterable[RowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


class ItemOvertaken(Exception):
    """Somebody else has changed the item since the form was filled; nothing was written.

    `rev` and `cells` are the item's as it is now.
    """

    def __init__(self, product: Product) -> None:
        super().__init__(f"The item is at change {product.rev} by now. Look at it and save again.")
        self.rev, self.cells = product.rev, cells_of(product)


class ItemGone(LookupError):
    """There is no such item any more."""


def cells_of(product: Product) -> dict[str, str]:
    """Return {field: its text} as a form shows it."""
    return {name: _text(product, name) for name in FIELDS}


def _text(product: Product, name: str) -> str:
    if name not in _COLUMNS:
        return str(getattr(product, name))
    minor = product.price_minor if name == "price" else product.sale_price_minor
    if minor is None:
        return ""
    digits = minor_digits(product.currency)
    return f"{minor / 10**digits:.{digits}f} {product.currency}"


def item_to_change(session: Session, merchant_id: int, product_id: int, rev: int | None = None) -> Product:
    """The item with every image, locked until the commit. Raises ItemGone and ItemOvertaken."""
    wanted = select(Product.sku).where(Product.merchant_id == merchant_id, Product.id == product_id)
    sku = session.scalar(wanted)
    product = rows_to_change(session, merchant_id, [sku]).get(sku) if sku is not None else None
    if product is None or product.deleted_at is not None:
        raise ItemGone(f"There is no item {product_id}.")
    if rev is not None and product.rev != rev:
        raise ItemOvertaken(product)
    return product


def edit_item(session: Session, merchant_id: int, product_id: int, edit: Edit) -> set[str]:
    """Write what differs; return the names of the fields that changed, and "locked" where the locks did.

    Raises ItemGone, ItemOvertaken and EditRefused.
    """
    product = item_to_change(session, merchant_id, product_id, edit.rev)
    record = checked(product, edit.cells, currency_of(session, merchant_id))
    agree(session, merchant_id, [record], {product.sku: product})
    changed = {name for name in edit.cells if _differs(product, record, name)}
    before = set(product.locked)
    locked = before if edit.locked is None else set(edit.locked) & set(LOCKS)
    for name in changed:
        for column in _COLUMNS.get(name, (name,)):
            setattr(product, column, getattr(record, column))
    if product.item_group_id == "":
        product.item_group_id = product.sku
    product.locked = sorted(locked)
    if {_lock(name) for name in changed} - locked or before - locked:
        product.content_hash = ""  # the next feed has its say again
    if changed:
        note_edit(session, product)
    session.flush()
    return changed | ({"locked"} if before != locked else set())


def checked(product: Product, cells: Mapping[str, str], currency: str) -> ProductRecord:
    """The item as these cells would make it, by the code that checks feeds. Raises EditRefused.

    `currency` is the shop's; prices that stay as they are may be in another, of an older release.
    """
    there = cells_of(product)
    said = {**there, **{name: cells[name] for name in FIELDS if name in cells}}
    if product.price_minor is not None and all(said[name] == there[name] for name in _COLUMNS):
        currency = product.currency
    row = {feed_name(name): text for name, text in said.items()}
    row |= {feed_name("sku"): product.sku, feed_name("image"): _PICTURE}
    record = record_of(Row(1, row), currency)
    if isinstance(record, list):
        raise EditRefused(replace(fault, column=_ours(fault.column)) for fault in record)
    if record.price_minor is None:
        record = replace(record, currency=product.currency)
    if not record.item_group_id:
        record = replace(record, item_group_id=product.sku)
    return record


def _lock(name: str) -> str:
    """The lock that a field is under."""
    return "price" if name == "sale_price" else name


def _ours(column: str) -> str:
    return next((ours for ours, names in NAMES.items() if names[0] == column), column)


def _differs(product: Product, record: ProductRecord, name: str) -> bool:
    return any(getattr(product, column) != getattr(record, column) for column in _COLUMNS.get(name, (name,)))
