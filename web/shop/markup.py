"""The product page for machines: schema.org as JSON-LD, as Google's product variants and breadcrumbs want it.

https://developers.google.com/search/docs/appearance/structured-data/product-variants (a page a variant) and
https://developers.google.com/search/docs/appearance/structured-data/breadcrumb
"""

from collections.abc import Sequence
from typing import Any

from flask import url_for

from catalog.models import Product
from web import money
from web.pictures import shots

_AVAILABILITY = {
    "in_stock": "https://schema.org/InStock",
    "out_of_stock": "https://schema.org/OutOfStock",
    "preorder": "https://schema.org/PreOrder",
    "backorder": "https://schema.org/BackOrder",
}
_CONDITION = {
    "new": "https://schema.org/NewCondition",
    "refurbished": "https://schema.org/RefurbishedCondition",
    "used": "https://schema.org/UsedCondition",
}
_GENDER = {"female": "female", "women": "female", "male": "male", "men": "male", "unisex": "unisex"}
_VARIES = ("color", "size", "material", "pattern")  # of schema.org; ours has the same names but for colour
Said = dict[str, Any]


def product(
    shown: Product,
    variants: Sequence[Product],
    description: str,
    crumbs: Sequence[tuple[str, str]],
    root: str,
) -> list[Said]:
    """The data block of a product page: the Product, then its BreadcrumbList where it has a category.

    `variants` are those of the same article, the shown one among them; `crumbs` are (name, path) of the
    steps of its category; `root` is the shop's address without the last slash.
    """
    said = [_product(shown, variants, description, root)]
    return [*said, _breadcrumbs(shown, crumbs, root)] if crumbs else said


def _product(shown: Product, variants: Sequence[Product], description: str, root: str) -> Said:
    return _given({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": shown.title,
        "sku": shown.sku,
        "mpn": _other(shown, "mpn"),
        "gtin": _other(shown, "gtin"),
        "url": _url(shown, root),
        "image": [root + shot.url(1200) for shot in shots(shown)],
        "description": description,
        "category": shown.category,
        **{name: _value(shown, name) for name in _VARIES},
        "brand": {"@type": "Brand", "name": shown.brand} if shown.brand else None,
        "audience": _audience(shown),
        "isVariantOf": _group(shown, variants, description, root) if len(variants) > 1 else None,
        "offers": _offer(shown, root) if shown.price_minor is not None else None,
    })  # fmt: skip


def _group(shown: Product, variants: Sequence[Product], description: str, root: str) -> Said:
    """The article: what its variants differ in, and where the others stand."""
    varies = [name for name in _VARIES if len({_value(each, name) for each in variants}) > 1]
    return _given({
        "@type": "ProductGroup",
        "name": shown.title,
        "description": description,
        "productGroupID": shown.item_group_id,
        "brand": {"@type": "Brand", "name": shown.brand} if shown.brand else None,
        "variesBy": [f"https://schema.org/{name}" for name in varies],
        "hasVariant": [{"@type": "Product", "url": _url(v, root)} for v in variants if v.id != shown.id],
    })  # fmt: skip


def _offer(shown: Product, root: str) -> Said:
    usual, sale = shown.price_minor or 0, shown.sale_price_minor
    paid = sale if sale is not None and sale < usual else usual
    return _given({
        "@type": "Offer",
        "url": _url(shown, root),
        "price": money.amount(paid, shown.currency),
        "priceCurrency": shown.currency,
        "availability": _AVAILABILITY.get(shown.availability, ""),
        "itemCondition": _CONDITION.get(_other(shown, "condition").casefold(), ""),
        "priceSpecification": _list_price(usual, shown.currency) if paid < usual else None,
    })  # fmt: skip


def _list_price(usual: int, currency: str) -> Said:
    """The price before: what Google shows struck through."""
    return {
        "@type": "UnitPriceSpecification",
        "priceType": "https://schema.org/StrikethroughPrice",
        "price": money.amount(usual, currency),
        "priceCurrency": currency,
    }


def _audience(shown: Product) -> Said | None:
    gender = _GENDER.get(shown.gender.casefold())
    return {"@type": "PeopleAudience", "suggestedGender": gender} if gender else None


def _breadcrumbs(shown: Product, crumbs: Sequence[tuple[str, str]], root: str) -> Said:
    steps = [*((name, root + path) for name, path in crumbs), (shown.title, _url(shown, root))]
    return {
        "@context": "https://schema.org",
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": at, "name": name, "item": url}
            for at, (name, url) in enumerate(steps, 1)
        ],
    }


def _value(shown: Product, name: str) -> str:
    return str(getattr(shown, "colour" if name == "color" else name))


def _other(shown: Product, column: str) -> str:
    """What the feed says in a column that is none of ours, as one line."""
    value = shown.attributes.get(column, "")
    return str(value).strip() if isinstance(value, (str, int)) else ""


def _url(shown: Product, root: str) -> str:
    return root + url_for("storefront.product", sku=shown.sku)


def _given(said: Said) -> Said:
    return {name: value for name, value in said.items() if value}
