"""Heads and composer of the kind of pack that Twirl trains itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from embedding.composer import Query, compose, index_vectors, words_query
from embedding.inputs import Inputs
from embedding.pack_files import PackInfo, read_info, read_weights, write_pack
from embedding.precision import choose_precision
from embedding.preprocess import Pixels, prepare
from embedding.tower_pack import Towers, text_tower_of
from training.sentences import encode_once


class TowerHeads:
    """The heads of a `twirl` pack: four parts of the photo's vector, two of the words', the composer."""

    def __init__(self, folder: Path) -> None:
        """Reads and checks the pack in `folder`. Raises PackRefused."""
        self.info = read_info(folder)
        self.towers = Towers(self.info.config).eval()
        self._weights = weights = read_weights(folder, self.info)
        self.towers.load_state_dict(weights)
        self.towers.requires_grad_(False)
        image, text = self.towers.image, self.towers.text
        formed = (image.form, image.more_kind, image.more_aligned) if image.formed else ()
        self._visual = [each for head in (image.visual, *formed[:1]) for each in head.parameters()]
        heads = (image.kind, image.aligned, image.colour, *formed[1:], text, self.towers.composer)
        self._heads = [each for head in heads for each in head.parameters()]
        for each in (*self._visual, *self._heads):
            each.requires_grad_(True)
        self.trunk = _digest({name: weights[name] for name in weights if _frozen(name)}, self.info)
        self._split = self.info.config.tower.seen
        config = self.info.config
        self._inputs = Inputs(config.preprocessing, image.vit.config.grid, torch.device("cpu"))
        image.vit.compute_in(choose_precision("auto", torch.device("cpu")))

    @torch.inference_mode()
    def look(self, pictures: Sequence[Pixels]) -> Tensor:
        """B pictures of (H, W, 3) -> (B, seen + bins) float32: what the image heads see."""
        squares = np.stack([prepare(each, self.info.config.preprocessing) for each in pictures])
        pixels, histograms = self._inputs(torch.from_numpy(squares))
        feature, histogram, _ = self.towers.image.features(pixels, histograms)
        return torch.cat([feature.float(), histogram], dim=1)

    def read(self, texts: Sequence[str]) -> tuple[dict[str, int], Tensor]:
        """Texts -> the row of each, and the (N, 384) sentence vectors of all."""
        return encode_once(text_tower_of(self.info.config), texts)

    def index(self, features: Tensor) -> Tensor:
        """(B, seen + bins) -> (B, D) unit rows."""
        sides = self.towers.image.heads(features[:, : self._split], features[:, self._split :])
        return index_vectors(sides)

    def words(self, sentences: Tensor) -> Tensor:
        """(B, 384) -> (B, T) text vectors."""
        return self.towers.text.vectors(sentences)

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

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.towers.load_state_dict(state, strict=False)

    def learning(self, on: bool) -> None:
        """Nothing in these heads does otherwise while it learns."""

    def write(
        self, out: Path, name: str, said: str, training: dict[str, Any], metrics: dict[str, Any]
    ) -> str:
        """Write the pack to a new folder; its fingerprint.

        The transformer's weights go out as they came in, whatever they were multiplied in meanwhile.
        """
        info = replace(self.info, name=name, description=said, training=training, metrics=metrics)
        return write_pack(out, info, {**self._weights, **self.state()}).fingerprint


def _frozen(name: str) -> bool:
    return name.startswith(("image.vit.", "image.look."))


def _digest(weights: dict[str, Tensor], info: PackInfo) -> str:
    """16 hex digits of the frozen weights, of what comes before them and how much of it is looked at."""
    tower = info.config.tower
    found = hashlib.sha256(repr((info.config.preprocessing, tower.bins, tower.seen)).encode())
    for name in sorted(weights):
        found.update(name.encode() + weights[name].numpy().tobytes())
    return found.hexdigest()[:16]
