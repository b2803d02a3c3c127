"""WooCommerce's product CSV: variable products, and variations that name their parent by SKU or "id:44".

Read twice, because a variation may stand before its parent: once for the parents, once for what is sold.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from catalog.feeds.cells import Row
from catalog.feeds.values import image_names, plain_text
from catalog.feeds.vendors.options import placed
from catalog.feeds.vendors.parents import Parent, Parents, opened_parents
from catalog.records import RowFault

REQUIRED = (("name",), ("images",))
MAX_IMAGES = 11
_MARKS = frozenset(("regular_price", "attribute_1_name", "visibility_in_catalog"))
_COMMAS = re.compile(r"(?<!\\),")
_KEPT = ("tags", "cross_sells", "upsells", "gtin_upc_ean_or_isbn", "short_description")
_DESCRIPTION = 5000


def knows(header: Sequence[str]) -> bool:
    """Say whether this is WooCommerce's header: types and names, and a column that only it names so."""
    return {"type", "name"} <= set(header) and bool(_MARKS & set(header))


def translated(reopen: Callable[[], Iterator[Row | RowFault]], currency: str) -> Iterator[Row | RowFault]:
    """Yield a row in our columns for each product that is no variable one, and for each variation."""
    with opened_parents() as parents:
        for row in reopen():
            if isinstance(row, Row):
                _remember(row, parents)
        for row in reopen():
            if isinstance(row, RowFault):
                yield row
            elif (sold := _sold(row, parents)) is not None:
                yield sold


def family(row: Row) -> set[str]:
    """Return a variation's parent, or the names by which a variable product's variations call it."""
    kinds = _kinds(row)
    if "variation" in kinds:
        return {parent} if (parent := row.text("parent")) else set()
    return set(_names(row)) if "variable" in kinds else set()


def _kinds(row: Row) -> set[str]:
    return {kind.strip() for kind in row.text("type").casefold().split(",")}


def _remember(row: Row, parents: Parents) -> None:
    kinds = _kinds(row)
    if "variation" in kinds and (parent := row.text("parent")):
        parents.note(parent, next(iter(image_names(row.text("images"))), ""))
    elif "variable" in kinds:
        cells = {name: value for name, value in row.cells.items() if value and not name.startswith("meta")}
        cells["description"] = plain_text(row.text("description"))[:_DESCRIPTION]
        parents.put(_names(row), cells)


def _names(row: Row) -> list[str]:
    """Return the names by which variations may call this row."""
    identity = row.text("id")
    return [name for name in (row.text("sku"), f"id:{identity}" if identity else "") if name]


def _sold(row: Row, parents: Parents) -> Row | RowFault | None:
    """Return what a row sells; None for a variable product, which its variations sell."""
    kinds = _kinds(row)
    parent = None
    if "variation" in kinds:
        parent = parents.find(row.text("parent"))
        if parent is None:
            message = f"No variable product {row.text('parent')[:80]!r} is in the file. Export it too."
            return row.fault("parent", "parent-missing", message)
    elif "variable" in kinds and _has_variations(row, parents):
        return None
    if words := _withheld(row) or (_withheld(Row(row.number, parent.cells)) if parent else ""):
        return row.fault("published", "not-published", words)
    return _product(row, parent)


def _has_variations(row: Row, parents: Parents) -> bool:
    own = next(filter(None, map(parents.find, _names(row))), None)
    return own is not None and own.variations > 0


def _withheld(row: Row) -> str:
    """Say why it is not for sale, or "" where it is."""
    if row.text("published") in ("0", "-1"):
        return "WooCommerce says that it is private or a draft. Publish it to import it."
    if row.text("visibility_in_catalog").casefold() == "hidden":
        return "WooCommerce hides it from the shop. Make it visible to import it."
    return ""


def _product(row: Row, parent: Parent | None) -> Row:
    above = Row(row.number, parent.cells) if parent else Row(row.number)
    main, *more = _images(row, parent) or [""]
    regular, sale = row.text("regular_price"), row.text("sale_price")
    identity, own_id = row.text("sku"), row.text("id")
    cells = {
        **{name: row.text(name) or above.text(name) for name in _KEPT if name in row.cells},
        **placed((name, value) for name, value in _attributes(row, above)),
        "id": identity or own_id,
        "title": row.text("name") or above.text("name"),
        "description": row.text("description") or above.text("description") or row.text("short_description"),
        "product_type": _category(row.text("categories") or above.text("categories")),
        "item_group_id": _group(above) if parent else "",
        "image_link": [main] if main else "",
        "additional_image_link": more,
        "price": regular or sale,
        "sale_price": sale if regular else "",
        "availability": _availability(row),
        "link": row.text("external_url"),
    }
    if brands := row.text("brands") or above.text("brands"):
        cells["brand"] = _COMMAS.split(brands)[0]
    called = {
        "id": "sku" if identity else "id", "title": "name", "product_type": "categories",
        "image_link": "images", "additional_image_link": "images",
        "price": "regular_price" if regular else "sale_price", "availability": "in_stock",
        "link": "external_url", "item_group_id": "parent",
    }  # fmt: skip
    return Row(row.number, cells, called, row.cells)


def _group(above: Row) -> str:
    return above.text("sku") or above.text("id")


def _images(row: Row, parent: Parent | None) -> list[str]:
    """Return a variation's own pictures and its parent's, without those that other variations call theirs."""
    own = image_names(row.text("images"))
    if parent is None:
        return own[:MAX_IMAGES]
    shared = image_names(Row(row.number, parent.cells).text("images"))
    others = parent.claimed - set(own)
    kept = [image for image in shared if image not in others] or (shared if not own else [])
    return list(dict.fromkeys([*own, *kept]))[:MAX_IMAGES]


def _attributes(row: Row, above: Row) -> Iterator[tuple[str, str]]:
    """Yield (name, value); a variation that leaves one open has every value of its parent's."""
    whole = {above.text(f"attribute_{n}_name"): _values(above, n) for n in _numbers(above)}
    for n in _numbers(row):
        name = row.text(f"attribute_{n}_name")
        yield name, _values(row, n) or whole.get(name, "")
    yield from whole.items()


def _numbers(row: Row) -> Iterator[int]:
    n = 1
    while f"attribute_{n}_name" in row.cells:
        yield n
        n += 1


def _values(row: Row, n: int) -> str:
    """Return "Blue, Green" as "Blue/Green": it counts as both."""
    values = _COMMAS.split(row.text(f"attribute_{n}_value_s"))
    return "/".join(value.replace("\\,", ",").strip() for value in values if value.strip())


def _category(text: str) -> str:
    """Return the deepest of a comma list of paths, the first of several."""
    paths = [path.replace("\\,", ",").strip() for path in _COMMAS.split(text)]
    return max(paths, key=lambda path: path.count(">")) if paths else ""


def _availability(row: Row) -> str:
    said = row.text("in_stock").casefold()
    if said in ("backorder", "onbackorder"):
        return "backorder"
    if said in ("0", "false", "no") and row.text("backorders_allowed").casefold() in ("1", "notify", "yes"):
        return "backorder"
    return said
