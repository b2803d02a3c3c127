"""Every sentence that stage two hears, encoded once."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from embedding.minilm import TextTower
from training.bank import FeatureBank
from training.captions import Caption, change_colour, describe
from training.colours import NAMES
from training.datasets import Photos
from training.facts import draw_caption, draw_colour
from training.vocabulary import kinds_of

_BATCH = 256
_WORDS = {word for name in NAMES for word in (name.name, name.family, *name.synonyms)}
_COLOUR_WORDS = re.compile(r"\b(" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")\b")


def names_a_colour(text: str) -> bool:
    """Whether a casefolded sentence has the name of a colour in it."""
    return bool(_COLOUR_WORDS.search(text))


def read_people(data: Path, limit: int) -> list[str]:
    """Sentences of people about garments and shoes, for their wording only; [] where they are missing."""
    texts: list[str] = []
    for path in sorted((data / "annotations" / "fashioniq" / "captions").glob("cap.*.train.json")):
        texts += [text for row in json.loads(path.read_text(encoding="utf-8")) for text in row["captions"]]
    shoes = data / "annotations" / "shoes" / "dataset" / "relative_captions_shoes.json"
    if shoes.is_file():
        texts += [row["RelativeCaption"] for row in json.loads(shoes.read_text(encoding="utf-8"))]
    order = np.random.default_rng(0).permutation(len(texts))[:limit]
    return [texts[n].strip().casefold() for n in order]


def encode_once(text: TextTower, sentences: Iterable[str]) -> tuple[dict[str, int], Tensor]:
    """Each wording's row, and the (N, 384) vectors of all wordings."""
    ordered = sorted(set(sentences), key=lambda wording: (len(wording), wording))  # little padding
    batches = [ordered[start : start + _BATCH] for start in range(0, len(ordered), _BATCH)]
    vectors = torch.cat([text.encode(batch) for batch in batches]).clone()
    return {wording: n for n, wording in enumerate(ordered)}, vectors


class Phrasebook:
    """Captions of the views of a bank, and the vectors of all sentences."""

    def __init__(
        self,
        photos: Photos,
        bank: FeatureBank,
        text: TextTower,
        people: list[str],
        extra: list[str],
        seed: int,
        each: int = 2,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.photos, self.bank = photos, bank
        self.captions = [[self._caption(view, rng) for _ in range(each)] for view in range(len(bank.photos))]
        self.asks = [[self._ask(view, rng) for _ in range(each)] for view in range(len(bank.photos))]
        said = {c.text for captions in self.captions for c in captions}
        said |= {text for asks in self.asks for text in asks} | set(people) | set(extra)
        self.rows, self.vectors = encode_once(text, said)
        self.people_rows = np.array([self.rows[text] for text in people], dtype=np.int64)
        self.people_labels = np.array([names_a_colour(text) for text in people], dtype=np.float32)

    def _caption(self, view: int, rng: np.random.Generator) -> Caption:
        return draw_caption(self.photos.rows[self.bank.photos[view]], self.bank.colours[view], rng)

    def _ask(self, view: int, rng: np.random.Generator) -> str:
        """Words that lead from any other colour of the garment to this view."""
        colour = draw_colour(self.bank.colours[view], rng)
        kinds = kinds_of(self.photos.rows[self.bank.photos[view]].category)
        if kinds and rng.random() < 0.2:
            return describe(kinds[0], (), colour, rng).text
        return change_colour(colour, rng).text

    def draw(self, view: int, rng: np.random.Generator) -> Caption:
        """One of the captions of a view."""
        return self.captions[view][int(rng.integers(len(self.captions[view])))]

    def ask(self, source: int, target: int, rng: np.random.Generator) -> str:
        """Words that lead from one view of a garment to another."""
        return self.asks[target][int(rng.integers(len(self.asks[target])))]

    def encode(self, texts: list[str]) -> Tensor:
        """Texts of the book -> (B, 384)."""
        return self.vectors[[self.rows[text] for text in texts]]

    def people(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(count, 384) sentences of people and (count,) whether each names a colour; empty if none."""
        if not len(self.people_rows):
            return self.vectors[:0], torch.zeros(0)
        chosen = rng.integers(len(self.people_rows), size=count)
        return self.vectors[self.people_rows[chosen]], torch.from_numpy(self.people_labels[chosen])
