"""Products by some of what one knows of them, to be chosen from: by sku or by words of the title."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from catalog.models import Product

MOST = 12
_LOOKED_AT = 200  # variants, of which products are shown


def pick(session: Session, merchant_id: int, words: str, most: int = MOST) -> list[Product]:
    """At most so many products, each by one variant, whose sku begins so or whose title has all the words."""
    said = words.lower().split()
    if not said:
        return []
    mine = (Product.merchant_id == merchant_id, Product.deleted_at.is_(None))
    titled = (func.lower(Product.title).contains(word, autoescape=True) for word in said)
    ways = (func.lower(Product.sku).startswith(" ".join(said), autoescape=True),), tuple(titled)
    found: dict[str, Product] = {}
    for way in ways:
        wanted = select(Product).where(*mine, *way).options(selectinload(Product.images))
        for product in session.scalars(wanted.order_by(Product.id).limit(_LOOKED_AT)):
            if len(found) < most:
                found.setdefault(product.item_group_id, product)
    return list(found.values())


def named(session: Session, merchant_id: int, skus: Iterable[str]) -> dict[str, Product]:
    """{sku in lower case: product}, with their pictures, of those that there are."""
    wanted = sorted({sku.lower() for sku in skus})
    found: dict[str, Product] = {}
    for at in range(0, len(wanted), 500):
        some = func.lower(Product.sku).in_(wanted[at : at + 500])
        mine = (Product.merchant_id == merchant_id, Product.deleted_at.is_(None), some)
        for product in session.scalars(select(Product).where(*mine).options(selectinload(Product.images))):
            found[product.sku.lower()] = product
    return found
