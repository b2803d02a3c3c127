"""Where what is sold out stands: behind what can be bought, among it, or nowhere."""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from searcher.filters import Filters
from searcher.shelf import Bools, Shelf
from vectors.protocol import Equals, Filter, Not

SOLD_OUT = "out_of_stock"
_FIELD = "availability"


class SoldOut(StrEnum):
    """What a shop does with it, unless the shopper asks for it by its availability."""

    BEHIND = "behind"
    MIXED = "mixed"
    HIDDEN = "hidden"


def asked_for(filters: Filters) -> bool:
    """Whether the shopper has chosen by availability: then the choice is all that counts."""
    return bool(filters.availability) or any(
        field == _FIELD for field, _ in (*filters.without, *filters.also)
    )


def without_hidden(filters: Filters, way: SoldOut) -> Filters:
    """The filters, and nothing that is sold out where the shop hides it."""
    if way is not SoldOut.HIDDEN or asked_for(filters):
        return filters
    return replace(filters, without=(*filters.without, (_FIELD, SOLD_OUT)))


def last(shelf: Shelf, filters: Filters, way: SoldOut) -> Bools:
    """(N,) the variants that stand behind all others."""
    if way is not SoldOut.BEHIND or asked_for(filters):
        return np.zeros(len(shelf), np.bool_)
    return sold_out(shelf)


def sold_out(shelf: Shelf) -> Bools:
    """(N,) the variants that cannot be had."""
    return shelf.columns[_FIELD].having((SOLD_OUT,), len(shelf))


def to_be_had(where: Filter) -> Filter:
    """The terms, and nothing that is sold out."""
    return (*where, Not(Equals(_FIELD, SOLD_OUT)))
