"""Where the garment is, from the pixels alone: the ground, the skin and the border are left out.

Two sources. A photo on any ground is split by comparing its centre's colours with its border's, a few rounds
of expectation-maximisation over the soft Lab bins with a prior for the centre. Photos of one scene in several
colours give the garment exactly: it is what differs between them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from embedding.colour import bin_table, colour_codes, rgb_to_lab
from embedding.preprocess import Pixels

Floats = npt.NDArray[np.float32]

SIDE = 64  # masks are made at this resolution
_ROUNDS = 3


def _blur(mask: npt.NDArray[np.floating], radius: float) -> Floats:
    image = Image.fromarray((np.asarray(mask) * 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(radius)
    )
    return np.asarray(np.asarray(image) / 255, dtype=np.float32)


def _small(square: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BOX))


def _priors() -> tuple[Floats, Floats]:
    """(SIDE, SIDE) of how central and how much at the border a place is, each 0..1."""
    place = (np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2) / (SIDE / 2)
    down, across = np.meshgrid(place, place, indexing="ij")
    centre = np.exp(-((down / 0.62) ** 2 + (across / 0.5) ** 2))
    border = np.exp(-(((1 - np.maximum(abs(down), abs(across))) / 0.09) ** 2))
    return centre.astype(np.float32), border.astype(np.float32)


def garment_mask(square: Pixels) -> Floats:
    """One (S, S, 3) uint8 image -> (SIDE, SIDE) float32, the probability that a place is garment."""
    soft = bin_table()[colour_codes(_small(square))]  # (SIDE, SIDE, K)
    centre, border = _priors()
    prior = 0.75 * centre + 0.08
    garment, ground = _mixture(soft, centre), _mixture(soft, border)
    for _ in range(_ROUNDS):
        inside = prior * (soft @ garment)
        mask = _blur(inside / (inside + (1 - prior) * (soft @ ground) + 1e-9), 1.5)
        garment = _mixture(soft, mask * (0.3 + 0.7 * centre)) + 1e-4
        ground = _mixture(soft, (1 - mask) * (0.15 + border)) + 1e-4
        prior = np.clip(0.5 * (0.75 * centre + 0.08) + 0.5 * _blur(mask, 4), 0.03, 0.95)
    return mask


def _mixture(soft: Floats, weight: Floats) -> Floats:
    """(SIDE, SIDE, K) bins under (SIDE, SIDE) weights -> (K,) distribution."""
    total = (soft * weight[..., None]).sum((0, 1))
    return np.asarray(total / total.sum(), dtype=np.float32)


def difference_mask(squares: Sequence[Pixels]) -> Floats | None:
    """The same photo in several colours -> (SIDE, SIDE) float32, where they differ; None if they hardly do.

    Three colours or more of one photo pin the garment down; where two of them happen to be close in colour
    the third one tells.
    """
    labs = np.stack([rgb_to_lab(_small(square)) for square in squares])  # (n, SIDE, SIDE, 3)
    spread = np.sqrt(((labs - labs.mean(0)) ** 2).sum(-1).mean(0))  # (SIDE, SIDE)
    mask = _blur(np.clip((spread - 4) / 6, 0, 1).astype(np.float32), 0.8)
    return mask if 0.03 < mask.mean() < 0.7 else None


def mask_like(square: Pixels, garment: Floats) -> Floats:
    """Another photo of a garment whose (K,) colour histogram is known -> (SIDE, SIDE) float32 mask."""
    soft = bin_table()[colour_codes(_small(square))]
    centre, border = _priors()
    inside = (0.6 * centre + 0.2) * (soft @ (garment + 1e-4))
    outside = (0.8 - 0.6 * centre) * (soft @ (_mixture(soft, border) + 0.3 * _mixture(soft, 1 - centre)))
    return _blur(np.asarray(inside / (inside + outside + 1e-9), dtype=np.float32), 1.0)


def masked_histogram(square: Pixels, mask: Floats) -> Floats:
    """(S, S, 3) uint8 and its (SIDE, SIDE) mask -> (K,) colour histogram of the garment."""
    return _mixture(bin_table()[colour_codes(_small(square))], mask**2 + 1e-4)


def median_lab(square: Pixels, mask: Floats) -> Floats:
    """(3,) median CIE Lab of the garment's pixels: the colour that recolouring moves."""
    lab = rgb_to_lab(_small(square)).reshape(-1, 3)
    kept = mask.reshape(-1) > 0.6 * mask.max()
    return np.asarray(np.median(lab[kept], axis=0), dtype=np.float32)
