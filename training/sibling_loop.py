"""Stage four: what words that name no colour want of each part, learned among siblings of drawn garments.

A query is a drawn garment and a wish; it must meet the sibling that has it, among the siblings that have
another one and the other families. Where something is asked away, all garments of the kind that lack it count
as hits, and so everything that shows it falls. What the other stages learned stays: the visual, kind and
colour parts rest, and the aligned part is held where it was on real photos and on captions.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.composer import Balance, change, index_vectors
from embedding.pack import Towers
from training.sibling_bank import Lesson, SiblingBank


@dataclass(frozen=True)
class SiblingTraining:
    """How stage four runs. Saved in the pack."""

    families: int = 800  # drawn garments, about eight pictures each
    drawn_seed: int = 31
    wish: int = 256  # width of the wish
    turn: int = 64  # directions that a wish can turn a part along
    steps: int = 1200
    batch: int = 48  # families a batch
    asked: int = 5  # wishes a family
    rate: float = 1e-3
    weight_decay: float = 0.03
    drop: float = 0.1  # dropout on the features
    noise: float = 0.04  # of the sentence vectors
    scale: float = 25.0  # inverse temperature
    named_scale: float = 12.0  # of the directions of values
    weight_away: float = 1.0  # what was asked away falls
    weight_same: float = 2.0  # two wordings of a wish rank alike
    weight_values: float = 0.5  # the aligned part tells each attribute's value
    weight_photos: float = 15.0  # the aligned part stays on real photos
    weight_words: float = 60.0  # and on captions
    held: int = 256  # photos and captions a batch that hold it


@dataclass(frozen=True)
class Held:
    """What stays: N real photos, as often as their `shares` say, and M captions."""

    features: Tensor  # (N, seen)
    histograms: Tensor  # (N, bins)
    captions: Tensor  # (M, 384)
    shares: npt.NDArray[np.float64]  # (N,), sums to 1


class SiblingLoop:
    """Runs stage four over the pictures of a bank."""

    def __init__(
        self,
        towers: Towers,
        bank: SiblingBank,
        held: Held,
        balance: Balance,
        config: SiblingTraining,
        seed: int,
    ) -> None:
        self.towers, self.bank, self.held, self.balance, self.config = towers, bank, held, balance, config
        self.rng = np.random.default_rng([seed, 4])
        width = towers.image.parts.aligned
        self.values = nn.ParameterList([torch.randn(count, width) for count in bank.counts])
        with torch.no_grad():
            self.photos_were = towers.image.heads(held.features, held.histograms)[2]
            self.words_were = towers.text(held.captions)[0]
        learning = [
            *towers.image.aligned.parameters(),
            *(towers.image.more_aligned.parameters() if towers.image.formed else ()),
            *towers.text.aligned.parameters(),
            *towers.text.wish.parameters(),
            *(p for n, p in towers.composer.named_parameters() if n.split(".")[0] not in ("mix", "share")),
        ]
        groups = [{"params": learning, "peak": config.rate}, {"params": self.values, "peak": 3 * config.rate}]
        self.optimiser = torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.weight_decay)

    def run(self, log: Path, progress: int = 50) -> None:
        """Train for `config.steps`; a JSON line of losses every `progress` steps goes to `log`."""
        self.towers.train()
        steps = self.config.steps
        with log.open("a", encoding="utf-8") as stream:
            for step in range(steps):
                share = min(1.0, (step + 1) / 30, (steps - step) / (0.6 * steps))
                for group in self.optimiser.param_groups:
                    group["lr"] = group["peak"] * share
                losses = self.step()
                if step % progress == 0:
                    print(json.dumps({"step": step, **losses}), file=stream, flush=True)
        self.towers.eval()

    def step(self) -> dict[str, float]:
        """One batch: forward, losses, backward, update."""
        lesson = self.bank.draw(self.config.batch, self.config.asked, self.rng)
        losses = {**self._asked(lesson), **self._stays()}
        self.optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {name: round(float(loss.detach()), 4) for name, loss in losses.items()}

    def _asked(self, lesson: Lesson) -> dict[str, Tensor]:
        config, parts = self.config, self.towers.image.parts
        features = F.dropout(self.bank.features[lesson.pictures], config.drop)
        sides = self.towers.image.heads(features, self.bank.histograms[lesson.pictures])
        gallery, sources = index_vectors(sides), torch.from_numpy(lesson.sources)
        here = (sides[0][sources], sides[1][sources], sides[2][sources], sides[3][sources])
        ranks, said = [], []
        for rows in (lesson.wordings, lesson.others):
            text = self.towers.text.vectors(self._noisy(self.bank.sentences[rows]))
            query = change(here, text, self.towers.composer, parts, self.balance)
            scores = (config.scale * query @ gallery.T).scatter(
                1, sources[:, None], -1e4
            )  # itself is left out
            ranks.append(scores.log_softmax(1))
            said.append(parts.split_text(text)[0])
        one, other = ranks
        target, allowed = torch.from_numpy(lesson.targets), torch.from_numpy(lesson.allowed)
        gone = allowed.sum(1) > 0
        spread = allowed[gone] / allowed[gone].sum(1, keepdim=True)
        alike = _towards(one, other) + _towards(other, one)
        return {
            "siblings": 0.5 * (F.nll_loss(one, target) + F.nll_loss(other, target)),
            "away": config.weight_away * -(spread * one[gone]).sum() / gone.sum().clamp_min(1),
            "same": config.weight_same * 0.5 * alike,
            "values": config.weight_values * self._values(sides[2], said[0], lesson),
        }

    def _values(self, photos: Tensor, said: Tensor, lesson: Lesson) -> Tensor:
        """Photos and words against one learned direction a value, attribute by attribute."""
        losses = []
        for n, directions in enumerate(self.values):
            named = F.normalize(directions, dim=-1).T
            labels = torch.from_numpy(self.bank.labels[lesson.pictures, n])
            logits = self.config.named_scale * photos @ named
            losses.append(F.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=0.05))
            asked = torch.from_numpy(lesson.attributes == n)
            if asked.any():
                wanted = labels[torch.from_numpy(lesson.targets)][asked]
                words = self.config.named_scale * said[asked] @ named
                losses.append(0.3 * F.cross_entropy(words, wanted, label_smoothing=0.05))
        return torch.stack(losses).sum() / len(self.values)

    def _stays(self) -> dict[str, Tensor]:
        config, held = self.config, self.held
        photos = self.rng.choice(len(held.features), size=config.held, p=held.shares)
        words = self.rng.integers(len(held.captions), size=config.held)
        now = self.towers.image.heads(held.features[photos], held.histograms[photos])[2]
        said = self.towers.text(held.captions[words])[0]
        return {
            "photos": config.weight_photos * (1 - (now * self.photos_were[photos]).sum(1)).mean(),
            "words": config.weight_words * (1 - (said * self.words_were[words]).sum(1)).mean(),
        }

    def _noisy(self, sentences: Tensor) -> Tensor:
        return F.normalize(sentences + self.config.noise * torch.randn_like(sentences), dim=-1)


def _towards(one: Tensor, other: Tensor) -> Tensor:
    """Kullback-Leibler divergence of (B, N) log probabilities, mean of the rows."""
    return F.kl_div(one, other, log_target=True, reduction="batchmean")
