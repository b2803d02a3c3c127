"""What a picture is like by its pixels alone: sharp or blurred, empty, a placeholder.

Sharpness is the measure of Crete et al., "The Blur Effect", 2007: how much of a picture's steps from pixel to
pixel is lost when it is blurred once more. What is blurred already loses little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float32]

BLURRED = 0.56  # of 1: above it a picture counts as blurred
EMPTY = 0.985  # share of pixels that are of the ground's colour: above it a picture shows nothing
FEW_COLOURS = 3  # that make 98.5 % of a placeholder; a photo has many
SMALL = 250  # pixels of the shorter side, below which Google Merchant refuses clothes
_SIDE = 240  # longest side at which sharpness is looked at
_TAPS = 9


@dataclass(frozen=True)
class PictureFacts:
    """What was measured: blur from 0 (sharp) to 1; the ground's share; colours that make most of it."""

    blur: float
    ground: float
    colours: int

    @property
    def hints(self) -> set[str]:
        """What is to be mended about it."""
        if self.ground > EMPTY or self.colours <= FEW_COLOURS:
            return {"placeholder"}
        return {"blurred"} if self.blur > BLURRED else set()


def facts_of(pixels: Pixels) -> PictureFacts:
    """Measure a picture; some milliseconds."""
    small = _shrunk(pixels, _SIDE)
    codes = (small >> 4).astype(np.int32) @ np.array([256, 16, 1])  # 16 levels a channel
    counts = np.sort(np.bincount(codes.ravel(), minlength=4096))[::-1] / codes.size
    colours = int(np.searchsorted(np.cumsum(counts), EMPTY)) + 1
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).astype(np.int16)
    distance = np.abs(small.astype(np.int16) - np.median(border, axis=0)).max(axis=2)
    return PictureFacts(_blur(small), round(float((distance < 10).mean()), 4), colours)


def _shrunk(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _blur(small: Pixels) -> float:
    grey = small.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return round(max(_lost(grey), _lost(grey.T)), 4)


def _lost(grey: Floats) -> float:
    """Of the steps along the rows, the share that stays when the rows are blurred: 1 is blurred already."""
    before = np.abs(np.diff(grey, axis=1))
    padded = np.pad(grey, ((0, 0), (_TAPS // 2, _TAPS // 2)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    after = np.abs(np.diff((sums[:, _TAPS:] - sums[:, :-_TAPS]) / _TAPS, axis=1))
    total = float(before.sum())
    if total < 1e-3:
        return 0.0
    return 1.0 - float(np.maximum(0, before - after).sum()) / total
