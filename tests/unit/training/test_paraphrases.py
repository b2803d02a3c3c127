import numpy as np
import pytest

from atelier import sample_garment
from atelier.attributes import CHANGEABLE, Garment, allowed
from atelier.kinds import RULES
from training.paraphrases import (
    HEARD,
    HELD_OUT,
    NOUNS,
    REMOVALS_HEARD,
    REMOVALS_HELD_OUT,
    TEMPLATES,
    every_wording,
    paraphrase,
    without,
    wording,
)


def test_forty_templates_are_heard_and_others_held_out() -> None:
    assert len(HEARD) >= 40
    assert len(HELD_OUT) >= 12
    assert set(HEARD).isdisjoint(HELD_OUT)
    assert len(set(TEMPLATES)) == len(TEMPLATES)


@pytest.mark.parametrize("attribute", CHANGEABLE)
def test_every_value_of_every_attribute_has_words(attribute: str) -> None:
    rng = np.random.default_rng(0)
    values = set()
    for _ in range(300):
        garment: Garment = sample_garment(rng)
        values |= {value for value in allowed(garment, attribute) if value or attribute == "detail"}
    for value in values:
        said = wording(attribute, value)
        assert said.adj and said.prep.split()[0] in ("in", "with", "without")
    assert attribute in NOUNS


def test_a_wish_in_every_wording() -> None:
    wordings = every_wording("colour", "red", "blue", held_out=False)
    assert {
        "in red",
        "but in red please",
        "I'd rather have it in red",
        "not blue, red",
        "red instead of blue",
    } <= set(wordings)
    assert all("red" in each for each in wordings)
    assert not set(wordings) & set(every_wording("colour", "red", "blue", held_out=True))


def test_typing_mistakes_are_rare_and_the_seed_decides() -> None:
    one, other = (
        [paraphrase("sleeve", "long", "short", np.random.default_rng(4)) for _ in range(3)] for _ in range(2)
    )
    assert one == other
    rng = np.random.default_rng(1)
    clean = set(every_wording("sleeve", "long", "short", held_out=False))
    wrong = sum(
        paraphrase("sleeve", "long", "short", rng).replace("sleeve length", "sleeves") not in
        {each.replace("sleeve length", "sleeves") for each in clean}
        for _ in range(400)
    )  # fmt: skip
    assert 4 < wrong < 60


def test_an_unknown_attribute_is_named() -> None:
    with pytest.raises(ValueError, match="'price'"):
        wording("price", "low")


def test_whatever_can_be_taken_away_has_words_for_it() -> None:
    rng = np.random.default_rng(0)
    away = {value for rules in RULES.values() for value in (*rules.patterns, *rules.details)} - {"plain", ""}
    for old in away:
        assert len(without(old, rng)) > 5
    assert set(REMOVALS_HEARD).isdisjoint(REMOVALS_HELD_OUT)
    said = {without("hood", rng, typos=0) for _ in range(200)}
    assert {"without a hood", "no hood", "take away the hood"} <= said
    assert not said & {without("hood", rng, held_out=True, typos=0) for _ in range(50)}
