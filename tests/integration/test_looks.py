"""Complete the look, over a real shop: on the page, in the API, with the shop's own sets and without."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.changes import note_change
from catalog.models import Product
from searcher.looks.kinds import part_of
from searcher.looks.links import LinkReader


def pieces(client: FlaskClient, sku: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/products/{sku}/look")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.get_json()["pieces"]
    return found


@pytest.fixture
def products(shop: Services) -> list[Product]:
    with shop.sessions() as session:
        mine = Product.merchant_id == shop.merchant().id
        return list(session.scalars(select(Product).where(mine).order_by(Product.id)))


def test_a_look_is_of_other_kinds_for_the_same_people_and_to_be_had(
    client: FlaskClient, products: list[Product]
) -> None:
    shown = 0
    for product in products[::7]:
        for piece in pieces(client, product.sku):
            shown += 1
            assert piece["because"] == "style"
            assert part_of(piece["category"]) != part_of(product.category)
            assert piece["availability"] != "out_of_stock"
            detail = client.get(f"/api/v1/products/{piece['sku']}").get_json()
            assert {product.gender, detail["gender"]} != {"women", "men"}
    assert shown >= 10


@pytest.fixture
def joined(shop: Services, app: Flask, products: list[Product]) -> Iterator[tuple[Product, Product, Product]]:
    """A piece whose feed row names another, and a third that is in one look with the first."""
    first = products[0]
    others = {p.item_group_id: p for p in products if p.item_group_id != first.item_group_id}
    named, beside = list(others.values())[:2]
    said = {
        first.sku: {"cross_sells": f"{named.sku}, no-such-thing", "look_id": ["summer"]},
        beside.sku: {"look_id": "summer|autumn"},
    }
    _write(shop, said)
    before = shop.searcher._looks._links
    shop.searcher._looks._links = LinkReader(shop.sessions, 0)
    yield first, named, beside
    shop.searcher._looks._links = before
    _write(shop, {sku: {} for sku in said})


def _write(shop: Services, said: dict[str, dict[str, Any]]) -> None:
    with shop.sessions.begin() as session:
        for product in session.scalars(select(Product).where(Product.sku.in_(said))):
            product.attributes = said[product.sku]
        note_change(session, [shop.merchant().id])


def test_what_the_shop_puts_together_comes_first_both_ways(
    client: FlaskClient, joined: tuple[Product, Product, Product]
) -> None:
    first, named, beside = joined
    chosen = [each for each in pieces(client, first.sku) if each["because"] == "shop"]
    assert {each["item_group_id"] for each in chosen} == {named.item_group_id, beside.item_group_id}
    assert [each["because"] for each in pieces(client, first.sku)][:2] == ["shop", "shop"]
    for other in (named, beside):
        back = pieces(client, other.sku)[0]
        assert (back["because"], back["item_group_id"]) == ("shop", first.item_group_id)


def test_the_product_page_says_why_each_piece_is_there(
    client: FlaskClient, joined: tuple[Product, Product, Product]
) -> None:
    page = client.get(f"/p/{joined[0].sku}").text
    assert "Complete the look" in page and "Chosen by the shop" in page
    other = client.get(f"/p/{joined[2].sku}").text
    assert "By style and colour" in other


def test_an_unknown_piece_has_no_look(client: FlaskClient) -> None:
    assert client.get("/api/v1/products/nothing/look").status_code == 404
