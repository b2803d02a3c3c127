"""What is behind the garment: a lit paper ground, or a studio sweep behind a figure."""

import numpy as np

from atelier.arrays import Floats, Rng

GROUNDS = (
    (0.955, 0.950, 0.940), (0.940, 0.943, 0.948), (0.957, 0.940, 0.925), (0.930, 0.940, 0.930), (0.948, 0.936, 0.940), (0.965, 0.962, 0.958),
)  # fmt: skip


def backdrop(width: int, height: int, rng: Rng, studio: bool) -> Floats:
    """(height, width, 3) float32: a pale ground, lighter where the window's light falls."""
    tone = np.array(GROUNDS[int(rng.integers(len(GROUNDS)))], np.float32)
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    light = 1.015 - 0.10 * ((x + 0.16) ** 2 + (y + 0.2) ** 2) - 0.02 * (x + y)
    if studio:
        light = light - 0.045 / (1 + np.exp(-(y - 0.36) * 26))
    grain = (rng.standard_normal((height, width)).astype(np.float32)) * 0.0035
    return np.asarray((light + grain)[..., None] * tone, np.float32)
