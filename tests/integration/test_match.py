"""Saying honestly that nothing really matches: by words, by photo, on the page and in the API."""

import io
import json

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product


def asked(client: FlaskClient, **query: object) -> dict[str, object]:
    found: dict[str, object] = client.post("/api/v1/search", json=query).get_json()["match"]
    return found


def test_words_that_nothing_has_are_said_to_be_so(client: FlaskClient) -> None:
    found = asked(client, words="coffee maker")
    assert found["weak"] is True and found["strength"] == 0.0
    assert set(found["unknown_words"]) == {"coffee", "maker"}  # type: ignore[call-overload]
    page = client.get("/?q=coffee+maker").text
    assert "Nothing here is quite like that" in page and "“maker”" in page and 'class="card' in page


@pytest.mark.parametrize("words", ["black shirt", "shrit in blak", "dresses", "something striped please"])
def test_words_that_are_read_are_no_such(client: FlaskClient, words: str) -> None:
    found = asked(client, words=words)
    assert found["weak"] is False and found["unknown_words"] == []
    assert "Nothing here is quite like that" not in client.get("/", query_string={"q": words}).text


def test_a_title_or_a_sku_always_matches(client: FlaskClient, shop: Services) -> None:
    with shop.sessions() as session:
        product = session.scalars(select(Product)).first()
    assert product is not None
    assert asked(client, words=product.title)["weak"] is False
    assert asked(client, words=product.sku)["weak"] is False


def test_the_shops_own_pictures_match_and_a_chessboard_does_not(client: FlaskClient, shop: Services) -> None:
    with shop.sessions() as session:
        sha = session.scalars(select(Product)).first().images[0].sha256  # type: ignore[union-attr]
    own = shop.blobs.read(str(sha), 480)
    assert searched(client, own)["weak"] is False
    other = searched(client, chessboard())
    assert other["weak"] is True and float(str(other["strength"])) < shop.pack.least_kinship


def test_the_only_piece_of_its_kind_that_filters_leave_matches(client: FlaskClient, shop: Services) -> None:
    with shop.sessions() as session:
        priced = select(Product).where(Product.price_minor.is_not(None)).order_by(Product.id)
        own = [(each.price_minor, each.images[0].sha256) for each in session.scalars(priced.limit(12))]
    for price, sha in own:
        only = {"filters": json.dumps({"price_min": price, "price_max": price})}
        assert searched(client, shop.blobs.read(str(sha), 480), **only)["weak"] is False, price


def searched(client: FlaskClient, photo: bytes, **also: str) -> dict[str, object]:
    sent = {"photo": (io.BytesIO(photo), "photo.jpg"), **also}
    answer = client.post("/api/v1/search", data=sent)
    found: dict[str, object] = answer.get_json()["match"]
    return found


def chessboard() -> bytes:
    picture = Image.fromarray(np.full((480, 480, 3), 250, np.uint8))
    draw = ImageDraw.Draw(picture)
    for row in range(8):
        for column in range(row % 2, 8, 2):
            draw.rectangle((column * 60, row * 60, column * 60 + 59, row * 60 + 59), fill=(10, 10, 10))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def test_later_pages_and_other_orders_say_nothing_of_it(client: FlaskClient) -> None:
    first = client.post("/api/v1/search", json={"words": "shirt", "limit": 2}).get_json()
    later = {"words": "shirt", "limit": 2, "cursor": first["next_cursor"]}
    assert asked(client, **later) == {"weak": False, "strength": None, "unknown_words": []}
