"""Stage two: with the tower at rest, heads and composer learn in large batches from the bank of features.

Besides the losses of stage one there is the one that counts: a photo and words must meet the view that they
ask for, among hundreds of others and against the photo itself.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.composer import Weights, index_vectors, weigh
from embedding.pack import Towers
from embedding.towers import Sides
from training.bank import FeatureBank
from training.captions import Caption, truth_table
from training.losses import truth_contrast
from training.sentences import Phrasebook

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeadTraining:
    """How stage two runs. Saved in the pack."""

    posed: int = 1  # re-posed views a photo, beside the plain one
    garments: int = 224  # pairs a batch
    edits: int = 96  # drawn pairs a batch that differ in one attribute
    steps: int = 900
    rate: float = 1.5e-3
    visual_rate: float = 0.3  # of `rate`: stage one has already shaped this part
    weight_decay: float = 0.03
    drop: float = 0.1  # dropout on the features
    noise: float = 0.02  # of the sentence vectors, so that unseen wordings land near
    aligned_scale: float = 18.0  # inverse temperatures
    colour_scale: float = 14.0
    visual_scale: float = 20.0
    composed_scale: float = 22.0
    kind_scale: float = 10.0
    alike: float = 0.0  # share of the batches of one source or kind only: hard negatives, poor transfer
    parts: Weights = field(default_factory=lambda: Weights(1.0, 0.2, 0.3, 0.4))  # of a composed query
    weight_visual: float = 0.5
    weight_kind: float = 1.0
    weight_aligned: float = 1.0
    weight_colour: float = 0.5
    weight_named: float = 0.3
    weight_composed: float = 1.5


class HeadLoop:
    """Runs stage two over a bank of features."""

    def __init__(
        self,
        towers: Towers,
        bank: FeatureBank,
        phrases: Phrasebook,
        edits: "EditPairs",
        config: HeadTraining,
        seed: int,
    ) -> None:
        self.towers, self.bank, self.phrases, self.edits, self.config = towers, bank, phrases, edits, config
        self.rng = np.random.default_rng(seed)
        self.pools = _pools(bank)
        names = sorted(set(bank.kinds) - {""})
        self.labels = np.array([names.index(kind) if kind else -1 for kind in bank.kinds])
        self.directions = nn.Parameter(torch.randn(len(names), towers.image.parts.kind))
        self.families: dict[str, list[int]] = {}
        for n, garment in enumerate(bank.garments):
            self.families.setdefault(garment, []).append(n)
        visual = list(towers.image.visual.parameters())
        tower = {id(p) for p in [*towers.image.vit.parameters(), *towers.image.look.parameters(), *visual]}
        heads = [p for p in towers.parameters() if id(p) not in tower]
        groups = [
            {"params": [*heads, self.directions], "peak": config.rate},
            {"params": visual, "peak": config.rate * config.visual_rate},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.weight_decay)

    def run(self, log: Path, progress: int = 50) -> None:
        """Train for `config.steps`; a JSON line of losses every `progress` steps goes to `log`."""
        self.towers.train()
        with log.open("a", encoding="utf-8") as stream:
            for step in range(self.config.steps):
                share = min(1.0, (step + 1) / 50, (self.config.steps - step) / (0.6 * self.config.steps))
                for group in self.optimiser.param_groups:
                    group["lr"] = group["peak"] * share
                losses = self.step()
                if step % progress == 0:
                    print(json.dumps({"step": step, **losses}), file=stream, flush=True)
        self.towers.eval()

    def step(self) -> dict[str, float]:
        """One batch: forward, losses, backward, update."""
        losses = self._losses()
        self.optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {name: round(float(loss.detach()), 4) for name, loss in losses.items()}

    def _losses(self) -> dict[str, Tensor]:
        config = self.config
        sources, targets = self._pairs()
        here, there = self._look(sources), self._look(targets)
        captions = [self.phrases.draw(int(view), self.rng) for view in np.concatenate([sources, targets])]
        _, kind, aligned, colour = _joined(here, there)
        words, hues, named = self.towers.text(self._noisy(self.phrases.encode([c.text for c in captions])))
        table = truth_table(self.bank.truth(np.concatenate([sources, targets])), captions)
        truth, known = (torch.from_numpy(values) for values in table)
        only = torch.tensor([caption.colour >= 0 and not caption.facts for caption in captions])
        return {
            "visual": config.weight_visual * self._same(here[0], there[0]),
            "kind": config.weight_kind * self._kind(kind, np.concatenate([sources, targets])),
            "aligned": config.weight_aligned
            * truth_contrast(aligned, words, truth, known, config.aligned_scale),
            "colour": config.weight_colour
            * truth_contrast(colour, hues[only], truth[:, only], known[:, only], config.colour_scale),
            "named": config.weight_named * self._named(captions, named),
            "composed": config.weight_composed * self._composed(sources, targets, here, there),
        }

    def _pairs(self) -> tuple[Rows, Rows]:
        """A view of each garment and another view of it, mostly of another photo where there is one."""
        pool = self.pools[0]
        if self.rng.random() < self.config.alike:
            pool = self.pools[int(self.rng.integers(1, len(self.pools)))]
        size = min(len(pool), 2 * self.config.garments)
        garments = self.rng.choice(pool, size=size, replace=False)
        first: dict[str, int] = {}
        for n in garments:
            first.setdefault(self.bank.garments[n], int(n))
        chosen = np.array(list(first.values())[: self.config.garments])
        partners = np.array([self.rng.choice(self.families[self.bank.garments[n]]) for n in chosen])
        return self.bank.views_of(chosen, self.rng), self.bank.views_of(partners, self.rng)

    def _look(self, views: Rows) -> Sides:
        features = F.dropout(self.bank.features[views], self.config.drop)
        return self.towers.image.heads(features, self.bank.histograms[views])

    def _noisy(self, sentences: Tensor) -> Tensor:
        return F.normalize(sentences + self.config.noise * torch.randn_like(sentences), dim=-1)

    def _same(self, here: Tensor, there: Tensor) -> Tensor:
        logits, order = self.config.visual_scale * here @ there.T, torch.arange(len(here))
        return 0.5 * (F.cross_entropy(logits, order) + F.cross_entropy(logits.T, order))

    def _kind(self, kind: Tensor, views: Rows) -> Tensor:
        """Cross-entropy of the kind part against one learned direction a kind."""
        labels = self.labels[self.bank.photos[views]]
        known = torch.from_numpy(labels >= 0)
        logits = self.config.kind_scale * kind @ F.normalize(self.directions, dim=-1).T
        return F.cross_entropy(logits[known], torch.from_numpy(labels)[known], label_smoothing=0.05)

    def _named(self, captions: list[Caption], named: Tensor) -> Tensor:
        wanted = torch.tensor([float(caption.colour >= 0) for caption in captions])
        kept = torch.tensor([not caption.garment for caption in captions])
        sentences, labels = self.phrases.people(64, self.rng)
        _, _, guess = self.towers.text(sentences)
        every = torch.cat([named[kept, 0], guess[:, 0]]).clamp(1e-5, 1 - 1e-5)
        return F.binary_cross_entropy(every, torch.cat([wanted[kept], labels]))

    def _composed(self, sources: Rows, targets: Rows, here: Sides, there: Sides) -> Tensor:
        """Photo and words against all targets and all query photos."""
        asked = [self.phrases.ask(int(s), int(t), self.rng) for s, t in zip(sources, targets, strict=True)]
        edit_sources, edit_targets, edit_words = self.edits.draw(self.bank, self.config.edits, self.rng)
        if len(edit_sources):
            here = _joined(here, self._look(edit_sources))
            there = _joined(there, self._look(edit_targets))
        words = self._noisy(self.phrases.encode(asked + edit_words))
        said, hues, named = self.towers.text(words)
        visual, kind, aligned, colour = here
        wanted = F.normalize((1 - named) * colour + named * hues, dim=-1)
        queries = weigh((visual, kind, self.towers.composer(aligned, said), wanted), self.config.parts)
        gallery = torch.cat([index_vectors(there), index_vectors(here)])
        return F.cross_entropy(self.config.composed_scale * queries @ gallery.T, torch.arange(len(queries)))


def _joined(one: Sides, other: Sides) -> Sides:
    visual, kind, aligned, colour = (torch.cat(pair) for pair in zip(one, other, strict=True))
    return visual, kind, aligned, colour


def _pools(bank: FeatureBank) -> list[Rows]:
    """Where a batch is drawn from: all photos, then each source and each kind that fills a batch."""
    pools = [np.arange(len(bank.garments))]
    for labels in (bank.sources, bank.kinds):
        found, counts = np.unique(labels, return_counts=True)
        pools += [
            np.flatnonzero(labels == label)
            for label, count in zip(found, counts, strict=True)
            if count >= 90 and label
        ]
    return pools


class EditPairs:
    """The drawn pairs that differ in one attribute, as photos of the bank."""

    def __init__(self, variants: tuple[str, ...], edits: list[tuple[str, str, str]]) -> None:
        places: dict[str, list[int]] = {}
        for n, variant in enumerate(variants):
            places.setdefault(variant, []).append(n)
        self.pairs = [(places[s], places[t], words) for s, t, words in edits if s in places and t in places]

    def draw(self, bank: FeatureBank, count: int, rng: np.random.Generator) -> tuple[Rows, Rows, list[str]]:
        """`count` pairs as plain views of the bank, with their words."""
        if not self.pairs:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), []
        places = rng.choice(len(self.pairs), size=min(count, len(self.pairs)), replace=False)
        chosen = [self.pairs[n] for n in places]
        sources = np.array([rng.choice(source) for source, _, _ in chosen])
        targets = np.array([rng.choice(target) for _, target, _ in chosen])
        return sources, targets, [words for _, _, words in chosen]
