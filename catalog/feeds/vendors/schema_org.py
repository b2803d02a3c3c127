"""schema.org's Product as JSON-LD: alone, in a list or a graph, or as the variants of a ProductGroup."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from catalog.feeds.cells import Row
from catalog.feeds.values import as_text
from catalog.feeds.vendors.options import placed
from catalog.records import RowFault

MARK = '"@type"'
_IDS = ("sku", "productID", "gtin", "gtin13", "gtin14", "gtin12", "gtin8", "mpn", "@id", "url")
_OLD_PRICES = ("ListPrice", "StrikethroughPrice", "SRP", "MSRP")
_KEPT = ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "mpn")
_DEPTH = 4
_CALLED = {
    "id": "sku", "title": "name", "image_link": "image", "additional_image_link": "image",
    "price": "offers.price", "sale_price": "offers.price", "availability": "offers.availability",
    "product_type": "category", "link": "url", "item_group_id": "inProductGroupWithID",
}  # fmt: skip
Node = Mapping[str, Any]


def translated(reopen: Callable[[], Iterator[Row | RowFault]], currency: str) -> Iterator[Row | RowFault]:
    """Yield a row in our columns for each product; what else a graph holds is passed over."""
    for row in reopen():
        if isinstance(row, RowFault):
            yield row
        elif "@type" not in row.cells and "@graph" not in row.cells and "item" not in row.cells:
            yield row.fault("@type", "type-missing", "The object has no @type. Write Product.")
        else:
            for product in _products(row.cells, _DEPTH):
                yield Row(row.number, _cells(product), _CALLED, product)


def _products(node: Any, depth: int) -> Iterator[Node]:
    """Yield the products in a node: itself, a list's, a graph's, a group's variants."""
    if not isinstance(node, Mapping) or not depth:
        return
    for name in ("@graph", "itemListElement", "mainEntity"):
        for one in _list(node.get(name)):
            yield from _products(one, depth - 1)
    types = {as_text(kind).rpartition("/")[2].rpartition(":")[2] for kind in _list(node.get("@type"))}
    if "ListItem" in types or not types:
        yield from _products(node.get("item"), depth - 1)
    elif variants := [one for one in _list(node.get("hasVariant")) if isinstance(one, Mapping)]:
        yield from (_variant(node, variant) for variant in variants)
    elif types & {"Product", "ProductGroup", "IndividualProduct", "ProductModel"}:
        yield node


def _variant(group: Node, variant: Node) -> Node:
    """Return a variant with what only its group says; ids are its own."""
    shared = {name: value for name, value in group.items() if name not in ("hasVariant", *_IDS)}
    own = _text(group.get("productGroupID")) or _text(group.get("sku")) or _text(group.get("@id"))
    return {"inProductGroupWithID": own, **shared, **variant}


def _cells(node: Node) -> dict[str, Any]:
    main, *more = list(dict.fromkeys(_images(node.get("image")))) or [""]
    audience, of_group = _first(node.get("audience")), _first(node.get("isVariantOf"))
    group = _text(node.get("inProductGroupWithID")) or _text(of_group.get("productGroupID"))
    offer = _offer(node.get("offers"))
    named = {name: _text(node.get(name)) for name in ("brand", "color", "material", "pattern", "size")}
    return {
        **placed(_properties(node)),
        **{name: _text(node[name]) for name in _KEPT if name in node},
        **{name: value for name, value in named.items() if value},
        "id": next(filter(None, (_text(node.get(name)) for name in _IDS)), ""),
        "title": _text(node.get("name")),
        "description": _text(node.get("description")),
        "product_type": _text(node.get("category")),
        "gender": _text(audience.get("suggestedGender")).rpartition("/")[2],
        "item_group_id": group,
        "image_link": [main] if main else "",
        "additional_image_link": more,
        "link": _text(offer.get("url")) or _text(node.get("url")),
        "availability": _text(offer.get("availability")),
        **_prices(offer),
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _first(value: Any) -> Node:
    return next((one for one in _list(value) if isinstance(one, Mapping)), {})


def _text(value: Any) -> str:
    """Return what a value says: text, a number, or the name of a thing; several with bars between them."""
    if isinstance(value, Mapping):
        return _text(value.get("name") or value.get("@value") or value.get("@id"))
    if isinstance(value, list):
        return "/".join(filter(None, map(_text, value)))
    return "" if value is None else as_text(value).strip()


def _images(value: Any) -> Iterator[str]:
    for one in _list(value):
        address = (
            one.get("contentUrl") or one.get("url") or one.get("@id") if isinstance(one, Mapping) else one
        )
        if isinstance(address, str) and address.strip():
            yield address.strip()


def _offer(value: Any) -> Node:
    """Return the offer that has a price, the first of several; an empty one where there is none."""
    offers = [one for one in _list(value) if isinstance(one, Mapping)]
    for one in offers:
        if "price" in one or "lowPrice" in one or "priceSpecification" in one:
            return one
        if inner := _offer(one.get("offers")):
            return {**one, **inner}
    return offers[0] if offers else {}


def _prices(offer: Node) -> dict[str, Any]:
    """Return the price, and the sale price where an old price stands beside it."""
    currency = _text(offer.get("priceCurrency"))
    specified = [one for one in _list(offer.get("priceSpecification")) if isinstance(one, Mapping)]
    old = [one for one in specified if _text(one.get("priceType")).rpartition("/")[2] in _OLD_PRICES]
    now = [one for one in specified if one not in old and "price" in one]
    price = offer.get("price", offer.get("lowPrice", now[0]["price"] if now else None))
    if price in (None, ""):
        return {}
    currency = currency or (_text(now[0].get("priceCurrency")) if now else "")
    if old:
        in_currency = _text(old[0].get("priceCurrency")) or currency
        return {"price": _money(old[0].get("price"), in_currency), "sale_price": _money(price, currency)}
    return {"price": _money(price, currency)}


def _money(price: Any, currency: str) -> str:
    return f"{_text(price)} {currency}".strip()


def _properties(node: Node) -> Iterator[tuple[str, str]]:
    for one in _list(node.get("additionalProperty")):
        if isinstance(one, Mapping):
            yield _text(one.get("name") or one.get("propertyID")), _text(one.get("value"))
