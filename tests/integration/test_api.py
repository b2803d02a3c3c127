"""The API over the real shop: what it finds, how it pages, and that nothing sent to it is ever a 500."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from bootstrap import Services
from catalog.models import Product
from tests.support.pictures import HOSTILE, POLYGLOT, bomb
from vectors.edge import EdgeStore
from web.app import create_app


def ask(client: FlaskClient, **body: Any) -> Any:
    answer = client.post("/api/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def send(client: FlaskClient, data: bytes, name: str = "photo.jpg", **fields: str) -> TestResponse:
    form = {"photo": (io.BytesIO(data), name), **fields}
    return client.post("/api/v1/search", data=form, content_type="multipart/form-data")


def assert_problem(answer: TestResponse, status: int, code: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = answer.get_json()
    assert body["type"] == f"urn:twirl:problem:{body['code']}"
    assert body["code"].startswith(code)
    assert body["fix"].endswith(".")
    assert body["status"] == status
    return body


@pytest.fixture(scope="module")
def product(shop: Services) -> Product:
    """One with a variant in another colour."""
    with shop.sessions() as session:
        for found in session.scalars(select(Product).order_by(Product.id)):
            others = select(Product).where(
                Product.item_group_id == found.item_group_id, Product.colour != found.colour
            )
            if session.scalars(others).first():
                session.refresh(found, ["images"])
                return found
    raise AssertionError("no product has two colours")


def raw_photo(shop: Services, of: Product) -> bytes:
    return shop.blobs.read(str(of.images[0].sha256), 1200)


def test_a_hit_says_everything_that_a_page_needs(client: FlaskClient) -> None:
    found = ask(client, limit=3)
    assert found["mode"] == "browse"
    assert len(found["hits"]) == 3
    hit = found["hits"][0]
    assert set(hit) >= {
        "sku", "item_group_id", "title", "brand", "price", "colour", "image", "link", "score", "availability",
        "variants",
    }  # fmt: skip
    assert hit["price"]["currency"] == "USD"
    assert hit["price"]["amount"] == f"{hit['price']['minor'] / 100:.2f}"
    for size in (160, 480, 1200):
        picture = client.get(hit["image"][f"url_{size}"])
        assert picture.status_code == 200
        assert picture.content_type == "image/webp"
        assert "immutable" in picture.headers["Cache-Control"]


def test_a_picture_is_not_sent_twice(client: FlaskClient) -> None:
    url = ask(client, limit=1)["hits"][0]["image"]["url_480"]
    tag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304


def test_pages_follow_each_other_without_a_repeat_or_a_gap(client: FlaskClient) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = ask(client, words="cotton", limit=7, cursor=cursor, facets=False)
        seen += [hit["item_group_id"] for hit in page["hits"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert len(seen) > 7


def test_a_products_own_photo_finds_it_first(client: FlaskClient, shop: Services, product: Product) -> None:
    answer = send(client, raw_photo(shop, product), limit="5")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert found["mode"] == "photo"
    assert found["hits"][0]["item_group_id"] == product.item_group_id
    again = ask(client, photo_id=found["photo_id"], limit=5)
    assert [hit["sku"] for hit in again["hits"]] == [hit["sku"] for hit in found["hits"]]


def test_an_address_instead_of_a_photo_reaches_the_public_web_only(client: FlaskClient) -> None:
    for url in ("http://127.0.0.1:1/x.png", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"):
        body = assert_problem(client.post("/api/v1/photos", data={"url": url}), 422, "image-address")
        assert "drop it here" in body["fix"]
    assert_problem(client.post("/api/v1/photos", data={}), 422, "photo-missing")


def test_a_photo_kept_before_is_searched_with_words(
    client: FlaskClient, shop: Services, product: Product
) -> None:
    form = {"photo": (io.BytesIO(raw_photo(shop, product)), "p.webp")}
    kept = client.post("/api/v1/photos", data=form, content_type="multipart/form-data")
    assert kept.status_code == 201
    found = ask(client, photo_id=kept.get_json()["photo_id"], words="in red")
    assert found["mode"] == "photo+words"
    assert found["hits"]


def test_a_reference_is_not_its_own_result(client: FlaskClient, product: Product) -> None:
    found = ask(client, reference=product.sku, collapse=False)
    assert product.sku not in [hit["sku"] for hit in found["hits"]]


def test_filters_hold_for_every_hit_and_facets_count_beside_them(client: FlaskClient) -> None:
    facets = {facet["field"]: facet for facet in ask(client)["facets"]}
    value = facets["colour"]["values"][0]
    found = ask(client, filters={"colour": [value["value"]]}, limit=100, collapse=False)
    assert found["hits"]
    assert all(value["value"] in hit["colour"].casefold() for hit in found["hits"])
    assert found["total"] == value["count"]
    assert next(f for f in found["facets"] if f["field"] == "colour")["values"][0]["selected"]
    low, high = facets["price"]["low"], facets["price"]["high"]
    middle = (low + high) // 2
    cheap = ask(client, filters={"price_max": middle}, limit=100)
    paid = [min(hit[k]["minor"] for k in ("price", "sale_price") if hit[k]) for hit in cheap["hits"]]
    assert paid
    assert max(paid) <= middle


def test_the_facets_alone(client: FlaskClient) -> None:
    found = client.get("/api/v1/facets?availability=in_stock").get_json()["facets"]
    assert {"category", "colour", "price"} <= {facet["field"] for facet in found}


def test_a_product_with_its_variants(client: FlaskClient, product: Product) -> None:
    found = client.get(f"/api/v1/products/{product.sku}").get_json()
    assert found["sku"] == product.sku
    assert found["images"][0]["sha256"] == product.images[0].sha256
    assert product.sku not in [variant["sku"] for variant in found["variants"]]
    assert {variant["colour"] for variant in found["variants"]} - {product.colour}
    assert_problem(client.get("/api/v1/products/none-of-ours"), 404, "not-found")
    assert_problem(client.get("/api/v1/products/%00"), 404, "not-found")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/photos"])
def test_hostile_photos_are_refused_with_their_fix(client: FlaskClient, path: str, name: str) -> None:
    data, code = HOSTILE[name]
    form = {"photo": (io.BytesIO(data), name)}
    answer = client.post(path, data=form, content_type="multipart/form-data")
    body = assert_problem(answer, answer.status_code, code)
    assert answer.status_code in (413, 415, 422)
    assert body["errors"][0]["field"] == "photo"


def test_heic_is_told_to_be_saved_as_jpeg(client: FlaskClient) -> None:
    assert "JPEG" in assert_problem(send(client, HOSTILE["IMG_0001.HEIC"][0]), 415)["fix"]


def test_a_polyglot_is_kept_only_as_what_we_encoded(client: FlaskClient, shop: Services) -> None:
    answer = send(client, POLYGLOT, "kitten.gif")
    assert answer.status_code == 200, answer.text
    kept = shop.photos.webp(answer.get_json()["photo_id"])
    assert kept is not None
    assert b"script" not in kept


def test_what_is_too_large_is_refused_before_it_is_read(client: FlaskClient) -> None:
    assert_problem(send(client, b"\xff\xd8\xff" + b"x" * 17_900_000), 413, "too-large")
    assert_problem(send(client, b"\xff\xd8\xff" + b"x" * 16_800_000), 413, "image-too-large")
    many = {f"f{i}": "x" for i in range(200)}
    assert_problem(client.post("/api/v1/search", data=many, content_type="multipart/form-data"), 413)
    wide = {"words": "x" * 400_000}
    assert_problem(client.post("/api/v1/search", data=wide, content_type="multipart/form-data"), 413)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"reference": "none-of-ours"}, (404, 422)),
        ({"photo_id": "x" * 22}, (404, 410, 422)),
        ({"photo_id": "../../etc/passwd"}, (404, 410, 422)),
        ({"cursor": "bm90IG91cnM"}, (422,)),
        ({"cursor": "\u2603"}, (422,)),
        ({"filters": {"price_min": 5, "price_max": 1}}, (422,)),
        ({"filters": {"without": {"price": ["x"]}}}, (422,)),
        ({"words": "a\u0000b"}, (400,)),
    ],
)
def test_what_cannot_be_asked_is_a_named_problem(
    client: FlaskClient, body: dict[str, Any], status: tuple[int, ...]
) -> None:
    answer = client.post("/api/v1/search", json=body)
    assert answer.status_code in status
    assert_problem(answer, answer.status_code)


def test_a_cursor_of_another_search_is_refused(client: FlaskClient) -> None:
    cursor = ask(client, limit=2)["next_cursor"]
    assert_problem(client.post("/api/v1/search", json={"words": "red", "cursor": cursor}), 422)


def test_odd_requests_are_problems_too(client: FlaskClient) -> None:
    assert_problem(client.post("/api/v1/search", data=b"{", content_type="application/json"), 400)
    assert_problem(client.post("/api/v1/search", data=b"x", content_type="text/plain"), 415)
    assert_problem(
        client.post("/api/v1/search", data=b"--x\r\nbroken", content_type="multipart/form-data"), 400
    )
    assert_problem(client.post("/api/v1/photos"), 422, "photo-missing")
    assert_problem(client.get("/api/v1/images/zz/480"), 404)
    assert_problem(client.get(f"/api/v1/images/{'0' * 64}/480"), 404)
    assert_problem(client.get(f"/api/v1/images/{'0' * 64}/9999999999999999999999"), 404)
    assert_problem(client.delete("/api/v1/search"), 405)


def test_an_outage_is_503_with_the_time_to_wait(shop: Services, tmp_path: Path) -> None:
    nobody = EdgeStore(tmp_path / "nobody.sock", 2.0)
    broken = Services(shop.settings, store=nobody, packs=shop.packs)
    client = create_app(broken).test_client()
    answer = client.post("/api/v1/search", json={"words": "red dress"})
    assert_problem(answer, 503, "search-unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    page = client.get("/?q=red+dress")
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert '<a class="button" data-swap href="/?q=red+dress">Try again</a>' in page.text
    assert client.get("/healthz").status_code == 200
    health = client.get("/readyz")
    assert health.status_code == 503
    assert health.headers["Retry-After"]
    assert not health.get_json()["dependencies"]["engine"]["ok"]
    assert "operators" in health.get_json()["dependencies"]["engine"]["fix"]
    assert "nobody.sock" not in health.text and "message" not in health.text  # no addresses for everybody
    assert health.get_json()["dependencies"]["database"]["ok"]
    assert client.get("/").status_code == 200  # browsing needs no engine
    broken.close()


def test_every_dependency_is_well(client: FlaskClient) -> None:
    health = client.get("/readyz")
    assert health.status_code == 200
    assert health.get_json()["status"] == "ok"


def test_the_bomb_is_small_and_says_so(client: FlaskClient) -> None:
    assert len(bomb()) < 10_000
    assert "pixels" in json.dumps(assert_problem(send(client, bomb()), 413))
