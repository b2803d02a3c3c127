"""Patterns: the colour of the cloth at each point (u across, v along, in cm) of a piece."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from atelier.arrays import Floats
from atelier.palette import luminance, mix
from atelier.prints import floral_tile, leopard_tile


@dataclass(frozen=True)
class Dye:
    """The colours of a garment, each (3,) sRGB in 0..1, and the print's seed."""

    ground: Floats
    second: Floats
    seed: int = 0


def paint(pattern: str, dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    """The cloth's colour at (u, v): (3, H, W) float32, or (3,) where it is one colour.

    `blur` is half a pixel in cm; edges are softened by it.
    """
    return _PATTERNS[pattern](dye, u, v, blur)


def _blend(dye: Dye, weight: Floats) -> Floats:
    return np.asarray(wide(dye.ground) + wide(dye.second - dye.ground) * weight, np.float32)


def wide(colour: Floats) -> Floats:
    """(3,) as (3, 1, 1), to meet planes of pixels."""
    return colour[:, None, None]


def _band(x: Floats, period: float, share: float, blur: float) -> Floats:
    """1 inside bands of `share` of each period, with edges softened over 2 * blur."""
    distance = np.abs(np.mod(x, period) - period / 2) - period * share / 2
    return np.asarray(np.clip(0.5 - distance / (2 * blur), 0, 1), np.float32)


def _plain(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    return dye.ground


def _striped(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    return _blend(dye, _band(v, 5.2, 0.42, blur))


def _vertical(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    return _blend(dye, _band(u + 1.3, 2.6, 0.3, blur))


def _checked(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    """A windowpane: thin lines both ways on the ground."""
    lines = np.maximum(_band(u, 6.4, 0.13, blur), _band(v, 6.4, 0.13, blur))
    return _blend(dye, lines * 0.92)


def _gingham(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    """Two half-strength weaves whose crossings are full strength."""
    return _blend(dye, 0.5 * (_band(u, 3.4, 0.5, blur) + _band(v, 3.4, 0.5, blur)))


def _plaid(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    """Tartan: broad bands, a dark overcheck and a fine light line, woven both ways."""
    out = _blend(dye, 0.46 * (_band(u, 10.5, 0.42, blur) + _band(v, 10.5, 0.42, blur)))
    dark = np.maximum(_band(u + 5.2, 10.5, 0.10, blur), _band(v + 5.2, 10.5, 0.10, blur))
    light = np.maximum(_band(u + 5.2, 10.5, 0.035, blur), _band(v + 5.2, 10.5, 0.035, blur))
    out = out * (1 - 0.5 * dark)
    return np.asarray(
        out + (wide(mix(dye.second, np.ones(3, np.float32), 0.5)) - out) * light * 0.8, np.float32
    )


def _dots(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    """Dots on a diagonal lattice."""
    step = 4.2
    a = np.mod(u, step) - step / 2
    b = np.mod(v, step) - step / 2
    c = np.mod(u + step / 2, step) - step / 2
    d = np.mod(v + step / 2, step) - step / 2
    distance = np.sqrt(np.minimum(a * a + b * b, c * c + d * d)) - 0.78
    return _blend(dye, np.clip(0.5 - distance / (2 * blur), 0, 1))


def _tiled(tile: Floats, size: float, u: Floats, v: Floats) -> Floats:
    """Sample a seamless (3, N, N) tile of `size` cm with bilinear weights."""
    count = tile.shape[1]
    x, y = np.mod(u, size) * (count / size), np.mod(v, size) * (count / size)
    i, j = x.astype(np.int32) % count, y.astype(np.int32) % count
    fx, fy = x - np.floor(x), y - np.floor(y)
    i2, j2 = (i + 1) % count, (j + 1) % count * count
    j = j * count
    planes = []
    for plane in tile.reshape(3, -1):
        top = plane.take(j + i) * (1 - fx) + plane.take(j + i2) * fx
        low = plane.take(j2 + i) * (1 - fx) + plane.take(j2 + i2) * fx
        planes.append(top * (1 - fy) + low * fy)
    return np.stack(planes).astype(np.float32)


def _floral(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    tile, size = floral_tile(tuple(dye.ground), tuple(dye.second), dye.seed % 3, 5 if blur > 0.1 else 7)
    return _tiled(tile, size, u + 0.04 * v, v)


def _leopard(dye: Dye, u: Floats, v: Floats, blur: float) -> Floats:
    tile, size = leopard_tile(tuple(dye.ground), 5 if blur > 0.1 else 7)
    return _tiled(tile, size, u, v)


def ink(dye: Dye) -> Floats:
    """A colour for small print that reads against the ground."""
    return (
        dye.second
        if abs(luminance(dye.second) - luminance(dye.ground)) > 0.15
        else mix(dye.second, np.zeros(3, np.float32), 0.5)
    )


_PATTERNS: dict[str, Callable[[Dye, Floats, Floats, float], Floats]] = {
    "plain": _plain,
    "striped": _striped,
    "vertical stripe": _vertical,
    "checked": _checked,
    "gingham": _gingham,
    "plaid": _plaid,
    "polka dot": _dots,
    "floral": _floral,
    "leopard": _leopard,
    "graphic print": _plain,
    "colour block": _plain,
}
