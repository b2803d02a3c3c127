"""What a picture is like by its pixels alone: sharp or blurred, empty, a placeholder.

Sharpness is told by edges: of what changes within a few pixels, how much a single step makes up. A sharp
picture has edges somewhere that are one step; in a blurred one each is spread, whatever its pattern. Where a
picture has no such edges, by Crete et al., "The Blur Effect", 2007: how much of its steps is lost when it is
blurred once more. What is blurred already loses little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float32]

SPREAD = 0.40  # of 1: a picture whose sharpest edges are below it counts as blurred
BLURRED = 0.56  # of 1: above it a picture without edges does
EMPTY = 0.985  # share of pixels that are of the ground's colour: above it a picture shows nothing
FEW_COLOURS = 3  # that make 98.5 % of a placeholder; a photo has many
SMALL = 250  # pixels of the shorter side, below which Google Merchant refuses clothes
_SIDE = 240  # longest side at which sharpness is looked at
_TAPS = 9
_AROUND = 4  # pixels at each side of a step: an edge is what changes within them
_EDGE = 48.0  # levels that it changes by at least: less is noise or a fold
_STRONG = 0.5  # and of the strongest edges: a fine pattern that is blurred has narrow steps, and faint ones
_FEW_EDGES = 50  # pixels, with fewer of which nothing is said by them
_SHARPEST = 98  # percentile


@dataclass(frozen=True)
class PictureFacts:
    """What was measured: blur from 0 (sharp) to 1; the ground's share; colours that make most of it.

    `edges` is the share of its sharpest edges that is one step; -1 where there are too few to say.
    """

    blur: float
    ground: float
    colours: int
    edges: float = -1.0

    @property
    def hints(self) -> set[str]:
        """What is to be mended about it."""
        if self.ground > EMPTY or self.colours <= FEW_COLOURS:
            return {"placeholder"}
        blurred = self.blur > BLURRED if self.edges < 0 else self.edges < SPREAD
        return {"blurred"} if blurred else set()


def facts_of(pixels: Pixels) -> PictureFacts:
    """Measure a picture; some milliseconds."""
    small = _shrunk(pixels, _SIDE)
    codes = (small >> 4).astype(np.int32) @ np.array([256, 16, 1])  # 16 levels a channel
    counts = np.sort(np.bincount(codes.ravel(), minlength=4096))[::-1] / codes.size
    colours = int(np.searchsorted(np.cumsum(counts), EMPTY)) + 1
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).astype(np.int16)
    distance = np.abs(small.astype(np.int16) - np.median(border, axis=0)).max(axis=2)
    grey = small.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    blur = round(max(_lost(grey), _lost(grey.T)), 4)
    return PictureFacts(blur, round(float((distance < 10).mean()), 4), colours, _edges(grey))


def _shrunk(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def _edges(grey: Floats) -> float:
    """How much of the sharpest edges, along rows and columns, is one step; -1 where there are too few."""
    along, across = _steps(grey), _steps(grey.T)
    steps, change = (np.concatenate(both) for both in zip(along, across, strict=True))
    edge = change > max(_EDGE, _STRONG * float(np.percentile(change, 99)))
    shares = steps[edge] / change[edge]
    return round(float(np.percentile(shares, _SHARPEST)), 4) if shares.size >= _FEW_EDGES else -1.0


def _steps(grey: Floats) -> tuple[Floats, Floats]:
    """Each step along the rows, and what changes around it: (N,) and (N,)."""
    steps = np.abs(np.diff(grey, axis=1))
    padded = np.pad(grey, ((0, 0), (_AROUND, _AROUND)), mode="edge")
    around = [padded[:, at : at + grey.shape[1] - 1] for at in range(2 * _AROUND + 2)]
    change = np.maximum.reduce(around) - np.minimum.reduce(around)
    return steps.ravel(), change.ravel()


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
