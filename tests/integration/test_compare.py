"""The tray's cookie and the comparison's address, with what others may put into them."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product


@pytest.fixture
def skus(shop: Services) -> list[str]:
    with shop.sessions() as session:
        return list(session.scalars(select(Product.sku).order_by(Product.id).limit(6)))


def test_the_way_back_never_leaves_the_shop(client: FlaskClient, skus: list[str]) -> None:
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x", ""):
        answer = client.post("/compare/tray", data={"add": skus[0], "back": back})
        assert (answer.status_code, answer.location) == (303, "/"), back
    assert client.post("/compare/tray", data={"back": "/?q=a"}).location == "/?q=a"


def test_a_cookie_of_anything_shows_only_what_is_in_the_shop(client: FlaskClient, skus: list[str]) -> None:
    for kept in ("no-such&" + skus[0], "%00&" + skus[0], f"{skus[0]}&{skus[0]}", skus[0] + "&" + "x" * 3000):
        client.set_cookie("compare", kept)
        text = client.get("/").text
        assert "1 to compare" in text, kept
    client.set_cookie("compare", "&&&%ff%fe")
    assert client.get("/").status_code == 200


def test_at_most_four_are_compared_and_the_gone_are_left_out(client: FlaskClient, skus: list[str]) -> None:
    query = "&".join(f"sku={sku}" for sku in ["gone", *skus, *skus])
    text = client.get(f"/compare?{query}").text
    assert text.count('th scope="col"') == 3  # the first four of the address, and one of them is gone
    assert client.get("/compare?sku=gone").status_code == 404
    assert "Nothing to compare yet" in client.get("/compare").text


def test_another_site_cannot_fill_the_tray(client: FlaskClient, skus: list[str]) -> None:
    answer = client.post("/compare/tray", data={"add": skus[0]}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
