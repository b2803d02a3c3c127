"""Colour in its own right: CIE Lab and soft histograms, shared by training, indexing and search.

Photo features learned on ImageNet barely tell colours apart, so a pack also looks at the pixels themselves:
each patch of the tower's input gets a soft histogram over fixed Lab bins, and the tower only learns *where*
to look. Distances follow CIE Lab 1976 with the D65 white point.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65
_STEPS = 32  # levels a channel in the table of colours: 5 bits, an error of at most 4 of 255
_CHROMA = ((0.0, 1), (18.0, 6), (40.0, 10), (70.0, 10))  # rings of bins: distance from grey, bins on the ring
_LIGHTNESS = ((8.0, 12.0), (28.0, 14.0), (48.0, 14.0), (68.0, 14.0), (90.0, 14.0))  # centre, deviation


def rgb_to_lab(rgb: npt.NDArray[np.generic]) -> Floats:
    """(..., 3) sRGB of 0..255 -> (..., 3) float32 CIE Lab: L 0..100, a and b about -100..100."""
    scaled = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.asarray(np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1), dtype=np.float32)


def lab_to_rgb(lab: npt.NDArray[np.floating]) -> Floats:
    """(..., 3) CIE Lab -> (..., 3) float32 sRGB clipped to 0..255: the inverse of `rgb_to_lab`."""
    values = np.asarray(lab, dtype=np.float64)
    y = (values[..., 0] + 16) / 116
    root = np.stack([y + values[..., 1] / 500, y, y - values[..., 2] / 200], axis=-1)
    ratio = np.where(root**3 > 216 / 24389, root**3, (116 * root - 16) * 27 / 24389)
    linear = np.clip((ratio * _WHITE) @ np.linalg.inv(_TO_XYZ).T, 0, 1)
    scaled = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(scaled * 255, dtype=np.float32)


@lru_cache(maxsize=1)
def bin_centres() -> Floats:
    """The (K, 3) Lab centres of the histogram: rings of hue at five lightnesses."""
    centres = []
    for lightness, _ in _LIGHTNESS:
        for chroma, hues in _CHROMA:
            angles = 2 * np.pi * np.arange(hues) / hues
            centres += [(lightness, chroma * np.cos(t), chroma * np.sin(t)) for t in angles]
    return np.array(centres, dtype=np.float32)


@lru_cache(maxsize=1)
def bin_table() -> Floats:
    """(32768, K) float32: the soft assignment of each 5-bit RGB colour to the bins, rows sum to 1."""
    lab, centres = rgb_to_lab(table_colours()), bin_centres()
    # Greys lie closer together than strong colours do, so a bin widens with its own chroma.
    spread = 7 + 0.13 * np.hypot(centres[:, 1], centres[:, 2])  # (K,)
    lightness = ((lab[:, None, 0] - centres[None, :, 0]) / 12) ** 2
    chroma = ((lab[:, None, 1:] - centres[None, :, 1:]) ** 2).sum(-1) / spread**2
    weights = np.exp(-0.5 * (lightness + chroma)) + 1e-9
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def colour_codes(rgb: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """(..., 3) RGB of 0..255 -> (...) int64 rows of `bin_table`."""
    level = np.minimum(rgb.astype(np.int64) * _STEPS // 256, _STEPS - 1)
    return np.asarray((level[..., 0] * _STEPS + level[..., 1]) * _STEPS + level[..., 2])


def table_colours() -> Floats:
    """(32768, 3) float32: the RGB in the middle of each row of `bin_table`."""
    levels = (np.arange(_STEPS, dtype=np.float32) + 0.5) * 256 / _STEPS
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return np.asarray(cube.reshape(-1, 3), dtype=np.float32)


def patch_histograms(squares: npt.NDArray[np.uint8], patches: int = 14, cells: int = 4) -> Floats:
    """(B, S, S, 3) uint8 -> (B, patches², K) float32: the soft Lab histogram of each patch, rows sum to 1.

    A patch is looked at through cells x cells averaged samples, which is enough to see a stripe.
    """
    batch, side = squares.shape[0], patches * cells
    step = squares.shape[1] // side
    cut = squares[:, : side * step, : side * step]
    cellwise = cut.reshape(batch, side, step, side, step, 3).astype(np.float32).mean(axis=(2, 4))
    soft = bin_table()[colour_codes(cellwise)]  # (B, side, side, K)
    grid = soft.reshape(batch, patches, cells, patches, cells, -1).mean(axis=(2, 4))
    return np.ascontiguousarray(grid.reshape(batch, patches * patches, -1))
