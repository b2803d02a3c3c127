"""Ranked places -> what stands there now: one SQL query for products and one for images, in rank order.

SQL is the truth and the index a copy: whatever is deleted, hidden or without a picture is left out.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.attributes import set_committed_value

from catalog.identity import group_id, point_id
from catalog.models import Image, Product
from searcher.ranked import Ranked
from searcher.results import ProductHit

MAX_VARIANTS = 60


class Hydrator:
    """Reads the products of one merchant. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self.sessions = sessions

    def hits(self, merchant_id: int, ranked: Sequence[Ranked], collapse: bool) -> list[ProductHit]:
        """Those of the places where something can be shown, in the same order."""
        if collapse:
            names = [group_id(str(each.group)) for each in ranked]
            which = Product.item_group_id.in_(names)
        else:
            names = [str(each.group) for each in ranked]
            which = Product.id.in_([int(each.group) for each in ranked])
        families: defaultdict[str, list[Product]] = defaultdict(list)
        for product in self._visible(merchant_id, which):
            families[product.item_group_id if collapse else str(product.id)].append(product)
        found = (_hit(each, families[name]) for each, name in zip(ranked, names, strict=True))
        return [hit for hit in found if hit is not None]

    def _visible(self, merchant_id: int, which: object) -> Sequence[Product]:
        wanted = select(Product).where(Product.merchant_id == merchant_id, which)  # type: ignore[arg-type]
        wanted = wanted.where(Product.deleted_at.is_(None), Product.hidden.is_(False))
        with self.sessions() as session:
            products = session.scalars(wanted.order_by(Product.id)).all()
            _attach_images(session, products)
            return products


def _attach_images(session: Session, products: Sequence[Product]) -> None:
    """What `selectinload` does, in half the time: this is most of a search."""
    pictures: defaultdict[int, list[Image]] = defaultdict(list)
    theirs = select(Image).where(
        Image.product_id.in_([product.id for product in products]), Image.removed.is_(False)
    )
    for image in session.scalars(theirs.order_by(Image.position)):
        pictures[image.product_id].append(image)
    for product in products:
        set_committed_value(product, "images", pictures[product.id])


def _hit(place: Ranked, family: Sequence[Product]) -> ProductHit | None:
    """The variant and image that earned the place, the others beside it."""
    shown = _shown(place, family)
    if shown is None:
        return None
    product, image = shown
    others = [each for each in family if each is not product and _picture(each) is not None]
    return ProductHit(product, image, place.score, tuple(others[:MAX_VARIANTS]), parts=place.parts)


def _shown(place: Ranked, family: Sequence[Product]) -> tuple[Product, Image] | None:
    for product in family:
        if place.point is None:
            if product.id == place.product_id and (front := _picture(product)):
                return product, front
            continue
        for image in product.images:
            if place.point == point_id(product.merchant_id, product.sku, image.position):
                best = image if image.sha256 else _picture(product)
                return (product, best) if best else None
    return None


def _picture(product: Product) -> Image | None:
    """The first image that can be shown."""
    return next((image for image in product.images if image.sha256), None)
