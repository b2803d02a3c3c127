"""Features of drawn siblings and the wordings of every step between them: what stage four learns from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from atelier.attributes import CHANGEABLE
from atelier.changes import phrase
from embedding.inputs import Inputs
from embedding.minilm import TextTower
from embedding.preprocess import Preprocessing, prepare
from embedding.towers import ImageTower
from training.drawn_task import WITHOUT
from training.paraphrases import paraphrase, without
from training.sentences import encode_once
from training.siblings import Siblings, Step, read_pictures

Rows = npt.NDArray[np.int64]
ATTRIBUTES = ("kind", "gender", *CHANGEABLE)
_BATCH = 16


@dataclass(frozen=True)
class Lesson:
    """Wishes over the P pictures of a few families. Q is the number of wishes."""

    pictures: Rows  # (P,) of the bank
    sources: Rows  # (Q,) places in `pictures`
    targets: Rows  # (Q,)
    attributes: Rows  # (Q,) which of ATTRIBUTES is asked for
    wordings: Rows  # (Q,) rows of the bank's sentences
    others: Rows  # (Q,) another wording of each wish
    allowed: npt.NDArray[np.float32]  # (Q, P) 1 = lacks what is asked away; rows of zeros for other wishes


class SiblingBank:
    """Pictures of a plan as the resting tower sees them, with their attributes and wishes."""

    def __init__(
        self, plan: Siblings, seen: tuple[Tensor, Tensor], text: TextTower, seed: int, each: int = 3
    ) -> None:
        """`seen` are the (N, seen) features and (N, bins) histograms of the plan's pictures."""
        self.features, self.histograms = seen
        rng = np.random.default_rng([seed, 5])
        said = [wordings(plan, step, each, rng) for step in plan.steps]
        rows, self.sentences = encode_once(text, [text for texts in said for text in texts])
        self.steps: dict[int, list[tuple[Step, Rows]]] = {}
        for step, texts in zip(plan.steps, said, strict=True):
            family = int(plan.families[step.source])
            self.steps.setdefault(family, []).append((step, np.array([rows[text] for text in texts])))
        self.members = {
            family: np.flatnonzero(plan.families == family) for family in self.steps
        }  # a garment that nothing can change has no lesson
        self.labels, self.counts = _labels(plan)

    def draw(self, families: int, asked: int, rng: np.random.Generator) -> Lesson:
        """`asked` wishes of each of `families` families."""
        chosen = rng.choice(list(self.members), size=min(families, len(self.members)), replace=False)
        pictures = np.concatenate([self.members[int(family)] for family in chosen])
        place = {int(picture): n for n, picture in enumerate(pictures)}
        steps = []
        for family in chosen:
            own = self.steps[int(family)]
            picked = rng.choice(len(own), size=min(asked, len(own)), replace=False)
            steps += [own[int(n)] for n in picked]
        pairs = np.array([rng.choice(texts, size=2) for _, texts in steps])
        return Lesson(
            pictures=pictures,
            sources=np.array([place[step.source] for step, _ in steps]),
            targets=np.array([place[step.target] for step, _ in steps]),
            attributes=np.array([ATTRIBUTES.index(step.attribute) for step, _ in steps]),
            wordings=pairs[:, 0],
            others=pairs[:, 1],
            allowed=np.stack([self._allowed(step, pictures) for step, _ in steps]),
        )

    def _allowed(self, step: Step, pictures: Rows) -> npt.NDArray[np.float32]:
        """(P,) 1 for garments of the target's kind that lack what the step takes away."""
        if not takes_away(step):
            return np.zeros(len(pictures), np.float32)
        kind, column = ATTRIBUTES.index("kind"), ATTRIBUTES.index(step.attribute)
        wanted = self.labels[step.target]
        found = self.labels[pictures]
        lacking = (found[:, kind] == wanted[kind]) & (found[:, column] == wanted[column])
        return np.asarray(lacking & (pictures != step.source), dtype=np.float32)


def takes_away(step: Step) -> bool:
    """Whether the step leaves a garment without something: "no hood", "without stripes"."""
    return bool(step.old) and WITHOUT.get(step.attribute) == step.value


def wordings(plan: Siblings, step: Step, count: int, rng: np.random.Generator) -> list[str]:
    """`count` or more ways to ask for a step: one of the atelier's own and heard paraphrases."""
    before, after = plan.garments[step.source], plan.garments[step.target]
    texts = [phrase(before, after, step.attribute, rng)]
    texts += [paraphrase(step.attribute, step.value, step.old, rng) for _ in range(count - 1)]
    return texts + [without(step.old, rng) for _ in range(count - 1)] if takes_away(step) else texts


def _labels(plan: Siblings) -> tuple[Rows, tuple[int, ...]]:
    """(N, attributes) int64, -1 where a kind has no such attribute, and how many values each has."""
    columns, counts = [], []
    for name in ATTRIBUTES:
        shown = [getattr(garment, name) for garment in plan.garments]
        values = sorted({value for value in shown if value or name == "detail"})  # "" is a detail: none
        columns.append([values.index(value) if value in values else -1 for value in shown])
        counts.append(len(values))
    return np.array(columns, dtype=np.int64).T, tuple(counts)


@torch.inference_mode()
def look_at(tower: ImageTower, paths: list[Path], preprocessing: Preprocessing) -> tuple[Tensor, Tensor]:
    """Drawn pictures -> (N, seen) features and (N, bins) histograms of the resting tower."""
    inputs = Inputs(preprocessing, tower.vit.config.grid, torch.device("cpu"))
    features, histograms = [], []
    for pictures in read_pictures(paths, _BATCH):
        squares = np.stack([prepare(picture, preprocessing) for picture in pictures])
        with torch.autocast("cpu", torch.bfloat16):
            feature, histogram, _ = tower.features(*inputs(torch.from_numpy(squares)))
        features.append(feature.float())
        histograms.append(histogram.float())
    return torch.cat(features).clone(), torch.cat(histograms).clone()
