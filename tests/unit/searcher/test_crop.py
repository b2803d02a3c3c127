"""The part of a photo that is meant."""

import numpy as np
import pytest

from searcher.crop import Crop
from searcher.errors import QueryRefused


def test_the_part_is_cut_out() -> None:
    pixels = np.arange(40 * 60 * 3, dtype=np.uint32).astype(np.uint8).reshape(40, 60, 3)
    part = Crop(0.5, 0.25, 0.5, 0.5).of(pixels)
    assert part.shape == (20, 30, 3) and np.array_equal(part, pixels[10:30, 30:])


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 500), (19, 21)])
def test_there_is_always_a_pixel(size: tuple[int, int]) -> None:
    part = Crop(0.95, 0.95, 0.05, 0.05).of(np.zeros((*size, 3), np.uint8))
    assert min(part.shape) >= 1


@pytest.mark.parametrize(
    "box",
    [
        (-0.1, 0, 1, 1),
        (0, 0, 0.01, 1),
        (0.6, 0, 0.6, 1),
        (0, 0, float("nan"), 1),
        (True, 0, 1, 1),
        ("0", 0, 1, 1),
    ],
)
def test_what_is_no_part_is_refused_with_the_fix(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(QueryRefused) as refused:
        Crop(*box)
    assert refused.value.code == "crop-range" and "shares" in refused.value.fix
