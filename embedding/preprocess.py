"""The one path from RGB bytes to a tower's input: training, indexing and search all take it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]  # (H, W, 3) RGB


@dataclass(frozen=True)
class Preprocessing:
    """How a photo becomes the tower's input. Saved in the pack, part of its fingerprint."""

    size: int = 224  # side of the square input, pixels
    geometry: Literal["squash", "letterbox"] = "squash"  # squash: each side scaled on its own, nothing is cut
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


def check_pixels(pixels: Pixels) -> Pixels:
    """Return `pixels` if they are one (H, W, 3) uint8 RGB image, else raise ValueError saying why not."""
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"an image must have shape (height, width, 3), not {pixels.shape}")
    if pixels.dtype != np.uint8:
        raise ValueError(f"an image must be uint8 RGB, not {pixels.dtype}")
    if 0 in pixels.shape:
        raise ValueError(f"an image must have pixels, not the shape {pixels.shape}")
    return pixels


def border_colour(pixels: Pixels) -> tuple[int, int, int]:
    """Median RGB of the outermost rows and columns: the ground that a letterbox is filled with."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (2H + 2W, 3)
    red, green, blue = np.median(edge, axis=0)
    return int(red), int(green), int(blue)


def prepare(pixels: Pixels, config: Preprocessing) -> Pixels:
    """One (H, W, 3) image of any size -> (size, size, 3) uint8, antialiased bicubic."""
    image = Image.fromarray(check_pixels(pixels))
    if config.geometry == "squash":
        return np.asarray(image.resize((config.size, config.size), Image.Resampling.BICUBIC))
    scale = config.size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (config.size, config.size), border_colour(pixels))
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(resized, ((config.size - width) // 2, (config.size - height) // 2))
    return np.asarray(square)


def normalise(squares: Pixels, config: Preprocessing) -> npt.NDArray[np.float32]:
    """(B, S, S, 3) uint8 -> (B, 3, S, S) float32 with the pack's mean and deviation taken out."""
    mean = np.asarray(config.mean, dtype=np.float32) * 255
    std = np.asarray(config.std, dtype=np.float32) * 255
    return np.ascontiguousarray(((squares.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2))
