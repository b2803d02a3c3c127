"""Fabrics: how each takes the light, how it wrinkles, and the grain that is seen from close by."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from atelier.arrays import Floats

TILE = 256  # pixels; one texel is one pixel of the drawing, whatever its scale


@dataclass(frozen=True)
class Fabric:
    """One cloth. Contrasts are shares of the colour's own brightness."""

    grain: str  # name of a texture
    grain_contrast: float
    rumple: float  # height of its own wrinkling, cm
    rumple_size: float  # of one wrinkle, cm
    softness: float = 1.0  # how much of the fold relief is kept
    shine: float = 0.04
    gloss: float = 12.0  # exponent of the highlight: higher is tighter
    fuzz: float = 0.0  # light caught at grazing angles, as velvet and fleece do


FABRICS: dict[str, Fabric] = {
    "cotton": Fabric("jersey", 0.035, 0.16, 7.0),
    "linen": Fabric("linen", 0.06, 0.30, 7.0),
    "flannel": Fabric("felt", 0.035, 0.16, 7.0, fuzz=0.06),
    "denim": Fabric("denim", 0.10, 0.2, 8.0, 0.9),
    "satin": Fabric("satin", 0.015, 0.34, 9.0, 1.25, 0.42, 9.0),
    "chiffon": Fabric("jersey", 0.03, 0.3, 6.0, 1.15, 0.10, 6.0),
    "pique": Fabric("pique", 0.09, 0.12, 8.0, 0.8),
    "wool": Fabric("knit", 0.14, 0.14, 10.0, 0.85, fuzz=0.05),
    "cashmere": Fabric("fine knit", 0.07, 0.14, 10.0, 0.85, fuzz=0.09),
    "fleece": Fabric("felt", 0.04, 0.16, 9.0, 0.9, fuzz=0.07),
    "leather": Fabric("leather", 0.06, 0.26, 8.0, 1.1, 0.36, 16.0),
    "suede": Fabric("felt", 0.04, 0.18, 6.0, 0.9, fuzz=0.05),
    "nylon": Fabric("jersey", 0.02, 0.30, 8.0, 1.15, 0.2, 10.0),
    "velvet": Fabric("felt", 0.05, 0.2, 8.0, 1.0, 0.05, fuzz=0.22),
    "corduroy": Fabric("corduroy", 0.16, 0.14, 8.0, 0.9, fuzz=0.06),
    "canvas": Fabric("linen", 0.045, 0.1, 6.0, 0.8),
    "coating": Fabric("felt", 0.045, 0.12, 10.0, 0.75, fuzz=0.06),
    "suiting": Fabric("suiting", 0.06, 0.12, 9.0, 0.85),
    "rib": Fabric("rib", 0.2, 0.08, 8.0, 0.8),
    "plain-weave": Fabric("jersey", 0.03, 0.12, 6.0),
    "lining": Fabric("jersey", 0.02, 0.05, 8.0, 0.6),
    "plain": Fabric("smooth", 0.0, 0.0, 8.0),
    "skin": Fabric("smooth", 0.0, 0.0, 8.0, 1.0, 0.03, 6.0),
    "hair": Fabric("smooth", 0.0, 0.0, 8.0, 1.0, 0.10, 8.0),
    "cable knit": Fabric("cable", 0.30, 0.1, 10.0, 0.8, fuzz=0.05),
}


def fabric_for(kind: str, fabric: str) -> Fabric:
    """The cloth as that kind is made of it: a wool coat is felted, a wool sweater knitted."""
    if fabric in ("wool", "cashmere") and kind == "coat":
        return FABRICS["coating"]
    if fabric == "wool" and kind in ("blazer", "trousers", "skirt", "dress"):
        return FABRICS["suiting"]
    if fabric == "cotton" and kind in ("shirt", "shorts", "trousers", "skirt", "jumpsuit", "blouse"):
        return FABRICS["plain-weave"]
    return FABRICS[fabric]


def grain(name: str, u: Floats, v: Floats) -> Floats:
    """The grain at pixel coordinates (u across, v along the cloth), about zero mean and unit height."""
    tile = _tile(name)
    rows = v.astype(np.int32) & (TILE - 1)
    columns = u.astype(np.int32) & (TILE - 1)
    return np.asarray(tile.take(rows * TILE + columns))


@cache
def _tile(name: str) -> Floats:
    rng = np.random.default_rng([17, sum(name.encode())])
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    tile = _GRAINS[name](x, y, rng).astype(np.float32)
    return np.asarray(tile, np.float32)


def _turn(x: Floats, period: float) -> Floats:
    return np.asarray(np.sin(2 * np.pi * x / period))


def _smooth(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.zeros_like(x)


def _jersey(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(0.5 * _turn(x, 4) * _turn(y, 4) + 0.35 * rng.standard_normal(x.shape))


def _linen(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    across = _streaks(rng, 24, 0)
    down = _streaks(rng, 24, 1)
    return np.asarray(
        0.55 * across + 0.55 * down + 0.3 * _turn(x, 2.9) * _turn(y, 2.9) + 0.2 * rng.standard_normal(x.shape)
    )


def _streaks(rng: np.random.Generator, length: int, axis: int) -> Floats:
    """Noise drawn out along an axis, wrapping at the tile's edges."""
    noise = np.fft.rfft(rng.standard_normal((TILE, TILE)), axis=axis)
    shape = [1, 1]
    shape[axis] = noise.shape[axis]
    fade = np.exp(-((np.arange(noise.shape[axis]) * length / TILE) ** 2)).reshape(shape)
    out = np.fft.irfft(noise * fade, TILE, axis=axis)
    return np.asarray(out / out.std())


def _felt(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    soft = _streaks(rng, 6, 0) * 0.4 + _streaks(rng, 6, 1) * 0.4
    return np.asarray(soft + 0.5 * rng.standard_normal(x.shape))


def _denim(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    twill = _turn(x + y, 4)
    return np.asarray(0.5 * twill + 0.35 * _streaks(rng, 20, 0) + 0.35 * rng.standard_normal(x.shape))


def _suiting(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(0.5 * _turn(x + y, 4) + 0.5 * rng.standard_normal(x.shape))


def _satin(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return _streaks(rng, 40, 0)


def _pique(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(
        _turn(x + 2 * (np.floor(y / 4) % 2), 4) * _turn(y, 4) + 0.3 * rng.standard_normal(x.shape)
    )


def _knit(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Columns of small Vs, eight pixels wide and four high."""
    along = np.mod(y + np.abs(np.mod(x, 8) - 3.5) * 0.8, 4) / 4
    stitch = np.cos(2 * np.pi * (along - 0.5))
    valley = -1.2 * np.exp(-((np.mod(x, 8) - 7.5) ** 2) / 0.9) - 0.5 * np.exp(
        -((np.mod(x, 8) - 3.5) ** 2) / 0.7
    )
    return np.asarray(0.55 * stitch + valley + 0.2 * rng.standard_normal(x.shape) + 0.25)


def _fine_knit(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(
        0.6 * _turn(x, 4) + 0.5 * _turn(y + np.abs(np.mod(x, 4) - 2), 4) + 0.3 * rng.standard_normal(x.shape)
    )


def _rib(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(
        _turn(x, 6.0952) - 0.35 * np.cos(4 * np.pi * x / 6.0952) + 0.15 * rng.standard_normal(x.shape)
    )


def _corduroy(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(np.abs(np.sin(np.pi * x / 5.12)) * 2 - 1.3 + 0.25 * rng.standard_normal(x.shape))


def _leather(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE)))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.fftfreq(TILE)))
    out = np.fft.ifft2(spectrum * np.exp(-(((f - 0.16) / 0.06) ** 2))).real
    return np.asarray(np.tanh(out / out.std()))


def _cable(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Braids of two strands, 20 pixels wide, between columns of purl."""
    column = np.mod(x, 32) - 10
    swing = 5.0 * np.sin(2 * np.pi * y / 32)
    inside = np.abs(column) < 10.5
    front = np.exp(-(((column - swing) / 3.6) ** 2))
    back = np.exp(-(((column + swing) / 3.6) ** 2)) * 0.72
    braid = np.maximum(front, back) * 2.0 - 1.15
    strand = 0.25 * _turn(y + column, 4)
    purl = 0.5 * _turn(y, 4) * _turn(x, 4) - 0.45
    return np.asarray(np.where(inside, braid + strand, purl) + 0.15 * rng.standard_normal(x.shape))


_GRAINS: dict[str, Callable[[Floats, Floats, np.random.Generator], Floats]] = {
    "smooth": _smooth,
    "jersey": _jersey,
    "linen": _linen,
    "felt": _felt,
    "denim": _denim,
    "suiting": _suiting,
    "satin": _satin,
    "pique": _pique,
    "knit": _knit,
    "fine knit": _fine_knit,
    "rib": _rib,
    "corduroy": _corduroy,
    "leather": _leather,
    "cable": _cable,
}
