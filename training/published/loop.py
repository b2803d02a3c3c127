"""Trains the published network: AdamW, its own schedule or a plateau's, early stopping, checkpoints, logs.

A checkpoint is kept after each epoch; a run that finds one goes on from it to the bit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from embedding.minilm import TextTower
from embedding.preprocess import Preprocessing, normalise
from training.checkpoint import (
    generator_facts,
    load_generator,
    load_module,
    load_optimiser,
    module_tensors,
    optimiser_tensors,
    read_checkpoint,
    save_checkpoint,
)
from training.published.augment import Augmentation, augment, squash
from training.published.logbook import Logbook
from training.published.losses import Weights, losses
from training.published.network import Seed


@dataclass(frozen=True)
class Example:
    """A source image, the words, and the target image that they lead to; images by number."""

    source: int
    target: int
    text: str


class Examples(Protocol):
    """Where training examples come from: Fashion200k, a catalogue, the atelier."""

    def epoch(self, rng: np.random.Generator) -> list[Example]:
        """One epoch's examples, in the order they are trained on."""

    def image(self, number: int) -> Image.Image:
        """An RGB image; raises where it cannot be read."""


@dataclass(frozen=True)
class SeedTraining:
    """How the published network is trained. The defaults are the published ones."""

    epochs: int = 16
    batch: int = 32
    rate: float = 5e-4
    tower_share: float = 0.5  # of the rate, for the image tower
    weight_decay: float = 1e-6
    schedule: Literal["published", "plateau"] = "published"
    halve_every: int = 3  # epochs; published schedule
    late_epoch: int = 14  # from here on `late_rate` and `late_batch`; published schedule
    late_rate: float = 5e-6
    late_batch: int = 16
    patience: int = 2  # epochs without a better figure before the plateau's schedule halves the rate
    stop_after: int = 6  # epochs without a better figure before training stops; 0 = never
    seed: int = 0
    weights: Weights = field(default_factory=Weights)
    augmentation: Augmentation = field(default_factory=Augmentation)


class SeedLoop:
    """One training run. `validate` gives the figure that plateaus and stopping go by: higher is better."""

    def __init__(
        self,
        network: Seed,
        text: TextTower,
        examples: Examples,
        validate: Callable[[Seed], float],
        config: SeedTraining,
        folder: Path,
    ) -> None:
        self.network, self.text, self.examples, self.validate = network, text, examples, validate
        self.config, self.folder = config, folder
        tower = list(network.tower.parameters())
        known = {id(parameter) for parameter in tower}
        rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
        self.optimiser = torch.optim.AdamW(
            [{"params": [each for each in tower if each.requires_grad]}, {"params": rest}],
            lr=config.rate,
            weight_decay=config.weight_decay,
        )
        self.rng = np.random.default_rng(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.rate, self.best, self.since_best, self.epoch = config.rate, float("-inf"), 0, 0
        self._sentences: dict[str, Tensor] = {}
        self._shape = Preprocessing(size=network.config.vit.image_size)

    @property
    def checkpoint(self) -> Path:
        """The state after the last whole epoch."""
        return self.folder / "last.safetensors"

    @property
    def best_weights(self) -> Path:
        """The checkpoint of the epoch with the best figure."""
        return self.folder / "best.safetensors"

    def run(self) -> float:
        """Train to the end, or to where it no longer gets better; return the best figure."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._resume()
        with Logbook(self.folder) as log:
            while self.epoch < self.config.epochs and not self._stale():
                means = self._train()
                figure = self.validate(self.network.eval())
                self._judge(figure)
                log.write(self.epoch, {"rate": self.rate, **means, "validation": figure})
                self._save(self.checkpoint)
                if self.since_best == 0:
                    self._save(self.best_weights)
        return self.best

    def _stale(self) -> bool:
        return 0 < self.config.stop_after <= self.since_best

    def _train(self) -> dict[str, float]:
        """One epoch; the mean of each loss."""
        self.network.train()
        rate, size = self._pace()
        for group, share in zip(self.optimiser.param_groups, (self.config.tower_share, 1.0), strict=True):
            group["lr"] = rate * share
        sums: dict[str, float] = {}
        count = 0
        for batch in _batches(self.examples.epoch(self.rng), size):
            for name, loss in self._step(batch).items():
                sums[name] = sums.get(name, 0.0) + loss
            count += 1
        if not count:
            raise ValueError("There is no training pair: check that captions differ in one word.")
        self.epoch += 1
        return {name: total / count for name, total in sums.items()}

    def _pace(self) -> tuple[float, int]:
        """Learning rate and batch size of the epoch that begins."""
        config = self.config
        if config.schedule == "plateau":
            return self.rate, config.batch
        if self.epoch >= config.late_epoch:
            self.rate = config.late_rate
            return self.rate, config.late_batch
        self.rate = config.rate * 0.5 ** (self.epoch // config.halve_every)
        return self.rate, config.batch

    def _step(self, batch: Sequence[Example]) -> dict[str, float]:
        source = self.network.tower(self._pixels([each.source for each in batch]))
        target = self.network.tower(self._pixels([each.target for each in batch]))
        text = self._encode([each.text for each in batch])
        found = losses(self.network, source, text, target, self.config.weights, self.generator)
        total = torch.stack(list(found.values())).sum()
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {"loss": float(total.detach()), **{name: float(loss.detach()) for name, loss in found.items()}}

    def _pixels(self, numbers: Sequence[int]) -> Tensor:
        """(B, 3, S, S), each image changed anew."""
        size, changes = self._shape.size, self.config.augmentation
        squares = []
        for number in numbers:
            image = self.examples.image(number).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
            squares.append(squash(augment(image, changes, self.rng), size))
        return torch.from_numpy(normalise(np.stack(squares), self._shape))

    def _encode(self, texts: Sequence[str]) -> Tensor:
        for fresh in set(texts) - self._sentences.keys():
            # One by one: on some processors a vector's last bits depend on what is encoded beside it.
            self._sentences[fresh] = self.text.encode([fresh])[0].clone()
        return torch.stack([self._sentences[each] for each in texts])  # (B, h)

    def _judge(self, figure: float) -> None:
        if figure > self.best:
            self.best, self.since_best = figure, 0
            return
        self.since_best += 1
        if self.config.schedule == "plateau" and self.since_best % (self.config.patience + 1) == 0:
            self.rate *= 0.5

    def _save(self, path: Path) -> None:
        tensors = module_tensors("network", self.network) | optimiser_tensors("optimiser", self.optimiser)
        tensors |= {"triplets": self.generator.get_state(), "dropout": torch.get_rng_state()}
        facts = {
            "rate": self.rate, "best": self.best, "since_best": self.since_best,
            "draws": generator_facts(self.rng),
        }  # fmt: skip
        save_checkpoint(path, self.epoch, tensors, facts)

    def _resume(self) -> None:
        self.epoch, tensors, facts = read_checkpoint(self.checkpoint)
        load_module("network", self.network, tensors)
        load_optimiser("optimiser", self.optimiser, tensors)
        self.generator.set_state(tensors["triplets"])
        torch.set_rng_state(tensors["dropout"])
        load_generator(self.rng, facts["draws"])
        self.rate, self.best, self.since_best = facts["rate"], facts["best"], facts["since_best"]


def load_best(network: nn.Module, folder: Path) -> None:
    """Give the network the weights of its best epoch."""
    load_module("network", network, read_checkpoint(folder / "best.safetensors")[1])


def _batches(examples: Sequence[Example], size: int) -> Iterator[Sequence[Example]]:
    """Batches of `size`; a last one of a single pair is left out, for it has no negatives."""
    for start in range(0, len(examples), size):
        batch = examples[start : start + size]
        if len(batch) > 1:
            yield batch
