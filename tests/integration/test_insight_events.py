"""From a search and a click, on the shop's pages and in the API, to rows; and what is not kept."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bootstrap import Services
from catalog.insight.rollup import forget
from catalog.insight.tables import ClickEvent, SearchEvent
from catalog.insight.vectors import unpacked
from catalog.models import Product
from searcher.insight.events import Events
from searcher.insight.gaps import read
from searcher.query import SearchQuery
from searcher.query_log import QueryLog
from web import origin
from web.app import create_app

OPT_OUTS = ({"DNT": "1"}, {"Sec-GPC": "1"}, {"Sec-Purpose": "prefetch"})


@pytest.fixture(scope="module")
def noted(shop: Services) -> Iterator[Services]:
    usual = shop.events
    usual.on = False
    time.sleep(1.5)  # what other tests have asked is written by then
    yield shop
    usual.on = True
    forget(shop.sessions, 0)


@pytest.fixture
def events(noted: Services, app: Flask) -> Iterator[Events]:
    """Events of this test alone."""
    forget(noted.sessions, 0)
    usual = noted.events, noted.query_log
    made = noted.events = Events(noted.sessions, noted.searcher.stock.shelf)
    noted.query_log = QueryLog(noted.sessions)
    yield made
    made.close()
    noted.query_log.close()
    noted.events, noted.query_log = usual


def searches(shop: Services) -> list[SearchEvent]:
    shop.events.close()
    with shop.sessions() as session:
        return list(session.scalars(select(SearchEvent).order_by(SearchEvent.id)))


def clicks(shop: Services) -> list[tuple[str, int, str]]:
    shop.events.close()
    with shop.sessions() as session:
        rows = session.scalars(select(ClickEvent).order_by(ClickEvent.id))
        return [(row.sku, row.rank, row.kind) for row in rows]


def links(page: str) -> list[str]:
    """The product pages that a page of results leads to, in order."""
    found = re.findall(r'<h3><a href="([^"]+)"', page)
    return [each.replace("&amp;", "&") for each in found]


def test_a_search_and_its_clicks_are_kept(client: FlaskClient, shop: Services, events: Events) -> None:
    first = client.get("/?q=Blue+dress+kimono")
    found = links(first.text)
    assert all("?from=" in each for each in found) and len(found) == 24
    for _ in range(2):  # loaded again: counted once
        assert client.get(found[2]).status_code == 200
    more = re.search(r'data-more href="([^"]+)"', first.text)
    assert more is not None
    second = links(client.get(more[1].replace("&amp;", "&")).text)
    client.get(second[0])
    (row,) = searches(shop)
    assert (row.words, row.mode, row.source, row.shown) == ("blue dress kimono", "words", "shop", 24)
    assert row.unknown == "kimono" and row.vector == "" and len(row.top) == 4
    assert row.day == datetime.now(UTC).date().isoformat()
    third, later = (each.split("/p/")[1].split("?")[0] for each in (found[2], second[0]))
    assert clicks(shop) == [(third, 3, "open"), (later, 25, "open")]


def test_weaker_signs_are_kept_too(client: FlaskClient, shop: Services, events: Events) -> None:
    page = client.get("/?q=dress").text
    similar = re.findall(r'data-then="results" href="([^"]+)"', page)[1].replace("&amp;", "&")
    compare = re.findall(r'formaction="([^"]+)" name="add" value="([^"]+)"', page)[0]
    assert client.get(similar).status_code == 200
    address = compare[0].replace("&amp;", "&")
    assert client.post(address, data={"add": compare[1], "back": "/"}).status_code == 303
    client.post("/compare/tray", data={"remove": compare[1]})
    assert [(rank, kind) for _, rank, kind in clicks(shop)] == [(2, "similar"), (1, "compare")]


def test_a_variant_of_the_piece_counts_as_the_piece(
    client: FlaskClient, shop: Services, events: Events
) -> None:
    page = client.get("/?q=dress").text
    swatch = re.search(r'<ul class="swatches".*?</ul>', page, re.DOTALL)
    assert swatch is not None
    hrefs = [each.replace("&amp;", "&") for each in re.findall(r'<a href="([^"]+)"', swatch[0])]
    other = next(each for each in hrefs if "from=" in each)
    assert client.get(other).status_code == 200
    assert len(clicks(shop)) == 1


@pytest.mark.parametrize("headers", OPT_OUTS)
def test_who_asks_not_to_be_followed_is_not(
    client: FlaskClient, shop: Services, events: Events, headers: dict[str, str]
) -> None:
    page = client.get("/?q=dress", headers=headers)
    assert "from=" not in page.text
    word = origin_of(client, shop)
    assert client.get(f"/p/{word[0]}?from={word[1]}", headers=headers).status_code == 200
    told = client.post("/api/v1/events", json={"origin": "x", "sku": "y"}, headers=headers)
    assert told.status_code == 204
    assert clicks(shop) == [] and [row.source for row in searches(shop)] == ["api"]
    shop.query_log.close()
    assert shop.query_log.written == 1, "only the one by the API"


def origin_of(client: FlaskClient, shop: Services) -> tuple[str, str]:
    hit = client.post("/api/v1/search", json={"words": "dress"}).get_json()["hits"][0]
    return hit["sku"], hit["origin"]


def test_programs_say_what_was_chosen(client: FlaskClient, shop: Services, events: Events) -> None:
    found = client.post("/api/v1/search", json={"words": "shirt", "limit": 5}).get_json()
    onward = {"words": "shirt", "limit": 5, "cursor": found["next_cursor"]}
    second = client.post("/api/v1/search", json=onward).get_json()
    hit, later = found["hits"][1], second["hits"][0]
    for each in (hit, later):
        told = client.post("/api/v1/events", json={"origin": each["origin"], "sku": each["sku"]})
        assert told.status_code == 204
    as_beacon = {"origin": hit["origin"], "sku": hit["sku"], "kind": "similar"}
    beacon = client.post("/api/v1/events", data=json.dumps(as_beacon), content_type="text/plain")
    assert beacon.status_code == 204
    assert [row.source for row in searches(shop)] == ["api"]
    assert clicks(shop) == [(hit["sku"], 2, "open"), (later["sku"], 6, "open"), (hit["sku"], 2, "similar")]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"origin": "forged", "sku": "A"}, "origin"),
        ({"sku": "A"}, "origin"),
        ({"origin": "x", "sku": "A", "kind": "bought"}, "kind"),
        ({"origin": "x" * 65, "sku": "A"}, "origin"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    client: FlaskClient, events: Events, event: dict[str, str], field: str
) -> None:
    told = client.post("/api/v1/events", json=event)
    assert told.status_code == 422 and told.get_json()["errors"][0]["field"] == field
    assert client.post("/api/v1/events", data="[]").status_code == 400


def test_a_word_is_of_one_shop_one_piece_and_one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    key, other = b"k" * 32, b"o" * 32
    minute = int(time.time()) // 60
    word = origin.Origins(key, 1, "00ff" * 4, 24, minute).of(1, "A-1")
    good = origin.read(word, key, 1, "A-1", "open")
    assert good is not None and (good.search, good.rank, good.kind) == ("00ff" * 4, 26, "open")
    assert len(word) < 40
    for wrong in (
        (word, key, 2, "A-1"),
        (word, key, 1, "A-2"),
        (word, other, 1, "A-1"),
        (word, b"", 1, "A-1"),
    ):
        assert origin.read(*wrong, "open") is None
    for at in range(0, len(word), 3):
        forged = f"{word[:at]}{'A' if word[at] != 'A' else 'B'}{word[at + 1 :]}"
        assert origin.read(forged, key, 1, "A-1", "open") is None, at
    for text in ("", "ä", "=", "A" * 5, word[:-4]):
        assert origin.read(text, key, 1, "A-1", "open") is None
    for ago, kept in ((origin.GOOD_S - 120, True), (origin.GOOD_S + 120, False), (-600, False)):
        old = origin.Origins(key, 1, "00ff" * 4, 0, minute - ago // 60).of(0, "A-1")
        assert (origin.read(old, key, 1, "A-1", "open") is not None) is kept


def test_a_photos_vector_is_kept_and_no_photo(client: FlaskClient, shop: Services, events: Events) -> None:
    with shop.sessions() as session:
        product = session.scalars(select(Product).order_by(Product.id)).first()
        assert product is not None
        photo = shop.blobs.read(str(product.images[0].sha256), 480)
    sent = client.post("/search", data={"q": "in green", "photo_file": (BytesIO(photo), "p.webp")})
    assert client.get(sent.headers["Location"]).status_code == 200
    (row,) = searches(shop)
    assert row.mode == "photo+words" and row.photo_id and row.photo_id in sent.headers["Location"]
    model = shop.searcher.models.live()
    own = model.encoder.of_product(model.encoder.product(product.merchant_id, product.sku))
    assert own is not None
    kept = unpacked([row.vector])[0]
    assert float(kept @ own) > 0.9 and kept.shape == own.shape
    columns = {name for name in vars(row) if not name.startswith("_")}
    assert not columns & {"address", "ip", "user", "browser", "session"}


def test_what_is_missing_is_told_with_the_search(client: FlaskClient, shop: Services, events: Events) -> None:
    shelf = shop.searcher.stock.shelf(shop.merchant().id)
    kinds, patterns = shelf.columns["category"], shelf.columns["pattern"]
    everywhere = np.ones(len(shelf), np.bool_)
    for kind in kinds.values:
        mask = kinds.having([kind], len(shelf))
        lacking = [
            p for p in patterns.values if not (mask & patterns.having([p], len(shelf)) & everywhere).any()
        ]
        if " > " in kind and lacking:
            break
    name = kind.rsplit(" > ", 1)[-1]
    client.get("/", query_string={"q": f"{lacking[0]} {name}", "price_max": "9000"})
    (row,) = searches(shop)
    gap = read(row.gap)
    assert [ask.field for ask in gap] == ["category", "pattern"]
    assert gap[1].values == (lacking[0],)


def test_a_database_that_is_away_costs_a_search_nothing(shop: Services) -> None:
    class Away:
        def begin(self) -> Any:
            raise OperationalError("INSERT", {}, Exception("away"))

    events = Events(cast(Any, Away()), shop.searcher.stock.shelf, waiting=5)
    query = SearchQuery(shop.merchant().id, words="red")
    results = shop.searcher.search(query)
    began = time.perf_counter()
    for _ in range(2000):
        events.searched(query, results, "shop")
    took = time.perf_counter() - began
    events.close()
    assert took < 1.0, "noting 2,000 searches"
    assert events.written == 0 and events.dropped == 2000


def test_nothing_is_kept_where_it_is_switched_off(shop: Services, events: Events) -> None:
    events.on = False
    client = create_app(shop).test_client()
    assert "from=" not in client.get("/?q=dress").text
    hit = client.post("/api/v1/search", json={"words": "dress"}).get_json()["hits"][0]
    assert hit["origin"] == ""
    told = client.post("/api/v1/events", json={"origin": "x", "sku": hit["sku"]})
    assert told.status_code == 204 and events.written == events.dropped == 0
