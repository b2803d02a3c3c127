"""The shop in a shopper's language: chosen, kept, told, and whole."""

import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from tests.support import pseudo
from tests.support.pictures import HOSTILE
from web import language
from web.app import create_app

SPOKEN = ("alt", "aria-label", "placeholder", "title", "aria-valuetext", "data-announce")
SILENT = ("script", "style", "svg")
VOID = {"meta", "link", "input", "img", "br", "path", "rect", "circle", "image"}
PRICE = re.compile(r"\u200f|US\$")
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(scope="module")
def sku(shop: Services) -> str:
    with shop.sessions() as session:
        return str(session.scalars(select(Product.sku).order_by(Product.id)).first())


class Heard(HTMLParser):
    """What a page says, to eyes and to screen readers; parts that name another language are left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        other = given.get("lang") not in (None, pseudo.LANGUAGE)
        quiet = other or tag in SILENT or (bool(self._open) and self._open[-1][1])
        if not quiet:
            self.said += [str(given[name]) for name in SPOKEN if given.get(name)]
        if tag not in VOID:
            self._open.append((tag, quiet))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._open or not self._open[-1][1]:
            self.said.append(data)


def catalogue_says(shop: Services) -> set[str]:
    """Texts of the shop's own products: they stay as the merchant writes them."""
    said = {"Demo", "Women", "Men", "none-such", "None-such · Demo"}
    with shop.sessions() as session:
        for each in session.scalars(select(Product)):
            said |= {each.title, each.brand, each.colour, each.size, each.material, each.pattern, each.sku}
            said |= {part.strip() for part in each.category.split(">")} | set(each.colour.split("/"))
            said |= {part.strip() for part in each.description.split("\n")}
            said.add(f"{each.title} · Demo")
    return {" ".join(text.split()).casefold().replace("-", "–") for text in said}


def pages(sku: str) -> list[str]:
    return [
        "/",
        "/?q=black+shrit+without+stripes+with+pockets+under+%2480&sort=price",
        "/?q=long+sleeved+dress+under+%241",
        "/?q=coffee+maker&colour=black",
        f"/?like={sku}&q=but+in+red&colour=black&price_min=5&price_max=90&via=q%3Dshirt&balance=80",
        "/?colour=none-such",
        "/?sort=nothing&price_min=cheap",
        f"/p/{sku}",
        f"/compare?sku={sku}",
        "/compare",
        "/p/none-of-ours",
        "/nothing/here",
    ]


@pytest.fixture(scope="module")
def elsewhere(shop: Services) -> Iterator[FlaskClient]:
    """A client of the shop in brackets."""
    app = create_app(shop)
    app.extensions.pop("babel")
    language.install(app, pseudo.catalogues())
    with app.test_client() as client:
        yield client


def test_every_word_of_every_page_is_translated(elsewhere: FlaskClient, shop: Services, sku: str) -> None:
    its_own = catalogue_says(shop)
    elsewhere.post("/compare/tray", data={"add": sku})
    photo = shop.blobs.read(_picture(shop, sku), 480)
    answer = elsewhere.post("/search", data={"photo_file": (io.BytesIO(photo), "p.webp")})
    left: set[tuple[str, str]] = set()
    for path in [*pages(sku), answer.headers["Location"]]:
        text = elsewhere.get(path, headers={"Accept-Language": pseudo.LANGUAGE}).text
        assert f'<html lang="{pseudo.LANGUAGE}" dir="rtl">' in text
        bare = [" ".join(PRICE.sub("", pseudo.outside(each)).split()) for each in Heard(text).said]
        words = {each.strip(" :;,.·–—/") for each in bare if re.search(r"[^\W\d_]{2}", each)}
        left |= {(path, each) for each in words if each.casefold().replace("-", "–") not in its_own}
    assert left == set()


def _picture(shop: Services, sku: str) -> str:
    with shop.sessions() as session:
        found = session.scalars(select(Product).where(Product.sku == sku)).one()
        return str(found.images[0].sha256)


def test_the_browser_asks_and_the_page_answers_in_german(client: FlaskClient) -> None:
    answer = client.get("/?q=shirt+under+%2480", headers=GERMAN)
    assert '<html lang="de" dir="ltr">' in answer.text
    assert answer.headers["Content-Language"] == "de"
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)
    assert "Bis 80\u00a0$" in answer.text
    assert "Stücke, die nächsten zuerst" in answer.text
    said = json.loads(re.search(r'id="said">(.*?)</script>', answer.text).group(1))  # type: ignore[union-attr]
    assert said["Searching"] == "Suche läuft"


def test_english_is_spoken_where_nothing_known_is_asked_for(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept-Language": "fr"})
    assert '<html lang="en" dir="ltr">' in answer.text
    assert 'id="said"' not in answer.text


def test_a_choice_is_in_the_address_and_is_kept(client: FlaskClient) -> None:
    first = client.get("/?q=shirt&lang=de")
    assert '<html lang="de"' in first.text
    assert "lang=de" in first.headers["Set-Cookie"]
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert 'href="/?q=shirt&amp;lang=en"' in first.text
    assert '<html lang="de"' in client.get("/?q=shirt", headers={"Accept-Language": "en"}).text
    assert '<html lang="en"' in client.get("/?lang=en", headers=GERMAN).text
    assert client.get("/?lang=xx").headers.get("Set-Cookie") is None
    client.delete_cookie("lang")


def test_the_shop_has_a_language_of_its_own(shop: Services) -> None:
    speaking = _with_language(shop, "de")
    client = create_app(speaking).test_client()
    answer = client.get("/")
    assert '<html lang="de"' in answer.text
    assert '<h3 lang="de">' in client.get("/", headers={"Accept-Language": "en"}).text
    assert '<h3 lang="' not in answer.text


class _with_language:  # noqa: N801 - reads as a sentence
    """The same services, but for one setting."""

    def __init__(self, services: Services, code: str) -> None:
        self._services, self._code = services, code

    def __getattr__(self, name: str) -> object:
        if name == "settings":
            from dataclasses import replace

            settings = self._services.settings
            return replace(settings, web=replace(settings.web, language=self._code))
        return getattr(self._services, name)


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", "empty.jpg"])
def test_what_is_refused_is_said_in_german_and_programs_are_told_in_english(
    client: FlaskClient, name: str
) -> None:
    if name not in HOSTILE:
        pytest.skip(f"no {name}")
    photo = {"photo": (io.BytesIO(HOSTILE[name][0]), name)}
    german = client.post("/api/v1/photos", data=photo, headers=GERMAN).json
    photo = {"photo": (io.BytesIO(HOSTILE[name][0]), name)}
    plain = client.post("/api/v1/photos", data=photo).json
    assert german is not None
    assert plain is not None
    assert german["code"] == plain["code"]
    assert german["detail"] != plain["detail"]
    assert "JPEG" in german["fix"] or "Foto" in german["fix"]


def test_what_is_gone_is_said_in_german(client: FlaskClient) -> None:
    assert "Dieses Stück gibt es im Shop nicht mehr." in client.get("/p/none", headers=GERMAN).text
    assert "kein Preis" in client.get("/?price_min=viel", headers=GERMAN).text
