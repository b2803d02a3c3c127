"""The test search over the API: hidden items of the key's own shop, and of no other."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Image, Product
from catalog.products import ensure_merchant, hide_product
from catalog.programs.api_keys import issue_key
from tests.support.keyed import Program, keyed

PATH = "search/unpublished"


@pytest.fixture
def hidden(shop: Services) -> Iterator[Product]:
    """An item of the shop that is hidden for the while."""
    with shop.sessions() as session:
        live = select(Product).where(Product.hidden.is_(False), Product.merchant_id == shop.merchant().id)
        live = live.where(Product.images.any(Image.state == "live")).order_by(Product.id)
        product = session.scalars(live).first()
        assert product is not None
    for wanted in (True, False):
        with shop.sessions.begin() as session:
            hide_product(session, product.merchant_id, product.sku, wanted)
        pipeline = shop.pipeline()
        while pipeline.step():
            pass
        if wanted:
            yield product


def program(shop: Services, app: Flask, *scopes: str) -> Program:
    with shop.sessions.begin() as session:
        key = issue_key(session, shop.merchant().id, scopes).secret
    return Program(app.test_client(), key)


def test_a_hidden_item_stands_where_it_would_stand(shop: Services, app: Flask, hidden: Product) -> None:
    own = program(shop, app, "search:unpublished")
    found = own.post(PATH, json={"words": hidden.title, "limit": 10})
    assert found.status_code == 200
    said = found.get_json()
    assert [hit["place"] for hit in said["hits"]] == list(range(1, len(said["hits"]) + 1))
    (mine,) = [hit for hit in said["hits"] if hit["sku"] == hidden.sku]
    assert (mine["published"], mine["state"], mine["title"]) == (False, "hidden", hidden.title)
    assert {"title"} <= {part["name"] for part in mine["parts"]}
    assert all(hit["published"] == (hit["state"] == "live") for hit in said["hits"])
    assert said["unpublished"] >= 1 and said["looked"] >= 1 and said["total"] >= 1
    shoppers = app.test_client().post("/api/v1/search", json={"words": hidden.title, "limit": 100}).get_json()
    assert hidden.sku not in {hit["sku"] for hit in shoppers["hits"]}


def test_what_it_needs_and_does_not_take_is_said(shop: Services, app: Flask) -> None:
    asked = {"words": "dress"}
    assert app.test_client().post(f"/api/v1/{PATH}", json=asked).status_code == 401
    narrow = program(shop, app, "search").post(PATH, json=asked)
    assert narrow.status_code == 403 and "search:unpublished" in narrow.get_json()["fix"]
    own = program(shop, app, "search:unpublished")
    for name, value in (("sort", "price"), ("cursor", "x")):
        refused = own.post(PATH, json={**asked, name: value})
        assert refused.status_code == 422 and refused.get_json()["errors"][0]["field"] == name
    assert own.post("search", json=asked).get_json()["code"] == "scope-missing"


def test_another_shop_s_hidden_items_are_nowhere(shop: Services, app: Flask, hidden: Product) -> None:
    with shop.sessions.begin() as session:
        ensure_merchant(session, "unpublished-other")
    other = Program(app.test_client(), keyed(shop, "unpublished-other")[1])
    for asked in ({"words": hidden.title}, {"words": ""}, {"words": hidden.sku}):
        said = other.post(PATH, json=asked).get_json()
        assert (said["hits"], said["total"], said["unpublished"]) == ([], 0, 0)
    refused = other.post(PATH, json={"reference": hidden.sku})
    assert refused.status_code == 422 and hidden.title not in refused.text
