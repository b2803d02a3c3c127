"""What a search asked for that no product in stock has together, cut down to what is really missing.

"A striped linen dress in size 46" in a shop that has no striped dresses asks for striped dresses: what else
was said adds nothing. So of the facets asked for those are left out, one after the other, without which there
is still no such product (deletion to a minimal unsatisfiable subset; Marques-Silva, "Minimal
Unsatisfiability", 2010), the least telling first: searches for the same missing thing then fall together.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.identity import keyword
from catalog.insight.tables import MAX_GAP
from searcher.filters import FACET_FIELDS, Filters
from searcher.query import SearchQuery
from searcher.results import Results
from searcher.shelf import Bools, Shelf

KIN, SURE = 5, 3  # first hits of a photo, and how many of them tell what kind of thing it shows
# What is left out first where a search asks for too much: what shoppers bend most easily.
KEPT = "category"  # however little else is missing: it says what to buy
LEFT_OUT_FIRST = (
    "price",
    "size",
    "age_group",
    "gender",
    "brand",
    "material",
    "pattern",
    "colour",
    "category",
)
_SOLD_OUT = ("out_of_stock",)


@dataclass(frozen=True)
class Ask:
    """One thing asked for: any of the values of a facet, or a price from `values[0]` to `values[1]` (minor).

    Of a price either end is None where it is open.
    """

    field: str
    label: str
    values: tuple[Any, ...]


def asks(query: SearchQuery, results: Results) -> tuple[Ask, ...]:
    """All that a search asks for in terms of the shop's facets: ticked, understood, and the photo's kind."""
    found = [_ticked(query.filters, field) for field in FACET_FIELDS if query.filters.values(field)]
    chips = [wish.chip for wish in results.wishes if wish.mode != "off" and not wish.chip.negated]
    found += [Ask(c.meaning.field, c.meaning.label, c.meaning.values) for c in chips if c.meaning.values]
    low = [query.filters.price_min, *(chip.low for chip in chips)]
    high = [query.filters.price_max, *(chip.high for chip in chips)]
    lows, highs = [n for n in low if n is not None], [n for n in high if n is not None]
    if lows or highs:
        found.append(Ask("price", "", (max(lows, default=None), min(highs, default=None))))
    found = [each for each in found if each.field != "availability"]
    if found and query.pictured and not any(each.field == "category" for each in found):
        found += _kind(results)
    return tuple(_joined(found))


def missing(asked: Sequence[Ask], shelf: Shelf) -> tuple[Ask, ...]:
    """The fewest of these that no product in stock has together; () where there is one that has them all.

    The kind stays where it was asked for.
    """
    stock = in_stock(shelf)
    masks = {each: _having(each, shelf) for each in asked}
    if not asked or _any(stock, masks.values()):
        return ()
    left = sorted(asked, key=lambda each: LEFT_OUT_FIRST.index(each.field))
    for each in tuple(left):
        rest = [other for other in left if other is not each]
        if rest and each.field != KEPT and not _any(stock, (masks[other] for other in rest)):
            left = rest
    return tuple(sorted(left, key=lambda each: -LEFT_OUT_FIRST.index(each.field)))


def stocked(asked: Sequence[Ask], shelf: Shelf) -> int:
    """How many products in stock have all of these."""
    mask = in_stock(shelf).copy()
    for each in asked:
        mask &= _having(each, shelf)
    return shelf.count(mask)


def in_stock(shelf: Shelf) -> Bools:
    """(N,) the variants that can be bought."""
    return ~shelf.columns["availability"].having(_SOLD_OUT, len(shelf))


def written(gap: Sequence[Ask]) -> str:
    """As text, the same for the same gap; "" for none, and for one too long to be kept."""
    text = json.dumps([[a.field, a.label, list(a.values)] for a in gap], ensure_ascii=False) if gap else ""
    return text if len(text) <= MAX_GAP else ""


def read(text: str) -> tuple[Ask, ...]:
    """What `written` made. Raises ValueError."""
    return tuple(Ask(field, label, tuple(values)) for field, label, values in json.loads(text))


def _ticked(filters: Filters, field: str) -> Ask:
    said = [" ".join(value.split()) for value in getattr(filters, field)]
    return Ask(field, " or ".join(each.rsplit(" > ", 1)[-1] for each in said), filters.values(field))


def _kind(results: Results) -> list[Ask]:
    """The category that most of the first hits are of: what the photo shows. None where nothing matched."""
    if results.match.weak:
        return []
    counted = Counter(hit.product.category for hit in results.hits[:KIN] if hit.product.category)
    category, count = next(iter(counted.most_common(1)), ("", 0))
    if count < min(SURE, len(results.hits)) or not count:
        return []
    return [Ask("category", category.rsplit(">", 1)[-1].strip(), (keyword(category),))]


def _joined(found: Iterable[Ask]) -> Iterable[Ask]:
    """Of one field any will do, unless one is ticked and another said: then both are asked for."""
    by_field: dict[str, Ask] = {}
    for each in found:
        was = by_field.get(each.field)
        if was is None:
            by_field[each.field] = each
        elif each.field != "price":
            values = tuple(dict.fromkeys((*was.values, *each.values)))
            labels = dict.fromkeys((*was.label.split(" or "), *each.label.split(" or ")))
            by_field[each.field] = Ask(each.field, " or ".join(labels), values)
    return by_field.values()


def _having(ask: Ask, shelf: Shelf) -> Bools:
    if ask.field == "price":
        low, high = ask.values
        known: Bools = shelf.prices >= (low or 0)
        return known if high is None else known & (shelf.prices <= high)
    return shelf.columns[ask.field].having(ask.values, len(shelf))


def _any(stock: Bools, masks: Iterable[Bools]) -> bool:
    both = stock
    for mask in masks:
        both = both & mask
        if not both.any():
            return False
    return bool(np.any(both))
