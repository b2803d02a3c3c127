"""Products that a feed no longer lists: taken out where that is asked for, and not by a broken feed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Product
from catalog.products import delete_product
from catalog.records import ProductRecord, RowFault

MOST = 0.5  # of what is in the shop: more does not go without a word
BATCH = 100  # products a commit
WITHHELD = "not-published"  # the fault of a row that is in the file and not for sale


class Removal(Enum):
    """What becomes of products that are not in the feed."""

    NONE = "none"
    GUARDED = "guarded"  # they go, unless the feed looks broken
    EVEN_MOST = "even-most"  # they go, however many


@dataclass
class Presence:
    """Which products a feed lists; a refused row lists its own, one that cannot be read hides whose it is."""

    skus: set[str] = field(default_factory=set)
    records: int = 0
    unknown: int = 0

    def note(self, items: Iterable[ProductRecord | RowFault]) -> None:
        """Count these rows in."""
        for item in items:
            if isinstance(item, RowFault) and item.code == WITHHELD:
                continue
            if item.sku:
                self.skus.add(item.sku)
            else:
                self.unknown += 1
            self.records += isinstance(item, ProductRecord)


@dataclass
class Removed:
    """The ids of products that went, or why none did."""

    ids: list[int] = field(default_factory=list)
    kept_because: str = ""


def remove_missing(
    sessions: sessionmaker[Session],
    merchant_id: int,
    presence: Presence,
    removal: Removal,
    remove: Callable[[Session, list[str]], None] | None = None,
) -> Removed:
    """Delete what the feed does not list, some at a time; what is cut off goes on when it is run again.

    `remove` does it for one batch, within its transaction.
    """
    if removal is Removal.NONE:
        return Removed()
    missing, total = missing_products(sessions, merchant_id, presence)
    if words := objection(presence, len(missing), total, removal):
        return Removed(kept_because=words)
    skus = list(missing)
    for start in range(0, len(skus), BATCH):
        some = skus[start : start + BATCH]
        with sessions.begin() as session:
            if remove is not None:
                remove(session, some)
                continue
            for sku in some:
                delete_product(session, merchant_id, sku)
    return Removed(list(missing.values()))


def missing_products(
    sessions: sessionmaker[Session], merchant_id: int, presence: Presence
) -> tuple[dict[str, int], int]:
    """Return {sku: product id} of what the feed does not list, and how many products there are."""
    mine = select(Product.sku, Product.id).where(
        Product.merchant_id == merchant_id, Product.deleted_at.is_(None)
    )
    with sessions() as session:
        there = {row.sku: row.id for row in session.execute(mine)}
    return {sku: product_id for sku, product_id in there.items() if sku not in presence.skus}, len(there)


def objection(presence: Presence, missing: int, total: int, removal: Removal) -> str:
    """Say why nothing is removed, or "" where all is well."""
    if not missing:
        return ""
    if not presence.records:
        return "Nothing was removed: no row of the feed could be taken in. Mend the feed."
    if presence.unknown:
        return (
            f"Nothing was removed: of {presence.unknown} rows it cannot be read which product they are. "
            "Mend them and import again."
        )
    if missing > MOST * total and removal is not Removal.EVEN_MOST:
        return (
            f"Nothing was removed: {missing} of {total} products are not in this feed, more than half. "
            "Is it whole? Then import it with --even-most."
        )
    return ""
