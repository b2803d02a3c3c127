"""What the image tower takes, made on the device that it runs on.

The same arithmetic as `preprocess.normalise` and `colour.patch_histograms`, to the last bit on a CPU (a test
holds it to that), several times as fast there, and on a GPU without the GPU waiting for a CPU.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.colour import bin_table
from embedding.preprocess import Preprocessing

LEVELS = 32  # of each channel in the table of colours
CELLS = 4  # a side: how finely a patch's colours are looked at


class Inputs:
    """Squares of pixels to normalised pixels and colour histograms. Thread-safe."""

    def __init__(self, config: Preprocessing, patches: int, device: torch.device) -> None:
        """`patches` on a side, as the tower cuts the square."""
        self._patches = patches
        mean, std = (np.asarray(each, dtype=np.float32) * 255 for each in (config.mean, config.std))
        self._mean = torch.from_numpy(mean).view(3, 1, 1).to(device)
        self._std = torch.from_numpy(std).view(3, 1, 1).to(device)
        self._table = torch.from_numpy(bin_table()).to(device)  # (32768, K)

    def __call__(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S, S, 3) uint8 on the device -> (B, 3, S, S) float32 and (B, patches², K) float32."""
        levels = squares.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        histograms = self._histograms(levels)
        return levels.sub_(self._mean).div_(self._std), histograms

    def _histograms(self, levels: Tensor) -> Tensor:
        side = self._patches * CELLS
        step = levels.shape[-1] // side
        cut = levels[..., : side * step, : side * step]
        cells = F.avg_pool2d(cut, step)  # (B, 3, side, side); sums of bytes are exact
        red, green, blue = (cells * (LEVELS / 256)).to(torch.int64).unbind(1)
        codes = (red * LEVELS + green) * LEVELS + blue  # (B, side, side)
        grid = codes.view(-1, self._patches, CELLS, self._patches, CELLS).permute(0, 1, 3, 2, 4)
        bags = grid.reshape(-1, CELLS * CELLS)
        return F.embedding_bag(bags, self._table, mode="mean").view(len(levels), self._patches**2, -1)
