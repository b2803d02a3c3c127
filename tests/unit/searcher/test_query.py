"""What a search may be asked with; everything else is refused with a field and a fix."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searcher.errors import QueryRefused
from searcher.filters import FACET_FIELDS, Filters, tenant
from searcher.query import MAX_WORDS, SearchQuery, clean_words
from vectors.protocol import AnyOf, Between, Equals, Not

PHOTO = np.zeros((4, 5, 3), np.uint8)


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"words": "x" * 501}, "words", "words-too-long"),
        ({"words": None}, "words", "words-type"),
        ({"photo": np.zeros((4, 4), np.uint8)}, "photo", "photo-shape"),
        ({"photo": np.zeros((4, 0, 3), np.uint8)}, "photo", "photo-shape"),
        ({"photo": PHOTO.astype(np.float32)}, "photo", "photo-shape"),
        ({"photo_id": "x" * 300}, "photo_id", "name-refused"),
        ({"reference": "a\0b"}, "reference", "name-refused"),
        ({"reference": "\ud800"}, "reference", "name-refused"),
        ({"exclude": ("x",) * 101}, "exclude", "exclude-refused"),
        ({"limit": 0}, "limit", "limit-range"),
        ({"limit": 101}, "limit", "limit-range"),
        ({"limit": True}, "limit", "limit-range"),
        ({"balance": 1.5}, "balance", "balance-range"),
        ({"balance": float("nan")}, "balance", "balance-range"),
        ({"sort": "colour"}, "sort", "unknown-sort"),
    ],
)
def test_what_cannot_be_asked_is_refused(given: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        SearchQuery(1, **given)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert refused.value.message.endswith(".") and refused.value.fix.endswith(".")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"color": ["red"]}, "unknown-filter"),
        ({"colour": [1]}, "filter-values"),
        ({"colour": {"red": 1}}, "filter-values"),
        ({"colour": ["x"] * 101}, "filter-values"),
        ({"price_min": "10"}, "price-range"),
        ({"price_min": -1}, "price-range"),
        ({"price_min": 20, "price_max": 10}, "price-range"),
        ({"without": {"price": ["1"]}}, "unknown-filter"),
        ({"without": "red"}, "unknown-filter"),
    ],
)
def test_filters_that_are_none_are_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(QueryRefused) as refused:
        Filters.from_mapping(given)
    assert refused.value.code == code and refused.value.field.startswith("filters.")


def test_filters_become_terms_of_the_tenant() -> None:
    filters = Filters.from_mapping(
        {"colour": ["Red", "RED", "pink"], "price_max": 500, "without": {"brand": ["Acme"]}}
    )
    assert tenant(7, filters.terms()) == (
        Equals("merchant", 7),
        AnyOf("colour", ("red", "pink")),
        Between("price", None, 500),
        Not(Equals("brand", "acme")),
    )


@given(st.text(max_size=MAX_WORDS))
def test_words_come_out_clean(words: str) -> None:
    clean = clean_words(words)
    assert len(clean) <= MAX_WORDS and clean == clean_words(clean)
    assert clean == " ".join(clean.split()) and clean.isprintable()


def test_modes() -> None:
    assert SearchQuery(1).mode == "browse" and SearchQuery(1, words=" \t").mode == "browse"
    assert SearchQuery(1, words="red").mode == "words" and SearchQuery(1, photo=PHOTO).mode == "photo"
    assert SearchQuery(1, reference="A", words="red").mode == "photo+words"


def test_the_digest_is_of_the_search_and_not_of_the_page() -> None:
    first = SearchQuery(1, words="red", limit=5)
    assert first.digest() == SearchQuery(1, words="red", limit=9, cursor="x", facets=False).digest()
    others = [
        SearchQuery(2, words="red"),
        SearchQuery(1, words="blue"),
        SearchQuery(1, words="red", collapse=False),
    ]
    others += [
        SearchQuery(1, words="red", photo=PHOTO),
        SearchQuery(1, words="red", filters=Filters(size=("S",))),
    ]
    assert len({each.digest() for each in [first, *others]}) == 6


def test_every_facet_field_is_a_filter() -> None:
    for field in FACET_FIELDS:
        assert Filters.from_mapping({field: "Some Value"}).values(field) == ("some value",)
