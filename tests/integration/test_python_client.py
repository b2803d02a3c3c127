"""The Python client against the real application: each request of the API, each field of its answers."""

import io
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
import twirl_client
from flask import Flask
from PIL import Image
from twirl_client import Merchant, Twirl, TwirlRefused, TwirlUnreachable

from bootstrap import Services
from tests.support.keyed import keyed

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())


class Listening(httpx.WSGITransport):
    """Remembers what was asked."""

    asked: set[tuple[str, str]]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.add((request.method.lower(), request.url.path))
        return super().handle_request(request)


@pytest.fixture(scope="module")
def heard(app: Flask) -> Listening:
    transport = Listening(app=app)
    transport.asked = set()
    return transport


@pytest.fixture(scope="module")
def twirl(heard: Listening) -> Iterator[Twirl]:
    with Twirl("http://localhost", transport=heard) as client:
        yield client


@pytest.fixture(scope="module")
def merchant(shop: Services, heard: Listening) -> Iterator[Merchant]:
    with Merchant("http://localhost", key=keyed(shop, "client")[1], transport=heard) as client:
        yield client


@pytest.fixture(scope="module")
def photo() -> bytes:
    picture = Image.new("RGB", (200, 250), "white")
    picture.paste((180, 30, 40), (50, 50, 150, 220))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def test_every_request_of_the_api_has_a_method(
    twirl: Twirl, merchant: Merchant, heard: Listening, photo: bytes
) -> None:
    found = twirl.search("red shirt", limit=2)
    assert len(found.hits) == 2 and found.mode == "words" and found.understood[0].label
    hit = found.hits[0]
    twirl.chose(hit)
    assert twirl.product(hit.sku).title == hit.title
    assert all(piece.because in ("shop", "style") for piece in twirl.look(hit.sku))
    assert any(facet.field == "colour" and facet.values for facet in twirl.facets({"price_min": 1}))
    assert any("shirt" in each.text.lower() for each in twirl.suggest("shir"))
    assert hit.image is not None and twirl.picture(hit.image.sha256, 160)[8:12] == b"WEBP"
    _a_merchants_program_does_all_it_may(merchant, photo)
    kept = twirl.keep_photo(photo)
    assert all(len(box) == 4 for box in twirl.garments(kept))
    twirl.forget_photo(kept)
    with pytest.raises(TwirlRefused):
        twirl.garments(kept)
    operations = {(m, path) for path, item in DOCUMENT["paths"].items() for m in item if m != "parameters"}
    untried = {pair for pair in operations if not any(matches(*pair, *asked) for asked in heard.asked)}
    assert not untried


def _a_merchants_program_does_all_it_may(shop: Merchant, photo: bytes) -> None:
    made = shop.put_product(
        "C-1 a", {"title": "Shirt", "price": "20 USD"}, pictures={"a.jpg": photo}, new=True
    )
    assert made.created and made.product.images[0].startswith("upload:") and made.product.price == "20.00 USD"
    with pytest.raises(TwirlRefused) as refused:
        shop.put_product("C-1 a", {"title": "Shirt"}, new=True)
    assert refused.value.code == "product-changed"
    changed = shop.patch_product("C-1 a", {"price": None, "attributes": {"fit": "slim"}}, etag=made.etag)
    assert changed.product.price is None and changed.product.attributes == {"fit": "slim"}
    again = shop.put_product("C-1 a", changed.product.document(), etag=changed.etag)
    assert (again.product, again.etag) == (shop.own_product("C-1 a").product, changed.etag)
    assert [each.sku for each in shop.products(page=1)] == ["C-1 a"]
    with pytest.raises(TwirlRefused) as refused:
        shop.put_product("C-1 a", {"price": "cheap", "title": ""})
    assert {"price", "title", "images"} == {each.field for each in refused.value.errors}
    with pytest.raises(TwirlRefused):
        shop.delete_product("C-1 a", etag=made.etag)
    tried = shop.search_unpublished("shirt", limit=5)
    assert [(hit.place, hit.sku, hit.published, hit.state) for hit in tried.hits] == [
        (1, "C-1 a", False, "queued")
    ]
    assert (tried.total, tried.unpublished, tried.photo_id) == (0, 1, None) and tried.hits[0].parts
    assert shop.search_unpublished(photo=photo).photo_id
    shop.delete_product("C-1 a", etag=again.etag)
    _it_imports_and_is_told(shop)


def _it_imports_and_is_told(shop: Merchant) -> None:
    lines = [{"sku": f"I-{n}", "title": "Shirt", "images": ["https://shop.example/1.jpg"]} for n in range(3)]
    job = shop.start_import(lines, missing="remove", idempotency_key="7")
    assert shop.start_import(lines, missing="remove", idempotency_key="7").id == job.id
    assert shop.start_import(b'{"sku": "I-1"}\n').id != job.id
    assert shop.import_job(job.id) == job and not job.is_over and job.counts.rows == 0
    assert [each.id for each in shop.imports()][-1] == job.id
    assert not list(shop.import_results(job.id)) and not list(shop.import_results(job.id, outcome="refused"))
    made = shop.create_webhook("https://shop.example/told", events=["import.failed"], name="ERP")
    assert made.secret.startswith("whsec_") and shop.webhook(made.id) == shop.webhooks()[0]
    assert not shop.change_webhook(made.id, enabled=False, events=["import.done"]).enabled
    message = shop.try_webhook(made.id)
    assert [(each.message_id, each.state) for each in shop.deliveries(made.id)] == [(message, "waiting")]
    shop.delete_webhook(made.id)
    with pytest.raises(TwirlRefused):
        shop.webhook(made.id)


def matches(method: str, pattern: str, asked_method: str, asked: str) -> bool:
    given, wanted = asked.split("/"), pattern.split("/")
    same = all(want.startswith("{") or want == give for want, give in zip(wanted, given, strict=False))
    return method == asked_method and len(given) == len(wanted) and same


@pytest.mark.parametrize(
    "name",
    [
        "Counts",
        "Deliveries",
        "Delivery",
        "Import",
        "Imports",
        "NewWebhook",
        "ResultsPage",
        "RowError",
        "RowResult",
        "ScorePart",
        "Tried",
        "TriedHit",
        "Webhook",
        "Webhooks",
        "Facet",
        "FacetValue",
        "FieldError",
        "Hit",
        "Match",
        "OwnPicture",
        "OwnProduct",
        "OwnProducts",
        "Picture",
        "Piece",
        "Price",
        "Product",
        "Results",
        "Suggestion",
        "Understood",
        "Variant",
        "Why",
    ],
)
def test_answers_have_the_fields_of_the_document(name: str) -> None:
    said = DOCUMENT["components"]["schemas"][name]["properties"]
    assert {each.name for each in fields(getattr(twirl_client, name))} == set(said)


def test_the_options_are_those_of_the_document() -> None:
    said = set(DOCUMENT["components"]["schemas"]["Search"]["properties"])
    assert set(twirl_client.SearchOptions.__annotations__) | {"words"} == said


def test_a_photo_goes_with_every_option_and_is_then_named(twirl: Twirl, photo: bytes) -> None:
    first = twirl.search(
        "but in blue", photo=photo, filters={"price_min": 1}, balance=0.4, limit=3, facets=False, exclude=[],
        chips={"colour=blue": "off"}, crop=(0.1, 0.1, 0.8, 0.8), collapse=True, understand=True, sort="",
    )  # fmt: skip
    assert first.mode == "photo+words" and first.photo_id and not first.facets and len(first.hits) == 3
    assert [each.mode for each in first.understood if each.key == "colour=blue"] == ["off"]
    again = twirl.search("", photo_id=first.photo_id, limit=3)
    onward = twirl.search("", photo_id=first.photo_id, limit=3, cursor=again.next_cursor)
    assert not {hit.sku for hit in again.hits} & {hit.sku for hit in onward.hits}


def test_a_refusal_has_its_code_and_the_fix(twirl: Twirl, heard: Listening) -> None:
    with pytest.raises(TwirlRefused) as refused:
        twirl.product("no/such sku?")
    assert refused.value.status == 404 and refused.value.code == "not-found" and refused.value.fix
    with pytest.raises(TwirlRefused) as refused:
        twirl.search(limit=0)
    assert refused.value.code == "invalid" and refused.value.errors[0].field == "limit"
    stranger = Twirl("http://localhost", key="x", transport=heard)
    with pytest.raises(TwirlRefused) as refused:
        stranger.search()
    assert refused.value.code == "key-unknown"


def test_what_passes_by_itself_is_tried_again_and_an_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twirl_client.client.time.sleep", lambda seconds: None)
    tries: list[int] = []

    def away(environ: object, start: object) -> list[bytes]:
        tries.append(1)
        start("503 Service Unavailable", [("Retry-After", "1")])  # type: ignore[operator]
        return [b"a proxy's page"]

    proxy = httpx.WSGITransport(app=away)
    with Twirl("http://localhost", transport=proxy) as client, pytest.raises(TwirlUnreachable):
        client.search()
    assert len(tries) == 3
    with Twirl("http://127.0.0.1:9", timeout_s=5) as nobody, pytest.raises(TwirlUnreachable):
        nobody.suggest("x")
