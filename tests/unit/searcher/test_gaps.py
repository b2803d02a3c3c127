"""What a search asks for and no product in stock has together, cut down to what is missing."""

import pytest

from catalog.insight.reading import Gap
from catalog.models import Image, Product
from searcher.filters import Filters
from searcher.insight.demand import demand, strange
from searcher.insight.events import legible
from searcher.insight.gaps import Ask, asks, missing, read, stocked, written
from searcher.query import SearchQuery
from searcher.results import ProductHit, Results
from searcher.shelf import Row, Shelf
from searcher.understanding.wishes import Wishes


def row(
    n: int,
    category: str,
    colour: str,
    pattern: str,
    size: str = "M",
    price: int = 5000,
    stock: str = "in_stock",
) -> Row:
    values = (f"Women > {category}", "Acme", colour, pattern, "Linen", "female", "adult", size, stock)
    return Row(n, f"S{n}", f"G{n}", f"{colour} {category} {n}", price, values)


SHELF = Shelf(
    1,
    [
        row(1, "Dresses", "Red", "Plain"), row(2, "Dresses", "Blue", "Dotted", "L"),
        row(3, "Skirts", "Red", "Striped"), row(4, "Skirts", "Green", "Plain", price=2000),
        row(5, "Dresses", "Green", "Plain", stock="out_of_stock"),
    ],
)  # fmt: skip


def asked(words: str = "", photo_of: str = "", weak: bool = False, **more: object) -> tuple[Ask, ...]:
    """What a search by these words, or with a photo of such a thing, asks for."""
    reference = "S1" if photo_of else None
    query = SearchQuery(1, words, reference=reference, filters=Filters(**more))  # type: ignore[arg-type]
    reading = Wishes().read(SearchQuery(1, words), SHELF)
    hits = [ProductHit(Product(category=photo_of), Image(), 1.0)] * 5 if photo_of else []
    results = Results(hits, len(hits), query.mode, "m", wishes=reading.wishes)
    if weak:
        from searcher.match import Match

        results = Results(hits, len(hits), query.mode, "m", wishes=reading.wishes, match=Match(weak=True))
    return asks(query, results)


def fields(gap: tuple[Ask, ...]) -> list[tuple[str, str]]:
    return [(ask.field, ask.label) for ask in gap]


@pytest.mark.parametrize(
    ("words", "gap"),
    [
        ("striped dress", [("category", "Dresses"), ("pattern", "Striped")]),
        ("striped linen dress in L under $90", [("category", "Dresses"), ("pattern", "Striped")]),
        ("red dress", []),
        ("red striped skirt", []),
        ("green dress", [("category", "Dresses"), ("colour", "Green")]),  # sold out
        ("dress", []),
        ("not red dress", []),
        ("skirt under $10", [("category", "Skirts"), ("price", "")]),
        ("something nice", []),
    ],
)
def test_what_is_missing_is_told(words: str, gap: list[tuple[str, str]]) -> None:
    assert fields(missing(asked(words), SHELF)) == gap


def test_a_photo_says_of_what_kind() -> None:
    assert fields(missing(asked("striped", "Women > Dresses"), SHELF)) == [
        ("category", "Dresses"), ("pattern", "Striped")
    ]  # fmt: skip
    assert fields(missing(asked("striped skirt", "Women > Dresses"), SHELF)) == [], "words go before"
    assert asked("", "Women > Dresses") == (), "a photo alone asks for nothing that could be named"
    assert [ask.field for ask in asked("striped", "Women > Dresses", weak=True)] == ["pattern"]


def test_what_is_ticked_counts_like_what_is_said() -> None:
    gap = missing(asked("striped", category=("Women > Dresses",)), SHELF)
    assert fields(gap) == [("category", "Dresses"), ("pattern", "Striped")]
    either = asked("dress", colour=("Red", "Green"))
    assert ("colour", "Red or Green") in fields(either) and missing(either, SHELF) == ()
    assert missing(asked("dress", price_max=100), SHELF)[-1].values == (None, 100)


def test_a_gap_is_text_and_back() -> None:
    gap = missing(asked("striped dress under $90"), SHELF)
    assert read(written(gap)) == gap and written(()) == ""
    long = (Ask("category", "Many", tuple(f"kind {n}" for n in range(400))),)
    assert written(long) == "", "cut off it would be another gap"


def test_gaps_of_one_name_count_as_one_and_go_when_they_are_stocked() -> None:
    striped, green = (written(missing(asked(words), SHELF)) for words in ("striped dress", "green dress"))
    renamed = striped.replace("Striped", "striped")
    listed = [Gap(green, 9, 1, 1), Gap(striped, 5, 1, 2), Gap(renamed, 6, 0, 1), Gap("no gap", 50, 0, 1)]
    found = demand(listed, SHELF, 10)
    assert [(each.asks[1].values, each.searches, each.chosen) for each in found] == [
        (("striped",), 11, 1), (("green",), 9, 1)
    ]  # fmt: skip
    fuller = Shelf(1, [row(1, "Dresses", "Red", "Striped"), row(2, "Skirts", "Green", "Plain")])
    assert [each.asks[1].values for each in demand(listed, fuller, 10)] == [("green",)]
    assert stocked(read(striped), fuller) == 1 and len(demand(listed, SHELF, 1)) == 1


def test_words_that_titles_have_today_are_no_longer_strange() -> None:
    """As of an item that was hidden when they were searched; the singular and the plural are one word."""
    words = [Gap(word, 9 - n, 0, 1) for n, word in enumerate(("skirt", "zzyzx", "reds", "kimono", "dotted"))]
    assert [each.gap for each in strange(words, SHELF, 9)] == ["zzyzx", "kimono", "dotted"]
    assert [each.gap for each in strange(words, SHELF, 1)] == ["zzyzx"]


@pytest.mark.parametrize("words", ["%ff", "dress %C3%28", "\ufffd\ufffd", "??", "a\x00b", "%", ""])
def test_what_nobody_typed_is_no_words(words: str) -> None:
    assert legible(words) == ""


@pytest.mark.parametrize(
    "words", ["50% off", "100%baumwolle", "größe 38", "ドレス", "100 % cotton", "t-shirt"]
)
def test_what_people_type_stays(words: str) -> None:
    assert legible(words) == words
