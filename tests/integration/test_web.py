"""The pages over the real shop, as a browser without scripts meets them."""

import io
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from bootstrap import Services
from catalog.models import Product
from catalog.products import hide_product
from tests.support.pictures import HOSTILE, POLYGLOT
from web.headers import SECURITY


class Page(HTMLParser):
    """Every tag of a page with its attributes, and the text of its <h1>."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def cards(self) -> list[str]:
        return [str(a["data-sku"]) for a in self.all("li") if "data-sku" in a]


def page(answer: TestResponse) -> Page:
    assert answer.status_code == 200, answer.text[:300]
    assert answer.mimetype == "text/html"
    return Page(answer.text)


@pytest.fixture(scope="module")
def products(shop: Services) -> list[Product]:
    with shop.sessions() as session:
        return [p for p in session.scalars(select(Product).order_by(Product.id)) if p.images]


def test_the_first_page_greets_and_shows_the_newest(client: FlaskClient) -> None:
    answer = client.get("/")
    assert "Show us a piece you love" in answer.text
    assert len(page(answer).cards) == 24


def test_words_are_posted_without_scripts_and_answered_by_an_address(client: FlaskClient) -> None:
    answer = client.post("/search", data={"q": "striped shirt", "photo_file": (io.BytesIO(b""), "")})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/?q=striped+shirt"
    found = client.get(answer.headers["Location"])
    assert "“striped shirt”" in found.text
    assert page(found).cards


def test_a_photo_and_words_are_posted_without_scripts(
    client: FlaskClient, shop: Services, products: list[Product]
) -> None:
    sent = shop.blobs.read(str(products[0].images[0].sha256), 1200)
    answer = client.post(
        "/search", data={"q": "", "photo_file": (io.BytesIO(sent), "this.webp"), "colour": ""}
    )
    assert answer.status_code == 303
    photo_id = parse_qs(urlsplit(answer.headers["Location"]).query)["photo"][0]
    found = client.get(answer.headers["Location"])
    assert "Like your photo" in found.text
    group = {p.sku for p in products if p.item_group_id == products[0].item_group_id}
    assert page(found).cards[0] in group
    thumb = client.get(f"/photos/{photo_id}.webp")
    assert thumb.content_type == "image/webp"
    assert thumb.headers["Cache-Control"].startswith("private")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_photos_are_refused_and_the_words_kept(client: FlaskClient, name: str) -> None:
    data, _ = HOSTILE[name]
    answer = client.post("/search", data={"q": "in red", "photo_file": (io.BytesIO(data), name)})
    assert answer.status_code in (413, 415, 422)
    assert 'value="in red"' in answer.text
    assert "Traceback" not in answer.text


def test_a_polyglot_is_searched_as_the_picture_that_it_is(client: FlaskClient) -> None:
    answer = client.post("/search", data={"photo_file": (io.BytesIO(POLYGLOT), "x.gif")})
    assert answer.status_code == 303


def test_filters_order_and_pages_are_plain_links_and_forms(client: FlaskClient) -> None:
    first = page(client.get("/"))
    filters = next(form for form in first.all("form") if form.get("id") == "filters")
    assert (filters["method"], filters["action"]) == ("get", "/")
    assert {a["name"] for a in first.all("input") if a.get("type") == "checkbox"} >= {
        "colour",
        "availability",
    }
    more = next(a["href"] for a in first.all("a") if "data-more" in a)
    second = page(client.get(str(more)))
    assert second.cards
    assert not set(second.cards) & set(first.cards)
    cheap = page(client.get("/?sort=price&price_max=60"))
    assert cheap.cards


def test_a_chosen_filter_is_a_chip_that_takes_it_off(client: FlaskClient) -> None:
    found = client.get("/?q=shirt&colour=black&price_max=500")
    links = [str(a["href"]) for a in page(found).all("a")]
    assert "/?q=shirt&price_max=500" in links
    assert "/?q=shirt&colour=black" in links
    assert "Up to $500" in found.text


def test_nothing_found_names_the_ways_on(client: FlaskClient) -> None:
    answer = client.get("/?colour=no-such-colour")
    assert "Nothing here fits" in answer.text
    assert "Clear all filters" in answer.text


def test_a_product_page_says_everything_and_offers_more(client: FlaskClient, products: list[Product]) -> None:
    shown = next(p for p in products if sum(q.item_group_id == p.item_group_id for q in products) > 1)
    answer = client.get(f"/p/{shown.sku}")
    found = page(answer)
    assert len(found.cards) == 4 + 6  # its look, and more like it
    assert shown.sku not in found.cards
    siblings = [p.sku for p in products if p.item_group_id == shown.item_group_id]
    links = {a.get("href") for a in found.all("a")}
    assert all(f"/p/{sku}" in links for sku in siblings)


def test_a_product_becomes_the_reference(client: FlaskClient, products: list[Product]) -> None:
    shown = products[3]
    answer = client.get(f"/?like={shown.sku}&q=in+red")
    assert "“in red”" in answer.text
    hidden = {(a.get("name"), a.get("value")) for a in page(answer).all("input")}
    assert ("like", shown.sku) in hidden


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/p/none-of-ours", 404),
        ("/p/%00", 404),
        ("/p/" + "x" * 400, 404),
        ("/?like=none-of-ours", 422),
        ("/?photo=gone", 422),
        ("/?photo=../../x", 422),
        ("/?q=" + "x" * 600, 422),
        ("/?cursor=nonsense", 422),
        ("/?price_min=cheap", 422),
        ("/?price_min=9&price_max=1", 422),
        ("/?sort=up", 422),
        ("/images/zz/480.webp", 404),
        ("/images/" + "0" * 64 + "/481.webp", 404),
        ("/photos/gone.webp", 404),
    ],
)
def test_bad_addresses_are_answered_with_the_way_on(client: FlaskClient, address: str, status: int) -> None:
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:300]
    if answer.mimetype == "text/html":
        assert "Back to the shop" in answer.text
        assert 'id="search"' in answer.text


@pytest.mark.parametrize(
    "address", ["/", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/?size=%22%3E%3Cimg%20src=x%3E"]
)
def test_no_page_holds_inline_code(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    for name, value in SECURITY.items():
        assert answer.headers[name] == value
    assert "Set-Cookie" not in answer.headers
    for tag, attributes in page(answer).tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "script":
            assert str(attributes.get("src", "")).startswith("/assets/")
        for name in ("src", "href", "action"):
            assert not str(attributes.get(name) or "").startswith(("http:", "https:", "//")), attributes
    assert "<script>alert(1)" not in answer.text


def test_every_picture_has_its_shape_and_waits_its_turn(client: FlaskClient) -> None:
    pictures = [a for a in page(client.get("/")).all("img") if "srcset" in a]
    assert len(pictures) >= 24
    for picture in pictures:
        assert int(str(picture["width"])) > 1
        assert int(str(picture["height"])) > 1
        assert " 160w" not in str(picture["srcset"]) or int(str(picture["height"])) <= int(
            str(picture["width"])
        )
        assert picture["sizes"]
    assert sum(picture.get("loading") == "lazy" for picture in pictures) >= len(pictures) - 4


def test_a_hidden_product_is_gone_from_every_page(
    client: FlaskClient, shop: Services, products: list[Product]
) -> None:
    gone = products[-1]
    with shop.sessions.begin() as session:
        hide_product(session, gone.merchant_id, gone.sku)
    try:
        assert client.get(f"/p/{gone.sku}").status_code == 404
        assert client.get(f"/api/v1/products/{gone.sku}").status_code == 404
        assert client.get(f"/?like={gone.sku}").status_code == 422
    finally:
        with shop.sessions.begin() as session:
            hide_product(session, gone.merchant_id, gone.sku, hidden=False)
