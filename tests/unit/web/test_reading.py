"""Bad requests of the API are refused with every fault named, before anything behind it is asked."""

import contextlib
import io
import json
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from searcher.errors import QueryRefused
from searcher.query import SearchQuery
from web.api.reading import read_filters, read_search
from web.app import bare_app
from web.problems import Refused

APP: Flask = bare_app()


def read(body: Any) -> SearchQuery:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with APP.test_request_context(
        "/api/v1/search", method="POST", data=data, content_type="application/json"
    ):
        return read_search(1, "USD")


def test_everything_that_can_be_asked_arrives() -> None:
    query = read(
        {
            "words": " in  red ",
            "reference": "SKU-1",
            "filters": {"colour": ["Red", "navy"], "price_max": 5000, "without": {"pattern": ["floral"]}},
            "balance": 0.25,
            "limit": 10,
            "sort": "price",
            "collapse": False,
            "exclude": ["SKU-2"],
        }
    )
    assert (query.words, query.reference, query.balance, query.limit) == ("in red", "SKU-1", 0.25, 10)
    assert query.filters.values("colour") == ("red", "navy")
    assert query.filters.price_max == 5000
    assert query.filters.without == (("pattern", "floral"),)
    assert (query.collapse, query.sort, query.exclude) == (False, "price", ("SKU-2",))


def test_nothing_at_all_is_browsing() -> None:
    assert read(b"").mode == "browse"
    assert read({}).mode == "browse"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[1]",
        b'"red"',
        b"null",
        b"[" * 100_000,
        b'{"words": "\\ud800"}',
        b'{"x": "\\u0000"}',
    ],
)
def test_a_body_that_is_no_object_is_400(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read(body)
    assert refused.value.problem.status == 400
    assert refused.value.problem.fix


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"word": "red"}, "word"),
        ({"words": 7}, "words"),
        ({"words": "x" * 501}, "words"),
        ({"limit": 0}, "limit"),
        ({"limit": "10"}, "limit"),
        ({"limit": 10**400}, "limit"),
        ({"balance": 2}, "balance"),
        ({"balance": None}, "balance"),
        ({"sort": "up"}, "sort"),
        ({"filters": []}, "filters._schema"),
        ({"filters": {"color": ["red"]}}, "filters.color"),
        ({"filters": {"colour": "red"}}, "filters.colour"),
        ({"filters": {"colour": [7]}}, "filters.colour.0"),
        ({"filters": {"price_min": -1}}, "filters.price_min"),
        ({"filters": {"price_min": 9.5}}, "filters.price_min"),
        ({"exclude": "x"}, "exclude"),
        ({"collapse": "perhaps"}, "collapse"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(body: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read(body)
    assert refused.value.problem.status == 422
    assert [error.field for error in refused.value.problem.errors] == [field]


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        read({"limit": 0, "balance": 9, "words": None})
    assert {error.field for error in refused.value.problem.errors} == {"limit", "balance", "words"}


def test_a_price_range_that_is_upside_down_is_refused() -> None:
    with pytest.raises(QueryRefused):
        read({"filters": {"price_min": 9, "price_max": 3}})


def test_a_form_says_the_same_as_json() -> None:
    form = {
        "words": "in red",
        "limit": "5",
        "balance": "0.75",
        "filters": '{"colour": ["red"]}',
        "exclude": '["a", "b"]',
        "collapse": "false",
    }
    with APP.test_request_context("/", method="POST", data=form, content_type="multipart/form-data"):
        query = read_search(1, "USD")
    assert (query.words, query.limit, query.balance, query.exclude) == ("in red", 5, 0.75, ("a", "b"))
    assert query.filters.values("colour") == ("red",)
    assert query.collapse is False


@pytest.mark.parametrize(
    "form", [{"filters": "{"}, {"exclude": "["}, {"limit": "many"}, {"balance": "1e"}, {"filters": '"x"'}]
)
def test_a_form_field_that_cannot_be_read_is_named(form: dict[str, str]) -> None:
    with (
        APP.test_request_context("/", method="POST", data=form, content_type="multipart/form-data"),
        pytest.raises(Refused) as refused,
    ):
        read_search(1, "USD")
    assert refused.value.problem.errors[0].field.split(".")[0] in form


def test_other_bodies_are_415() -> None:
    with (
        APP.test_request_context("/", method="POST", data=io.BytesIO(b"<x/>"), content_type="text/xml"),
        pytest.raises(Refused) as refused,
    ):
        read_search(1, "USD")
    assert refused.value.problem.status == 415


def test_facets_take_filters_as_parameters() -> None:
    with APP.test_request_context("/?colour=red&colour=navy&price_max=5000"):
        filters = read_filters()
    assert filters.values("colour") == ("red", "navy")
    assert filters.price_max == 5000
    for address in ("/?price_min=cheap", "/?price_min=-4", "/?colr=red", "/?price_max=" + "9" * 40):
        with APP.test_request_context(address), pytest.raises((Refused, QueryRefused)):
            read_filters()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "words",
        "photo_id",
        "reference",
        "filters",
        "balance",
        "sort",
        "limit",
        "cursor",
        "collapse",
        "exclude",
        "x",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=4))
def test_any_json_is_a_query_or_a_named_refusal(body: dict[str, Any]) -> None:
    with contextlib.suppress(Refused, QueryRefused):
        read(body)
