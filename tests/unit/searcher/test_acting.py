"""Rules applied to a ranking: what they ask of the index, and what is kept of a shelf."""

from datetime import UTC, datetime
from typing import Any

from searcher.filters import FACET_FIELDS
from searcher.merchandising.acting import Acting
from searcher.merchandising.reading import read_rulebook
from searcher.merchandising.rulebook import Search
from searcher.query import SearchQuery
from searcher.ranked import Ranked, Source
from searcher.shelf import Row, Shelf
from vectors.protocol import Filter

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def shelf(size: int = 40) -> Shelf:
    values = tuple("Acme" if field == "brand" else "" for field in FACET_FIELDS)
    return Shelf(1, [Row(n + 1, f"S{n}", f"G{n}", f"Dress {n}", 1000 + n, values) for n in range(size)])


def acting(rules: list[dict[str, Any]], on: Shelf) -> Acting:
    return Acting.on(read_rulebook({"rules": rules}), Search(SearchQuery(1, "dress"), "dress"), on, NOW)


def test_the_index_is_asked_once_for_each_strength() -> None:
    asked: list[Filter] = []

    def ranked(where: Filter) -> Source:
        asked.append(where)
        return lambda wanted: [Ranked(f"1/G{n}", 1 - n / 100) for n in range(40)][:wanted]

    rules = [{"do": "boost", "what": {"sku": [f"S{n}"]}, "strength": 0.5 + n % 2} for n in range(30)]
    acting(rules, shelf()).boosted(ranked, ())(10)
    assert len(asked) == 3 and asked[0] == ()


def test_masks_are_made_once_for_a_book_and_a_shelf() -> None:
    here, other = shelf(), shelf(41)
    book = read_rulebook({"rules": [{"do": "hide", "what": {"price_max": 1004}}]})
    first, again, elsewhere = (
        Acting.on(book, Search(SearchQuery(1), ""), each, NOW) for each in (here, here, other)
    )
    assert first.mask("hide") is again.mask("hide") and first.mask("hide").sum() == 5
    assert len(elsewhere.mask("hide")) == 41 and not first.mask("bury").any()


def test_what_is_kept_of_a_shelf_is_bounded() -> None:
    here = shelf()
    book = read_rulebook({"rules": [{"do": "hide", "what": {"sku": [f"S{n}"]}} for n in range(40)]})
    for first in range(40):
        for last in range(first + 1, 40):
            each = Acting(book.rules[first:last], here, book)
            assert each.mask("hide").sum() == last - first
    assert sum(len(kept) for kept in book._kept.values()) <= 64
