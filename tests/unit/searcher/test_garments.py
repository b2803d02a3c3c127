"""Where garments are, from patches whose ground and garments are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from searcher.garments import MOST, garments

SIDE, WIDTH = 14, 24
Floats = NDArray[np.float32]


def patches(*boxes: tuple[int, int, int, int], seed: int = 0, faint: float = 1.0) -> Floats:
    """Ground everywhere but in (top, left, bottom, right) boxes, each of its own kind; a little noise."""
    rng = np.random.default_rng(seed)
    kinds = rng.normal(size=(len(boxes) + 1, WIDTH))
    grid = np.tile(kinds[0], (SIDE, SIDE, 1))
    for kind, (top, left, bottom, right) in zip(kinds[1:], boxes, strict=True):
        grid[top:bottom, left:right] = faint * kind + (1 - faint) * kinds[0]
    grid += rng.normal(scale=0.15, size=grid.shape)
    return np.asarray(grid / np.linalg.norm(grid, axis=-1, keepdims=True), np.float32)


def test_two_garments_are_two_boxes_the_larger_first() -> None:
    first, second = garments(patches((2, 1, 12, 6), (3, 9, 10, 13)))
    assert (first.left, first.top) == pytest.approx((1 / SIDE, 2 / SIDE), abs=0.03)
    assert (first.width, first.height) == pytest.approx((5 / SIDE, 10 / SIDE), abs=0.05)
    assert second.left == pytest.approx(9 / SIDE, abs=0.03)


def test_one_garment_is_one_box_and_a_speck_is_none() -> None:
    assert len(garments(patches((3, 3, 11, 11), (1, 12, 2, 13)))) == 1


def test_two_that_touch_by_a_faint_bridge_come_apart() -> None:
    both = patches((2, 1, 12, 6), (2, 8, 12, 13))
    ground, cloth = both[0, 0], both[7, 3]
    bridge = 0.55 * ground + 0.45 * cloth
    both[7:9, 6:8] = bridge / np.linalg.norm(bridge)
    boxes = garments(both)
    assert len(boxes) == 2
    assert sorted(round(box.left * SIDE) for box in boxes) == [1, 8]


def test_many_are_cut_to_the_largest_and_nothing_is_no_garment() -> None:
    grid = [(row, column, row + 3, column + 3) for row in (1, 6, 10) for column in (1, 6, 10)]
    assert len(garments(patches(*grid))) == MOST
    plain = np.ones((SIDE, SIDE, WIDTH), np.float32) / np.sqrt(np.float32(WIDTH))
    assert len(garments(plain)) <= 1  # no ground to tell it from: at most the whole


def test_boxes_lie_in_the_photo_whatever_is_in_it() -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(size=(SIDE, SIDE, WIDTH)).astype(np.float32)
        noise /= np.linalg.norm(noise, axis=-1, keepdims=True)
        for box in garments(noise):  # a Crop refuses what lies outside
            assert box.width > 0 and box.left + box.width <= 1.001
