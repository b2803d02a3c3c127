"""The published augmentations: rotation, translation, scale, flip, blur; each with probability one half."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """How far each change goes, and how often it is made."""

    probability: float = 0.5
    turn: float = 15.0  # degrees to either side
    shift: float = 0.1  # of the side
    scale: tuple[float, float] = (0.8, 1.2)
    blur: float = 1.5  # largest radius, pixels


def augment(image: Image.Image, config: Augmentation, rng: np.random.Generator) -> Image.Image:
    """Another look at an RGB image of the same size; what comes in from outside is white."""

    def drawn() -> bool:
        return bool(rng.random() < config.probability)

    white = (255, 255, 255)
    if drawn():
        turn = float(rng.uniform(-config.turn, config.turn))
        image = image.rotate(turn, Image.Resampling.BILINEAR, fillcolor=white)
    if drawn():
        image = _moved(image, rng.uniform(-config.shift, config.shift, 2), 1.0)
    if drawn():
        image = _moved(image, np.zeros(2), float(rng.uniform(*config.scale)))
    if drawn():
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if drawn():
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, config.blur))))
    return image


def _moved(image: Image.Image, shift: npt.NDArray[np.float64], scale: float) -> Image.Image:
    """Scaled about the middle, then shifted by shares of its sides."""
    width, height = image.size
    across = width / 2 * (1 - 1 / scale) - shift[0] * width
    down = height / 2 * (1 - 1 / scale) - shift[1] * height
    matrix = (1 / scale, 0, across, 0, 1 / scale, down)
    return image.transform(
        image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=(255, 255, 255)
    )


def squash(image: Image.Image, size: int) -> Pixels:
    """(size, size, 3) RGB without keeping the aspect ratio, as published."""
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC), np.uint8)
