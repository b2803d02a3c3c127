"""Where the garments of a photo are: one box each, to choose the one that is meant.

Saliency of our own, after the observation of TokenCut and LOST (Wang et al., 2022; Simeoni et al., 2021) that
the patches of a vision transformer tell an object from its ground: a patch that is like those along the
photo's edge is ground, and what is left and hangs together is a garment; where it comes apart into large
parts when less counts as object, the parts are. Figures: `python -m benchmarks.crop`.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from searcher.crop import Crop

EDGE = 5  # patches of the edge that a patch of the ground is like
LEAST = 8  # patches of a garment: 4 % of a photo of 14 x 14
MOST = 4
MARGIN = 0.25  # of a patch, around each box
DEEPEST, STEPS = 0.5, 8  # how far below the step, of the way to the least like the edge, parts are looked for
SHARE = 0.3  # of the object that its parts must be, and the second part of the first
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def garments(patches: Floats) -> list[Crop]:
    """(G, G, W) unit rows of a photo's patches -> a box for each garment, the largest first; at most MOST."""
    likeness = _likeness_to_edge(patches)  # (G, G)
    step = _threshold(likeness)
    found = _large(_islands(likeness <= step))
    if len(found) < 2:
        found = _split(likeness, step) or found
    return [_box(cells) for cells in sorted(found, key=lambda cells: -int(cells.sum()))[:MOST]]


def _split(likeness: Floats, step: float) -> list[Bools]:
    """Parts of one object that come apart at a lower step, grown back over it; none where it stays whole."""
    whole = likeness <= step
    lowest = float(likeness.min())
    for depth in np.linspace(0, DEEPEST, STEPS + 1)[1:]:
        cores = _large(_islands(likeness <= step - depth * (step - lowest)))
        sizes = sorted((int(core.sum()) for core in cores), reverse=True)
        if len(sizes) > 1 and sum(sizes) >= SHARE * whole.sum() and sizes[1] >= SHARE * sizes[0]:
            return _grown(cores, whole)
    return []


def _grown(cores: Sequence[Bools], whole: Bools) -> list[Bools]:
    """The cores, each with the cells of the whole that are nearer to it than to another, step by step."""
    parts = [core.copy() for core in cores]
    free = whole & ~np.logical_or.reduce(parts)
    while free.any():
        beside = [_spread(part) & free for part in parts]
        for part, reached in zip(parts, beside, strict=True):
            part |= reached & free
            free &= ~reached
        if not any(reached.any() for reached in beside):
            break
    return parts


def _spread(cells: Bools) -> Bools:
    """The cells and those beside them."""
    wider = cells.copy()
    wider[1:] |= cells[:-1]
    wider[:-1] |= cells[1:]
    wider[:, 1:] |= cells[:, :-1]
    wider[:, :-1] |= cells[:, 1:]
    return wider


def _likeness_to_edge(patches: Floats) -> Floats:
    """(G, G) mean cosine of each patch to the EDGE patches of the photo's edge that are most like it."""
    side = len(patches)
    flat = patches.reshape(side * side, -1)
    edge = np.ones((side, side), np.bool_)
    edge[1:-1, 1:-1] = False
    cosines = np.sort(flat @ flat[edge.ravel()].T, axis=1)[:, -EDGE:]
    return np.asarray(cosines.mean(axis=1).reshape(side, side), np.float32)


def _threshold(likeness: Floats) -> float:
    """Where two groups of patches are farthest apart (Otsu, 1979)."""
    values = likeness.ravel()
    steps = np.quantile(values, np.linspace(0.05, 0.95, 40))
    return float(max(steps, key=lambda step: _apart(values, float(step))))


def _apart(values: Floats, step: float) -> float:
    below, above = values[values <= step], values[values > step]
    if not len(below) or not len(above):
        return 0.0
    return float(len(below) * len(above) * (below.mean() - above.mean()) ** 2)


def _islands(mask: Bools) -> Iterator[Bools]:
    """The cells of each part of the mask that hangs together by its sides."""
    left = mask.copy()
    while left.any():
        island = np.zeros_like(mask)
        island.flat[int(left.argmax())] = True
        while (wider := _spread(island) & left).sum() > island.sum():
            island = wider
        left &= ~island
        yield island


def _large(islands: Iterable[Bools]) -> list[Bools]:
    return [island for island in islands if island.sum() >= LEAST]


def _box(cells: Bools) -> Crop:
    """Around the cells, with a little margin."""
    side = len(cells)
    rows, columns = np.nonzero(cells)
    top, left = (max(0.0, (float(each.min()) - MARGIN) / side) for each in (rows, columns))
    bottom, right = (min(1.0, (float(each.max()) + 1 + MARGIN) / side) for each in (rows, columns))
    return Crop(round(left, 3), round(top, 3), round(right - left, 3), round(bottom - top, 3))
