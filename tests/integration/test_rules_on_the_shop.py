"""Published rules as shoppers meet them: on the page and in the API, by a photo of their own."""

import io
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from catalog.rulebooks import publish_rulebook

ALL = 100


def publish(shop: Services, content: dict[str, Any]) -> None:
    """Put it in force and wait until searches know."""
    merchant = shop.merchant().id
    with shop.sessions.begin() as session:
        version = publish_rulebook(session, merchant, content)
    deadline = time.monotonic() + 30
    while shop.searcher.rulebook(merchant).version != version:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def photo(shop: Services) -> bytes:
    with shop.sessions() as session:
        product = session.scalars(select(Product).order_by(Product.id)).first()
        assert product is not None
        return shop.blobs.read(str(product.images[0].sha256), 480)


def searched(client: FlaskClient, photo: bytes, **more: str) -> dict[str, Any]:
    form = {"photo": (io.BytesIO(photo), "photo.jpg"), "limit": str(ALL), **more}
    found: dict[str, Any] = client.post("/api/v1/search", data=form).get_json()
    return found


def skus(found: dict[str, Any]) -> list[str]:
    return [hit["product"]["sku"] if "product" in hit else hit["sku"] for hit in found["hits"]]


@pytest.fixture(scope="module")
def ruled(shop: Services, app: Flask, photo: bytes) -> Iterator[dict[str, Any]]:
    """The usual first places, and a rulebook in force that moves four of them."""
    found = searched(app.test_client(), photo)
    here = skus(found)
    moved = {"hide": here[1], "bury": here[2], "boost": here[-3], "pin": here[-1]}
    rules = [{"do": do, "what": {"sku": [sku]}, "strength": 2} for do, sku in moved.items()]
    publish(shop, {"rules": rules})
    yield {**moved, "usual": here, "total": found["total"]}
    publish(shop, {})


@pytest.mark.parametrize("words", ["", "in red", "but longer"])
def test_rules_hold_for_a_photo_and_for_its_refinement(
    client: FlaskClient, photo: bytes, ruled: dict[str, Any], words: str
) -> None:
    found = searched(client, photo, words=words)
    here = skus(found)
    assert here[0] == ruled["pin"] and ruled["hide"] not in here
    assert found["total"] == ruled["total"] - 1 if not words else found["total"] < ruled["total"]
    if not words:
        assert here.index(ruled["boost"]) < ruled["usual"].index(ruled["boost"]) - 2
        assert here.index(ruled["bury"]) > len(here) // 2


def test_the_page_leads_with_the_pin_and_the_shoppers_filter_before_it(
    client: FlaskClient, shop: Services, photo: bytes, ruled: dict[str, Any]
) -> None:
    sent = client.post("/search", data={"q": "", "photo_file": (io.BytesIO(photo), "photo.webp")})
    address = sent.headers["Location"]
    here = cards(client.get(address).text)
    assert here[0] == ruled["pin"] and ruled["hide"] not in here and ruled["bury"] not in here[:3]
    with shop.sessions() as session:
        colours = dict(session.execute(select(Product.sku, Product.colour)).tuples().all())
    other = next(colours[sku] for sku in here if colours[sku] != colours[ruled["pin"]])
    narrowed = cards(client.get(f"{address}&colour={other}").text)
    assert narrowed and ruled["pin"] not in narrowed


def cards(page: str) -> list[str]:
    """The skus on a page of results, in their order."""
    return list(dict.fromkeys(re.findall(r'<li[^>]* data-sku="([^"]+)"', page)))


def test_what_is_hidden_is_not_suggested(client: FlaskClient, shop: Services, ruled: dict[str, Any]) -> None:
    with shop.sessions() as session:
        title = session.scalars(select(Product.title).where(Product.sku == ruled["hide"])).one()
    told = client.get("/api/v1/suggest", query_string={"q": title[:-1]}).get_json()["suggestions"]
    assert title not in [each["text"] for each in told]
    with shop.sessions() as session:
        title = session.scalars(select(Product.title).where(Product.sku == ruled["pin"])).one()
    told = client.get("/api/v1/suggest", query_string={"q": title[:-1]}).get_json()["suggestions"]
    assert title in [each["text"] for each in told]
