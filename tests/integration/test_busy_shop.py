"""What shoppers and programs are told while the model has too much to do, and who asks too often."""

from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image

from bootstrap import Services

FAR = {"REMOTE_ADDR": "198.51.100.20"}


@pytest.fixture
def busy(shop: Services) -> Iterator[None]:
    """Every turn at the model is taken."""
    with ExitStack() as stack:
        for _ in range(shop.settings.limits.encode_at_once):
            stack.enter_context(shop.models.admission.turn())
        yield


def photo() -> BytesIO:
    file = BytesIO()
    Image.new("RGB", (200, 240), "green").save(file, "PNG")
    return BytesIO(file.getvalue())


def test_words_are_answered_and_the_answer_says_how(client: FlaskClient, busy: None) -> None:
    words = "blue shirt of no other test"
    answer = client.post("/api/v1/search", json={"words": words})
    assert answer.status_code == 200 and answer.json is not None
    assert "lexical" in answer.json["degraded"] and answer.json["hits"]
    page = client.get("/", query_string={"q": words}).get_data(as_text=True)
    assert "were found by your words as they stand" in page


def test_a_photo_is_refused_with_the_time_to_wait(client: FlaskClient, busy: None) -> None:
    refused = client.post("/api/v1/search", data={"photo": (photo(), "a.png")})
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "2"
    assert refused.json is not None and refused.json["code"] == "search-busy"


def test_in_quiet_times_nothing_is_left_out(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", json={"words": "blue shirt of no other test"})
    assert answer.json is not None and answer.json["degraded"] == []
    assert "as they stand" not in client.get("/?q=blue").get_data(as_text=True)


def test_one_address_may_not_take_the_shop_for_itself(client: FlaskClient, shop: Services) -> None:
    most = shop.settings.limits.rate_photos
    statuses = [
        client.post("/api/v1/photos", data={"photo": (BytesIO(b"no"), "a.png")}, environ_base=FAR).status_code
        for _ in range(most + 1)
    ]
    assert statuses == [415] * most + [429]
    assert client.get("/api/v1/facets", environ_base=FAR).status_code == 200  # the rest goes on
