"""What is known of each photo, as rows of the fact arrays, and captions drawn from it."""

import numpy as np
import numpy.typing as npt

from training.captions import Caption, change_colour, change_fact, describe
from training.colours import NAMES
from training.datasets import Photo
from training.vocabulary import KINDS, WORDS, Fact, attribute_columns, fact_columns, kinds_of

Floats = npt.NDArray[np.float32]

_SLEEVES = {
    "t-shirt": "short",
    "longsleeve": "long",
    "polo": "short",
    "undershirt": "sleeveless",
    "hoodie": "long",
}


def photo_facts(photo: Photo) -> tuple[Fact, ...]:
    """The facts that a photo's own source gives."""
    facts: list[Fact] = [("kind", kind) for kind in kinds_of(photo.category)]
    if photo.source == "clothing" and photo.category in _SLEEVES:
        facts.append(("sleeve", _SLEEVES[photo.category]))
    return (*facts, *(fact for fact in photo.facts if fact in WORDS))


def fact_row(photo: Photo) -> npt.NDArray[np.int8]:
    """(facts,) int8: 1 holds, 0 does not, -1 unknown. One known value rules the other ones out."""
    row = np.full(len(fact_columns()), -1, dtype=np.int8)
    for attribute, value in photo_facts(photo):
        for column in attribute_columns()[attribute]:
            row[column] = max(row[column], 0)
        row[fact_columns()[(attribute, value)]] = 1
    return _soften_kinds(row)


def _soften_kinds(row: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """A narrower kind than the one known is not excluded: "pants" may be jeans."""
    columns = fact_columns()
    for kind, record in KINDS.items():
        broader = record.broader
        if broader and row[columns[("kind", broader)]] == 1 and row[columns[("kind", kind)]] == 0:
            siblings = [k for k, r in KINDS.items() if r.broader == broader]
            if not any(row[columns[("kind", sibling)]] == 1 for sibling in siblings):
                row[columns[("kind", kind)]] = -1
    return row


def draw_colour(shares: Floats, rng: np.random.Generator) -> int:
    """A colour name for a garment: nearly always the main one."""
    weight = shares**3
    return int(rng.choice(len(NAMES), p=weight / weight.sum()))


def draw_caption(photo: Photo, shares: Floats, rng: np.random.Generator) -> Caption:
    """A sentence that holds for a photo whose garment has these (names,) colour shares."""
    kinds = kinds_of(photo.category)
    facts = tuple(fact for fact in photo_facts(photo) if fact[0] != "kind")
    draw = rng.random()
    if photo.texts and draw < 0.12:
        return Caption(str(rng.choice(photo.texts)), garment=photo.garment)
    if not kinds or draw < 0.42:
        return change_colour(draw_colour(shares, rng), rng)
    if draw < 0.54 and facts:
        return change_fact(facts[int(rng.integers(len(facts)))], rng)
    kind = kinds[0] if rng.random() < 0.85 else kinds[int(rng.integers(len(kinds)))]
    chosen = tuple(fact for fact in facts if rng.random() < 0.45)
    colour = draw_colour(shares, rng) if rng.random() < 0.75 else -1
    return describe(kind, chosen, colour, rng)
