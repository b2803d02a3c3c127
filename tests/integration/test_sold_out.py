"""What is sold out stands behind what can be bought, in every kind of search, unless it is asked for."""

import secrets
from collections.abc import Iterator

import pytest

from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from searcher.filters import Filters
from searcher.query import SearchQuery
from searcher.search import Searcher
from searcher.sold_out import SoldOut
from settings import SettingError, load

FAMILIES = 12
GONE = {"S0", "S1", "S5", "S11"}  # of these S0 and S1 are both colours of one product


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"), PlainEncoder(secrets.token_hex(8)))
    made.start_engine()
    for number in range(2 * FAMILIES):
        made.put(
            f"S{number}", picture(number), item_group_id=f"G{number // 2}", price_minor=1000 + number,
            title=f"Linen dress model {number // 2}", colour=("Red", "Navy")[number % 2],
            availability="out_of_stock" if f"S{number}" in GONE else "in_stock",
        )  # fmt: skip
    pipeline = made.pipeline()
    while pipeline.step():
        pass
    yield made
    made.close()


def searcher(shop: Shop, way: SoldOut) -> Searcher:
    made = shop.searcher()
    return Searcher(shop.sessions, made.models, shop.store, look_every_s=0, sold_out=way)


def skus(shop: Shop, way: SoldOut = SoldOut.BEHIND, **asked: object) -> list[str]:
    """All hits of a search, page by page."""
    found: list[str] = []
    cursor = None
    while True:
        query = SearchQuery(shop.merchant, limit=5, cursor=cursor, **asked)  # type: ignore[arg-type]
        results = searcher(shop, way).search(query)
        found += [hit.product.sku for hit in results.hits]
        cursor = results.next_cursor
        if cursor is None:
            return found


WAYS_TO_ASK = [
    pytest.param({}, id="browse"),
    pytest.param({"sort": "price"}, id="by-price"),
    pytest.param({"words": "linen dress"}, id="words"),
    pytest.param({"words": "linen dress", "sort": "price"}, id="words-by-price"),
    pytest.param({"photo": pixels(0)}, id="photo"),
    pytest.param({"photo": pixels(0), "words": "red"}, id="photo-and-words"),
]


@pytest.mark.parametrize("asked", WAYS_TO_ASK)
def test_it_comes_last_and_nothing_is_lost_between_pages(shop: Shop, asked: dict[str, object]) -> None:
    found = skus(shop, **asked)
    assert len(found) == FAMILIES == len({int(sku[1:]) // 2 for sku in found})
    assert found[-1] in ("S0", "S1") and not GONE & set(found[:-1])


def test_each_variant_for_itself(shop: Shop) -> None:
    found = skus(shop, photo=pixels(0), collapse=False)
    assert len(found) == 2 * FAMILIES and set(found[-len(GONE) :]) == GONE


def test_mixed_it_keeps_its_place_and_hidden_it_has_none(shop: Shop) -> None:
    photo = pixels(0)
    assert skus(shop, SoldOut.MIXED, photo=photo)[0] == "S0"
    hidden = skus(shop, SoldOut.HIDDEN, photo=photo)
    assert len(hidden) == FAMILIES - 1 and not GONE & set(hidden)


def test_hidden_it_is_not_counted(shop: Shop) -> None:
    found = searcher(shop, SoldOut.HIDDEN).search(SearchQuery(shop.merchant))
    assert found.total == FAMILIES - 1
    sizes = {each.field: sum(value.count for value in each.values) for each in found.facets}
    assert sizes["colour"] == 2 * FAMILIES - len(GONE)


@pytest.mark.parametrize("way", list(SoldOut))
def test_asked_for_it_is_found(shop: Shop, way: SoldOut) -> None:
    wanted = Filters(availability=("out_of_stock",))
    assert set(skus(shop, way, photo=pixels(0), filters=wanted, collapse=False)) == GONE


@pytest.mark.parametrize("words", ["S0", "Linen dress model 0"])
def test_named_outright_it_comes_first(shop: Shop, words: str) -> None:
    assert skus(shop, words=words)[0] == "S0"


def test_what_is_like_an_item_can_be_bought_first(shop: Shop) -> None:
    found = [each.product.sku for each in searcher(shop, SoldOut.BEHIND).similar(shop.merchant, "S4").hits]
    assert len(found) == FAMILIES - 1 and found[-1] in ("S0", "S1")


def test_a_way_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="TWIRL_SOLD_OUT='gone' is none of behind, mixed, hidden"):
        load({"TWIRL_SOLD_OUT": "gone"})
