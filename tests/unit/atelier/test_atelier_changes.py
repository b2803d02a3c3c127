"""One attribute changed, and its words."""

from dataclasses import asdict

import numpy as np
import pytest

from atelier import Garment, change, describe, sample_garment
from atelier.attributes import CHANGEABLE, is_valid
from atelier.changes import changes_of


def differing(first, second):
    return [name for name, value in asdict(first).items() if value != asdict(second)[name]]


def test_exactly_the_named_attribute_changes_and_the_result_is_valid():
    rng = np.random.default_rng(2)
    for _ in range(400):
        garment = sample_garment(rng)
        changed, attribute, words = change(garment, rng)
        assert differing(garment, changed) == [attribute], (garment, changed)
        assert is_valid(changed)
        assert words and "{" not in words


def test_the_words_name_the_new_colour():
    rng = np.random.default_rng(3)
    for _ in range(60):
        garment = sample_garment(rng, "dress")
        if changes_of(garment, "colour"):
            changed, _, words = change(garment, rng, "colour")
            assert changed.colour in words


def test_a_change_that_cannot_be_is_refused():
    jeans = sample_garment(np.random.default_rng(0), "jeans")
    with pytest.raises(ValueError, match="has no other sleeve"):
        change(jeans, np.random.default_rng(0), "sleeve")


def test_all_attributes_come_up_with_many_wordings():
    rng = np.random.default_rng(5)
    seen = {name: set() for name in CHANGEABLE}
    for _ in range(1500):
        _, attribute, words = change(sample_garment(rng), rng)
        seen[attribute].add(words)
    assert all(len(words) > 12 for words in seen.values()), {name: len(words) for name, words in seen.items()}


def test_titles_and_descriptions_tell_what_is_seen():
    garment = Garment(
        "shirt", "women", "navy", "white", "striped", "linen", "short", "cropped", "", "chest pocket"
    )
    title, text = describe(garment, "Alma")
    assert title == "Alma Cropped Striped Linen Shirt with Chest Pocket, Short-Sleeved, in Navy"
    assert text.startswith(
        "A cropped, short-sleeved women's shirt with a chest pocket, striped in navy and white."
    )


def test_every_garment_can_be_described():
    rng = np.random.default_rng(6)
    for _ in range(300):
        title, text = describe(sample_garment(rng))
        assert "  " not in title + text and len(text) > 60 and not title.startswith(" ")
