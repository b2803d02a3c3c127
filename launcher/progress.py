"""How far the catalogue is on its way into the index, read from the ledger."""

from dataclasses import dataclass

from sqlalchemy import and_, case, func, select, text
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.models import CHECKED, Image, Product

WAITING = ("queued", "fetching", "embedding")


@dataclass(frozen=True)
class Standing:
    """Images of one merchant by what has become of them."""

    waiting: int
    live: int
    failed: int
    later: int = 0  # whose host did not answer: tried again after a pause of seconds to an hour
    checks: int = 0  # whose hosts are still to be asked whether they are others by now

    @property
    def settled(self) -> int:
        """Images that need no more work."""
        return self.live + self.failed


def standing(session: Session, merchant_id: int | None) -> Standing:
    """Count the images of a merchant, or of all, by state."""
    pausing = and_(Image.state == "queued", Image.next_attempt_at > instant(session))
    state = case((pausing, "later"), else_=Image.state).label("standing")
    counted = select(state, func.count()).group_by(state)
    if merchant_id is not None:
        counted = counted.join(Product, Product.id == Image.product_id)
        counted = counted.where(Product.merchant_id == merchant_id)
    by_state = {name: int(count) for name, count in session.execute(counted)}
    return Standing(
        waiting=sum(by_state.get(name, 0) for name in WAITING),
        live=by_state.get("live", 0),
        failed=by_state.get("failed", 0),
        later=by_state.get("later", 0),
        checks=_checks(session, merchant_id),
    )


def _checks(session: Session, merchant_id: int | None) -> int:
    asked = select(func.count()).where(text(CHECKED), Image.check_code == "")
    if merchant_id is not None:
        asked = asked.where(Image.merchant_id == merchant_id)
    return int(session.scalar(asked.select_from(Image)) or 0)


def failed_checks(session: Session, merchant_id: int, limit: int = 20) -> list[tuple[str, int, str, str]]:
    """(sku, position, code, message) of images whose host could not say whether they are others by now."""
    rows = session.execute(
        select(Product.sku, Image.position, Image.check_code, Image.check_message)
        .join(Image.product)
        .where(Product.merchant_id == merchant_id, Image.merchant_id == merchant_id, Image.check_code != "")
        .order_by(Image.id)
        .limit(limit)
    )
    return [(sku, position, code, message) for sku, position, code, message in rows]


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
