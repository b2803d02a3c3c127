"""Photos that look alike, as pictures: the photos while they are kept, then the shop's nearest products."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, url_for
from sqlalchemy.orm import Session

from catalog.insight import reading
from catalog.insight.alike import Photos
from catalog.models import Product
from catalog.picking import named
from web.console.access import needs, shop
from web.console.insight import blueprint
from web.console.insight.period import chosen
from web.pictures import shots
from web.services import services

GROUPS = 24
SHOWN = 3  # photos, and products, of one group


@dataclass(frozen=True)
class Shown:
    """One group: photos that are still kept, products that were found first, and the figures."""

    photos: list[str]  # addresses
    products: list[tuple[str, str, str]]  # (sku, title, address of its picture)
    group: Photos


@blueprint.get("/photos")
@needs("viewer")
def photos() -> str:
    """What shoppers show the shop, the commonest first."""
    here = chosen()
    with services().sessions() as session:
        groups = pictured(session, reading.photos(session, here.period, weak=False, limit=GROUPS))
    return render_template("console/insight_photos.html", span=here, groups=groups)


def pictured(session: Session, groups: Sequence[Photos]) -> list[Shown]:
    """Groups with their pictures."""
    products = named(session, shop().id, {sku for group in groups for sku in group.skus[:SHOWN]})
    return [
        Shown(_kept(group.photo_ids), [_product(sku, products) for sku in group.skus[:SHOWN]], group)
        for group in groups
    ]


def _kept(photo_ids: Sequence[str]) -> list[str]:
    """Addresses of the newest photos that are not forgotten yet."""
    found: list[str] = []
    for photo_id in photo_ids:
        if len(found) == SHOWN:
            break
        if services().photos.webp(photo_id) is not None:
            found.append(url_for("pictures.photo", photo_id=photo_id))
    return found


def _product(sku: str, products: dict[str, Product]) -> tuple[str, str, str]:
    product = products.get(sku.lower())
    if product is None:
        return sku, f"{sku} (not in the shop now)", ""
    pictures = shots(product)
    if not pictures:
        return sku, product.title, ""
    src = url_for("pictures.picture", sha256=pictures[0].sha256, size=160, shop=shop().slug)
    return sku, product.title, src
