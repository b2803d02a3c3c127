"""The composer of an encoder that somebody else trained: photos and words stay where they are."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from embedding.composer import Query
from embedding.dual import load_dual_pack
from embedding.dual_files import COMPOSER, DualInfo, write_composed
from embedding.preprocess import Pixels
from embedding.residual import ResidualComposer, ResidualConfig

_TEXTS = 64  # sentences encoded at once


class DualHeads:
    """A composer over the one space of photos and words: the encoder's vectors are what it stands on."""

    def __init__(self, folder: Path) -> None:
        """Reads and checks the pack in `folder`. Raises PackRefused."""
        self._folder = folder
        self._pack = load_dual_pack(folder, threads=torch.get_num_threads(), precision="auto")
        self.info: DualInfo = self._pack.info
        # One that begins at slerp exactly, where none was trained yet.
        with torch.random.fork_rng():
            torch.manual_seed(0)
            fresh = ResidualComposer(ResidualConfig(self.info.dimension))
        self.composer = (self._pack.composer or fresh).eval()
        files = {name: digest for name, digest in self.info.config.files.items() if name != COMPOSER}
        self.trunk = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]

    def look(self, pictures: Sequence[Pixels]) -> Tensor:
        """B pictures of (H, W, 3) -> (B, D) unit rows."""
        return torch.from_numpy(self._pack.encode_images(pictures))

    def read(self, texts: Sequence[str]) -> tuple[dict[str, int], Tensor]:
        """Texts -> the row of each, and the (N, D) unit rows of all."""
        ordered = sorted(set(texts), key=lambda text: (len(text), text))  # little padding
        parts = [ordered[start : start + _TEXTS] for start in range(0, len(ordered), _TEXTS)]
        rows = torch.cat([torch.from_numpy(self._pack.encode_texts(part)) for part in parts])
        return {text: n for n, text in enumerate(ordered)}, rows

    def index(self, features: Tensor) -> Tensor:
        """(B, D) -> (B, D): what is indexed is what the encoder saw."""
        return features

    def words(self, sentences: Tensor) -> Tensor:
        """(B, D) -> (B, D) unit rows."""
        return nn.functional.normalize(sentences, dim=-1)

    def query(self, image: Tensor, text: Tensor) -> Query:
        """(B, D) and (B, D) unit rows -> the three corners of the query, as `Pack.compose` makes them."""
        return Query(image, self.composer(image, text), text)

    def by_words(self, text: Tensor) -> Tensor:
        """(B, D) -> (B, D) unit rows."""
        return text

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """The composer, all of it."""
        return [([*self.composer.parameters()], 1.0)]

    def state(self) -> dict[str, Tensor]:
        """The composer's weights, by name."""
        return {name: tensor.detach().clone() for name, tensor in self.composer.state_dict().items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.composer.load_state_dict(state)

    def learning(self, on: bool) -> None:
        """Drop features of the composer while it learns."""
        self.composer.train(on)

    def write(
        self, out: Path, name: str, said: str, training: dict[str, Any], metrics: dict[str, Any]
    ) -> str:
        """Write the pack to a new folder; its fingerprint. What it says of itself is the encoder's own."""
        composed = write_composed(self._folder, out, self.composer, name, training=training, metrics=metrics)
        return composed.fingerprint
