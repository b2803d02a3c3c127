"""A merchant's own products over the API: contract by value, conditions, keys, the way into the search."""

import io
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, url_for
from PIL import Image as Pillow

from bootstrap import Services
from catalog.models import now
from catalog.programs.api_keys import revoke_secret_key, rotate_secret_key, secret_keys
from catalog.programs.tables import ApiKey
from tests.support.keyed import Program, keyed
from tests.support.shop import index

SHIRT: dict[str, Any] = {
    "title": "Linen shirt", "images": ["https://shop.example/1.jpg"], "price": "49 EUR", "colour": "Red",
    "attributes": {"sleeve": "long"},
}  # fmt: skip


def picture(colour: tuple[int, int, int] = (180, 30, 40)) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (240, 300), colour).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def program(shop: Services, app: Flask) -> Program:
    return Program(app.test_client(), keyed(shop, "linen")[1])


@pytest.fixture(autouse=True)
def emptied(shop: Services, program: Program) -> Iterator[None]:
    yield
    for each in program.get("products?limit=200").get_json()["products"]:
        assert program.delete(f"products/{each['sku']}").status_code == 204


def test_a_product_is_created_read_and_found_in_the_list(program: Program) -> None:
    made = program.put("products/S-1", json=SHIRT)
    assert made.status_code == 201 and made.headers["Location"] == "/api/v1/products/S-1"
    said = made.get_json()
    wanted = {
        "sku": "S-1", "title": "Linen shirt", "price": "49.00 EUR", "sale_price": None, "colour": "Red",
        "hidden": False, "rev": 1, "brand": "", "availability": "in_stock", "item_group_id": "S-1",
    }  # fmt: skip
    assert {name: said[name] for name in wanted} == wanted
    assert said["attributes"] == {"sleeve": "long"} and said["images"] == SHIRT["images"]
    assert said["state"] == "waiting" and said["pictures"] == [
        {"position": 0, "source": "https://shop.example/1.jpg", "state": "queued", "error_code": "",
         "error_message": "", "sha256": None}
    ]  # fmt: skip
    read = program.get("products/S-1")
    assert read.get_json() == said and read.headers["ETag"] == made.headers["ETag"]
    assert program.get("products").get_json() == {"products": [said], "next_cursor": None}


def test_what_is_read_goes_back_unchanged(program: Program) -> None:
    first = program.put("products/S-1", json=SHIRT)
    again = program.put("products/S-1", json=first.get_json())
    assert again.status_code == 200 and again.get_json() == first.get_json()
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_sku_may_have_a_slash_and_what_else_there_is(program: Program) -> None:
    for sku in ("A/1", "A 1?x=2&y#z", "Ü-ß", "a/look/b", "look", "look/1", "a/outlook", "1.5"):
        path = f"products/{sku.replace('?', '%3F').replace('#', '%23')}"
        assert program.put(path, json=SHIRT).status_code == 201
        assert program.get(path).get_json()["sku"] == sku
        assert program.delete(path).status_code == 204


def test_a_slash_in_a_sku_leads_to_its_look_and_its_page(program: Program, app: Flask) -> None:
    assert program.put("products/A/1", json=SHIRT).status_code == 201
    assert program.get("products/A/1/look").status_code == 200
    with app.test_request_context():
        assert url_for("storefront.product", sku="A/1") == "/p/A/1"
        assert app.url_map.bind("shop.example").match("/p/A/1") == ("storefront.product", {"sku": "A/1"})


@pytest.mark.parametrize("sku", [".", "..", "a/../b", "a/", "a/./b", "A/1/look"])
def test_a_sku_that_addresses_cannot_hold_is_refused(program: Program, sku: str) -> None:
    refused = program.put(f"products/{sku}", json=SHIRT)
    assert refused.status_code == 422
    assert [(each["field"], each["code"]) for each in refused.get_json()["errors"]] == [
        ("sku", "sku-invalid")
    ]


def test_a_put_replaces_and_a_patch_changes(program: Program) -> None:
    program.put("products/S-1", json={**SHIRT, "brand": "Nord", "hidden": True})
    put = program.put("products/S-1", json={"title": "Shirt", "images": SHIRT["images"]}).get_json()
    assert (put["brand"], put["colour"], put["price"], put["hidden"]) == ("", "", None, True)
    headers = {"Content-Type": "application/merge-patch+json"}
    change = {"brand": "Sud", "attributes": {"fit": "slim"}, "hidden": False}
    patched = program.patch("products/S-1", data=json.dumps(change), headers=headers).get_json()
    assert (patched["brand"], patched["title"], patched["attributes"]) == ("Sud", "Shirt", {"fit": "slim"})
    assert patched["rev"] > put["rev"] and not patched["hidden"]
    assert program.patch("products/S-1", json={"brand": None}).get_json()["brand"] == ""


def test_all_faults_are_named_at_once(program: Program) -> None:
    wrong = {"price": "cheap", "availability": "maybe", "colur": "red", "images": ["x.jpg"], "hidden": 1}
    refused = program.put("products/S-1", json=wrong)
    assert refused.status_code == 422 and refused.get_json()["code"] == "invalid"
    said = {each["field"]: each["code"] for each in refused.get_json()["errors"]}
    assert said == {
        "price": "price-invalid", "availability": "availability-unknown", "colur": "field-unknown",
        "hidden": "not-boolean", "title": "required",
    }  # fmt: skip
    detail = refused.get_json()["detail"]
    assert all(f"{field}: " in detail for field in said) and ".;" not in detail
    many = program.put("products/S-1", json={f"no{n}": 1 for n in range(30)}).get_json()
    assert len(many["errors"]) == 32 and many["detail"].endswith(" And 22 more.")
    empty = program.put("products/S-1", json={"title": "x", "images": []}).get_json()
    assert empty["detail"] == "images: There is no picture in images. Give a link or a file name."
    assert program.get("products/S-1").status_code == 404


JSON, FORM = "application/json", "multipart/form-data"
DEEP = b'{"attributes": ' + b'{"a":' * 900 + b"1" + b"}" * 901


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'{"price": NaN}', JSON, 400),
        (b'{"title": "a\\u0000b"}', JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (DEEP, JSON, 400),
        (b"title=x", "application/x-www-form-urlencoded", 415),
        (b"", JSON, 422),
        ({"images": (io.BytesIO(b"x"), "a.jpg")}, FORM, 422),
        ({"product": "{}", "images": (io.BytesIO(b"x"), "a.jpg")}, FORM, 422),
    ],
)
def test_a_body_that_is_none_is_refused(program: Program, data: Any, kind: str, status: int) -> None:
    assert program.put("products/S-1", data=data, content_type=kind).status_code == status


@pytest.mark.parametrize("sku", ["x" * 101, "a%00b", "%ed%a0%80"])
def test_a_sku_that_cannot_be_is_no_product(program: Program, sku: str) -> None:
    assert program.get(f"products/{sku}").status_code == 404
    assert program.patch(f"products/{sku}", json={"title": "x"}).status_code == 404
    assert program.delete(f"products/{sku}").status_code == 404
    assert program.put(f"products/{sku}", json=SHIRT).status_code in (201, 422)


def test_versions_are_asked_for_and_held_to(program: Program) -> None:
    made = program.put("products/S-1", json=SHIRT, headers={"If-None-Match": "*"})
    tag = made.headers["ETag"]
    assert program.get("products/S-1", headers={"If-None-Match": tag}).status_code == 304
    assert program.put("products/S-1", json=SHIRT, headers={"If-None-Match": "*"}).status_code == 412
    changed = program.patch("products/S-1", json={"size": "M"}, headers={"If-Match": f'"no", {tag}'})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag
    for method in ("put", "patch", "delete"):
        late = getattr(program, method)("products/S-1", json=SHIRT, headers={"If-Match": tag})
        assert late.status_code == 412 and late.get_json()["code"] == "product-changed"
        weak = {"If-Match": f"W/{changed.headers['ETag']}"}
        assert getattr(program, method)("products/S-1", json=SHIRT, headers=weak).status_code == 412
    assert program.get("products/S-1", headers={"If-None-Match": tag}).status_code == 200
    assert program.patch("products/S-1", json={}, headers={"If-Match": "*"}).status_code == 200
    assert program.put("products/S-9", json=SHIRT, headers={"If-Match": "*"}).status_code == 412
    assert program.put("products/S-9", json=SHIRT, headers={"If-None-Match": tag}).status_code == 400
    good = {"If-Match": changed.headers["ETag"]}
    assert program.delete("products/S-1", headers=good).status_code == 204
    assert program.delete("products/S-1", headers=good).status_code == 412
    revived = program.put("products/S-1", json=SHIRT, headers={"If-None-Match": "*"})
    assert revived.status_code == 201 and revived.headers["ETag"] != tag


def test_pages_have_cursors_that_are_no_offsets(program: Program) -> None:
    for number in range(5):
        program.put(f"products/P-{number}", json=SHIRT)
    first = program.get("products?limit=2").get_json()
    assert [each["sku"] for each in first["products"]] == ["P-0", "P-1"]
    program.delete("products/P-0")  # an offset would now leave one out
    program.put("products/P-15", json=SHIRT)
    second = program.get(f"products?limit=3&cursor={first['next_cursor']}").get_json()
    assert [each["sku"] for each in second["products"]] == ["P-15", "P-2", "P-3"]
    last = program.get(f"products?limit=3&cursor={second['next_cursor']}").get_json()
    assert [each["sku"] for each in last["products"]] == ["P-4"] and last["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=x", "cursor=%00", "cursor=WyJwcm9kdWN0cyIsMV0",
     "cursor=" + "A" * 5000, "cursor=WyJ3ZWJob29rcyIsIiJd"],
)  # fmt: skip
def test_a_page_that_cannot_be_asked_for(program: Program, query: str) -> None:
    assert program.get(f"products?{query}").status_code == 422


def test_pictures_come_along_and_the_product_is_found_by_them(shop: Services, program: Program) -> None:
    form = {
        "product": json.dumps({"title": "Scarlet blouse", "colour": "Red", "price": "20 EUR"}),
        "images": [(io.BytesIO(picture()), "front.jpg"), (io.BytesIO(picture((20, 20, 90))), "back.jpg")],
    }
    made = program.put("products/B-1", data=form, content_type="multipart/form-data")
    assert made.status_code == 201 and len(made.get_json()["images"]) == 2
    names = made.get_json()["images"]
    assert all(name.startswith("upload:") for name in names)
    index(shop)
    read = program.get("products/B-1")
    assert read.get_json()["state"] == "live" and read.headers["ETag"] != made.headers["ETag"]
    sha256 = read.get_json()["pictures"][0]["sha256"]
    assert program.get(f"images/{sha256}/160").mimetype == "image/webp"
    # The version that was read before the pictures went live is still the version of what may be written.
    kept = {"If-Match": made.headers["ETag"]}
    turned = program.patch("products/B-1", json={"images": names[::-1]}, headers=kept)
    assert turned.status_code == 200 and turned.get_json()["images"] == names[::-1]
    extra = {
        "product": json.dumps({"images": [names[0], "more.jpg"]}),
        "images": (io.BytesIO(picture((9, 9, 9))), "more.jpg"),
    }
    more = program.patch("products/B-1", data=extra, content_type="multipart/form-data").get_json()
    assert more["images"][0] == names[0] and len(more["images"]) == 2
    index(shop)
    found = program.post("search", json={"words": "scarlet blouse"}).get_json()
    assert [hit["sku"] for hit in found["hits"]] == ["B-1"] and found["total"] == 1
    assert found["hits"][0]["page"] == "" and "shop=linen" in found["hits"][0]["image"]["url_160"]
    program.headers, kept_headers = {}, program.headers
    try:  # a page of another site shows the picture without a key; our own shop has none like it
        address = found["hits"][0]["image"]["url_160"].removeprefix("/api/v1/")
        assert program.get(address).status_code == 200
        assert program.get(address.partition("?")[0]).status_code == 404
    finally:
        program.headers = kept_headers


def test_a_price_is_searchable_without_a_new_embedding(shop: Services, program: Program) -> None:
    form = {"product": json.dumps({**SHIRT, "images": ["a.jpg"]}), "images": (io.BytesIO(picture()), "a.jpg")}
    program.put("products/S-1", data=form, content_type="multipart/form-data")
    index(shop)
    program.patch("products/S-1", json={"price": "12.50 EUR", "colour": "Teal"})
    pipeline = shop.pipeline()
    pipeline.ensure()
    assert pipeline.index(10).claimed == 1 and pipeline.embed(10).claimed == 0  # no model was asked
    asked = {"filters": {"colour": ["teal"], "price_max": 1250}}
    until, found = time.monotonic() + 2, []
    while not found and time.monotonic() < until:
        found = program.post("search", json=asked).get_json()["hits"]
    assert [hit["sku"] for hit in found] == ["S-1"]


def test_a_deleted_and_a_hidden_product_are_out_at_once(shop: Services, program: Program) -> None:
    for sku in ("S-1", "S-2"):
        form = {
            "product": json.dumps({**SHIRT, "images": ["a.jpg"]}),
            "images": (io.BytesIO(picture()), "a.jpg"),
        }
        program.put(f"products/{sku}", data=form, content_type="multipart/form-data")
    index(shop)
    program.patch("products/S-1", json={"hidden": True})
    program.delete("products/S-2")
    assert program.post("search", json={"words": "shirt"}).get_json()["hits"] == []
    assert program.get("products/S-1?view=shop").status_code == 404
    assert program.get("products/S-1").get_json()["state"] == "hidden"
    assert program.get("products/S-2").status_code == 404


def test_a_key_opens_what_it_is_for(shop: Services, app: Flask) -> None:
    client = app.test_client()
    reader = Program(client, keyed(shop, "linen", "catalogue:read")[1])
    writer = Program(client, keyed(shop, "linen", "catalogue:write")[1])
    seeker = Program(client, keyed(shop, "linen", "search")[1])
    assert writer.put("products/S-1", json=SHIRT).status_code == 201
    assert reader.get("products/S-1").status_code == 200 and reader.get("products").status_code == 200
    for refused in (
        reader.put("products/S-1", json=SHIRT), reader.delete("products/S-1"),
        reader.patch("products/S-1", json={}),
        writer.get("products/S-1"), writer.get("products"), seeker.get("products/S-1"),
        reader.post("search", json={}), writer.get("suggest?q=s"), reader.get("facets"),
        reader.get("products/S-1?view=shop"), writer.get("products/S-1/look"),
    ):  # fmt: skip
        assert refused.status_code == 403 and refused.get_json()["code"] == "scope-missing"
        assert refused.get_json()["fix"].startswith("Issue one with the scope")
    assert seeker.post("search", json={}).status_code == 200 and seeker.get("suggest?q=s").status_code == 200
    assert reader.get("openapi.json").status_code == 200
    nobody = Program(client)
    for method, path in (("GET", "products"), ("PUT", "products/x"), ("DELETE", "products/x")):
        answer = nobody.ask(method, path, json=SHIRT)
        assert answer.status_code == 401 and answer.get_json()["code"] == "key-missing"
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert writer.delete("products/S-1").status_code == 204


def test_a_key_that_is_revoked_rotated_or_a_search_key_opens_nothing(shop: Services, app: Flask) -> None:
    client = app.test_client()
    merchant, secret = keyed(shop, "linen")
    program = Program(client, secret)
    assert program.get("products").status_code == 200
    with shop.sessions.begin() as session:
        assert next(key for key in secret_keys(session, merchant.id) if secret.startswith(key.prefix)).used_at
        successor, old = rotate_secret_key(session, merchant.id, secret, timedelta(hours=1))
    assert program.get("products").status_code == 200
    assert Program(client, successor.secret).get("products").status_code == 200
    with shop.sessions.begin() as session:
        session.get_one(ApiKey, old.id).expires_at = now() - timedelta(seconds=1)
        revoke_secret_key(session, merchant.id, successor.secret)
    for shown in (secret, successor.secret, "twirl_secret_", "twirl_secret_" + "0" * 60, "x" * 4000):
        refused = Program(client, shown).get("products")
        assert refused.status_code == 401 and refused.get_json()["code"] == "key-unknown"


def test_a_page_that_shows_a_secret_key_is_told_so(shop: Services, app: Flask) -> None:
    _, secret = keyed(shop, "linen")
    program = Program(app.test_client(), secret)
    page = {"Origin": "https://no-site-of-ours.example", "Sec-Fetch-Site": "cross-site"}
    refused = program.get("products", headers=page)
    assert refused.status_code == 403 and refused.get_json()["code"] == "secret-key-in-a-page"
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_no_key_is_ever_written_to_the_log_or_an_answer(
    shop: Services, app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    _, secret = keyed(shop, "linen", "search")
    program = Program(app.test_client(), secret)
    for answer in (program.get("products"), program.get("suggest?q=x"), program.put("products/x", json={})):
        assert secret[22:] not in answer.text
    said = capfd.readouterr()
    assert secret[22:] not in said.out + said.err
