"""A merchant's rules act in every kind of search, under the shopper's filters, and page by page."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.indexing_shop import PlainEncoder, Shop, picture, pixels
from catalog.rulebooks import publish_rulebook, rulebook, rulebook_history
from searcher.filters import Filters
from searcher.merchandising.explain import explain
from searcher.merchandising.reading import read_rulebook
from searcher.query import SearchQuery
from searcher.results import Results
from searcher.search import Searcher

FAMILIES = 16
BRANDS = ("Acme", "Birch", "Cedar", "Dune")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"), PlainEncoder(secrets.token_hex(8)))
    made.start_engine()
    for number in range(2 * FAMILIES):
        family = number // 2
        made.put(
            f"S{number}", picture(number), item_group_id=f"G{family}", price_minor=1000 + number,
            title=f"Linen dress model {family}", colour=("Red", "Navy")[number % 2], brand=BRANDS[family % 4],
            category="Women > Dresses", availability="out_of_stock" if family == 15 else "in_stock",
        )  # fmt: skip
    pipeline = made.pipeline()
    while pipeline.step():
        pass
    yield made
    made.close()


@pytest.fixture(scope="module")
def searcher(shop: Shop) -> Searcher:
    return shop.searcher()


def rule(do: str, what: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"rules": [{"do": do, "what": what, **more}]}


def results(shop: Shop, searcher: Searcher, content: dict[str, Any], **asked: Any) -> Results:
    asked = {"limit": 50, **asked}
    return searcher.search(SearchQuery(shop.merchant, **asked), rulebook=read_rulebook(content))


def families(shop: Shop, searcher: Searcher, content: dict[str, Any], **asked: Any) -> list[int]:
    """The products found, each by its number, over pages of 5."""
    found: list[int] = []
    cursor = None
    while True:
        page = results(shop, searcher, content, **{"limit": 5, **asked, "cursor": cursor})
        found += [int(hit.product.sku[1:]) // 2 for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            return found


WAYS = [
    pytest.param({}, id="browse"),
    pytest.param({"words": "linen dress"}, id="words"),
    pytest.param({"photo": pixels(0)}, id="photo"),
    pytest.param({"photo": pixels(0), "words": "red"}, id="photo-and-words"),
    pytest.param({"reference": "S0"}, id="like"),
]


@pytest.mark.parametrize("asked", WAYS)
def test_pins_lead_in_their_order(shop: Shop, searcher: Searcher, asked: dict[str, Any]) -> None:
    usual = families(shop, searcher, {}, **asked)
    pinned = families(shop, searcher, rule("pin", {"sku": ["S20", "S9", "none-such"]}), **asked)
    assert pinned == [10, 4, *(each for each in usual if each not in (10, 4))]


def test_a_pin_shows_the_variant_that_it_names(shop: Shop, searcher: Searcher) -> None:
    hit = results(shop, searcher, rule("pin", {"sku": ["S9"]}), photo=pixels(0)).hits[0]
    assert hit.product.sku == "S9" and hit.image.sha256 == hit.product.images[0].sha256


def test_what_acted_is_told_with_the_results(shop: Shop, searcher: Searcher) -> None:
    content = {
        "rules": [
            *rule("pin", {"sku": ["S9"]}, name="nine")["rules"],
            *rule("hide", {"sku": ["S0"]}, on=False)["rules"],
        ]
    }
    assert [each.name for each in results(shop, searcher, content, photo=pixels(0)).rules] == ["nine"]
    report = explain(searcher, SearchQuery(shop.merchant, photo=pixels(0)), read_rulebook(content))
    first, second = report.hits[:2]
    assert (first.hit.product.sku, first.rules, first.before) == (
        "S9",
        ("nine",),
        families(shop, searcher, {}, photo=pixels(0)).index(4) + 1,
    )
    assert (second.rules, second.before) == ((), 1) and not report.gone


def test_what_a_rule_takes_away_is_told(shop: Shop, searcher: Searcher) -> None:
    content = rule("hide", {"brand": ["Acme"]}, name="no Acme")
    report = explain(searcher, SearchQuery(shop.merchant, photo=pixels(0)), read_rulebook(content))
    gone = {each.hit.product.brand: each.rules for each in report.gone}
    assert gone == {"Acme": ("no Acme",)} and report.gone[0].before == 1


def test_no_pin_passes_the_shoppers_filters_or_what_is_sold_out(shop: Shop, searcher: Searcher) -> None:
    pinned = rule("pin", {"sku": ["S1", "S30"]})
    found = results(shop, searcher, pinned, photo=pixels(5), filters=Filters(colour=("red",)))
    assert "S1" not in [hit.product.sku for hit in found.hits]
    found = results(shop, searcher, pinned, photo=pixels(5))
    assert found.hits[0].product.sku == "S1" and found.hits[-1].product.sku in ("S30", "S31")


def test_a_pin_whose_variant_does_not_pass_is_shown_by_another(shop: Shop, searcher: Searcher) -> None:
    pinned = rule("pin", {"sku": ["S21"]})  # navy
    found = results(shop, searcher, pinned, photo=pixels(5), filters=Filters(colour=("red",)))
    assert found.hits[0].product.sku == "S20"


def test_a_pin_keeps_to_its_own_filters(shop: Shop, searcher: Searcher) -> None:
    pinned = rule("pin", {"sku": ["S20", "S8"], "price_max": 1010})
    assert families(shop, searcher, pinned, photo=pixels(0))[:2] == [4, 0]


@pytest.mark.parametrize("asked", WAYS)
def test_what_is_buried_comes_last_but_before_what_is_sold_out(
    shop: Shop, searcher: Searcher, asked: dict[str, Any]
) -> None:
    usual = families(shop, searcher, {}, **asked)
    buried = families(shop, searcher, rule("bury", {"brand": ["Acme"]}), **asked)
    assert sorted(buried) == sorted(usual) and usual[-1] == 15 == buried[-1]
    acme = [each % 4 == 0 for each in buried[:-1]]
    assert any(acme) and acme == sorted(acme)


@pytest.mark.parametrize("asked", WAYS)
def test_what_is_hidden_is_not_found_and_not_counted(
    shop: Shop, searcher: Searcher, asked: dict[str, Any]
) -> None:
    hidden = rule("hide", {"brand": ["Acme"], "price_max": 1015})
    found = families(shop, searcher, hidden, **asked)
    assert not {0, 4} & set(found) and {8, 12} <= set(found)
    page = results(shop, searcher, hidden, **asked)
    brands = next(facet for facet in page.facets if facet.field == "brand")
    assert page.total == FAMILIES - 2 and {v.value: v.count for v in brands.values}["acme"] == 2


@pytest.mark.parametrize("asked", WAYS)
def test_a_boost_lifts_and_loses_nothing(shop: Shop, searcher: Searcher, asked: dict[str, Any]) -> None:
    usual = families(shop, searcher, {}, **asked)
    lifted = families(shop, searcher, rule("boost", {"brand": ["Cedar"]}), **asked)
    assert sorted(lifted) == sorted(usual)
    cedar, others = ([each for each in usual if (each % 4 == 2) is wanted] for wanted in (True, False))
    assert [each for each in lifted if each % 4 == 2] == cedar
    assert [each for each in lifted if each % 4 != 2] == others
    assert sum(map(lifted.index, cedar)) < sum(map(usual.index, cedar))


def test_the_nearest_of_all_is_not_passed_by_a_small_boost(shop: Shop, searcher: Searcher) -> None:
    content = rule("boost", {"brand": ["Dune"]}, strength=0.1)
    assert families(shop, searcher, content, photo=pixels(0))[0] == 0


@pytest.mark.parametrize("asked", WAYS[1:])
def test_strength_says_how_far_a_boost_lifts(shop: Shop, searcher: Searcher, asked: dict[str, Any]) -> None:
    usual = families(shop, searcher, {}, **asked)
    last = usual[-2]  # before the one that is sold out
    content = (rule("boost", {"sku": [f"S{2 * last}"]}, strength=strength) for strength in (0.001, 2))
    places = [families(shop, searcher, each, **asked).index(last) for each in content]
    assert places[0] >= len(usual) - 4 and places[1] <= 3


def test_no_boost_passes_what_is_named_outright(shop: Shop, searcher: Searcher) -> None:
    content = rule("boost", {"brand": ["Acme"]}, strength=2)
    assert families(shop, searcher, content, words="linen dress model 3")[0] == 3


@pytest.mark.parametrize("asked", WAYS)
def test_pages_fit_together_under_every_kind_of_rule(
    shop: Shop, searcher: Searcher, asked: dict[str, Any]
) -> None:
    content = {
        "rules": [
            *rule("pin", {"sku": ["S20"]})["rules"],
            *rule("boost", {"brand": ["Dune"]}, strength=1.5)["rules"],
            *rule("boost", {"sku": ["S28"], "price_min": 1}, strength=1.5)["rules"],
            *rule("boost", {"colour": ["Red"], "price_max": 1010}, strength=0.3)["rules"],
            *rule("bury", {"brand": ["Birch"]})["rules"],
            *rule("hide", {"sku": ["S4"]})["rules"],
        ]
    }
    whole = families(shop, searcher, content, **asked, limit=50)
    assert families(shop, searcher, content, **asked, limit=3) == whole and len(set(whole)) == FAMILIES - 1


def test_another_order_is_the_shoppers_own(shop: Shop, searcher: Searcher) -> None:
    content = {
        "rules": [
            *rule("pin", {"sku": ["S20"]})["rules"],
            *rule("bury", {"brand": ["Acme"]})["rules"],
            *rule("boost", {"brand": ["Dune"]})["rules"],
        ]
    }
    assert families(shop, searcher, content, sort="price") == list(range(FAMILIES))
    assert families(shop, searcher, content, sort="price", photo=pixels(0)) == list(range(FAMILIES))


@pytest.mark.parametrize(
    ("when", "asked", "acts"),
    [
        ({"words": "dress linen"}, {"words": "A linen DRESSES please"}, True),
        ({"words": "dress"}, {"words": "shirt"}, False),
        ({"words": "red dress"}, {"words": "dress, not red"}, False),
        ({"words": "linen"}, {"words": "flaxcloth"}, True),
        ({"words": "linen"}, {"photo": pixels(0), "words": "in linnen"}, True),
        ({"asked": ["photo"]}, {"photo": pixels(0)}, True),
        ({"asked": ["photo"]}, {"photo": pixels(0), "words": "red"}, False),
        ({"asked": ["browse"]}, {}, True),
        ({"filters": {"category": ["Women"]}}, {"filters": Filters(category=("Women > Dresses",))}, True),
        ({"filters": {"category": ["Women > Dresses"]}}, {"filters": Filters(category=("Women",))}, False),
        ({"filters": {"colour": ["Red", "Blue"]}}, {"filters": Filters(colour=("red",))}, True),
        ({"filters": {"colour": ["Red"]}}, {}, False),
        ({"like": ["s0"]}, {"reference": "S0"}, True),
        ({"like": ["S2"]}, {"reference": "S0"}, False),
        ({"words": "red", "asked": ["words"]}, {"photo": pixels(0), "words": "red"}, False),
    ],
)
def test_a_rule_is_for_the_searches_it_names(
    shop: Shop, searcher: Searcher, when: dict[str, Any], asked: dict[str, Any], acts: bool
) -> None:
    words = {"synonyms": [["linen", "flaxcloth"]]}
    found = families(shop, searcher, rule("pin", {"sku": ["S24"]}, when=when) | words, **asked)
    usual = families(shop, searcher, words, **asked)
    assert found == ([12, *(each for each in usual if each != 12)] if acts else usual)


@pytest.mark.parametrize(
    ("time", "acts"),
    [
        ({"from": "2020-01-01"}, True),
        ({"until": "2020-01-01"}, False),
        ({"from": "2999-01-01T00:00+02:00"}, False),
        ({"from": "2020-01-01", "until": "2999-01-01"}, True),
        ({"on": False}, False),
    ],
)
def test_a_rule_acts_in_its_time(shop: Shop, searcher: Searcher, time: dict[str, Any], acts: bool) -> None:
    found = families(shop, searcher, rule("pin", {"sku": ["S24"]}, **time), photo=pixels(0))
    assert (found[0] == 12) is acts


def test_a_synonym_is_understood_and_searched_with(shop: Shop, searcher: Searcher) -> None:
    content = {"synonyms": [["Acme", "house brand"], ["linen", "flaxcloth"]]}
    plain = results(shop, searcher, {}, words="flaxcloth")
    assert plain.match.weak and plain.match.unknown == ("flaxcloth",)
    found = results(shop, searcher, content, words="flaxcloth")
    assert not found.match.weak and not found.match.unknown and len(found.hits) == FAMILIES
    found = results(shop, searcher, content, words="something of the house brand")
    assert [wish.chip.key for wish in found.wishes] == ["brand=acme"]
    assert {hit.product.brand for hit in found.hits[:4]} == {"Acme"}


def test_what_is_published_is_in_force_and_can_be_undone(shop: Shop, searcher: Searcher) -> None:
    def first() -> str:
        return searcher.search(SearchQuery(shop.merchant, photo=pixels(0))).hits[0].product.sku

    assert first() == "S0"
    with shop.sessions.begin() as session:
        version = publish_rulebook(session, shop.merchant, rule("pin", {"sku": ["S8"]}), "eights  first")
    assert first() == "S8"
    hidden = rule("hide", {"sku": ["S0"]})
    with shop.sessions.begin() as session:
        publish_rulebook(session, shop.merchant, hidden)
    assert first() != "S0" and "S0" not in [
        hit.product.sku for hit in searcher.similar(shop.merchant, "S2").hits
    ]
    with shop.sessions.begin() as session:
        before = rulebook(session, shop.merchant, version)
        assert before.note == "eights first"
        publish_rulebook(session, shop.merchant, {}, "none")
        assert [each.version for each in rulebook_history(session, shop.merchant)] == [3, 2, 1]
        with pytest.raises(LookupError):
            rulebook(session, shop.merchant, 9)
    assert first() == "S0"


def test_rules_of_a_later_release_do_not_stop_searches(shop: Shop, searcher: Searcher) -> None:
    with shop.sessions.begin() as session:
        publish_rulebook(session, shop.merchant, {"rules": [{"do": "sing"}]})
    assert searcher.search(SearchQuery(shop.merchant, photo=pixels(0))).hits[0].product.sku == "S0"
    with shop.sessions.begin() as session:
        publish_rulebook(session, shop.merchant, {})
