"""Counting over columns agrees with counting by hand, whatever the shelf and the choice."""

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from searcher import shelf as shelves
from searcher.facets import PRICE_STEPS, FacetCounter, list_facets
from searcher.filters import FACET_FIELDS, Filters
from searcher.merchandising.acting import Acting
from searcher.merchandising.rulebook import Rulebook
from searcher.shelf import Row, Shelf

VALUES = {
    "category": ("Women > Dresses", "Women", "Men > Shirts", ""),
    "colour": ("Red", "red/White", "Navy", ""),
}


def rows_of(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(0, 12))):
        values = tuple(draw(st.sampled_from(VALUES.get(name, ("A", "b", "")))) for name in FACET_FIELDS)
        price = draw(st.none() | st.integers(0, 9))
        rows.append(Row(number + 1, f"S{number}", f"G{draw(st.integers(0, 4))}", "Title", price, values))
    return rows


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Row], Filters]:
    rows = rows_of(draw)
    some = st.lists(st.sampled_from(("red", "WHITE", "navy")), max_size=2).map(tuple)
    low, high = sorted(draw(st.tuples(st.integers(0, 9), st.integers(0, 9))))
    chosen = Filters(
        colour=draw(some),
        category=draw(st.sampled_from(((), ("women",), ("men > shirts", "nowhere")))),
        price_min=draw(st.sampled_from((None, low))),
        price_max=draw(st.sampled_from((None, high))),
        without=draw(st.sampled_from(((), (("brand", "a"),)))),
    )
    return rows, chosen


def parts(field: str, text: str) -> set[str]:
    if field == "category":
        steps = [step.strip().casefold() for step in text.split(">") if step.strip()]
        return {" > ".join(steps[: end + 1]) for end in range(len(steps))}
    return {part.strip().casefold() for part in text.split("/") if part.strip()}


def passes(row: Row, filters: Filters, but: str = "") -> bool:
    said = {name: parts(name, text) for name, text in zip(FACET_FIELDS, row.values, strict=True)}
    for name in FACET_FIELDS:
        chosen = set(filters.values(name))
        if name != but and chosen and not chosen & said[name]:
            return False
    if any(value in said[name] for name, value in filters.without):
        return False
    low, high = filters.price_min, filters.price_max
    if but == "price" or (low is None and high is None):
        return True
    return row.price is not None and (low or 0) <= row.price <= (99 if high is None else high)


@settings(max_examples=40, deadline=None)
@given(cases())
def test_masks_and_counts_agree_with_counting_by_hand(case: tuple[list[Row], Filters]) -> None:
    rows, filters = case
    shelf = Shelf(1, rows)
    assert shelf.mask(filters).tolist() == [passes(row, filters) for row in rows]
    found = {facet.field: facet for facet in list_facets(Acting((), shelf, Rulebook()), filters)}
    for at, name in enumerate(FACET_FIELDS):
        products = defaultdict(set)
        for row in rows:
            if passes(row, filters, but=name):
                for value in parts(name, row.values[at]):
                    products[value].add(row.item_group_id)
        said = {v.value: v.count for v in found[name].values if v.count} if name in found else {}
        assert said == {value: len(groups) for value, groups in products.items()}, (name, rows, filters)
    beside = {
        row.item_group_id for row in rows if row.price is not None and passes(row, filters, but="price")
    }
    steps = found["price"].steps if "price" in found else ()
    assert len(beside) <= sum(steps) or not steps  # an article of two prices is at both
    assert not steps or (steps[0] and steps[-1] and len(steps) == PRICE_STEPS)
    total = len({row.item_group_id for row in rows if passes(row, filters)})
    assert FacetCounter().count(Acting((), shelf, Rulebook()), filters).total == total


@settings(max_examples=40, deadline=None)
@given(cases())
def test_sorting_counts_as_the_bitmap_does(case: tuple[list[Row], Filters]) -> None:
    rows, filters = case
    shelf = Shelf(1, rows)
    mask = shelf.mask(filters)
    bitmap = {name: shelf.value_counts(name, mask).tolist() for name in FACET_FIELDS}
    limit, shelves._BITMAP = shelves._BITMAP, -1
    try:
        assert {name: shelf.value_counts(name, mask).tolist() for name in FACET_FIELDS} == bitmap
    finally:
        shelves._BITMAP = limit


def test_prices_are_counted_at_equal_steps_each_article_once() -> None:
    texts = ("",) * len(FACET_FIELDS)
    priced = [(1000, "a"), (1000, "a"), (1000, "b"), (1999, "c"), (2000, "d"), (5000, "e"), (None, "f")]
    shelf = Shelf(1, [Row(n, f"S{n}", group, "T", price, texts) for n, (price, group) in enumerate(priced)])
    everything = np.ones(len(shelf), np.bool_)
    assert shelf.price_counts(everything, 4) == (3, 1, 0, 1)
    assert shelf.price_counts(everything & (shelf.prices == 1000), 4) == ()
    assert shelf.price_counts(~everything, 4) == ()


def test_names_are_found_letter_case_aside() -> None:
    texts = ("",) * len(FACET_FIELDS)
    shelf = Shelf(1, [Row(n, f"Sku-{n}", "G", f"A  Title {n % 2}", None, texts) for n in range(1, 6)])
    assert shelf.with_sku("sku-3").tolist() == [2] and shelf.with_sku("sku-9").tolist() == []
    assert shelf.with_title("a title 1").tolist() == [0, 2, 4]
    assert shelf.rows_of_group("G").tolist() == [0, 1, 2, 3, 4] and len(shelf.rows_of_group("H")) == 0
    assert shelf.row_of_id(4).tolist() == [3] and shelf.row_of_id(99).tolist() == []


def test_a_chosen_value_that_nothing_has_is_still_listed_when_known() -> None:
    texts = {"colour": "Red", "size": "S"}
    rows = [Row(1, "A", "G", "T", 5, tuple(texts.get(name, "") for name in FACET_FIELDS))]
    chosen = Filters(colour=("red",), size=("M",))
    facets = {facet.field: facet for facet in list_facets(Acting((), Shelf(1, rows), Rulebook()), chosen)}
    assert [(v.value, v.count, v.selected) for v in facets["colour"].values] == [("red", 0, True)]
    assert np.array_equal(Shelf(1, rows).mask(Filters(size=("M",))), [False])
