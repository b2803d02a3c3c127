"""Heads and composer learn from a catalogue, near what they were.

The composed query must meet the items that answer, against the rest of the batch, the photo itself and items
that differ from it in one other attribute (in-batch contrastive loss with several right answers). What the
live pack knew is kept twice: its vectors are a target of their own, and of the way that was learned only the
share is gone that does best on articles set aside for it (Wortsman et al., 2022, robust fine-tuning).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from training.catalogue.exam import COMPOSED, Exam, examine, index_all
from training.catalogue.heads import Heads
from training.catalogue.lessons import Batch, Lessons
from training.catalogue.recipe import Recipe
from training.checkpoint import (
    load_optimiser,
    optimiser_tensors,
    read_checkpoint,
    save_checkpoint,
)
from training.losses import info_nce

Progress = Callable[[int, int | None], None]


class Learner:
    """Trains the heads in place over (N, F) features of the catalogue's items."""

    def __init__(self, heads: Heads, lessons: Lessons, features: Tensor, recipe: Recipe) -> None:
        self.heads, self.lessons, self.features, self.recipe = heads, lessons, features, recipe
        self.before = heads.state()
        self.rows, self.sentences = heads.read(lessons.sentences())
        with torch.no_grad():
            self.known = index_all(heads, features)  # (N, D)
            self.said = heads.words(self.sentences)  # (sentences, T)
        groups = [{"params": group, "peak": recipe.rate * share} for group, share in heads.groups()]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay)

    def run(self, checkpoint: Path, key: str, progress: Progress, saved: int = 100) -> dict[str, float]:
        """Learn, going on from a checkpoint of the same key, kept every `saved` steps; the last losses."""
        losses: dict[str, float] = {}
        self.heads.learning(True)
        for step in range(self._resumed(checkpoint, key), self.recipe.steps):
            losses = self.step(step)
            progress(step + 1, self.recipe.steps)
            if (step + 1) % saved == 0:
                facts: dict[str, Any] = {"key": key, "losses": losses}
                tensors = {**_under("heads", self.heads.state()), **optimiser_tensors("adam", self.optimiser)}
                save_checkpoint(checkpoint, step + 1, tensors, facts)
        self.heads.learning(False)
        return losses

    def _resumed(self, checkpoint: Path, key: str) -> int:
        if not checkpoint.is_file():
            return 0
        step, tensors, facts = read_checkpoint(checkpoint)
        if facts["key"] != key:  # of another catalogue, pack or recipe
            return 0
        self.heads.load(
            {name.removeprefix("heads."): each for name, each in tensors.items() if name.startswith("heads.")}
        )
        load_optimiser("adam", self.optimiser, tensors)
        return step

    def step(self, step: int) -> dict[str, float]:
        """One batch: forward, losses, backward, update. Depends on weights, moments and the step alone."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * _schedule(step, self.recipe.steps)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(step)
            losses = self._losses(self.lessons.batch(step))
        self.optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {name: round(float(loss.detach()), 6) for name, loss in losses.items()}

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        recipe, place = self.recipe, np.searchsorted(batch.gallery, batch.sources)
        gallery = self.heads.index(self.features[batch.gallery])  # (G, D)
        asked = [self.rows[text] for text in batch.texts]
        words = self.heads.words(self._noisy(self.sentences[asked]))  # (B, T)
        query = self.heads.query(gallery[place], words)
        losses = {
            "composed": info_nce(query.both, gallery, torch.from_numpy(batch.answers), recipe.scale),
            "keep": recipe.weight_keep
            * (_away(gallery, self.known[batch.gallery]) + _away(words, self.said[asked])),
        }
        if batch.captions:
            told = self.heads.words(self.sentences[[self.rows[text] for text in batch.captions]])
            shown = torch.from_numpy(batch.shown)
            contrast = info_nce(self.heads.by_words(told), gallery, shown, recipe.scale)
            losses["words"] = recipe.weight_words * contrast
        return losses

    def _noisy(self, sentences: Tensor) -> Tensor:
        return F.normalize(sentences + self.recipe.noise * torch.randn(sentences.shape), dim=-1)

    def settle(self, checked: Exam) -> float:
        """Go only the share of the way from the live weights that does best on `checked`; that share.

        Where nothing was set aside, half of the way.
        """
        after = self.heads.state()
        if not len(checked):
            self.heads.load(_between(self.before, after, 0.5))
            return 0.5
        found: dict[float, float] = {}
        for share in self.recipe.shares:
            self.heads.load(_between(self.before, after, share))
            result = examine(self.heads, checked, self.features, only_composed=True)[COMPOSED]
            found[share] = result.percent(1) + result.percent(10)
        best = max(found, key=lambda share: (found[share], -share))
        self.heads.load(_between(self.before, after, best))
        return best


def _between(before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    return {name: torch.lerp(before[name], after[name], share) for name in after}


def _under(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in state.items()}


def _away(now: Tensor, before: Tensor) -> Tensor:
    """Mean of 1 - cosine of (B, D) rows."""
    return (1 - F.cosine_similarity(now, before, dim=-1)).mean()


def _schedule(step: int, steps: int) -> float:
    """Up for 5 % of the steps, then down along a cosine."""
    warm = max(1, steps // 20)
    return min((step + 1) / warm, 0.5 * (1 + float(np.cos(np.pi * step / steps))))
