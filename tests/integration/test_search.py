"""Searching a shop that the real pipeline has indexed: real SQLite, real engine, real decoder."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from sqlalchemy import update

from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from catalog.models import Product
from catalog.products import delete_product, ensure_merchant, hide_product, save_product
from catalog.records import ProductRecord
from searcher.errors import QueryRefused, SearchUnavailable
from searcher.filters import Filters
from searcher.models import Models
from searcher.query import SearchQuery
from searcher.results import Facet, Results
from searcher.search import Searcher

if TYPE_CHECKING:
    from embedding.packs import Packs

COLOURS = ("Red", "Navy", "Green/White")


def fill(shop: Shop) -> None:
    """60 variants in 20 products, and another merchant's that must never show."""
    for number in range(60):
        family = number // 3
        shop.put(
            f"S{number}", picture(number), picture(500 + number), item_group_id=f"G{family}",
            title=f"Linen dress model {family}", colour=COLOURS[number % 3], price_minor=1000 * (family + 1),
            category="Women > Dresses" if family % 2 else "Men > Shirts > Linen",
            brand="Acme" if family < 5 else "Other House",
        )  # fmt: skip
    foreign = f"incoming:{shop.incoming.put(picture(3))}"
    with shop.sessions.begin() as session:
        other = ensure_merchant(session, "other").id
        save_product(session, other, ProductRecord(sku="S3", title="Linen dress model 1", images=(foreign,)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"), PlainEncoder(secrets.token_hex(8)))
    made.start_engine()
    fill(made)
    pipeline = made.pipeline()
    while pipeline.step():
        pass
    yield made
    made.close()


@pytest.fixture
def searcher(shop: Shop) -> Searcher:
    return shop.searcher()


def skus(results: Results) -> list[str]:
    return [hit.product.sku for hit in results.hits]


def facet(results: Results, field: str) -> Facet:
    return next(each for each in results.facets if each.field == field)


def test_a_photo_finds_its_variant_and_lists_the_others(shop: Shop, searcher: Searcher) -> None:
    found = searcher.search(SearchQuery(shop.merchant, photo=pixels(16)))
    best = found.hits[0]
    assert found.mode == "photo" and best.product.sku == "S16" and best.image.position == 0
    assert [each.sku for each in best.variants] == ["S15", "S17"]
    assert best.score > 0.95 and len({hit.product.item_group_id for hit in found.hits}) == len(found.hits)
    assert set(found.timings) == {"understand", "encode", "compose", "search", "hydrate", "facets", "total"}


def test_the_picture_that_matched_is_the_one_shown(shop: Shop, searcher: Searcher) -> None:
    best = searcher.search(SearchQuery(shop.merchant, photo=pixels(516))).hits[0]
    assert (best.product.sku, best.image.position) == ("S16", 1)


def test_without_collapse_each_variant_is_a_hit(shop: Shop, searcher: Searcher) -> None:
    found = searcher.search(SearchQuery(shop.merchant, photo=pixels(16), collapse=False, limit=60))
    assert sorted(skus(found)) == sorted(f"S{number}" for number in range(60))
    assert all(hit.variants == () for hit in found.hits)


def test_a_kept_photo_is_found_again_by_its_id_and_a_gone_one_says_so(shop: Shop, searcher: Searcher) -> None:
    kept = shop.photos.put(pixels(16))
    for _ in range(2):
        assert skus(searcher.search(SearchQuery(shop.merchant, photo_id=kept)))[0] == "S16"
    with pytest.raises(QueryRefused, match="Add the photo again") as refused:
        searcher.search(SearchQuery(shop.merchant, photo_id=secrets.token_urlsafe(16)))
    assert (refused.value.code, refused.value.field) == ("photo-gone", "photo_id")


def test_a_reference_is_not_its_own_hit_but_its_variants_are(shop: Shop, searcher: Searcher) -> None:
    searcher.models.live()  # warms its encoder
    embedded = shop.encoder.embedded  # type: ignore[attr-defined]
    found = searcher.search(SearchQuery(shop.merchant, reference="S16", collapse=False, limit=100))
    assert "S16" not in skus(found) and {"S15", "S17"} <= set(skus(found))
    assert shop.encoder.embedded == embedded  # type: ignore[attr-defined]  # read from the index
    with pytest.raises(QueryRefused, match="no item"):
        searcher.search(SearchQuery(shop.merchant, reference="nothing"))


def test_balance_goes_from_the_photo_to_the_words(shop: Shop, searcher: Searcher) -> None:
    photo = skus(searcher.search(SearchQuery(shop.merchant, photo=pixels(16), words="x", balance=0)))
    alone = skus(searcher.search(SearchQuery(shop.merchant, photo=pixels(16))))
    words = skus(searcher.search(SearchQuery(shop.merchant, photo=pixels(16), words="x", balance=1)))
    assert photo == alone != words


def test_filters_hold_for_every_hit(shop: Shop, searcher: Searcher) -> None:
    filters = Filters(colour=("GREEN",), category=("women",), price_max=10000, without=(("brand", "acme"),))
    for asked in ({"photo": pixels(16)}, {"words": "linen dress"}, {}):
        found = searcher.search(SearchQuery(shop.merchant, filters=filters, limit=60, **asked))
        assert found.total == len(found.hits) == 3, asked
        for hit in found.hits:
            assert hit.product.colour == "Green/White" and hit.product.category == "Women > Dresses"
            assert (hit.product.price_minor or 0) <= 10000 and hit.product.brand == "Other House"


def test_another_merchants_goods_never_show(shop: Shop, searcher: Searcher) -> None:
    with shop.sessions() as session:
        other = ensure_merchant(session, "other").id
    for asked in ({"photo": pixels(3)}, {"words": "S3"}, {"reference": None}):
        found = searcher.search(SearchQuery(other, **asked))  # type: ignore[arg-type]
        assert found.total == 1 and {hit.product.merchant_id for hit in found.hits} <= {other}
    with pytest.raises(QueryRefused):
        searcher.search(SearchQuery(other, reference="S4"))


def test_facets_count_products_beside_the_other_choices(shop: Shop, searcher: Searcher) -> None:
    chosen = Filters(colour=("red",), brand=("Acme",))
    found = searcher.search(SearchQuery(shop.merchant, filters=chosen))
    assert found.total == 5
    colours = {value.value: value for value in facet(found, "colour").values}
    assert {name: value.count for name, value in colours.items()} == {
        "red": 5, "navy": 5, "green": 5, "white": 5,
    }  # fmt: skip
    assert colours["red"].selected and not colours["navy"].selected and colours["red"].label == "Red"
    assert {value.label: value.count for value in facet(found, "brand").values} == {
        "Acme": 5, "Other House": 15,
    }  # fmt: skip
    prices = facet(found, "price")
    assert (prices.low, prices.high) == (1000, 5000)


def test_a_category_filter_finds_everything_below_it(shop: Shop, searcher: Searcher) -> None:
    found = searcher.search(
        SearchQuery(shop.merchant, filters=Filters(category=("Men > shirts",)), limit=100)
    )
    assert found.total == 10
    labels = [value.label for value in facet(found, "category").values]
    assert {"Men", "Men > Shirts", "Men > Shirts > Linen", "Women", "Women > Dresses"} == set(labels)


@pytest.mark.parametrize("words", ["S16", "s16"])
def test_a_sku_comes_first(shop: Shop, searcher: Searcher, words: str) -> None:
    best = searcher.search(SearchQuery(shop.merchant, words=words)).hits[0]
    assert best.product.sku == "S16"


def test_a_title_then_a_brand_come_first(shop: Shop, searcher: Searcher) -> None:
    best = searcher.search(SearchQuery(shop.merchant, words="linen  DRESS model 7")).hits[0]
    assert best.product.title == "Linen dress model 7"
    found = searcher.search(SearchQuery(shop.merchant, words="acme"))
    assert {hit.product.brand for hit in found.hits[:5]} == {"Acme"}


def test_words_rank_by_what_they_say(shop: Shop, searcher: Searcher) -> None:
    found = searcher.search(SearchQuery(shop.merchant, words="model 13 linen"))
    assert "Linen dress model 13" in [hit.product.title for hit in found.hits[:3]]


@pytest.mark.parametrize(
    "asked",
    [
        {"photo": pixels(16)},
        {"words": "linen dress"},
        {},
        {"sort": "price"},
        {"words": "dress", "sort": "price-desc"},
    ],
)
@pytest.mark.parametrize("collapse", [True, False])
def test_pages_neither_repeat_nor_skip(
    shop: Shop, searcher: Searcher, asked: dict[str, object], collapse: bool
) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(30):
        query = SearchQuery(shop.merchant, limit=7, cursor=cursor, collapse=collapse, **asked)  # type: ignore[arg-type]
        found = searcher.search(query)
        seen += skus(found)
        cursor = found.next_cursor
        if cursor is None:
            break
    groups = [int(sku[1:]) // 3 for sku in seen]
    assert len(seen) == len(set(seen)) == (20 if collapse else 60)
    assert not collapse or len(set(groups)) == 20
    whole = searcher.search(SearchQuery(shop.merchant, limit=100, collapse=collapse, **asked))  # type: ignore[arg-type]
    assert seen == skus(whole)


def test_a_cursor_of_another_search_or_of_nobody_is_refused(shop: Shop, searcher: Searcher) -> None:
    cursor = searcher.search(SearchQuery(shop.merchant, words="dress", limit=3)).next_cursor
    assert cursor is not None
    for words, given in (("shirt", cursor), ("dress", "nonsense"), ("dress", "AAAA"), ("dress", "é" * 3000)):
        with pytest.raises(QueryRefused) as refused:
            searcher.search(SearchQuery(shop.merchant, words=words, limit=3, cursor=given))
        assert refused.value.field == "cursor"


def test_browsing_shows_the_newest_first_or_by_price(shop: Shop, searcher: Searcher) -> None:
    newest = searcher.search(SearchQuery(shop.merchant, limit=3))
    assert newest.mode == "browse" and skus(newest) == ["S59", "S56", "S53"]
    cheap = searcher.search(SearchQuery(shop.merchant, limit=3, sort="price"))
    assert [hit.product.price_minor for hit in cheap.hits] == [1000, 2000, 3000]


def test_excluded_variants_are_left_out(shop: Shop, searcher: Searcher) -> None:
    for asked in ({"photo": pixels(16)}, {"words": "S16"}, {}):
        query = SearchQuery(shop.merchant, exclude=("S16",), collapse=False, limit=100, **asked)
        assert "S16" not in skus(searcher.search(query)), asked


def test_more_like_this_leaves_its_own_group_out(shop: Shop, searcher: Searcher) -> None:
    likeness = searcher.similar(shop.merchant, "S16", limit=5)
    found = likeness.hits
    assert likeness.model == shop.encoder.fingerprint
    assert len(found) == 5 and "G5" not in {hit.product.item_group_id for hit in found}
    with pytest.raises(QueryRefused):
        searcher.similar(shop.merchant, "nothing")


def test_what_is_gone_from_the_shop_is_topped_up(shop: Shop, searcher: Searcher) -> None:
    """The index still has them: SQL is the truth."""
    with shop.sessions.begin() as session:
        for number in (15, 16, 17):
            hide_product(session, shop.merchant, f"S{number}")
    try:
        for asked in ({"photo": pixels(16)}, {"words": "S16"}, {}):
            found = searcher.search(SearchQuery(shop.merchant, limit=19, **asked))
            assert len(found.hits) == 19 and not {"S15", "S16", "S17"} & set(skus(found))
    finally:
        with shop.sessions.begin() as session:
            for number in (15, 16, 17):
                hide_product(session, shop.merchant, f"S{number}", hidden=False)
        while shop.pipelines[0].step():
            pass


def test_changes_show_as_soon_as_they_are_indexed(shop: Shop, searcher: Searcher) -> None:
    shop.put("NEW", picture(900), title="A brand new coat", brand="Fresh")
    while shop.pipelines[0].step():
        pass
    assert skus(searcher.search(SearchQuery(shop.merchant, words="Fresh")))[0] == "NEW"
    assert skus(searcher.search(SearchQuery(shop.merchant)))[0] == "NEW"
    with shop.sessions.begin() as session:
        delete_product(session, shop.merchant, "NEW")
    assert "NEW" not in skus(searcher.search(SearchQuery(shop.merchant, photo=pixels(900))))
    while shop.pipelines[0].step():
        pass
    assert searcher.search(SearchQuery(shop.merchant)).total == 20


def test_an_empty_shop_answers_with_nothing(shop: Shop, searcher: Searcher) -> None:
    with shop.sessions.begin() as session:
        empty = ensure_merchant(session, "empty").id
    for asked in ({"photo": pixels(16)}, {"words": "dress"}, {}):
        found = searcher.search(SearchQuery(empty, **asked))
        assert (found.hits, found.total, found.next_cursor, found.facets) == ([], 0, None, [])


def test_odd_words_find_something_or_nothing_but_never_fail(shop: Shop, searcher: Searcher) -> None:
    for words in ("\0\x1b[31mred\ud800", "🧥", "' OR 1=1 --", '%_*"(', "e\u0301", "a" * 500, "-"):
        assert searcher.search(SearchQuery(shop.merchant, words=words)).mode in ("words", "browse")


def test_prices_follow_the_sale(shop: Shop, searcher: Searcher) -> None:
    with shop.sessions.begin() as session:
        session.execute(update(Product).where(Product.sku == "S59").values(sale_price_minor=1))
        session.execute(update(Product).where(Product.sku == "S59").values(rev=Product.rev + 1))
    try:
        assert skus(searcher.search(SearchQuery(shop.merchant, sort="price", limit=1))) == ["S59"]
    finally:
        with shop.sessions.begin() as session:
            session.execute(update(Product).where(Product.sku == "S59").values(sale_price_minor=None))


def test_searches_from_many_threads_agree(shop: Shop, searcher: Searcher) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(number: int) -> str:
        return skus(searcher.search(SearchQuery(shop.merchant, photo=pixels(number))))[0]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(60))) == [f"S{number}" for number in range(60)]


def test_an_engine_that_is_away_is_said_so(tmp_path: Path, shop: Shop) -> None:
    nobody = type(shop.store)(tmp_path / "none.sock", 0.5)
    packs = cast("Packs", shop.packs)
    lonely = Searcher(shop.sessions, Models(shop.sessions, packs, nobody, shop.photos), nobody)
    with pytest.raises(SearchUnavailable) as away:
        lonely.search(SearchQuery(shop.merchant, photo=np.zeros((4, 4, 3), np.uint8)))
    assert away.value.retry_after >= 1
    assert lonely.search(SearchQuery(shop.merchant)).total == 20  # browsing needs SQL only
