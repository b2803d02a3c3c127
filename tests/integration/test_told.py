"""What only texts tell of can be demanded and denied; "darker" and "longer" are held against the item."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bootstrap import Services
from catalog.models import Product
from searcher import palette
from searcher.query import SearchQuery
from searcher.results import Results


def asked(shop: Services, words: str, reference: str | None = None, **modes: str) -> Results:
    choices = tuple((key.replace("_", "="), mode) for key, mode in modes.items())
    query = SearchQuery(shop.merchant().id, words, reference=reference, choices=choices, limit=100)
    return shop.searcher.search(query)


def texts(found: Results) -> list[str]:
    return [f"{hit.product.title} {hit.product.description}".casefold() for hit in found.hits]


@pytest.fixture(scope="module")
def products(shop: Services) -> list[Product]:
    with shop.sessions() as session:
        return list(session.scalars(select(Product).order_by(Product.id)))


def test_long_sleeves_can_be_a_must(shop: Services) -> None:
    liked, demanded = asked(shop, "long sleeves"), asked(shop, "long sleeves", sleeve_long="must")
    assert liked.wishes[0].mode == "prefer"
    assert liked.wishes[0].chip.filterable
    assert not all("long-sleeved" in text for text in texts(liked))
    assert demanded.hits
    assert all("long-sleeved" in text or "long sleeve" in text for text in texts(demanded))
    assert demanded.total == len(demanded.hits) < liked.total
    sizes = next(facet for facet in demanded.facets if facet.field == "availability")
    assert sum(value.count for value in sizes.values) >= demanded.total


def test_what_is_denied_is_left_out_by_the_texts(shop: Services) -> None:
    plain = asked(shop, "without pockets")
    assert plain.wishes[0].mode == "must"
    assert plain.hits
    assert not any("pocket" in text for text in texts(plain))
    assert any(
        "pocket" in text for text in texts(asked(shop, "without pockets", **{"-detail_pockets": "off"}))
    )


def test_a_word_that_no_facet_has_is_denied_too(shop: Services) -> None:
    found = asked(shop, "without jersey")
    assert found.wishes[0].chip.key == "-words=jersey"
    assert not any("jersey" in text for text in texts(found))


def test_darker_and_lighter_are_held_against_the_item(shop: Services, products: list[Product]) -> None:
    own = next(p for p in products if 40 < (palette.lightness(p.colour) or 0) < 70)
    light = palette.lightness(own.colour)
    assert light is not None
    darker, lighter = asked(shop, "but darker", own.sku), asked(shop, "but lighter", own.sku)
    for found, sign in ((darker, -1), (lighter, 1)):
        assert (found.wishes[0].chip.key, found.wishes[0].mode) == (
            f"tone={found.wishes[0].chip.meaning.label}",
            "must",
        )
        assert found.hits
        for hit in found.hits:
            other = palette.lightness(hit.product.colour)
            assert other is not None and sign * (other - light) >= 8
    assert [wish for wish in asked(shop, "darker").wishes if wish.chip.meaning.field != "words"] == []


def test_longer_is_held_against_what_the_item_says_of_itself(shop: Services, products: list[Product]) -> None:
    short = next(p for p in products if {"mini", "cropped"} & set(p.title.casefold().split()))
    found = asked(shop, "but longer", short.sku)
    assert found.wishes[0].mode == "must"
    assert found.hits
    assert not any("mini" in text.split() or "cropped" in text.split() for text in texts(found))
    assert asked(shop, "longer").wishes[0].mode == "prefer"
    assert not asked(shop, "longer").wishes[0].chip.filterable


def test_the_page_offers_every_way_and_the_api_says_so(client: FlaskClient) -> None:
    page = client.get("/?q=long+sleeved+shirt&wish=must%3Asleeve%3Dlong").text
    assert "Sleeve: long" in page
    assert 'id="wish-2-sleeve=long"' in page  # prefer, must, off
    answer = client.post(
        "/api/v1/search", json={"words": "shirt with pockets", "chips": {"detail=pockets": "must"}}
    )
    chip = next(each for each in answer.json["understood"] if each["field"] == "detail")  # type: ignore[index]
    assert (chip["mode"], chip["filterable"]) == ("must", True)
