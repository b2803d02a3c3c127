from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from web.problems import Refused
from web.shop.pagestate import FACETS, MAX_WORDS, PageState


def test_an_address_says_the_whole_search() -> None:
    values = MultiDict(
        [("q", " in  red "), ("photo", "abc"), ("colour", "red"), ("colour", "navy"), ("sort", "price")]
    )
    state = PageState.parse(values)
    assert state.q == "in red"
    assert state.filters == {"colour": ("red", "navy")}
    assert state.url() == "/?q=in+red&photo=abc&colour=red&colour=navy&sort=price"


def test_an_empty_search_is_the_first_page() -> None:
    state = PageState.parse(MultiDict([("q", "  "), ("colour", "")]))
    assert state.first_page
    assert state.url() == "/"


def test_dropping_a_filter_keeps_the_others_and_starts_from_the_first_page() -> None:
    state = PageState(
        q="dress", filters={"colour": ("red", "navy"), "size": ("M",)}, cursor="x", price_max="80"
    )
    assert state.drop("colour", "red").filters == {"size": ("M",), "colour": ("navy",)}
    assert state.drop("colour").filters == {"size": ("M",)}
    assert state.drop("price").price_max == ""
    assert state.drop("size", "M").cursor == ""
    assert not state.unfiltered().filtered


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("q", "x" * (MAX_WORDS + 1)),
        ("photo", "p" * 300),
        ("like", "s" * 300),
        ("sort", "up"),
        ("cursor", "c" * 3000),
    ],
)
def test_what_cannot_be_used_is_named(field: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        PageState.parse(MultiDict([(field, value)]))
    assert refused.value.problem.status == 422
    assert [error.field for error in refused.value.problem.errors] == [field]


def test_too_many_values_of_a_facet_are_named() -> None:
    with pytest.raises(Refused) as refused:
        PageState.parse(MultiDict([("colour", str(i)) for i in range(60)]))
    assert refused.value.problem.errors[0].field == "colour"


NAMES = st.sampled_from(["q", "photo", "like", "sort", "cursor", "price_min", "price_max", "x", *FACETS])


@given(st.lists(st.tuples(NAMES, st.text(max_size=40)), max_size=12))
def test_any_address_can_be_shown_and_its_own_address_means_the_same(pairs: list[tuple[str, str]]) -> None:
    state = PageState.lenient(MultiDict(pairs))
    again = parse_qs(urlsplit(state.url()).query, keep_blank_values=True, encoding="utf-8", errors="strict")
    reread = PageState.lenient(
        MultiDict([(name, value) for name, values in again.items() for value in values])
    )
    assert reread == state, pairs
