"""Shopify's product CSV, with the headers of either family: several rows with one handle are a product.

A row with a price, a SKU or an option is a variant; a row with only an image is one more picture of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from catalog.feeds.cells import Row
from catalog.feeds.prices import PriceInvalid, parse_price
from catalog.feeds.vendors.options import placed
from catalog.records import RowFault

HANDLE = ("handle", "url_handle")
TITLE = ("title",)
IMAGE = ("image_src", "product_image_url", "image_source")
SKU = ("variant_sku", "sku")
PRICE = ("variant_price", "price")
COMPARE = ("variant_compare_at_price", "compare_at_price")
OWN_IMAGE = ("variant_image", "variant_image_url")
REQUIRED = (HANDLE, TITLE, IMAGE)
MAX_IMAGES = 11
_MARKS = frozenset(("variant_sku", "variant_price", "body_html", "option1_name", "option1_value", *IMAGE[:2]))
_NOT_FOR_SALE = ("draft", "archived")
_KEPT = ("tags", "google_shopping_", "complementary_products", "related_products")  # by how a name begins
_METAFIELD = "_product_metafields_"
_STANDARD = {
    "shopify_color_pattern": "color", "shopify_size": "size", "shopify_fabric": "material",
    "shopify_target_gender": "gender", "shopify_age_group": "age_group",
}  # fmt: skip


def knows(header: Sequence[str]) -> bool:
    """Say whether this is Shopify's header: a handle, and a column that only Shopify names so."""
    return bool(set(HANDLE) & set(header)) and bool(_MARKS & set(header))


def translated(reopen: Callable[[], Iterator[Row | RowFault]], currency: str) -> Iterator[Row | RowFault]:
    """Yield a row in our columns for each variant. Memory holds one product, and the handles."""
    for product in _products(reopen()):
        if isinstance(product, RowFault):
            yield product
        else:
            yield from _variants(product, currency)


def family(row: Row) -> set[str]:
    """Return the handle: all rows of a product belong together."""
    return {handle} if (handle := row.text(*HANDLE)) else set()


def _products(rows: Iterator[Row | RowFault]) -> Iterator[list[Row] | RowFault]:
    """Yield the rows of each product together, and between them the faults of rows that cannot be read."""
    seen: set[str] = set()
    product: list[Row] = []
    handle = ""
    for row in rows:
        if isinstance(row, RowFault):
            yield row
            continue
        named = row.text(*HANDLE)
        if product and (named == handle or not (named or row.text(*TITLE))):
            product.append(row)
            continue
        if product:
            yield product
        product, handle = [], named
        if named in seen and not row.text(*TITLE):
            message = f"The other rows of {named[:80]!r} stand further up. Sort the file by its handles."
            yield row.fault(_there(row, HANDLE), "rows-apart", message)
            continue
        seen.add(named)
        product = [row]
    if product:
        yield product


def _there(row: Row, names: Sequence[str]) -> str:
    """Return the name that this file uses."""
    return next((name for name in names if name in row.cells), names[0])


def _variants(product: list[Row], currency: str) -> Iterator[Row | RowFault]:
    first = product[0]
    variants = [row for row in product if row is first or _is_variant(row)]
    images = _images(product)
    for row in variants:
        if words := _withheld(first):
            yield row.fault("", "not-published", words)
        else:
            yield _variant(row, first, len(variants) == 1, _own_images(row, variants, images), currency)


def _is_variant(row: Row) -> bool:
    return bool(row.text(*SKU, *PRICE, "option1_value"))


def _withheld(first: Row) -> str:
    """Say why the product is not for sale, or "" where it is."""
    if (status := first.text("status").casefold()) in _NOT_FOR_SALE:
        return f"Shopify says {status!r}. Make the product active to import it."
    if first.text("published", "published_on_online_store").casefold() in ("false", "no", "0"):
        return "The product is not published in the online store. Publish it to import it."
    return ""


def _images(product: list[Row]) -> list[str]:
    """Return the product's pictures, by their position where they have one."""
    placed_at: dict[str, int] = {}
    for number, row in enumerate(product):
        if image := row.text(*IMAGE):
            position = row.text("image_position")
            placed_at.setdefault(image, int(position) if position.isdecimal() else 1000 + number)
    return sorted(placed_at, key=lambda image: placed_at[image])


def _own_images(row: Row, variants: list[Row], images: list[str]) -> list[str]:
    """Return the variant's picture and those of the product, without the ones that show other variants."""
    own = row.text(*OWN_IMAGE)
    others = {other.text(*OWN_IMAGE) for other in variants} - {own}
    shared = [image for image in images if image not in others]
    return list(islice(dict.fromkeys(filter(None, (own, *(shared or images)))), MAX_IMAGES))


def _variant(row: Row, first: Row, alone: bool, images: list[str], currency: str) -> Row:
    options = _options(row, first)
    handle = first.text(*HANDLE)
    price, sale_price = _prices(row, currency)
    main, *more = images or [""]
    cells = {
        **_kept(first),
        **placed(_metafields(first)),
        **placed(options),
        **({"product_type": category} if (category := _category(first)) else {}),
        "id": row.text(*SKU) or _made_id(handle, [] if alone else [value for _, value in options]),
        "title": first.text(*TITLE),
        "description": first.text("body_html", "description"),
        "brand": first.text("vendor"),
        "item_group_id": handle,
        "image_link": [main] if main else "",
        "additional_image_link": more,
        "price": row.text(price),
        "sale_price": row.text(sale_price) if sale_price else "",
        "availability": _availability(row),
        "gtin": row.text("variant_barcode", "barcode").lstrip("'"),
    }
    called = {
        "id": _there(row, SKU), "title": "title", "description": _there(row, ("body_html", "description")),
        "brand": "vendor", "item_group_id": _there(row, HANDLE), "image_link": _there(row, IMAGE),
        "additional_image_link": _there(row, IMAGE), "price": price, "sale_price": sale_price or price,
        "product_type": "product_category",
    }  # fmt: skip
    return Row(row.number, cells, called, row.cells)


def _options(row: Row, first: Row) -> list[tuple[str, str]]:
    """Return up to three (name, value): the names stand in the product's first row only."""
    pairs = [
        (row.text(f"option{n}_name") or first.text(f"option{n}_name"), row.text(f"option{n}_value"))
        for n in (1, 2, 3)
    ]
    return [(name, value) for name, value in pairs if name and value and value != "Default Title"]


def _made_id(handle: str, values: list[str]) -> str:
    """Return an id for a variant without a SKU."""
    return "/".join([handle, *values])


def _prices(row: Row, currency: str) -> tuple[str, str]:
    """Return the columns of the price and of the sale price: a higher one to compare with is the old one."""
    price, compare = _there(row, PRICE), _there(row, COMPARE)
    if not row.text(compare):
        return price, ""
    try:
        before, _ = parse_price(row.text(compare), currency)
        now, _ = parse_price(row.text(price), currency)
    except PriceInvalid:
        return compare, price  # both are checked with the rest of the row, and named
    return (compare, price) if before > now else (price, "")


def _category(first: Row) -> str:
    """Return Shopify's path, or the shop's own type where there is none."""
    path = first.text("product_category")
    return path if path and path.casefold() != "uncategorized" else first.text("type")


def _availability(row: Row) -> str:
    quantity = row.text("variant_inventory_qty", "inventory_quantity")
    counted = row.text("variant_inventory_tracker", "inventory_tracker")
    if not counted or not quantity.lstrip("-").isdecimal() or int(quantity) > 0:
        return "in_stock"
    policy = row.text("variant_inventory_policy", "continue_selling_when_out_of_stock").casefold()
    return "backorder" if policy in ("continue", "true", "yes") else "out_of_stock"


def _metafields(first: Row) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the product's standard attributes: "red; blue" counts as both."""
    for name in first.cells:
        plain, metafield, key = name.partition(_METAFIELD)
        if metafield and not name.startswith(_KEPT):
            values = [value.strip() for value in first.text(name).split(";")]
            yield _STANDARD.get(key, plain), "/".join(filter(None, values))


def _kept(first: Row) -> Mapping[str, Any]:
    """Return what else is kept with the product; costs, stock and taxes are nobody's business."""
    return {
        name.removeprefix("google_shopping_"): value
        for name, value in first.cells.items()
        if name.startswith(_KEPT) and value
    }
