"""The product page: its colours and sizes, and what is known about it."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import url_for

from catalog.models import Product
from web.language import say
from web.pictures import Shot, shots
from web.shop import cards
from web.shop.availability import availability
from web.shop.panel import shown_as

_BREAK = re.compile(r"<\s*(?:br|/p|/li|/div)[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Size:
    """One size of the shown colour."""

    label: str
    url: str
    current: bool
    sold_out: bool


@dataclass(frozen=True)
class Page:
    """What the product page says beside the product's own words."""

    shots: list[Shot]
    price: cards.Price | None
    availability: str
    sold_out: bool
    colours: list[cards.Swatch]
    sizes: list[Size]
    facts: list[tuple[str, str]]
    paragraphs: list[str]
    crumbs: list[tuple[str, str]]
    shop_link: str
    shop_name: str


def page(product: Product, variants: Sequence[Product], host: str) -> Page:
    """Everything the product page shows."""
    link = cards.shop_link(product, host)
    return Page(
        shots=shots(product),
        price=cards.price_of(product),
        availability=availability(product.availability),
        sold_out=product.availability == "out_of_stock",
        colours=cards.swatches_of(product, variants),
        sizes=_sizes(product, variants),
        facts=_facts(product),
        paragraphs=paragraphs(product.description),
        crumbs=_crumbs(product.category),
        shop_link=link,
        shop_name=urlsplit(link).netloc.removeprefix("www."),
    )


def _sizes(product: Product, variants: Sequence[Product]) -> list[Size]:
    same = [v for v in variants if v.size and v.colour.casefold() == product.colour.casefold()]
    if len(same) < 2:
        return []
    return [
        Size(
            label=v.size,
            url=url_for("storefront.product", sku=v.sku),
            current=v.id == product.id,
            sold_out=v.availability == "out_of_stock",
        )
        for v in same
    ]


def _facts(product: Product) -> list[tuple[str, str]]:
    known = [
        (say("Brand"), product.brand),
        (say("Colour"), product.colour),
        (say("Size"), shown_as("size", product.size, product.size)),
        (say("Material"), product.material),
        (say("Pattern"), product.pattern),
        (say("For"), shown_as("gender", product.gender, product.gender)),
        (say("Article"), product.sku),
    ]
    return [(label, value) for label, value in known if value]


def paragraphs(description: str) -> list[str]:
    """The words of a description: tags are dropped, and what ends a line in HTML ends a paragraph."""
    plain = html.unescape(_TAG.sub(" ", _BREAK.sub("\n", description)))
    return [" ".join(part.split()) for part in plain.split("\n") if part.strip()]


def _crumbs(category: str) -> list[tuple[str, str]]:
    """(name, address) of each step of a category path. Facet values are casefolded paths."""
    parts = [part.strip() for part in category.split(">") if part.strip()]
    paths = [" > ".join(parts[: i + 1]).casefold() for i in range(len(parts))]
    return [
        (name, url_for("storefront.home", category=path)) for name, path in zip(parts, paths, strict=True)
    ]
