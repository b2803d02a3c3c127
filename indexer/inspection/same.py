"""Whether two pictures are one, saved again, resized or cropped a little.

One of them is cut at its four sides until it fits the other best, by steps that get smaller. Then every patch
must agree, in its colours and in its fine structure: garments that differ in a collar or a zip are alike
everywhere else. Figures: `python -m benchmarks.item_inspection`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.float32]
Cut = tuple[float, float, float, float]  # of the width and height: left, top, right, bottom

MOST_CUT = 0.12  # at each side
COARSE, FINE, SHOWN = 24, 64, 96  # sides of the squares that are compared
FAR, NEAR = 0.25, 0.03  # mean difference, of 1: above it whole pictures, or fitted ones, are others
SAME_PATCH = 0.03  # … of the most different patch of the same picture
SAME_STRUCTURE = 0.9  # correlation of the fine structure that nine of ten patches of one picture have
_PATCH = 12
_PLAIN = 0.004  # deviation below which a patch has no structure
_NOTHING: Cut = (0.0, 0.0, 0.0, 0.0)


def same_picture(one: Pixels, other: Pixels) -> bool:
    """Whether they show the same picture."""
    pictures = Image.fromarray(one), Image.fromarray(other)
    small = [_reduced(picture) for picture in pictures]
    if _apart(_square(small[0], _NOTHING, COARSE), _square(small[1], _NOTHING, COARSE)) > FAR:
        return False
    fits = [_fitted(small[at], small[1 - at], COARSE, (0.04, 0.02, 0.01), _NOTHING) for at in (0, 1)]
    at = int(fits[1][0] < fits[0][0])
    gap, cut = fits[at]
    if gap > NEAR:
        return False
    _, cut = _fitted(pictures[at], pictures[1 - at], FINE, (0.005, 0.0025), cut)
    return _agree(_square(pictures[at], cut, SHOWN), _square(pictures[1 - at], _NOTHING, SHOWN))


def _reduced(picture: Image.Image) -> Image.Image:
    """A small copy, which is all that the coarse steps look at."""
    return picture.resize((4 * COARSE, 4 * COARSE), Image.Resampling.BOX)


def _fitted(
    picture: Image.Image, target: Image.Image, side: int, steps: Sequence[float], cut: Cut
) -> tuple[float, Cut]:
    """(mean difference, cut) of the picture where it fits the target best: one side after the other."""
    wanted = _square(target, _NOTHING, side)
    best = _apart(_square(picture, cut, side), wanted)
    for step in steps:
        moved = True
        while moved:
            moved = False
            for tried in _beside(cut, step):
                gap = _apart(_square(picture, tried, side), wanted)
                if gap < best - 1e-5:
                    best, cut, moved = gap, tried, True
    return best, cut


def _beside(cut: Cut, step: float) -> list[Cut]:
    """The cuts that differ by one step at one side."""
    tried = [(*cut[:side], cut[side] + by, *cut[side + 1 :]) for side in range(4) for by in (step, -step)]
    return [(a, b, c, d) for a, b, c, d in tried if min(a, b, c, d) >= 0 and max(a, b, c, d) <= MOST_CUT]


def _square(picture: Image.Image, cut: Cut, side: int) -> Floats:
    """(side, side, 3) of 0..1: what is left of a picture under a cut, whatever its shape was."""
    width, height = picture.size
    left, top, right, bottom = cut
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    way = Image.Resampling.BOX if side == COARSE else Image.Resampling.BILINEAR
    return np.asarray(picture.resize((side, side), way, box=box), np.float32) / np.float32(255)


def _apart(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).mean())


def _agree(one: Floats, other: Floats) -> bool:
    gaps = _patches(np.abs(one - other).mean(axis=2)).mean(axis=1)  # (patches,)
    if float(gaps.max()) > SAME_PATCH:
        return False
    fine, theirs = (_patches(_structure(each.mean(axis=2))) for each in (one, other))  # (patches, 144)
    strength = np.sqrt((fine**2).mean(axis=1) * (theirs**2).mean(axis=1))
    told = strength > _PLAIN
    if told.sum() < 4:
        return True
    scale = np.sqrt((fine**2).sum(axis=1) * (theirs**2).sum(axis=1))
    alike = (fine * theirs).sum(axis=1)[told] / scale[told]
    return float(np.quantile(alike, 0.1)) >= SAME_STRUCTURE


def _patches(square: Floats) -> Floats:
    """(SHOWN, SHOWN) -> (64, 144): its patches in rows."""
    count = SHOWN // _PATCH
    cut = square.reshape(count, _PATCH, count, _PATCH).transpose(0, 2, 1, 3)
    return cut.reshape(count * count, _PATCH * _PATCH)


def _structure(grey: Floats) -> Floats:
    """What is left without the mean of 5 x 5 around each place."""
    sums = np.pad(grey, 2, mode="edge").cumsum(axis=0).cumsum(axis=1)
    sums = np.pad(sums, ((1, 0), (1, 0)))
    return np.asarray(grey - (sums[5:, 5:] - sums[:-5, 5:] - sums[5:, :-5] + sums[:-5, :-5]) / 25, np.float32)
