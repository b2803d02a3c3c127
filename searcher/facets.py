"""The facets of a shelf under a choice: for each field, what could be chosen beside the others' choices."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock

from searcher.filters import FACET_FIELDS, Filters
from searcher.merchandising.acting import Acting
from searcher.merchandising.rulebook import Rule
from searcher.results import Facet, FacetValue
from searcher.shelf import Bools, Shelf

MAX_LISTED = 100  # values of one facet, most frequent first; the chosen ones are always among them
PRICE_STEPS = 16
_LABELS = {"age_group": "Age group"}
_KEPT = 256  # choices whose facets are remembered


@dataclass(frozen=True)
class Counted:
    """The facets under a choice and the number of products under all of it.

    `stale` are those of a shelf that has moved on since.
    """

    facets: list[Facet]
    total: int
    stale: bool = False


class FacetCounter:
    """Counts once for each shelf, choice and hidden products. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, Filters, tuple[Rule, ...]], tuple[Shelf, Counted]] = OrderedDict()
        self._guard = Lock()

    def count(self, acting: Acting, filters: Filters, hurried: bool = False) -> Counted:
        """Facets and total of the shelf under the filters, without what the merchant hides.

        Who is `hurried` takes those of an older shelf where they are at hand.
        """
        shelf = acting.shelf
        key = (shelf.merchant_id, filters, acting.of("hide"))
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None and kept[0] is shelf:
            return kept[1]
        if kept is not None and hurried:
            return replace(kept[1], stale=True)
        total = shelf.count(shelf.mask(filters) & ~acting.mask("hide"))
        counted = Counted(list_facets(acting, filters), total)
        with self._guard:
            self._kept[key] = (shelf, counted)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return counted


def list_facets(acting: Acting, filters: Filters) -> list[Facet]:
    """Every field that has a value to choose, in one fixed order, the price last."""
    shelf, seen = acting.shelf, ~acting.mask("hide")
    listed = [_facet(shelf, filters, name, seen) for name in FACET_FIELDS]
    beside = shelf.mask(filters, but="price") & seen
    if (prices := shelf.price_range(beside)) is not None:
        steps = shelf.price_counts(beside, PRICE_STEPS)
        listed.append(Facet("price", "Price", low=prices[0], high=prices[1], steps=steps))
    return [facet for facet in listed if facet.values or facet.field == "price"]


def _facet(shelf: Shelf, filters: Filters, field: str, seen: Bools) -> Facet:
    column, chosen = shelf.columns[field], set(filters.values(field))
    counts = shelf.value_counts(field, shelf.mask(filters, but=field) & seen).tolist()
    values = [
        FacetValue(value, label, count, value in chosen)
        for value, label, count in zip(column.values, column.labels, counts, strict=True)
        if count or value in chosen
    ]
    values.sort(key=lambda each: (-each.count, each.label))
    values = values[:MAX_LISTED] + [each for each in values[MAX_LISTED:] if each.selected]
    return Facet(field, _LABELS.get(field, field.capitalize()), tuple(values))
