"""Insight in the console, from real searches and clicks on the shop's pages to its tables, charts and CSV."""

import csv
import io
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select, update

from bootstrap import Services
from catalog.insight.rollup import forget, roll
from catalog.models import CatalogueRevision, Product
from searcher.insight.events import Events
from tests.support.console import ConsoleClient, console_client
from web.console.insight.charts import bars, line, rounded_up

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def asked(shop: Services, app: Flask) -> Iterator[dict[str, str]]:
    """A shop that was searched: words, a photo, something it has not, and clicks; rolled up."""
    usual = shop.events
    usual.on = False
    time.sleep(1.5)  # what other tests have asked is written by then
    forget(shop.sessions, 0)
    shop.events = Events(shop.sessions, shop.searcher.stock.shelf)
    client = app.test_client()
    kind, pattern = lacking(shop)
    for _ in range(3):
        page = client.get("/?q=dress").text
    client.get(re.findall(r'<h3><a href="([^"]+)"', page)[1].replace("&amp;", "&"))
    for _ in range(2):
        client.get("/", query_string={"q": f"{pattern} {kind}", "price_max": "9000"})
    client.get("/", query_string={"q": "=HYPERLINK(1) zzyzx"})
    with shop.sessions() as session:
        product = session.scalars(select(Product).order_by(Product.id)).first()
        assert product is not None
        photo = shop.blobs.read(str(product.images[0].sha256), 480)
    sent = client.post("/search", data={"q": "in green", "photo_file": (io.BytesIO(photo), "p.webp")})
    client.get(sent.headers["Location"])
    shop.events.close()
    assert shop.events.dropped == 0
    roll(shop.sessions)
    photo_id = re.search(r"photo=([\w-]+)", sent.headers["Location"])
    assert photo_id is not None
    yield {"kind": kind, "pattern": pattern, "photo": photo_id[1], "title": product.title}
    forget(shop.sessions, 0)
    shop.events = usual
    usual.on = True


def lacking(shop: Services) -> tuple[str, str]:
    """A kind, and a pattern that no item of it has."""
    shelf = shop.searcher.stock.shelf(shop.merchant().id)
    kinds, patterns = shelf.columns["category"], shelf.columns["pattern"]
    for kind in kinds.values:
        mask = kinds.having([kind], len(shelf))
        for pattern in patterns.values:
            if " > " in kind and not (mask & patterns.having([pattern], len(shelf))).any():
                return kind.rsplit(" > ", 1)[-1], pattern
    raise AssertionError("a drawn shop has gaps")


@pytest.fixture
def viewer(shop: Services, asked: dict[str, str]) -> ConsoleClient:
    return console_client(shop, "viewer")


def page(client: ConsoleClient, path: str = "") -> str:
    answer = client.get(f"/console/{client.shop}/insight/{path}")
    assert answer.status_code == 200, path
    return answer.text


def rows(client: ConsoleClient, name: str) -> list[dict[str, str]]:
    text = page(client, f"{name}.csv")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_overview_says_how_much_and_how_well(viewer: ConsoleClient) -> None:
    text = page(viewer)
    sums = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text))
    assert sums["Searches"] == "7" and sums["By a photo"] == "14 %" and sums["Led to a click"] == "14 %"
    assert text.count("<svg") == 3 and "style=" not in text and "<script" not in text
    assert f"most on {TODAY}: 7" in text
    today = rows(viewer, "days")[-1]
    assert (today["day"], today["searches"], today["by_photo"], today["opened"]) == (
        str(TODAY),
        "7",
        "1",
        "1",
    )
    assert int(today["median_ms"]) > 0
    places = rows(viewer, "places")
    assert (places[1]["place"], places[1]["opened"]) == ("2", "1") and places[0]["opened"] == "0"


def test_words_and_those_answered_poorly(viewer: ConsoleClient, asked: dict[str, str]) -> None:
    found = rows(viewer, "words")
    assert (found[0]["words"], found[0]["searches"], found[0]["led_to_a_click"]) == ("dress", "3", "1")
    poor = [each["words"] for each in rows(viewer, "poorly-answered")]
    assert "dress" not in poor and "'=hyperlink(1) zzyzx" in poor, "no spreadsheet runs it"
    text = page(viewer, "words")
    assert "=hyperlink(1) zzyzx" in text.split('id="poorly"')[1]


def test_what_is_missing_is_listed_until_it_is_in_stock(
    viewer: ConsoleClient, shop: Services, asked: dict[str, str]
) -> None:
    said = f"{asked['kind']}, {asked['pattern']}"
    (gap,) = rows(viewer, "gaps")
    assert gap["missing"].casefold() == said.casefold() and gap["searches"] == "2"
    assert said.casefold() in page(viewer, "gaps").casefold()
    assert {"zzyzx", "hyperlink"} <= {each["word"] for each in rows(viewer, "unknown-words")}
    with shop.sessions.begin() as session:
        product = session.scalars(
            select(Product).where(Product.category.ilike(f"%> {asked['kind']}%")).order_by(Product.id)
        ).first()
        assert product is not None
        was, product.pattern = product.pattern, asked["pattern"]
        session.execute(update(CatalogueRevision).values(revision=CatalogueRevision.revision + 1))
    try:
        wait_for(lambda: rows(viewer, "gaps") == [])
    finally:
        with shop.sessions.begin() as session:
            session.execute(update(Product).where(Product.id == product.id).values(pattern=was))
            session.execute(update(CatalogueRevision).values(revision=CatalogueRevision.revision + 1))
        wait_for(lambda: len(rows(viewer, "gaps")) == 1)


def wait_for(holds: object) -> None:
    deadline = time.monotonic() + 20
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_photos_are_shown_while_they_are_kept(
    viewer: ConsoleClient, shop: Services, asked: dict[str, str]
) -> None:
    text = page(viewer, "photos") + page(viewer, "gaps")  # there, where the model sees no match
    assert f"/photos/{asked['photo']}.webp" in text and "Found first" in text and "“in green” (1)" in text
    data = shop.photos.webp(asked["photo"])
    assert data is not None
    shop.photos.delete(asked["photo"])
    try:
        text = page(viewer, "photos") + page(viewer, "gaps")
        assert f"/photos/{asked['photo']}" not in text and "Found first" in text
    finally:
        (shop.photos.root / f"{asked['photo']}.webp").write_bytes(data)
    (one,) = rows(viewer, "photos")
    assert (one["searches"], one["words"]) == ("1", "in green")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("days=7", 'aria-current="true">7 days'),
        ("days=8", 'aria-current="true">30 days'),
        ("from=2026-01-01&to=2026-01-31", 'value="2026-01-01"'),
        ("from=yesterday", "This is no date"),
        ("from=2026-02-01&to=2026-01-01", "the earlier day first"),
        ("from=1999-01-01&to=2026-01-01", "Choose 1 to 400 days"),
    ],
)
def test_a_period_is_chosen(viewer: ConsoleClient, query: str, said: str) -> None:
    for path in ("", "words", "photos", "gaps"):
        assert said in page(viewer, f"{path}?{query}")


def test_days_before_the_first_search_are_empty(viewer: ConsoleClient) -> None:
    before = TODAY - timedelta(days=9)
    text = page(viewer, f"?from={before}&to={before}")
    assert "<dt>Searches</dt><dd>0</dd>" in text and "<dt>By a photo</dt><dd>–</dd>" in text


def test_another_shop_sees_nothing_of_it(shop: Services, viewer: ConsoleClient) -> None:
    other = console_client(shop, "owner", shop="another")
    assert "<dt>Searches</dt><dd>0</dd>" in page(other)
    for name in ("words", "poorly-answered", "gaps", "unknown-words", "photos", "places"):
        assert rows(other, name) == [], name
    for path in ("", "words", "gaps", "photos", "words.csv"):
        assert other.get(f"/console/{viewer.shop}/insight/{path}").status_code == 404
    assert viewer.get(f"/console/{viewer.shop}/insight/people.csv").status_code == 404


def test_charts_are_paths() -> None:
    assert bars([0, 1, 2], 2) == "M264.0 160v-80.0h192.0v80.0zM504.0 160v-160.0h192.0v160.0z"
    assert bars([1], 1000).startswith("M72.0 160v-1.0"), "a little is not nothing"
    assert bars([], 0) == bars([0], 0) == ""
    assert line([1, None, 2, 2], 2) == "M90.0 80.0h2M450.0 0.0L630.0 0.0"
    assert [rounded_up(each) for each in (0, 0.03, 1, 3, 7, 12, 101)] == [1, 0.05, 1, 5, 10, 20, 200]
    assert not np.isnan(rounded_up(1e-9))
