"""The part of a photo that is meant: a rectangle in fractions of its width and height."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searcher.errors import QueryRefused

SMALLEST = 0.05  # of the photo's width and height


@dataclass(frozen=True)
class Crop:
    """`left` and `top` are from the upper left corner, all four from 0 to 1. Raises QueryRefused."""

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        given: tuple[Any, ...] = (self.left, self.top, self.width, self.height)
        if not all(_is_share(value) for value in given):
            raise _refused("The crop is not four numbers from 0 to 1.")
        if self.width < SMALLEST or self.height < SMALLEST:
            raise _refused("The crop is too small to see a garment in.")
        if self.left + self.width > 1.001 or self.top + self.height > 1.001:
            raise _refused("The crop reaches beyond the photo.")

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) -> (h, w, 3), the pixels of the part; at least one."""
        height, width = pixels.shape[:2]
        top, bottom = _span(self.top, self.height, height)
        left, right = _span(self.left, self.width, width)
        return pixels[top:bottom, left:right]


def _span(start: float, length: float, size: int) -> tuple[int, int]:
    first = min(round(start * size), size - 1)
    return first, max(first + 1, min(round((start + length) * size), size))


def _is_share(value: Any) -> bool:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool)
    return whole and math.isfinite(value) and 0 <= value <= 1


def _refused(message: str) -> QueryRefused:
    fix = f"Give left, top, width and height as shares of the photo, width and height {SMALLEST:g} or more."
    return QueryRefused("crop-range", message, fix, "crop")
