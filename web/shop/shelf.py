"""Products of the shop that is served, as one page needs them: read in one short session."""

from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from catalog.models import Product
from web.language import noted
from web.pictures import shots
from web.problems import http
from web.services import merchant, services
from web.shop.pagestate import MAX_NAME


def product(sku: str) -> Product:
    """One product with its pictures; 404 when it is gone, hidden, or another shop's."""
    wanted = _visible().where(Product.sku == sku)
    with services().sessions() as session:
        found = session.scalars(wanted).one_or_none() if _usable(sku) else None
    if found is None:
        raise http(404, noted("This piece is no longer in the shop."), noted("Search for one like it."))
    return found


def variants(of: Product) -> list[Product]:
    """Every variant of an article that can be seen, itself among them, in feed order."""
    wanted = _visible().where(Product.item_group_id == of.item_group_id).order_by(Product.id).limit(200)
    with services().sessions() as session:
        return list(session.scalars(wanted))


def several(skus: Collection[str]) -> list[Product]:
    """The products of these skus that can be seen, with their pictures, in the order of the skus."""
    order = {sku: at for at, sku in enumerate(skus) if _usable(sku)}
    with services().sessions() as session:
        found = session.scalars(_visible().where(Product.sku.in_(order))).all() if order else []
    return sorted(found, key=lambda each: order[each.sku])


def titled(skus: Collection[str]) -> dict[str, tuple[str, str]]:
    """{sku: (address of its small picture or "", title)} of those that can be seen."""
    return {each.sku: (_small(each), each.title) for each in several(skus)}


def _small(product: Product) -> str:
    pictures = shots(product)
    return pictures[0].url(160) if pictures else ""


def _usable(sku: str) -> bool:
    return len(sku) <= MAX_NAME and "\0" not in sku  # PostgreSQL takes no NUL in a text


def _visible() -> Select[Product]:
    return (
        select(Product)
        .where(Product.merchant_id == merchant().id, Product.deleted_at.is_(None), Product.hidden.is_(False))
        .options(selectinload(Product.images))
    )
