"""The published network, trained, as a row beside a pack's: its own features, its own composed query."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from embedding.minilm import TextTower, find_minilm
from embedding.preprocess import Pixels, Preprocessing, normalise
from training.published.augment import squash
from training.published.loop import load_best
from training.published.network import Seed, SeedConfig
from training.standins import StandIn

Floats = npt.NDArray[np.float32]

_BATCH = 32


class SeedRival:
    """A trained `Seed` with its text tower."""

    name = "seed"

    def __init__(self, network: Seed, text: TextTower) -> None:
        self.network, self.text = network.eval(), text
        self._shape = Preprocessing(size=network.config.vit.image_size)

    @torch.inference_mode()
    def scores(self, stand_in: StandIn) -> Floats:
        """(Q, N) cosines of the composed queries and the gallery."""
        features = self.features(stand_in.gallery)  # (N, d)
        sentences = self.text.encode(stand_in.texts)  # (Q, h)
        composed = self.network.compose(features[torch.from_numpy(stand_in.queries)], sentences).feature
        unit = torch.nn.functional.normalize
        return np.asarray((unit(composed, dim=-1) @ unit(features, dim=-1).T).numpy(), np.float32)

    @torch.inference_mode()
    def features(self, images: Sequence[Pixels]) -> Tensor:
        """N images (H, W, 3) -> (N, d), each squashed to a square as published."""
        parts = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
        return torch.cat([self.network.tower(self._pixels(part)) for part in parts])

    def _pixels(self, images: Sequence[Pixels]) -> Tensor:
        squares = [squash(Image.fromarray(np.asarray(image)), self._shape.size) for image in images]
        return torch.from_numpy(normalise(np.stack(squares), self._shape))


def load_seed(folder: Path, config: SeedConfig | None = None) -> SeedRival | None:
    """The best epoch of the run in `folder`; None where nothing was trained."""
    if not (folder / "best.safetensors").is_file():
        return None
    network = Seed(config or SeedConfig())
    load_best(network, folder)
    return SeedRival(network, TextTower(find_minilm()))
