"""A shop's one currency: the first price that names one settles it, and what comes after must be in it."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from catalog.models import Merchant, Product
from catalog.records import ProductRecord


class CurrencyRefused(Exception):
    """Prices that are not in the shop's currency, or a currency that it cannot have; `fix` mends it."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.code, self.message, self.fix = code, message, fix


def currency_of(session: Session, merchant_id: int) -> str:
    """The ISO code that the shop's prices are in; "" until the first price or a setting says it."""
    return session.scalars(select(Merchant.currency).where(Merchant.id == merchant_id)).one()


def agree(
    session: Session, merchant_id: int, records: Iterable[ProductRecord], there: Mapping[str, Product]
) -> None:
    """Hold the records' prices to the shop's currency; the first of them settles one that is not known.

    `there` are the rows that they change, held until the commit with the merchant's turn: two imports that
    begin in an empty shop cannot both settle it. What a row of an older release costs in another currency
    may stay so. Raises CurrencyRefused.
    """
    priced = [each for each in records if each.price_minor is not None]
    if not priced:
        return
    held = currency_of(session, merchant_id)
    if not held:
        held = priced[0].currency
        session.execute(update(Merchant).where(Merchant.id == merchant_id).values(currency=held))
    other = [
        each for each in priced if each.currency != held and not _is_so(each, there.get(each.sku))
    ]  # fmt: skip
    if other:
        raise CurrencyRefused(
            "currency-mismatch",
            f"The price of {other[0].sku!r} is in {other[0].currency}, the shop's prices are in {held}.",
            f"Give it in {held}.",
        )


def _is_so(record: ProductRecord, product: Product | None) -> bool:
    if product is None or product.deleted_at is not None or product.price_minor is None:
        return False
    return product.currency == record.currency
