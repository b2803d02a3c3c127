"""What product pages say to machines, held to what Google asks of product variants and breadcrumbs."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from web.shop.markup import product as marked_up

SCHEMA = "https://schema.org/"


def blocks(client: FlaskClient, sku: str) -> list[dict[str, Any]]:
    text = client.get(f"/p/{sku}").text
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    found: list[dict[str, Any]] = json.loads(data)
    return found


@pytest.fixture
def products(shop: Services) -> list[Product]:
    """Of the shop that is served: other tests' shops are in the same database."""
    mine = select(Product).where(Product.merchant_id == shop.merchant().id, Product.deleted_at.is_(None))
    with shop.sessions() as session:
        return list(session.scalars(mine.order_by(Product.id)))


def test_a_product_has_what_a_merchant_listing_needs(client: FlaskClient, products: list[Product]) -> None:
    for shown in products[::9]:
        said, crumbs = blocks(client, shown.sku)
        assert (said["@type"], said["sku"], said["name"]) == ("Product", shown.sku, shown.title)
        assert all(url.startswith("http://localhost/images/") for url in said["image"]) and said["image"]
        offer = said["offers"]
        assert float(offer["price"]) > 0 and offer["priceCurrency"] == "USD"
        assert offer["availability"].startswith(SCHEMA)
        assert client.get(urlsplit(said["url"]).path).status_code == 200
        assert "" not in said.values() and None not in said.values()
        assert crumbs["@type"] == "BreadcrumbList"


def test_variants_name_their_article_and_each_other(client: FlaskClient, products: list[Product]) -> None:
    family = next(
        each
        for shown in products
        if len(each := [p for p in products if p.item_group_id == shown.item_group_id]) > 1
    )
    said = blocks(client, family[0].sku)[0]
    group = said["isVariantOf"]
    assert group["@type"] == "ProductGroup" and group["productGroupID"] == family[0].item_group_id
    assert f"{SCHEMA}color" in group["variesBy"]
    others = {urlsplit(each["url"]).path for each in group["hasVariant"]}
    assert others == {f"/p/{each.sku}" for each in family[1:]}


def test_breadcrumbs_count_from_one_and_lead_somewhere(client: FlaskClient, products: list[Product]) -> None:
    shown = products[0]
    steps = blocks(client, shown.sku)[1]["itemListElement"]
    assert [step["position"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["name"] for step in steps] == [*shown.category.split(" > "), shown.title]
    for step in steps:
        where = urlsplit(step["item"])
        assert client.get(f"{where.path}?{where.query}").status_code == 200


def test_a_sale_says_both_prices_and_a_feed_its_numbers(app: Flask) -> None:
    shown = Product(
        id=1, sku="s", title="Coat", item_group_id="g", currency="EUR",
        price_minor=10000, sale_price_minor=7950,
        availability="in_stock", gender="female", brand="", colour="Red", size="", material="", pattern="",
        category="", images=[], attributes={"gtin": "4006381333931", "condition": "New", "mpn": ["x"]},
    )  # fmt: skip
    with app.test_request_context():
        (said,) = marked_up(shown, [shown], "Warm.", [], "https://shop.example")
    offer = said["offers"]
    assert (offer["price"], offer["priceSpecification"]["price"]) == ("79.50", "100.00")
    assert offer["priceSpecification"]["priceType"] == f"{SCHEMA}StrikethroughPrice"
    assert offer["itemCondition"] == f"{SCHEMA}NewCondition"
    assert said["gtin"] == "4006381333931" and said["audience"]["suggestedGender"] == "female"
    assert not {"mpn", "brand", "isVariantOf", "size"} & set(said)
