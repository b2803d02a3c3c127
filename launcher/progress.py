"""How far the catalogue is on its way into the index, read from the ledger."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.models import Image, Product

WAITING = ("queued", "fetching", "embedding")


@dataclass(frozen=True)
class Standing:
    """Images of one merchant by what has become of them."""

    waiting: int
    live: int
    failed: int

    @property
    def settled(self) -> int:
        """Images that need no more work."""
        return self.live + self.failed


def standing(session: Session, merchant_id: int) -> Standing:
    """Count the merchant's images by state."""
    rows = session.execute(
        select(Image.state, func.count())
        .join(Product, Product.id == Image.product_id)
        .where(Product.merchant_id == merchant_id)
        .group_by(Image.state)
    )
    by_state = {state: int(count) for state, count in rows}
    return Standing(
        waiting=sum(by_state.get(state, 0) for state in WAITING),
        live=by_state.get("live", 0),
        failed=by_state.get("failed", 0),
    )


def failures(session: Session, merchant_id: int, limit: int = 20) -> list[tuple[str, int, str, str]]:
    """(sku, position, code, message) of images that could not be indexed, oldest first."""
    rows = session.execute(
        select(Product.sku, Image.position, Image.error_code, Image.error_message)
        .join(Image.product)
        .where(Product.merchant_id == merchant_id, Image.state == "failed")
        .order_by(Image.id)
        .limit(limit)
    )
    return [(sku, position, code, message) for sku, position, code, message in rows]
