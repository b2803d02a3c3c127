"""A photo of two garments, and the part of it that is searched: through the API and the page."""

import html
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image as Picture
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product


@pytest.fixture(scope="module")
def two(shop: Services) -> tuple[bytes, list[str]]:
    """A photo with one article on the left and another on the right, and their groups."""
    with shop.sessions() as session:
        products = [p for p in session.scalars(select(Product).order_by(Product.id)) if p.images]
        groups = dict.fromkeys(p.item_group_id for p in products)
        chosen = [next(p for p in products if p.item_group_id == group) for group in list(groups)[:2]]
        names = [str(p.images[0].sha256) for p in chosen]
    halves = [Picture.open(io.BytesIO(shop.blobs.read(name, 1200))).convert("RGB") for name in names]
    both = np.concatenate([np.asarray(half.resize((480, 600))) for half in halves], axis=1)
    data = io.BytesIO()
    Picture.fromarray(both).save(data, "JPEG", quality=90)
    return data.getvalue(), [p.item_group_id for p in chosen]


def ask(client: FlaskClient, data: bytes, **fields: str) -> Any:
    form = {"photo": (io.BytesIO(data), "two.jpg"), **fields}
    answer = client.post("/api/v1/search", data=form, content_type="multipart/form-data")
    return answer.get_json()


def groups(answer: Any) -> list[str]:
    return [hit["item_group_id"] for hit in answer["hits"]]


def test_each_half_finds_its_own_article(client: FlaskClient, two: tuple[bytes, list[str]]) -> None:
    data, (left, right) = two
    assert groups(ask(client, data, crop=json.dumps([0, 0, 0.5, 1])))[0] == left
    found = ask(client, data, crop=json.dumps([0.5, 0, 0.5, 1]))
    assert groups(found)[0] == right
    again = client.post(
        "/api/v1/search", json={"photo_id": found["photo_id"], "crop": [0, 0, 0.5, 1]}
    ).get_json()
    assert groups(again)[0] == left  # what is remembered of a photo is remembered of that part


@pytest.mark.parametrize("crop", ["[0, 0, 0, 0]", "[0.9, 0, 0.9, 1]", "[0, 1]", "[0, 0, 2, 1]", "{}", "no"])
def test_a_part_that_is_none_is_refused(client: FlaskClient, two: tuple[bytes, list[str]], crop: str) -> None:
    answer = ask(client, two[0], crop=crop)
    assert answer["status"] == 422 and answer["fix"]


def test_the_page_keeps_the_part_and_lets_it_go(client: FlaskClient, two: tuple[bytes, list[str]]) -> None:
    data, (_, right) = two
    kept = client.post("/api/v1/photos", data={"photo": (io.BytesIO(data), "two.jpg")}).get_json()["photo_id"]
    asked = {"photo": kept, "crop": ["50", "0", "50", "100"]}
    page = client.get("/", query_string=asked).text
    first = re.search(r'data-sku="([^"]+)"', page)
    assert first is not None
    hit = client.get(f"/api/v1/products/{first.group(1)}").get_json()
    assert hit["item_group_id"] == right
    links = [html.unescape(each) for each in re.findall(r'href="(/\?[^"]*)"', page)]
    facets = [each for each in links if "crop=50" in each]
    assert facets, "a filter would lose the part"
    whole = next(each for each in links if each == f"/?photo={kept}")
    form = client.get(whole).text.split("<main")[0]
    assert re.findall(r'name="crop"[^>]*value="(\d+)"', form) == ["0", "0", "100", "100"]
    (choices,) = re.findall(r'<div class="pieces".*?</div>', form, re.DOTALL)
    assert (
        choices.count("crop=") == 2 * 4 and "The piece at the left" in choices
    )  # the two that it is made of


def test_the_api_names_the_garments_of_a_photo(client: FlaskClient, two: tuple[bytes, list[str]]) -> None:
    data, groups = two
    kept = client.post("/api/v1/photos", data={"photo": (io.BytesIO(data), "two.jpg")}).get_json()["photo_id"]
    found = client.get(f"/api/v1/photos/{kept}/garments").get_json()["garments"]
    for crop, group in zip(sorted(found), groups, strict=True):
        answer = client.post("/api/v1/search", json={"photo_id": kept, "crop": crop}).get_json()
        assert answer["hits"][0]["item_group_id"] == group
    assert client.get("/api/v1/photos/none-of-ours/garments").status_code == 404
    typed = client.get("/", query_string={"photo": kept, "crop": ["a", "b", "c", "d"]})
    assert typed.status_code == 422 and "per cent" in typed.text


def test_without_a_photo_there_is_no_part(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": "red", "crop": ["0", "0", "50", "50"]})
    assert page.status_code == 200 and "crop=" not in page.text
