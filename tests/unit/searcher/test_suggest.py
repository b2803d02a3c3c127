"""What is suggested while words are typed."""

import time

import numpy as np
import pytest

from searcher.shelf import Row, Shelf
from searcher.suggest import Phrases, Suggestion, _Phrase, of_shelf

KINDS = ("Dresses", "Shirts", "Knitwear > Cardigans", "Trousers")
COLOURS = ("Red", "Navy", "Olive Green")


def row(n: int, title: str, category: str, brand: str, colour: str) -> Row:
    return Row(
        n, f"sku-{n}", f"g{n}", title, 4900, (category, brand, colour, "striped", "", "", "", "", "in_stock")
    )


@pytest.fixture(scope="module")
def phrases() -> Phrases:
    rows = [
        row(
            n,
            f"{COLOURS[n % 3]} piece no. {n}",
            KINDS[n % 4],
            "Maison Été" if n % 2 else "Flora",
            COLOURS[n % 3],
        )
        for n in range(60)
    ]
    shelf = Shelf(1, rows)
    return Phrases([_Phrase("floral dress", "popular", 1e6), *of_shelf(shelf)], shelf.titles)


def texts(found: list[Suggestion]) -> list[str]:
    return [each.text for each in found]


def test_popular_searches_come_first_then_what_there_is_most_of(phrases: Phrases) -> None:
    found = phrases.beginning("fl", 8)
    assert found == [Suggestion("popular", "floral dress"), Suggestion("brand", "Flora")]
    assert texts(phrases.beginning("dr", 8))[:2] == ["floral dress", "dresses"]
    assert "red dresses" in texts(phrases.beginning("dr", 8))


@pytest.mark.parametrize("typed", ["cardi", "CARDI", "  cardi"])
def test_the_nearest_category_is_meant(phrases: Phrases, typed: str) -> None:
    assert texts(phrases.beginning(typed, 8))[0] == "cardigans"


def test_several_words_and_accents(phrases: Phrases) -> None:
    assert texts(phrases.beginning("olive green sh", 8)) == ["olive green shirts"]
    assert texts(phrases.beginning("été", 8)) == ["Maison Été"]


def test_titles_are_found_by_their_beginning_and_come_last(phrases: Phrases) -> None:
    found = phrases.beginning("navy", 20)
    kinds = [each.kind for each in found]
    assert (
        kinds == sorted(kinds, key=["popular", "category", "brand", "product"].index) and "product" in kinds
    )


def test_what_is_typed_whole_or_is_nothing_is_not_suggested(phrases: Phrases) -> None:
    assert "dresses" not in texts(phrases.beginning("dresses", 8))
    for typed in ("", "   ", "zzz", "\U0010ffff", "x" * 10_000, "%_'\";--"):
        assert phrases.beginning(typed, 8) == []


def test_a_large_shop_is_suggested_from_in_no_time() -> None:
    rng = np.random.default_rng(3)
    picks = rng.integers(0, 1000, (20_000, 3))
    shelf = Shelf(1, [
        row(n, f"Title {a} of {b}", f"Kind {a % 300}", f"Brand {b}", COLOURS[c % 3])
        for n, (a, b, c) in enumerate(picks.tolist())
    ])  # fmt: skip
    phrases = Phrases(of_shelf(shelf), shelf.titles)
    began = time.perf_counter()
    for typed in ("t", "title 1", "kind 2", "brand 99", "red kind") * 20:
        assert len(phrases.beginning(typed, 8)) == 8
    assert (time.perf_counter() - began) / 100 < 0.05
