"""Batches for the heads: pairs with their words and hard negatives, and captions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from training.catalogue.captions import Mask, Rows, ValueTable, draw_caption
from training.catalogue.items import CatalogueTooSmall, Item
from training.catalogue.recipe import Recipe
from training.catalogue.triplets import Pair, Triplets, side_of, twins
from training.catalogue.wordings import ask

Thing = TypeVar("Thing")

LEAST_PAIRS = 40
MOST_WORDINGS = 8  # of one wish


@dataclass(frozen=True)
class Batch:
    """B pairs and C captions over a gallery of G items."""

    sources: Rows  # (B,) rows of the items
    texts: list[str]  # (B,)
    gallery: Rows  # (G,) rows of the items: targets, sources, hard negatives
    answers: Mask  # (B, G): the item answers the pair
    captions: list[str]  # (C,)
    shown: Mask  # (C, G): the caption holds for the item


class Lessons:
    """What is learned from: the pairs of the articles that are not held out."""

    def __init__(self, items: Sequence[Item], triplets: Triplets, recipe: Recipe) -> None:
        """Raises CatalogueTooSmall."""
        self.recipe = recipe
        least = recipe.held_out + recipe.checked
        self.taught = np.array([side_of(item.group, recipe.seed) >= least for item in items], dtype=bool)
        self.near, self.same = triplets.near, twins(items)
        self.pairs = [found for pair in triplets.pairs if (found := self._mine(pair)) is not None]
        if len(self.pairs) < LEAST_PAIRS:
            raise CatalogueTooSmall(
                f"The catalogue gives {len(self.pairs)} pairs of items that differ in one attribute; "
                f"learning takes {LEAST_PAIRS} or more.",
                "Give variants of one article the same item_group_id and each its colour (docs/feeds.md).",
            )
        self.places = _by_attribute(self.pairs)
        rng = np.random.default_rng([recipe.seed, 31])
        self.wishes = _wishes(self.pairs, recipe.wordings, rng)
        self.captions = [draw_caption(item, rng) for item in items]
        self._table = ValueTable(items)

    def _mine(self, pair: Pair) -> Pair | None:
        """The pair without the targets that are held out; None where nothing is left."""
        targets = frozenset(row for row in pair.targets if self.taught[row])
        if not targets or not self.taught[pair.source]:
            return None
        return Pair(pair.source, pair.attribute, pair.value, pair.old, targets, pair.same_group)

    def sentences(self) -> list[str]:
        """Everything that is said in any batch, each once."""
        said = {text for texts in self.wishes.values() for text in texts}
        captions = (self.captions[row][0] for row in np.flatnonzero(self.taught))
        return sorted(said | {caption for caption in captions if caption})

    def batch(self, step: int) -> Batch:
        """The batch of a step: it depends on the recipe's seed and the step alone."""
        rng = np.random.default_rng([self.recipe.seed, 41, step])
        pairs = self._draw(rng)
        targets = [_one(sorted(pair.targets), rng) for pair in pairs]
        near = [row for pair in pairs for row in self._negatives(pair, rng)]
        sources = np.array([pair.source for pair in pairs])
        gallery = np.unique(np.concatenate([sources, targets, np.array(near, dtype=np.int64)]))
        told = [row for row in dict.fromkeys(targets) if self.captions[row][0]]
        return Batch(
            sources=sources,
            texts=[self._wish(pair, rng) for pair in pairs],
            gallery=gallery,
            answers=np.stack([self._answers(pair, gallery) for pair in pairs]),
            captions=[self.captions[row][0] for row in told],
            shown=self._table.holds(told, [self.captions[row][1] for row in told], gallery),
        )

    def _draw(self, rng: np.random.Generator) -> list[Pair]:
        """Attributes by the root of how often they come: the rare ones are heard, the common ones lead."""
        names = list(self.places)
        weights = np.sqrt([len(self.places[name]) for name in names])
        counts = rng.multinomial(min(self.recipe.batch, len(self.pairs)), weights / weights.sum())
        rows: list[int] = []
        for name, count in zip(names, counts, strict=True):
            places = self.places[name]
            rows += [int(n) for n in rng.choice(places, min(count, len(places)), replace=False)]
        return [self.pairs[n] for n in rows]

    def _negatives(self, pair: Pair, rng: np.random.Generator) -> list[int]:
        others = [
            row for row in self.near.get(pair.source, ()) if self.taught[row] and row not in pair.targets
        ]
        few = min(self.recipe.negatives, len(others))
        return [int(row) for row in rng.choice(others, few, replace=False)] if few else []

    def _answers(self, pair: Pair, gallery: Rows) -> Mask:
        return np.isin(gallery, list(pair.targets))

    def _wish(self, pair: Pair, rng: np.random.Generator) -> str:
        return _one(self.wishes[(pair.attribute, pair.value, pair.old)], rng)


def _one(things: Sequence[Thing], rng: np.random.Generator) -> Thing:
    return things[int(rng.integers(len(things)))]


def _by_attribute(pairs: Sequence[Pair]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for n, pair in enumerate(pairs):
        places[pair.attribute].append(n)
    return dict(sorted(places.items()))


def _wishes(
    pairs: Sequence[Pair], wordings: int, rng: np.random.Generator
) -> dict[tuple[str, str, str], list[str]]:
    """For every change that occurs, some wordings of it; fewer of each where there are many."""
    changes = sorted({(pair.attribute, pair.value, pair.old) for pair in pairs})
    each = max(1, min(MOST_WORDINGS, wordings // len(changes)))
    return {change: [ask(*change, rng) for _ in range(each)] for change in changes}
