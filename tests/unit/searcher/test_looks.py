"""Which kinds and colours go together, and what a shop's feed says does."""

from collections import Counter

import pytest

from searcher.looks.harmony import harmony
from searcher.looks.kinds import companions, leaves, part_of
from searcher.looks.links import LEARNED, Links

CATEGORIES = [
    "men", "men > bottoms", "men > bottoms > jeans", "women", "women > bottoms", "women > bottoms > jeans",
    "women > bottoms > skirts", "women > dresses", "women > outerwear > coats", "women > tops",
    "women > tops > t-shirts", "women > tops > blouses", "shoes", "shoes > sneakers",
]  # fmt: skip


@pytest.mark.parametrize(
    ("category", "part"),
    [
        ("Women > Tops > T-Shirts", "top"), ("Shoes > Sneakers", "shoes"), ("Men > Jackets & Coats", "layer"),
        ("Women > Dresses", "whole"), ("Accessories > Belts", "accessory"), ("Bottoms > Chinos", "bottom"),
        ("Clothing > Shirt Dresses", "whole"), ("Garden > Pots", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_last_word_that_is_known_says_which_part_it_is(category: str, part: str) -> None:
    assert part_of(category) == part


def test_leaves_have_nothing_below_them() -> None:
    assert leaves(["a", "a > b", "a > b > c", "d"]) == ["a > b > c", "d"]


def test_a_top_goes_with_bottoms_first_and_never_with_another_top_or_another_person() -> None:
    kinds = companions("women > tops > t-shirts", CATEGORIES)
    assert kinds[0] == ("women > bottoms > jeans", "women > bottoms > skirts")
    every = [path for kind in kinds for path in kind]
    assert "shoes > sneakers" in every and "women > outerwear > coats" in every
    assert not [path for path in every if path.startswith("men") or "tops" in path or "dresses" in path]


def test_other_shops_put_their_other_kinds_beside_a_piece() -> None:
    shop = ["home", "home > lamps", "home > tables", "garden", "garden > pots"]
    assert companions("home > lamps", shop) == [("home > tables",)]
    assert companions("garden > pots", shop) == [("home > lamps",), ("home > tables",)]
    assert companions("", []) == []


@pytest.mark.parametrize(
    ("one", "other", "goes"),
    [
        ("Red", "Green", False), ("Yellow", "Purple", False), ("Yellow", "Fuchsia", False),
        ("Red", "Coral", True), ("Navy", "Red", True), ("Black", "Yellow", True), ("Beige", "Green", True),
        ("Blue", "Orange", True), ("White/Green", "Red", False), ("Sunset Dream", "Red", True),
    ],
)  # fmt: skip
def test_colours_go_or_clash(one: str, other: str, goes: bool) -> None:
    assert (harmony(one, other) >= 0.5) is goes
    assert harmony(one, other) == harmony(other, one)


def test_a_few_links_teach_nothing() -> None:
    few, many = Counter({"shoes": LEARNED - 1}), Counter({"shoes": LEARNED})
    links = Links({}, {"few": few, "many": many})
    assert not links.learned("few") and not links.learned("none")
    assert links.learned("many") == many
