"""The log of searches: off the request path, of nobody, and asked again by a comparison."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from catalog.models import now
from catalog.operations import QueryLog as Logged
from catalog.products import delete_product
from catalog.site import mark_ready
from indexer.fill_begin import begin_fill
from indexer.sweeper import forget_old
from searcher.diff import compare_models
from searcher.diff_page import report_page
from searcher.diff_queries import drawn
from searcher.errors import SearchError
from searcher.filters import Filters
from searcher.query import SearchQuery
from searcher.query_log import QueryLog
from tests.support.fill_worker import LIVE, NEXT, filler, packs

COLOURS = ("Red", "Navy", "Green")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"), PlainEncoder(LIVE))
    made.packs = packs()  # type: ignore[assignment]
    made.start_engine()
    for number in range(24):
        made.put(
            f"S{number}", picture(number), colour=COLOURS[number % 3], price_minor=1000,
            title=f"Dress {number}",
            material="Linen" if number % 2 else "Silk", category="Women > Dresses",
        )  # fmt: skip
    pipeline = made.pipeline()
    while pipeline.step():
        pass
    yield made
    made.close()


@pytest.fixture
def log(shop: Shop) -> Iterator[QueryLog]:
    with shop.sessions.begin() as session:
        session.query(Logged).delete()
    made = QueryLog(shop.sessions)
    yield made
    made.close()


def rows(shop: Shop) -> list[Logged]:
    with shop.sessions() as session:
        return list(session.scalars(select(Logged).order_by(Logged.id)))


def test_first_pages_that_ask_something_are_kept(shop: Shop, log: QueryLog) -> None:
    searcher = shop.searcher()
    photo_id = shop.photos.put(pixels(3))
    filters = Filters(colour=("red",), price_max=90_00, without=(("material", "silk"),))
    asked = [
        SearchQuery(shop.merchant, words="red dress", filters=filters, balance=0.25),
        SearchQuery(shop.merchant, reference="S1", words="in navy"),
        SearchQuery(shop.merchant, photo_id=photo_id),
        SearchQuery(shop.merchant),  # only looks around
        SearchQuery(shop.merchant, photo=pixels(2)),  # nothing to ask again with
    ]
    for query in asked:
        log.note(query, searcher.search(query))
    first = searcher.search(SearchQuery(shop.merchant, words="dress", limit=3))
    second = SearchQuery(shop.merchant, words="dress", limit=3, cursor=first.next_cursor)
    log.note(second, searcher.search(second))
    log.close()
    kept = rows(shop)
    assert [(row.words, row.reference, row.photo_id) for row in kept] == [
        ("red dress", "", ""), ("in navy", "S1", ""), ("", "", photo_id)
    ]  # fmt: skip
    assert log.written == 3 and log.dropped == 0
    one = kept[0]
    assert (one.fingerprint, one.mode, one.balance, one.merchant_id) == (LIVE, "words", 0.25, shop.merchant)
    assert Filters.from_mapping(one.filters) == filters
    assert 0 < len(one.top) <= 10 and one.took_ms > 0


def test_nothing_is_kept_where_it_is_switched_off(shop: Shop) -> None:
    off = QueryLog(shop.sessions, on=False)
    query = SearchQuery(shop.merchant, words="red")
    off.note(query, shop.searcher().search(query))
    off.close()
    assert off.written == off.dropped == 0


def test_old_searches_are_forgotten(shop: Shop, log: QueryLog) -> None:
    searcher = shop.searcher()
    for query in (SearchQuery(shop.merchant, words=words) for words in ("long ago", "now")):
        log.note(query, searcher.search(query))
    log.close()
    with shop.sessions.begin() as session:
        old = update(Logged).where(Logged.words == "long ago")
        session.execute(old.values(at=now() - timedelta(days=31)))
    forget_old(shop.sessions, 30)
    assert [row.words for row in rows(shop)] == ["now"]
    forget_old(shop.sessions, 0)
    assert rows(shop) == []


def test_a_database_that_is_away_costs_a_search_nothing(shop: Shop) -> None:
    from sqlalchemy.exc import OperationalError

    class Away:
        def begin(self) -> Any:
            raise OperationalError("INSERT", {}, Exception("away"))

    log = QueryLog(cast(Any, Away()), waiting=5)
    query = SearchQuery(shop.merchant, words="red")
    results = shop.searcher().search(query)
    began = time.perf_counter()
    for _ in range(2000):
        log.note(query, results)
    took = time.perf_counter() - began
    log.close()
    assert took < 1.0, "noting 2,000 searches"
    assert log.written == 0 and log.dropped == 2000


def test_searches_are_drawn_from_the_items_and_the_same_each_time(shop: Shop) -> None:
    searcher = shop.searcher()
    first, second = (drawn(shop.sessions, searcher.stock, 30) for _ in range(2))
    assert [query.digest() for query in first] == [query.digest() for query in second]
    assert len(first) == len({query.digest() for query in first}) == 30
    assert sum(query.reference is not None for query in first) > 10
    for query in first:
        assert query.words and searcher.search(query).hits


def test_a_comparison_asks_both_models_what_shoppers_asked(shop: Shop, log: QueryLog) -> None:
    searcher = shop.searcher()
    with pytest.raises(SearchError) as refused:
        compare_models(searcher, shop.photos, NEXT)
    assert refused.value.code == "candidate-not-ready"
    begin_fill(shop.sessions, shop.store, fingerprint=NEXT, pack="next", dimension=32)
    mine = filler(shop)
    while mine.step():
        pass
    report = compare_models(searcher, shop.photos, NEXT[:8], count=25)
    assert not report.logged and len(report.changes) == 25
    photo_id, gone = shop.photos.put(pixels(7)), shop.photos.put(pixels(8))
    asked = [SearchQuery(shop.merchant, words=f"dress {number}") for number in range(18)]
    asked += [SearchQuery(shop.merchant, reference=f"S{number}", words="in red") for number in (20, 21)]
    asked += [SearchQuery(shop.merchant, photo_id=photo_id), SearchQuery(shop.merchant, photo_id=gone)]
    for query in (*asked, asked[0]):
        log.note(query, searcher.search(query))
    log.close()
    shop.photos.delete(gone)
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "S21")
    report = compare_models(searcher, shop.photos, NEXT, count=100)
    assert report.logged and (len(report.changes), report.gone) == (20, 2)
    overlaps = [change.overlap for change in report.changes]
    assert overlaps == sorted(overlaps) and report.overlap < 1
    by_photo = next(change for change in report.changes if change.asked.photo_id)
    assert by_photo.live.groups[0] == by_photo.candidate.groups[0] == "S7"
    page = report_page(report, shop.blobs, shop.photos)
    assert page.count("data:image/webp;base64,") >= 20 and len(page) < 3_000_000
    for change in report.changes:  # each answer is of its own model
        for answer, fingerprint in ((change.live, LIVE), (change.candidate, NEXT)):
            model = searcher.models.held(fingerprint)
            assert model is not None
            again = searcher.search(change.asked, model)
            assert again.model == fingerprint
            assert [hit.product.sku for hit in again.hits] == [hit.product.sku for hit in answer.hits]


def test_a_cursor_goes_on_with_its_model_and_is_refused_when_that_is_gone(shop: Shop, tmp_path: Path) -> None:
    from catalog import site
    from searcher.errors import QueryRefused

    index = begin_fill(shop.sessions, shop.store, fingerprint=NEXT, pack="next", dimension=32)
    mine = filler(shop)
    while mine.step():
        pass
    with shop.sessions.begin() as session:
        mark_ready(session, index.id)
    searcher = shop.searcher()
    whole = searcher.search(SearchQuery(shop.merchant, photo=pixels(5), limit=20))
    first = searcher.search(SearchQuery(shop.merchant, photo=pixels(5), limit=8))
    with shop.sessions.begin() as session:
        old = site.live_index(site.site_state(session))
        site.switch(session, index.id)
    onward = SearchQuery(shop.merchant, photo=pixels(5), limit=12, cursor=first.next_cursor)
    second = searcher.search(onward)
    assert second.model == first.model == LIVE
    shown = [hit.product.sku for hit in (*first.hits, *second.hits)]
    assert shown == [hit.product.sku for hit in whole.hits]
    assert searcher.search(SearchQuery(shop.merchant, photo=pixels(5))).model == NEXT
    assert searcher.similar(shop.merchant, "S1", 3).model == NEXT
    browsing = searcher.search(SearchQuery(shop.merchant, limit=3))
    with shop.sessions.begin() as session:
        site.begin_drop(session, old.id)
    with pytest.raises(QueryRefused) as refused:
        searcher.search(onward)
    assert refused.value.code == "cursor-of-another-model"
    rest = searcher.search(SearchQuery(shop.merchant, limit=3, cursor=browsing.next_cursor))
    assert len(rest.hits) == 3, "looking around needs no model"
