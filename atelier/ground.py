"""What is behind the garment: a lit paper ground, or a studio sweep behind a figure."""

from functools import cache

import numpy as np

from atelier.arrays import Floats, Rng

GROUNDS = (
    (0.955, 0.950, 0.940),
    (0.940, 0.943, 0.948),
    (0.957, 0.940, 0.925),
    (0.930, 0.940, 0.930),
    (0.948, 0.936, 0.940),
    (0.965, 0.962, 0.958),
)


@cache
def _paper() -> Floats:
    return np.random.default_rng(3).standard_normal((256, 256)).astype(np.float32) * 0.0022


def backdrop(width: int, height: int, rng: Rng, studio: bool) -> Floats:
    """(3, height, width) float32: a pale ground, lighter where the window's light falls."""
    tone = np.array(GROUNDS[int(rng.integers(len(GROUNDS)))], np.float32)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    light = (1.015 - 0.10 * (x + 0.16) ** 2 - 0.02 * x) - (0.10 * (y + 0.2) ** 2 + 0.02 * y)
    if studio:
        light = light - 0.045 / (1 + np.exp(-(y - 0.36) * 26))
    tile = np.roll(_paper(), int(rng.integers(256)), axis=1)
    grain = np.tile(tile, (height // 256 + 1, width // 256 + 1))[:height, :width]
    return np.asarray((light + grain)[None] * tone[:, None, None], np.float32)
