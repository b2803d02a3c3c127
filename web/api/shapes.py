"""Products and results as the API says them."""

from typing import Any

from flask import url_for

from catalog.models import Image, Product
from searcher.results import Facet, ProductHit, Results
from searcher.understanding.wishes import Wish
from web import money, origin
from web.pictures import SIZES, Shot, shot, shots
from web.services import is_served, merchant


def results(found: Results, photo_id: str | None) -> dict[str, Any]:
    """One page of a search."""
    word = origin.of(found).of
    return {
        "hits": [hit(each, word(at, each.product.sku)) for at, each in enumerate(found.hits)],
        "total": found.total,
        "mode": found.mode,
        "model": found.model,
        "understood": [understood(each) for each in found.wishes],
        "match": {
            "weak": found.match.weak,
            "strength": found.match.strength,
            "unknown_words": list(found.match.unknown),
        },
        "degraded": list(found.degraded),
        "next_cursor": found.next_cursor,
        "facets": [facet(each) for each in found.facets],
        "timings_ms": {stage: round(ms, 2) for stage, ms in found.timings.items()},
        "photo_id": photo_id,
    }


def hit(found: ProductHit, word: str = "") -> dict[str, Any]:
    """One product of a result; `word` says where it was found."""
    image = _picture(found.image)
    variants = [variant(each) for each in found.variants]
    why = [{"key": key, "satisfied": holds} for key, holds in found.why]
    more = {"score": found.score, "why": why, "variants": variants, "origin": word}
    return {**_common(found.product), "image": image, **more}


def understood(found: Wish) -> dict[str, Any]:
    """One thing that the words ask for."""
    chip = found.chip
    return {
        "key": chip.key,
        "field": chip.meaning.field,
        "label": chip.meaning.label,
        "values": list(chip.meaning.values),
        "negated": chip.negated,
        "low": chip.low,
        "high": chip.high,
        "mode": found.mode,
        "filterable": chip.filterable,
        "currency": chip.currency,
        "typed": chip.typed,
        "start": chip.start,
        "end": chip.end,
    }


def product(found: Product, variants: list[Product]) -> dict[str, Any]:
    """One product on its own."""
    images = [_picture_of(each) for each in shots(found)]
    return {
        **_common(found),
        "image": images[0] if images else None,
        "images": images,
        "description": found.description,
        "material": found.material,
        "pattern": found.pattern,
        "gender": found.gender,
        "age_group": found.age_group,
        "variants": [variant(each) for each in variants if each.id != found.id],
    }


def facet(found: Facet) -> dict[str, Any]:
    """One field to filter by."""
    values = [
        {"value": v.value, "label": v.label, "count": v.count, "selected": v.selected} for v in found.values
    ]
    return {
        "field": found.field, "label": found.label, "values": values, "low": found.low, "high": found.high,
        "steps": list(found.steps),
    }  # fmt: skip


def variant(found: Product) -> dict[str, Any]:
    """One sellable variant, with its front picture."""
    pictures = shots(found)
    return {
        "sku": found.sku,
        "colour": found.colour,
        "size": found.size,
        "availability": found.availability,
        "price": _price(found.price_minor, found.currency),
        "sale_price": _price(found.sale_price_minor, found.currency),
        "image": _picture_of(pictures[0]) if pictures else None,
    }


def _common(found: Product) -> dict[str, Any]:
    return {
        **variant(found),
        "item_group_id": found.item_group_id,
        "title": found.title,
        "brand": found.brand,
        "category": found.category,
        "link": found.link,
        "page": url_for("storefront.product", sku=found.sku) if is_served() else "",
    }


def _price(minor: int | None, currency: str) -> dict[str, Any] | None:
    if minor is None:
        return None
    return {"amount": money.amount(minor, currency), "minor": minor, "currency": currency}


def _picture(image: Image) -> dict[str, Any] | None:
    found = shot(image)
    return _picture_of(found) if found else None


def _picture_of(found: Shot) -> dict[str, Any]:
    shop: dict[str, Any] = {} if is_served() else {"shop": merchant().slug}
    urls = {f"url_{size}": url_for("api.image", sha256=found.sha256, size=size, **shop) for size in SIZES}
    return {"sha256": found.sha256, "width": found.width, "height": found.height, **urls}
