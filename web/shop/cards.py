"""Products as the pages show them: words, money and addresses, nothing that a template must work out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import url_for

from catalog.models import Image, Product
from searcher import palette
from searcher.results import ProductHit
from web import money
from web.origin import marked
from web.pictures import Shot, shots
from web.shop.availability import availability
from web.shop.pagestate import PageState
from web.shop.steps import onward
from web.shop.understood import Reason, why

MOST_SWATCHES = 6


@dataclass(frozen=True)
class Price:
    """What it costs; `was` is the price before a sale."""

    now: str
    was: str = ""


@dataclass(frozen=True)
class Swatch:
    """One colour of an article, with the address of that variant."""

    label: str
    url: str
    paints: list[str]
    current: bool
    sold_out: bool


@dataclass(frozen=True)
class Card:
    """One product in a grid."""

    sku: str
    title: str
    brand: str
    url: str
    more_url: str
    compare_url: str
    shots: list[Shot]
    price: Price | None
    availability: str
    in_stock: bool
    sold_out: bool
    swatches: list[Swatch]
    more_swatches: int
    why: list[Reason]


def card(
    hit: ProductHit, state: PageState, said: Mapping[str, str] = MappingProxyType({}), word: str = ""
) -> Card:
    """A hit of a search as a card, the best picture in front; `said` are the wishes by their keys.

    `word` says in its links where it was found: see `web.origin`.
    """
    product = hit.product
    swatches = swatches_of(product, [product, *hit.variants], word)
    return Card(
        sku=product.sku,
        title=product.title,
        brand=product.brand,
        url=marked(url_for("storefront.product", sku=product.sku), word),
        more_url=marked(onward(state, product.sku).url(), word),
        compare_url=marked(url_for("compare.change"), word),
        shots=shots(product, hit.image)[:2],
        price=price_of(product),
        availability=availability(product.availability),
        in_stock=product.availability == "in_stock",
        sold_out=product.availability == "out_of_stock",
        swatches=swatches[:MOST_SWATCHES] if len(swatches) > 1 else [],
        more_swatches=max(0, len(swatches) - MOST_SWATCHES),
        why=why(hit.why, said),
    )


def price_of(product: Product) -> Price | None:
    """The price to pay, and the usual one when the product is on sale; None when the feed names none."""
    usual, sale = product.price_minor, product.sale_price_minor
    if usual is None:
        return None
    if sale is not None and sale < usual:
        return Price(money.shown(sale, product.currency), money.shown(usual, product.currency))
    return Price(money.shown(usual, product.currency))


def swatches_of(shown: Product, variants: Sequence[Product], word: str = "") -> list[Swatch]:
    """One swatch for each colour, the shown one first seen; a colour is sold out when all its sizes are."""
    by_colour: dict[str, list[Product]] = {}
    for variant in variants:
        if variant.colour:
            by_colour.setdefault(variant.colour.casefold(), []).append(variant)
    return [_swatch(shown, same, word) for same in by_colour.values()]


def _swatch(shown: Product, same: Sequence[Product], word: str) -> Swatch:
    current = any(p.id == shown.id or p.colour.casefold() == shown.colour.casefold() for p in same)
    buyable = [p for p in same if p.availability != "out_of_stock"]
    fitting = [p for p in buyable if p.size == shown.size]
    chosen = shown if current else (fitting or buyable or list(same))[0]
    return Swatch(
        label=chosen.colour,
        url=marked(url_for("storefront.product", sku=chosen.sku), word),
        paints=palette.paints(chosen.colour),
        current=current,
        sold_out=not buyable,
    )


def shop_link(product: Product, host: str) -> str:
    """The merchant's own page of a product, when it is a web address elsewhere."""
    parts = urlsplit(product.link)
    return product.link if parts.scheme in ("http", "https") and parts.netloc not in ("", host) else ""


def main_image(product: Product) -> Image | None:
    """The front picture of a product, decoded or not."""
    return product.images[0] if product.images else None
