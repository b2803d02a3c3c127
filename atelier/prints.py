"""Printed cloth: seamless tiles of flowers and leopard spots, and the motifs printed on a chest."""

from functools import cache

import aggdraw
import numpy as np
from PIL import Image

from atelier.arrays import Floats, Rng
from atelier.curves import Point

Triple = tuple[float, ...]
FLOWER_TILE = 17.0  # cm
SPOT_TILE = 16.0


@cache
def floral_tile(ground: Triple, second: Triple, layout: int, density: int) -> tuple[Floats, float]:
    """A seamless tile of blossoms, buds and leaves; (3, N, N) float32 sRGB and its size in cm."""
    rng = np.random.default_rng([31, layout])
    count = int(FLOWER_TILE * density)
    sheet = _Sheet(count * 2, ground)
    base, petal = np.array(ground), np.array(second)
    leaf = _leaf_colour(base)
    places = _scatter(rng, FLOWER_TILE, 13, 3.9)
    for index, (x, y) in enumerate(places):
        size = (2.3, 1.7, 1.15)[index % 3] * rng.uniform(0.9, 1.1)
        for angle in rng.uniform(0, 6.28) + np.array([0.0, 2.4]):
            sheet.leaf(x, y, size * 1.75, float(angle), leaf * rng.uniform(0.9, 1.1))
        tint = petal + (1 - petal) * rng.uniform(0, 0.28) if index % 3 else petal
        sheet.blossom(x, y, size, float(rng.uniform(0, 6.28)), tint, _heart_colour(petal, base))
    for x, y in rng.uniform(0, FLOWER_TILE, (16, 2)):
        sheet.spot(float(x), float(y), 0.28, petal + (1 - petal) * 0.2)
    return sheet.pixels(), FLOWER_TILE


def _leaf_colour(ground: Floats) -> Floats:
    dark = float(ground.mean()) > 0.42
    return np.array([0.33, 0.42, 0.27]) if dark else np.array([0.52, 0.60, 0.43])


def _heart_colour(petal: Floats, ground: Floats) -> Floats:
    yellow = np.array([0.90, 0.70, 0.24])
    return yellow if float(np.abs(petal - yellow).max()) > 0.3 else np.array([0.45, 0.26, 0.16])


@cache
def leopard_tile(ground: Triple, density: int) -> tuple[Floats, float]:
    """A seamless tile of broken rosettes; (3, N, N) float32 sRGB and its size in cm."""
    rng = np.random.default_rng(41)
    sheet = _Sheet(int(SPOT_TILE * density) * 2, ground)
    base = np.array(ground)
    light = float(base.mean()) > 0.3
    dark = base * 0.16 + np.array([0.05, 0.035, 0.02]) if light else base * 0.3 + 0.55
    heart = base * 0.66 if light else base * 0.6 + 0.24
    for x, y in _scatter(rng, SPOT_TILE, 42, 1.9):
        sheet.rosette(x, y, float(rng.uniform(0.75, 1.15)), rng, dark, heart)
    return sheet.pixels(), SPOT_TILE


def _scatter(rng: Rng, size: float, count: int, gap: float) -> list[Point]:
    """Points that keep `gap` apart on a torus, by dart throwing."""
    kept: list[Point] = []
    for x, y in rng.uniform(0, size, (count * 60, 2)):
        gaps = [np.hypot(*(np.mod(np.array([x - a, y - b]) + size / 2, size) - size / 2)) for a, b in kept]
        if not gaps or min(gaps) > gap:
            kept.append((float(x), float(y)))
        if len(kept) == count:
            break
    return kept


class _Sheet:
    """A square that wraps: every shape is drawn on it nine times, so that the tile has no seam."""

    def __init__(self, pixels: int, ground: Triple) -> None:
        self.image = Image.new("RGB", (pixels, pixels), tuple(round(255 * c) for c in ground))
        self.draw = aggdraw.Draw(self.image)
        self.scale = 0.0
        self.side = pixels

    def _fill(self, points: Floats, colour: Floats, size: float) -> None:
        brush = aggdraw.Brush(tuple(int(np.clip(255 * c, 0, 255)) for c in colour))
        pixels = points * (self.side / size)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        for dx in (-self.side, 0, self.side):
            for dy in (-self.side, 0, self.side):
                if (
                    high[0] + dx > 0
                    and low[0] + dx < self.side
                    and high[1] + dy > 0
                    and low[1] + dy < self.side
                ):
                    self.draw.polygon((pixels + np.array([dx, dy])).ravel().tolist(), None, brush)

    def blossom(self, x: float, y: float, size: float, turn: float, petal: Floats, heart: Floats) -> None:
        """Five rounded petals, veins in a darker tint, and a heart."""
        for k in range(5):
            angle = turn + k * 2 * np.pi / 5
            self._fill(_drop(x, y, size, angle, 0.62), petal * (0.93 if k % 2 else 1.0), FLOWER_TILE)
            self._fill(_drop(x, y, size * 0.62, angle, 0.2), petal * 0.8, FLOWER_TILE)
        self.spot(x, y, size * 0.26, heart)

    def leaf(self, x: float, y: float, length: float, angle: float, colour: Floats) -> None:
        self._fill(_drop(x, y, length, angle, 0.26), np.asarray(colour), FLOWER_TILE)

    def spot(self, x: float, y: float, radius: float, colour: Floats) -> None:
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        self._fill(
            np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1), colour, FLOWER_TILE
        )

    def rosette(self, x: float, y: float, radius: float, rng: Rng, dark: Floats, heart: Floats) -> None:
        angle = np.linspace(0, 2 * np.pi, 22, endpoint=False)
        shape = 1 + 0.22 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.1 * np.sin(3 * angle + rng.uniform(0, 6))
        ring = np.stack([np.cos(angle) * shape, np.sin(angle) * shape * 0.8], axis=1) * radius
        centre = np.array([x, y])
        self._fill(centre + ring * 0.8, heart, SPOT_TILE)
        start = int(rng.integers(22))
        for gap, span in ((0, 8), (11, 7)):
            index = (np.arange(span) + start + gap) % 22
            thick = (1.0 + 0.3 * np.sin(np.linspace(0, np.pi, span)))[:, None]
            self._fill(
                np.vstack([centre + ring[index] * thick, centre + ring[index][::-1] * 0.62]), dark, SPOT_TILE
            )

    def pixels(self) -> Floats:
        """The tile at half size, so that its edges are smooth."""
        self.draw.flush()
        return np.ascontiguousarray(
            np.asarray(self.image.reduce(2), np.float32).transpose(2, 0, 1)
        ) / np.float32(255.0)


def _drop(x: float, y: float, length: float, angle: float, width: float) -> Floats:
    """A petal or leaf from (x, y) outwards."""
    t = np.linspace(0, 1, 9)
    half = width * length * np.sin(np.pi * t**0.8) * 0.62
    along = np.concatenate([t, t[::-1]]) * length
    across = np.concatenate([half, -half[::-1]])
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([x + along * c - across * s, y + along * s + across * c], axis=1)
