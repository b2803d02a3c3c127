"""A search that goes on from result to result, and the way back, all of it in the address."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

FIRST = {"q": "dress", "colour": "black"}


def onward(page: str, at: int = 0) -> str:
    """The address of "More like this" of one result."""
    found = re.findall(r'data-then="results" href="([^"]*)"', page)
    return html.unescape(found[at])


def crumbs(page: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'id="step-\d+" href="([^"]*)"', page)]


def test_each_step_is_kept_and_can_be_returned_to(client: FlaskClient) -> None:
    first = client.get("/", query_string=FIRST).text
    assert crumbs(first) == []
    second = client.get(onward(first)).text
    assert len(crumbs(second)) == 1 and "How you got here" in second
    third = client.get(onward(second, 1)).text
    back_to_first, back_to_second = crumbs(third)
    assert back_to_first == "/?q=dress&colour=black"
    again = client.get(back_to_second).text
    assert len(crumbs(again)) == 1
    assert parse_qs(urlsplit(back_to_second).query)["like"] == parse_qs(urlsplit(onward(first)).query)["like"]


def test_words_and_filters_keep_the_way(client: FlaskClient) -> None:
    second = client.get(onward(client.get("/", query_string=FIRST).text)).text
    assert re.search(r'<input type="hidden" name="via" value="[^"]+', second)
    links = [html.unescape(each) for each in re.findall(r'data-swap id="category-1" href="([^"]*)"', second)]
    assert links and all("via=" in each for each in links)


def test_the_way_has_an_end(client: FlaskClient) -> None:
    page = client.get("/", query_string=FIRST).text
    for step in range(9):
        page = client.get(onward(page, 1 + step % 2)).text
    assert len(crumbs(page)) == 6


@pytest.mark.parametrize(
    "via", ["", "x" * 5000, "like=none", "\x00", "q=%3Cscript%3E", "photo=..%2F..", "via=q%3Da", "="]
)
def test_a_way_that_nobody_went_does_no_harm(client: FlaskClient, via: str) -> None:
    answer = client.get("/", query_string={"q": "red", "via": via})
    assert answer.status_code == 200 and "“<script>" not in answer.text
