"""What words ask for, through the API and the page of the real shop: preferred, demanded, put away."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bootstrap import Services
from catalog.models import Product
from searcher.ranking import LIKED
from tests.support.shop import small_shop
from web.app import create_app


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with small_shop(tmp_path_factory.mktemp("shop")) as services:
        yield services


@pytest.fixture(scope="module")
def app(shop: Services) -> Flask:
    return create_app(shop)


@pytest.fixture(scope="module")
def commonest(shop: Services) -> dict[str, str]:
    """A value of each field that neither all products have nor just one."""
    found = {}
    with shop.sessions() as session:
        total = session.scalar(select(func.count(Product.id))) or 0
        for field in ("colour", "pattern", "material"):
            column = getattr(Product, field)
            counts = session.execute(select(column, func.count()).group_by(column)).all()
            fitting = [(n, value) for value, n in counts if "/" not in value and 1 < n < total]
            found[field] = max(fitting)[1].lower()
    return found


def ask(client: FlaskClient, words: str, **body: Any) -> Any:
    answer = client.post("/api/v1/search", json={"words": words, **body})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def modes(answer: Any) -> dict[str, str]:
    return {each["key"]: each["mode"] for each in answer["understood"]}


def colours(hit: Any) -> list[str]:
    return [part.strip().lower() for part in hit["colour"].split("/")]


def test_what_is_preferred_comes_first_and_each_hit_says_why(
    client: FlaskClient, commonest: dict[str, str]
) -> None:
    colour = commonest["colour"]
    answer = ask(client, f"something {colour}", limit=100)
    key = f"colour={colour}"
    assert modes(answer) == {key: "prefer"}
    satisfied = [next(each["satisfied"] for each in hit["why"]) for hit in answer["hits"]]
    first = satisfied.index(False)
    assert first >= 1 and not any(satisfied[first:]), "a product without it stands before one with it"
    for hit, holds in zip(answer["hits"], satisfied, strict=True):
        assert holds == any(colour in part for part in colours(hit))


def test_beside_a_picture_what_is_preferred_stands_nearer(
    client: FlaskClient, shop: Services, commonest: dict[str, str]
) -> None:
    colour = commonest["colour"]
    with shop.sessions() as session:
        other = select(Product.sku).where(~func.lower(Product.colour).contains(colour)).order_by(Product.id)
        sku = session.scalars(other).first()
    asked: dict[str, Any] = {"words": f"but in {colour}", "reference": sku, "limit": 100, "collapse": False}
    steered, plain = ask(client, **asked), ask(client, **asked, understand=False)
    far = {hit["sku"]: hit["score"] for hit in plain["hits"]}
    satisfied = {hit["sku"]: hit["why"][0]["satisfied"] for hit in steered["hits"]}
    assert len(set(satisfied.values())) == 2
    for hit in steered["hits"]:
        nearer = LIKED if satisfied[hit["sku"]] else 0.0
        assert hit["score"] == pytest.approx(far[hit["sku"]] + nearer, abs=1e-4)
    scores = [hit["score"] for hit in steered["hits"] if hit["availability"] == "in_stock"]
    assert scores == sorted(scores, reverse=True)


def test_a_must_filters_and_off_forgets(client: FlaskClient, commonest: dict[str, str]) -> None:
    colour = commonest["colour"]
    everything = ask(client, "", limit=100)["total"]
    must = ask(client, f"something {colour}", chips={f"colour={colour}": "must"}, limit=100)
    assert 0 < must["total"] == len(must["hits"]) < everything
    assert all(any(colour in part for part in colours(hit)) for hit in must["hits"])
    assert all(hit["why"] == [] for hit in must["hits"])
    off = ask(client, f"something {colour}", chips={f"colour={colour}": "off"}, limit=100)
    assert off["total"] == everything and modes(off) == {f"colour={colour}": "off"}
    assert ask(client, f"something {colour}", understand=False)["understood"] == []


def test_what_is_denied_is_not_there(client: FlaskClient, commonest: dict[str, str]) -> None:
    material = commonest["material"]
    everything = ask(client, "", limit=100)["total"]
    answer = ask(client, f"not {material}", limit=100)
    assert modes(answer) == {f"-material={material}": "must"}
    assert 0 < answer["total"] < everything
    facet = next(each for each in answer["facets"] if each["field"] == "material")
    assert material not in [each["value"] for each in facet["values"]]
    with_price = ask(client, f"not {material}, under $60", limit=100)
    assert modes(with_price)["price=..6000"] == "must"
    assert all((hit["sale_price"] or hit["price"])["minor"] <= 6000 for hit in with_price["hits"])


def test_wishes_narrow_within_what_is_ticked(client: FlaskClient, commonest: dict[str, str]) -> None:
    colour = commonest["colour"]
    contradiction: dict[str, Any] = {"words": f"{colour} one", "chips": {f"colour={colour}": "must"}}
    answer = ask(client, **contradiction, filters={"colour": ["no such colour"]})
    assert answer["total"] == 0 and answer["hits"] == []
    assert ask(client, "under $20", filters={"price_min": 3000})["hits"] == []


def test_a_typo_is_read_as_what_was_meant(client: FlaskClient, commonest: dict[str, str]) -> None:
    right = ask(client, "cotton with long sleeves", limit=10)
    typed = ask(client, "coton with long sleves", limit=10)
    assert [each["typed"] for each in typed["understood"]] == ["coton", "long sleves"]
    assert [hit["sku"] for hit in typed["hits"]] == [hit["sku"] for hit in right["hits"]]


def test_a_title_is_taken_as_it_is(client: FlaskClient) -> None:
    title = ask(client, "")["hits"][0]["title"]
    answer = ask(client, title)
    assert answer["understood"] == [] and answer["hits"][0]["title"] == title


def test_pages_of_a_search_with_wishes_fit_together(client: FlaskClient, commonest: dict[str, str]) -> None:
    words = f"{commonest['colour']} {commonest['pattern']} dress"
    whole = [hit["sku"] for hit in ask(client, words, limit=100)["hits"]]
    seen, cursor = list[str](), None
    while True:
        page = ask(client, words, limit=7, cursor=cursor)
        seen += [hit["sku"] for hit in page["hits"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == whole and len(seen) == len(set(seen))


def test_choices_that_cannot_be_are_refused(client: FlaskClient) -> None:
    refused: list[Any] = [
        {"colour=red": "maybe"},
        {"x" * 300: "must"},
        {str(n): "off" for n in range(51)},
        [],
    ]
    for chips in refused:
        answer = client.post("/api/v1/search", json={"words": "red", "chips": chips})
        assert answer.status_code == 422 and answer.get_json()["fix"], chips


def test_the_page_shows_what_was_understood(client: FlaskClient, commonest: dict[str, str]) -> None:
    colour = commonest["colour"]
    page = client.get("/", query_string={"q": f"{colour} dress under $500"}).text
    assert f"Colour: {colour}" in page and "Up to $500" in page and "Category: dresses" in page
    links = [html.unescape(each) for each in re.findall(r'data-swap id="wish-[^"]*" href="([^"]*)"', page)]
    must = next(each for each in links if f"must%3Acolour%3D{colour.replace(' ', '+')}" in each)
    followed = client.get(must).text
    assert re.search(r'(?s)<li class="wish is-must">.{0,600}?Colour: ', followed)
    assert "wish=" in followed


def test_a_page_with_nothing_says_what_to_ask_less_of(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": "dress under $1"}).text
    assert "Nothing here fits all of that" in page and "Take less than all you asked for" in page
    (looser,) = re.findall(r'href="([^"]*wish=prefer[^"]*)">Up to', page)
    assert 'id="grid"' in client.get(html.unescape(looser)).text


def test_hostile_choices_in_an_address_are_left_out(client: FlaskClient) -> None:
    for wish in ("must:", ":", "maybe:colour=red", "must:" + "x" * 5000, "\x00", "must:<script>"):
        answer = client.get("/", query_string={"q": "red", "wish": wish})
        assert (
            answer.status_code == 200
            and "<script>" not in answer.text.split("</head>")[1].split("<script")[0]
        )


def test_the_page_says_when_nothing_has_all_of_it(client: FlaskClient, shop: Services) -> None:
    with shop.sessions() as session:
        rows = session.execute(select(Product.colour, Product.material).distinct()).all()
    there = {
        (colour.lower(), material.lower()) for colour, material in rows if material and "/" not in colour
    }
    absent = sorted({(c, m) for c, _ in there for _, m in there} - {
        (part.strip().lower(), material.lower()) for colour, material in rows for part in colour.split("/")
    })  # fmt: skip
    said = "Nothing has all of that."
    for colour, material in absent[:3]:
        page = client.get("/", query_string={"q": f"{colour} {material}"}).text
        assert said in page and "closest first" in page, (colour, material)
    for colour, material in sorted(there)[:3]:
        assert said not in client.get("/", query_string={"q": f"{colour} {material}"}).text, (
            colour,
            material,
        )
    assert absent


def test_a_price_in_another_currency_filters_nothing_and_says_so(client: FlaskClient) -> None:
    every = ask(client, "dress")["total"]
    answer = ask(client, "dress under £1")
    (price,) = [each for each in answer["understood"] if each["field"] == "price"]
    assert (price["currency"], price["mode"], price["label"]) == ("GBP", "off", "under £1")
    assert answer["total"] == every and ask(client, "dress under $1")["total"] == 0
    demanded = ask(client, "dress under £1", chips={price["key"]: "must"})
    assert demanded["total"] == 0  # the same figures, in the shop's dollars
    page = html.unescape(client.get("/", query_string={"q": "dress under £1"}).text)
    assert "“under £1”: prices here are in $" in page
    chosen = re.search(
        r'href="([^"]*must%3Aprice[^"]*)"[^>]*>Must', client.get("/?q=dress+under+%C2%A31").text
    )
    assert chosen and "Up to $1" in client.get(html.unescape(chosen.group(1))).text
