"""Whatever is sent as a cursor, filters or words is understood or refused; nothing else comes of it."""

import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from searcher import cursor as cursors
from searcher.cursor import Cursor
from searcher.errors import QueryRefused
from searcher.filters import FACET_FIELDS, MAX_VALUE_LENGTH, Filters
from searcher.query import MAX_WORDS, SearchQuery, clean_words

DIGEST = "0123456789abcdef"
finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(string.ascii_letters + string.digits + "-_ :é", max_size=60)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
chosen = st.lists(st.text(max_size=MAX_VALUE_LENGTH), max_size=4)


@given(
    st.builds(Cursor, st.just(DIGEST), names, st.integers(0, 999), st.tuples(st.integers(), finite, names))
)
def test_a_cursor_comes_back_as_it_went(cursor: Cursor) -> None:
    assert cursors.decode(cursor.encode(), DIGEST) == cursor


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_whatever_is_no_cursor_is_refused(text: str) -> None:
    try:
        read = cursors.decode(text, DIGEST)
    except QueryRefused as refused:
        assert refused.field == "cursor" and refused.fix
    else:
        assert read.digest == DIGEST and read.seen >= 0


@given(st.builds(Cursor, st.just(DIGEST), names, st.integers(0, 9), st.tuples(st.integers(), finite, names)),
       st.integers(0), st.integers(0, 255))  # fmt: skip
def test_a_cursor_that_was_changed_on_its_way_is_one_or_is_refused(cursor: Cursor, at: int, to: int) -> None:
    text = list(cursor.encode())
    text[at % len(text)] = chr(to)
    try:
        cursors.decode("".join(text), DIGEST)
    except QueryRefused as refused:
        assert refused.code in ("bad-cursor", "cursor-of-another-search")


@given(st.dictionaries(st.sampled_from((*FACET_FIELDS, "price_min", "price_max", "without", "x")), anything))
def test_any_mapping_is_filters_or_is_refused_by_the_name_of_its_field(mapping: dict[str, Any]) -> None:
    try:
        filters = Filters.from_mapping(mapping)
    except QueryRefused as refused:
        assert refused.field.startswith("filters.") and refused.fix
    else:
        assert filters.terms() is not None


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FACET_FIELDS, chosen)),
       st.none() | st.integers(0, 10**6))  # fmt: skip
def test_filters_say_themselves_so_that_they_are_read_back(
    given_: dict[str, list[str]], low: int | None
) -> None:
    filters = Filters.from_mapping({**given_, "price_min": low, "without": {"colour": ["red"]}})
    assert Filters.from_mapping(filters.as_mapping()) == filters


@settings(max_examples=200)
@given(st.text(max_size=600))
def test_any_words_are_a_query_or_too_long(words: str) -> None:
    try:
        query = SearchQuery(1, words)
    except QueryRefused as refused:
        assert refused.code and len(words) > MAX_WORDS - 200  # some characters are several once composed
        return
    assert clean_words(query.words) == query.words and query.digest() == SearchQuery(1, query.words).digest()
    assert not set(query.words) & {chr(code) for code in range(32)}
