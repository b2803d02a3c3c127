"""Sentences as shoppers write them, each with the facts that it requires of a photo.

Because a caption carries its requirements, it is known for *every* photo of a batch whether it holds there,
and the contrastive losses need no photo to be the only right one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.colours import NAMES
from training.vocabulary import KINDS, WORDS, Fact, fact_columns

Floats = npt.NDArray[np.float32]

COLOUR_CHANGES = (
    "same but in {}", "in {}", "but in {}", "{}", "I want it in {}", "make it {}", "this in {}", "but {}",
    "the same in {} please", "do you have this in {}", "change the colour to {}", "in {} instead", "is {}",
    "similar but {}", "I'd rather have {}", "same one in {}", "{} version", "{} colour", "{} color",
    "this, but {}",
)  # fmt: skip
OTHER_CHANGES = (
    "but {}", "{}", "same but {}", "make it {}", "this but {}", "I want it {}", "is {}", "similar but {}",
    "more {}", "{} instead", "the same, {}", "do you have it {}",
)  # fmt: skip
WHOLE = (
    "{}",
    "{}",
    "{}",
    "a {}",
    "{} for women",
    "{} for men",
    "I am looking for a {}",
    "photo of a {}",
    "{} sale",
    "new {}",
)
AFTER = ("with ", "without ", "no ")  # phrases that follow the noun


@dataclass(frozen=True)
class Caption:
    """A sentence and what it requires."""

    text: str
    facts: tuple[Fact, ...] = ()
    colour: int = -1  # index in NAMES, -1 when no colour is named
    family: bool = False  # the colour is meant in its broad sense ("blue" for navy too)
    garment: str = ""  # set when the sentence holds for this garment only


def colour_word(colour: int, rng: np.random.Generator) -> tuple[str, bool]:
    """A word for a colour and whether it is the broad word of its family."""
    name = NAMES[colour]
    draw = rng.random()
    if draw < 0.55 or (draw < 0.85 and not name.synonyms):
        return name.name, name.name == name.family
    if draw < 0.85:
        return str(rng.choice(name.synonyms)), False
    return name.family, True


def change_colour(colour: int, rng: np.random.Generator) -> Caption:
    """A sentence that asks for a colour and nothing else."""
    word, family = colour_word(colour, rng)
    return Caption(misspell(str(rng.choice(COLOUR_CHANGES)).format(word), rng), (), colour, family)


def change_fact(fact: Fact, rng: np.random.Generator) -> Caption:
    """A sentence that asks for one fact and nothing else."""
    words = KINDS[fact[1]].words if fact[0] == "kind" else WORDS[fact]
    return Caption(misspell(str(rng.choice(OTHER_CHANGES)).format(rng.choice(words)), rng), (fact,))


def describe(kind: str, facts: tuple[Fact, ...], colour: int, rng: np.random.Generator) -> Caption:
    """A sentence for a whole garment: "red floral midi dress with long sleeves"; colour -1 leaves it out."""
    before: list[str] = []
    after: list[str] = []
    for fact in facts:
        phrase = str(rng.choice(WORDS[fact]))
        (after if phrase.startswith(AFTER) else before).append(phrase)
    word, family = colour_word(colour, rng) if colour >= 0 else ("", False)
    noun = str(rng.choice(KINDS[kind].words)) if rng.random() < 0.4 else KINDS[kind].words[0]
    joined = " ".join(filter(None, [word, *before, noun, " and ".join(after)]))
    text = str(rng.choice(WHOLE)).format(joined)
    return Caption(misspell(text, rng), (("kind", kind), *facts), colour, family)


def misspell(text: str, rng: np.random.Generator, share: float = 0.05) -> str:
    """Sometimes swap or drop a letter, as people do on a phone."""
    if rng.random() > share or len(text) < 5:
        return text
    place = int(rng.integers(1, len(text) - 2))
    if rng.random() < 0.5:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    return text[:place] + text[place + 1 :]


@dataclass(frozen=True)
class Truth:
    """What is known of B photos."""

    facts: npt.NDArray[np.int8]  # (B, facts): 1 holds, 0 does not, -1 nobody knows
    colours: Floats  # (B, names): share of the garment in each colour
    garments: tuple[str, ...]


def truth_table(truth: Truth, captions: list[Caption]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(B photos, C captions) float32 of how far each caption holds, and which pairs are known."""
    required = np.zeros((len(captions), truth.facts.shape[1]), dtype=np.float32)
    for row, caption in zip(required, captions, strict=True):
        row[[fact_columns()[fact] for fact in caption.facts]] = 1
    broken = (truth.facts == 0).astype(np.float32) @ required.T > 0  # (B, C)
    unknown = (truth.facts == -1).astype(np.float32) @ required.T > 0
    holds = np.where(broken, 0, 1) * _colour_match(truth.colours, captions)
    own = np.array([[not c.garment or c.garment == g for c in captions] for g in truth.garments])
    holds = holds * own
    return holds.astype(np.float32), ~unknown | (holds == 0)


def _colour_match(shares: Floats, captions: list[Caption]) -> Floats:
    """(B, names) shares -> (B, C): 1 where the colour asked for is the main one, or none is asked for."""
    families = np.array([name.family for name in NAMES])
    same = (families[:, None] == families[None]).astype(np.float32)  # (names, names)
    broad = shares @ same
    narrow = shares / shares.max(axis=1, keepdims=True)
    wide = np.minimum(1, broad / broad.max(axis=1, keepdims=True))
    asked = np.array([caption.colour for caption in captions])
    broadly = np.array([caption.family for caption in captions])
    match = np.where(broadly, wide[:, asked], narrow[:, asked])
    cleaned = np.where(match > 0.25, match, 0)
    return np.asarray(np.where(asked >= 0, cleaned, 1), dtype=np.float32)
