"""What of a pack a merchant's catalogue may change, over features that it may not.

The towers stay as they are: what they see of a photo and of a sentence is computed once. Above that lie heads
and composer, and those learn.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from embedding.composer import Query, compose, index_vectors, words_query
from embedding.inputs import Inputs
from embedding.minilm import shared_text_tower
from embedding.pack import Towers
from embedding.pack_files import PackInfo, read_info, read_weights
from embedding.precision import choose_precision
from embedding.preprocess import Pixels, prepare
from training.sentences import encode_once


class Heads(Protocol):
    """A pack cut in two: frozen towers that look once, and heads that learn."""

    info: PackInfo
    trunk: str  # names the frozen half: features of one trunk fit every pack that stands on it

    def look(self, pictures: Sequence[Pixels]) -> Tensor:
        """B pictures of (H, W, 3) -> (B, F) features, frozen."""

    def read(self, texts: Sequence[str]) -> tuple[dict[str, int], Tensor]:
        """Texts -> the row of each, and the (N, S) features of all, frozen."""

    def index(self, features: Tensor) -> Tensor:
        """(B, F) features of photos -> (B, D) unit rows: what is indexed."""

    def words(self, sentences: Tensor) -> Tensor:
        """(B, S) features of sentences -> (B, T) text vectors."""

    def query(self, image: Tensor, text: Tensor) -> Query:
        """(B, D) index vectors and (B, T) text vectors -> the query by photo, by both, by words."""

    def by_words(self, text: Tensor) -> Tensor:
        """(B, T) text vectors -> (B, D) unit rows: the query by words alone."""

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """What learns, each with its share of the rate."""

    def state(self) -> dict[str, Tensor]:
        """The weights that learn, by name."""

    def whole(self) -> dict[str, Tensor]:
        """Every weight of the pack, by name: the frozen ones as they were read."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""


class TwirlHeads:
    """The heads of a `twirl` pack: four parts of the photo's vector, two of the words', the composer."""

    def __init__(self, folder: Path) -> None:
        """Reads and checks the pack in `folder`. Raises PackRefused."""
        self.info = read_info(folder)
        self.towers = Towers(self.info.config).eval()
        self._weights = weights = read_weights(folder, self.info)
        self.towers.load_state_dict(weights)
        self.towers.requires_grad_(False)
        image, text = self.towers.image, self.towers.text
        self._visual = [*image.visual.parameters()]
        heads = (image.kind, image.aligned, image.colour, text, self.towers.composer)
        self._heads = [each for head in heads for each in head.parameters()]
        for each in (*self._visual, *self._heads):
            each.requires_grad_(True)
        self.trunk = _digest({name: weights[name] for name in weights if _frozen(name)}, self.info)
        self._split = 2 * self.info.config.tower.vit.width
        config = self.info.config
        self._inputs = Inputs(config.preprocessing, image.vit.config.grid, torch.device("cpu"))
        image.vit.compute_in(choose_precision("auto", torch.device("cpu")))

    @torch.inference_mode()
    def look(self, pictures: Sequence[Pixels]) -> Tensor:
        """B pictures of (H, W, 3) -> (B, 2 width + bins) float32: what the image heads see."""
        squares = np.stack([prepare(each, self.info.config.preprocessing) for each in pictures])
        pixels, histograms = self._inputs(torch.from_numpy(squares))
        feature, histogram, _ = self.towers.image.features(pixels, histograms)
        return torch.cat([feature.float(), histogram], dim=1)

    def read(self, texts: Sequence[str]) -> tuple[dict[str, int], Tensor]:
        """Texts -> the row of each, and the (N, 384) sentence vectors of all."""
        return encode_once(shared_text_tower(self.info.config.text_tower_sha256), texts)

    def index(self, features: Tensor) -> Tensor:
        """(B, 2 width + bins) -> (B, D) unit rows."""
        sides = self.towers.image.heads(features[:, : self._split], features[:, self._split :])
        return index_vectors(sides)

    def words(self, sentences: Tensor) -> Tensor:
        """(B, 384) -> (B, T) text vectors."""
        return torch.cat(self.towers.text(sentences), dim=-1)

    def query(self, image: Tensor, text: Tensor) -> Query:
        """(B, D) and (B, T) -> the three corners of the query, as `Pack.compose` makes them."""
        config = self.info.config
        return compose(self.towers.composer, image, text, config.tower.parts, config.balance)

    def by_words(self, text: Tensor) -> Tensor:
        """(B, T) text vectors -> (B, D) unit rows."""
        return words_query(text, self.info.config.tower.parts, self.info.config.balance)

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """The visual part learns slowest: it was shaped by far more photos than a shop has."""
        return [(self._heads, 1.0), (self._visual, 0.3)]

    def state(self) -> dict[str, Tensor]:
        """The weights that learn, by name."""
        found = self.towers.state_dict().items()
        return {name: tensor.detach().clone() for name, tensor in found if not _frozen(name)}

    def whole(self) -> dict[str, Tensor]:
        """Every weight of the pack; the transformer's as they were read, whatever it multiplies in."""
        return {**self._weights, **self.state()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.towers.load_state_dict(state, strict=False)


def open_heads(folder: Path) -> Heads:
    """The heads of the pack in `folder`. Raises PackRefused."""
    return TwirlHeads(folder)


def _frozen(name: str) -> bool:
    return name.startswith(("image.vit.", "image.look."))


def _digest(weights: dict[str, Tensor], info: PackInfo) -> str:
    """16 hex digits of the frozen weights and of what is done to a picture before them."""
    found = hashlib.sha256(repr((info.config.preprocessing, info.config.tower.bins)).encode())
    for name in sorted(weights):
        found.update(name.encode() + weights[name].numpy().tobytes())
    return found.hexdigest()[:16]
