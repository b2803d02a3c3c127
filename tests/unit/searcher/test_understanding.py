"""Requests in words and the chips that are read from them."""

import pytest

from benchmarks.understanding import (
    PRECISION,
    RECALL,
    STRANGERS,
    Request,
    demo_shelf,
    generated,
    scores,
    written,
)
from catalog.models import Product
from searcher.understanding.parse import understand
from searcher.understanding.reasons import reasons
from searcher.understanding.vocabulary import Vocabulary

VALUES = {
    "colour": {
        "red": "Red", "sky blue": "Sky Blue", "blue": "Blue", "grey": "Grey", "black": "Black",
        "white": "White",
    },
    "pattern": {"striped": "Striped", "plain": "Plain"},
    "material": {"cotton": "Cotton", "organic cotton": "Organic Cotton", "brushed fleece": "Brushed Fleece"},
    "category": {
        "women": "Women", "women > dresses": "Women > Dresses", "girls > dresses": "Girls > Dresses",
        "women > shirts": "Women > Shirts", "women > t-shirts": "Women > T-Shirts",
    },
    "brand": {"gap": "Gap", "zanotti": "Zanotti", "fen & thistle": "Fen & Thistle"},
    "size": {"m": "M", "xl": "XL", "38": "38"},
    "gender": {"female": "female"},
}  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(VALUES)


def keys(words: str, vocabulary: Vocabulary) -> list[str]:
    return [chip.key for chip in understand(words, vocabulary).chips]


@pytest.mark.parametrize(
    "requests", [written(), written(STRANGERS), generated()], ids=["by hand", "of strangers", "generated"]
)
def test_the_demo_shops_requests_are_understood(requests: list[Request]) -> None:
    precision, recall, wrong = scores(requests, Vocabulary.of(demo_shelf()))
    assert precision >= PRECISION and recall >= RECALL, wrong[:10]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("under $50", ["price=..5000"]),
        ("$1,200.50 or less", ["price=..120050"]),
        ("between 20 and 40,50 euros", ["price=2000..4050"]),
        ("from 40 to 20 pounds", ["price=2000..4000"]),
        ("for 30 dollars", ["price=..3000"]),
        ("over 100", ["price=10000.."]),
        ("size 38 to 40", ["size=38"]),
        ("under 10 years", []),
        ("at least 50% cotton", ["material=cotton"]),
        ("over 30 cm", []),
        ("0.50$ - 1$", ["price=50..100"]),
    ],
)
def test_prices(words: str, expected: list[str], vocabulary: Vocabulary) -> None:
    assert keys(words, vocabulary) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cheaper", ["price=..4899"]),
        ("red but a bit cheaper", ["colour=red", "price=..4899"]),
        ("less expensive please", ["price=..4899"]),
        ("not so expensive", ["price=..4899"]),
        ("not more expensive", ["price=..4899"]),
        ("this is too pricey", ["price=..4899"]),
        ("chaeper", ["price=..4899"]),
        ("something more expensive", ["price=4901.."]),
        ("cheaper than 30", ["price=..3000"]),  # a price that is named says more
        ("cheaper, under 20", ["price=..2000"]),
        ("not cheaper", []),
    ],
)
def test_cheaper_is_cheaper_than_the_product_that_leads(
    words: str, expected: list[str], vocabulary: Vocabulary
) -> None:
    read = understand(words, vocabulary, beside=4900)
    assert [chip.key for chip in read.chips] == expected
    assert "price=..4899" not in keys(words, vocabulary)  # beside nothing it is but a word


def test_prices_are_in_the_currency_s_minor_units(vocabulary: Vocabulary) -> None:
    (chip,) = understand("under ¥5000", vocabulary, digits=0).chips
    assert (chip.low, chip.high, chip.usual) == (None, 5000, "must")


@pytest.mark.parametrize(
    ("words", "currency", "key", "usual"),
    [
        ("red, under 50", "EUR", "price=..5000", "must"),
        ("red under 50 euros", "EUR", "price=..5000", "must"),
        ("red under $50", "EUR", "price=..5000 USD", "off"),
        ("red under £40", "EUR", "price=..4000 GBP", "off"),
        ("from 20 to 40 euros", "USD", "price=2000..4000 EUR", "off"),
        ("50$ or less", "CAD", "price=..5000", "must"),  # the sign is that of Canada's dollars too
        ("under us$ 50", "CAD", "price=..5000 USD", "off"),
        ("under 500 kr", "SEK", "price=..50000", "must"),
        ("under 500 kr", "EUR", "price=..50000 SEK", "off"),
        ("for 200 zł", "PLN", "price=..20000", "must"),
        ("max 50 chf", "CHF", "price=..5000", "must"),
        ("under 1.299,50 €", "EUR", "price=..129950", "must"),
        ("under 50 top", "EUR", "price=..5000", "must"),  # a word, though TOP is a currency
        ("under $50", "", "price=..5000", "must"),  # nobody says what the shop's prices are in
    ],
)
def test_a_price_in_another_currency_demands_nothing(
    words: str, currency: str, key: str, usual: str, vocabulary: Vocabulary
) -> None:
    (chip,) = [
        c for c in understand(words, vocabulary, currency=currency).chips if c.meaning.field == "price"
    ]
    assert (chip.key, chip.usual) == (key, usual)


@pytest.mark.parametrize(("words", "high"), [("under 5.500 dinars", 5500), ("max 0.75 kwd", 750)])
def test_three_decimals(words: str, high: int, vocabulary: Vocabulary) -> None:
    (chip,) = understand(words, vocabulary, digits=3, currency="KWD").chips
    assert (chip.high, chip.currency) == (high, "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("not red", ["-colour=red"]),
        ("not in red or blue", ["-colour=red", "-colour=blue"]),
        ("not red, blue", ["-colour=red", "colour=blue"]),
        ("not red, blue or grey", ["-colour=red", "-colour=blue", "-colour=grey"]),
        ("no stripes but red", ["-pattern=striped", "colour=red"]),
        ("grey rather than blue", ["colour=grey", "-colour=blue"]),
        ("without the feathers", ["-words=feathers"]),
        ("without", []),
        ("not", []),
        ("no idea", []),
        ("without any stripes and in white", ["-pattern=striped", "colour=white"]),
    ],
)
def test_what_is_not_wanted(words: str, expected: list[str], vocabulary: Vocabulary) -> None:
    assert keys(words, vocabulary) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("gap in the market", []),
        ("something by Zanotti", ["brand=zanotti"]),
        ("fen & thistle", ["brand=fen & thistle"]),
        ("m", []),
        ("size M", ["size=m"]),
        ("xl", ["size=xl"]),
        ("t-shirt dress", ["category=dresses"]),
        ("tee", ["category=t-shirts"]),
        ("fleece", ["material=fleece"]),
        ("gray frock", ["colour=grey", "category=dresses"]),
        ("ladies' dresses", ["gender=female", "category=dresses"]),
        ("Röd", []),
        ("", []),
        ("?!, & / ,", []),
        ("👗 red 赤", ["colour=red"]),
    ],
)
def test_names(words: str, expected: list[str], vocabulary: Vocabulary) -> None:
    assert keys(words, vocabulary) == expected


def test_a_broad_name_takes_in_the_narrow_ones(vocabulary: Vocabulary) -> None:
    blue, cotton, dresses = understand("blue cotton dress", vocabulary).chips
    assert set(blue.meaning.values) == {"blue", "sky blue"}
    assert set(cotton.meaning.values) == {"cotton", "organic cotton"}
    assert set(dresses.meaning.values) == {"women > dresses", "girls > dresses"}
    (narrow,) = understand("sky blue", vocabulary).chips
    assert narrow.meaning.values == ("sky blue",)


def test_typos_are_read_and_said(vocabulary: Vocabulary) -> None:
    read = understand("Rde drss withot stirpes", vocabulary)
    assert [chip.key for chip in read.chips] == ["colour=red", "category=dresses", "-pattern=striped"]
    assert [chip.typed for chip in read.chips] == ["Rde", "drss", "stirpes"]
    assert read.without([]) == "red dress without stripes"


@pytest.mark.parametrize("word", ["read", "bed", "grew", "white", "dresser", "xyzzy", "rd"])
def test_words_that_mean_something_else_are_no_typos(word: str, vocabulary: Vocabulary) -> None:
    assert all(not chip.typed for chip in understand(word, vocabulary).chips)


def test_what_is_switched_off_leaves_the_words(vocabulary: Vocabulary) -> None:
    read = understand("red dress, not stiped, under $50", vocabulary)
    red, dress, stripes, price = read.chips
    assert read.without([stripes, price]) == "red dress"
    assert read.without([red, dress]) == "not striped, under $50"
    assert (stripes.usual, red.usual, price.usual) == ("must", "prefer", "must")


def test_a_long_hostile_request_is_read_quickly(vocabulary: Vocabulary) -> None:
    assert len(understand("not red, " * 55, vocabulary).chips) <= 2
    assert understand("1" * 500, vocabulary).chips == ()
    assert understand("under " * 80, vocabulary).chips == ()


def test_long_sleeves_say_nothing_of_how_long_a_piece_is(vocabulary: Vocabulary) -> None:
    piece = Product(title="Mini Dress, Long-Sleeved", description="With long sleeves.", colour="Red")
    chips = understand("long one with long sleeves", vocabulary).chips
    told = dict(reasons(piece, chips))
    assert told["sleeve=long"] is True
    assert told["length=long"] is False
