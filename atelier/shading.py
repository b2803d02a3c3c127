"""Relief and light: a height field in cm for each piece, and what a window at the upper left makes of it."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PIL import Image

from atelier.arrays import Floats, Rng
from atelier.fabric import Fabric
from atelier.parts import Fold, Part

LIGHT = np.array([-0.52, -0.60, 0.61])
COARSE = 2  # relief is worked out at half the resolution, and brought up smoothly


@dataclass(frozen=True)
class Relief:
    """A piece's light at full resolution, each (H, W) float32."""

    shade: Floats  # diffuse light, 1 on flat cloth
    shine: Floats  # highlight to add
    slope_x: Floats  # cm per cm
    slope_y: Floats


def blur(field: Floats, sigma: float) -> Floats:
    """Gaussian blur with zeros outside, sigma in samples; wide blurs are made on smaller copies.

    Shifted sums, not matrix products: no BLAS threads to get in one another's way when pictures are drawn in
    parallel, and the same bits on every build.
    """
    if sigma >= 3 and field.shape[0] % 2 == 0 and field.shape[1] % 2 == 0:
        return grow(blur(shrink(field), sigma / 2), field.shape, Image.Resampling.BICUBIC)
    weights = _weights(round(max(sigma, 0.3), 2))
    return _smeared(_smeared(field, weights).T, weights).T


@cache
def _weights(sigma: float) -> list[float]:
    """The middle and one wing of a Gaussian that sums to one."""
    wing = np.exp(-(np.arange(int(2.8 * sigma) + 2) ** 2) / (2 * sigma * sigma))
    return [float(weight) for weight in wing / (2 * wing.sum() - 1)]


def _smeared(field: Floats, weights: list[float]) -> Floats:
    """The field blurred down its columns."""
    out = field * np.float32(weights[0])
    for shift, weight in enumerate(weights[1 : len(field)], start=1):
        part = field * np.float32(weight)
        out[shift:] += part[:-shift]
        out[:-shift] += part[shift:]
    return np.ascontiguousarray(out)


@cache
def _noise(seed: int, size: int) -> Floats:
    """Smooth unit noise that wraps; wavelengths around 16 to 64 samples."""
    rng = np.random.default_rng([53, seed])
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    band = np.exp(-((np.log(np.maximum(f, 1e-6) * 28) / 0.75) ** 2))
    out = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) * band).real
    return np.asarray(out / out.std(), np.float32)


def relief(part: Part, mask: Floats, fabric: Fabric, x: Floats, y: Floats, scale: float, rng: Rng) -> Relief:
    """Light a piece: `mask` (H, W) 0..1 at full size, x (w,) and y (h,) cm at coarse samples."""
    step = COARSE / scale
    coarse = shrink(mask)
    height = _bulge(part, coarse, step)
    for fold in part.folds:
        _crease(height, fold, x, y, fabric.softness)
    if part.flare:
        height += _cones(part, coarse, x, y, rng)
    if fabric.rumple and part.rumple:
        height += 0.3 * fabric.rumple * part.rumple * _rumple(x, y, fabric.rumple_size, rng)
    return _lit(height, coarse, step, fabric, mask.shape)


def shrink(mask: Floats) -> Floats:
    """The mean over 2 x 2 pixels."""
    return np.asarray(0.25 * ((mask[::2, ::2] + mask[1::2, ::2]) + (mask[::2, 1::2] + mask[1::2, 1::2])))


def _bulge(part: Part, mask: Floats, step: float) -> Floats:
    """A body under the cloth: round in the large, with a thin rolled edge."""
    wide = max(abs(part.roundness), 0.3) * 1.3
    inside = np.maximum(blur(mask, wide / step) - 0.08, 0.0)
    return np.asarray(
        part.roundness * 2.2 * np.sqrt(inside + 0.02)
        + part.edge * 1.1 * blur(mask, 1.3 * max(part.edge, 0.15) / step)
    )


def _crease(height: Floats, fold: Fold, x: Floats, y: Floats, softness: float) -> None:
    """Add one fold: a ridge that swells and dies along its line, with a furrow on its lower side."""
    (x0, y0), (x1, y1) = fold.start, fold.end
    length = max(float(np.hypot(x1 - x0, y1 - y0)), 0.5)
    reach = fold.width * 2.6 + abs(fold.bend)
    columns = slice(*np.searchsorted(x, (min(x0, x1) - reach, max(x0, x1) + reach)))
    rows = slice(*np.searchsorted(y, (min(y0, y1) - reach, max(y0, y1) + reach)))
    if columns.start >= columns.stop or rows.start >= rows.stop:
        return
    dx, dy = x[columns][None, :] - x0, y[rows][:, None] - y0
    c, s = (x1 - x0) / length, (y1 - y0) / length
    t = (dx * c + dy * s) / length
    off = dy * c - dx * s - 4 * fold.bend * t * (1 - t)
    off /= fold.width
    taper = np.exp(-(((t - 0.45) * 1.9) ** 2) * 2.0)
    height[rows, columns] += (
        fold.height * softness * taper * (np.exp(-off * off) - 0.55 * np.exp(-((off - 1.5) ** 2)))
    )


def _cones(part: Part, mask: Floats, x: Floats, y: Floats, rng: Rng) -> Floats:
    """Folds that hang: waves across the width of each row that grow towards the hem."""
    filled = mask > 0.5
    left = np.where(filled.any(axis=1), filled.argmax(axis=1), 0)
    right = np.where(filled.any(axis=1), mask.shape[1] - filled[:, ::-1].argmax(axis=1), mask.shape[1])
    left, right = _steady(left), _steady(right)
    across = (np.arange(mask.shape[1])[None, :] - left[:, None]) / np.maximum(right - left, 1)[:, None] - 0.5
    bottom = float(part.outline[:, 1].max())
    down = np.clip((y - part.flare_top) / max(bottom - part.flare_top, 1.0), 0, 1)[:, None]
    phase = rng.uniform(0, 2 * np.pi)
    a = 2 * np.pi * part.flare_count * across
    waves = (
        np.sin(a + phase + 0.5 * down)
        + 0.45 * np.sin(1.73 * a + 2.1 * phase)
        + 0.3 * np.sin(0.61 * a + 4 * phase)
    )
    return np.asarray(part.flare * (0.1 + 0.9 * down**0.85) * waves, np.float32)


def _steady(edge: Floats) -> Floats:
    """An edge's columns, smoothed from row to row so that folds run without steps."""
    reach = 12
    padded = np.pad(edge.astype(float), reach, mode="edge")
    return np.asarray(np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid"))


def _rumple(x: Floats, y: Floats, size: float, rng: Rng) -> Floats:
    """Wrinkles of the cloth itself, from a tile of noise that is stretched to their size."""
    noise = _noise(int(rng.integers(4)), 256)
    factor = 28.0 / max(size, 0.5)
    columns = np.mod((x * factor + rng.integers(256)).astype(np.int32), 256)
    rows = np.mod((y * factor * 0.7 + rng.integers(256)).astype(np.int32), 256)
    rough = noise[rows[:, None], columns[None, :]]
    return blur(rough, 1.2)


@lru_cache(maxsize=256)
def _weight(shape: tuple[int, int], sigma: float) -> Floats:
    return np.maximum(blur(np.ones(shape, np.float32), sigma), 0.3)


def _lit(height: Floats, mask: Floats, step: float, fabric: Fabric, shape: tuple[int, ...]) -> Relief:
    gy, gx = np.gradient(height.astype(np.float32), step)
    steep = 1.0 / (1.0 + 0.45 * np.hypot(gx, gy))
    gx, gy = gx * steep, gy * steep
    length = np.sqrt(1 + gx * gx + gy * gy)
    diffuse = (LIGHT[2] - gx * LIGHT[0] - gy * LIGHT[1]) / length / LIGHT[2]
    cavity = height - blur(height, 1.6 / step) / _weight(height.shape, round(1.6 / step, 1))
    over = np.clip(diffuse - 1, -1.0, 0.7)
    shade = 1 + np.where(over < 0, 0.62 * over, 0.34 * over) + 0.09 * np.clip(cavity, -1.6, 0.8)
    half = LIGHT + np.array([0, 0, 1.0])
    half /= np.linalg.norm(half)
    facing = np.clip((half[2] - gx * half[0] - gy * half[1]) / length, 0, 1)
    shine = fabric.shine * (facing**fabric.gloss - 0.25) + fabric.fuzz * (1 - 1 / length)
    del mask
    return Relief(grow(shade, shape), grow(shine, shape), grow(gx, shape), grow(gy, shape))


def grow(
    field: Floats, shape: tuple[int, ...], method: Image.Resampling = Image.Resampling.BILINEAR
) -> Floats:
    """A coarse field at full size."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), method), np.float32)
