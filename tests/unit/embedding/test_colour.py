import numpy as np
import pytest

from embedding.colour import bin_centres, bin_table, colour_codes, lab_to_rgb, patch_histograms, rgb_to_lab


def test_lab_of_known_colours():
    lab = rgb_to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]]))
    assert lab[0] == pytest.approx([100, 0, 0], abs=0.1)
    assert lab[1] == pytest.approx([0, 0, 0], abs=0.1)
    assert lab[2] == pytest.approx([53.24, 80.09, 67.20], abs=0.1)  # Lindbloom's values for sRGB red


def test_lab_and_back_is_the_same_colour():
    rgb = np.random.default_rng(0).integers(0, 256, size=(500, 3))
    assert np.abs(lab_to_rgb(rgb_to_lab(rgb)) - rgb).max() < 0.6


def test_the_table_spreads_each_colour_over_its_near_bins():
    table = bin_table()
    assert table.sum(axis=1) == pytest.approx(1, abs=1e-4)
    navy = table[colour_codes(np.array([28, 36, 64]))]
    nearest = bin_centres()[navy.argmax()]
    assert nearest[0] < 40
    assert nearest[2] < 0  # blue lies below zero on the b axis


def test_histograms_are_the_colours_of_each_patch():
    square = np.zeros((1, 224, 224, 3), dtype=np.uint8)
    square[:, :, 112:] = 255
    histograms = patch_histograms(square)
    assert histograms.shape == (1, 196, len(bin_centres()))
    assert histograms.sum(-1) == pytest.approx(1, abs=1e-4)
    lightness = (histograms[0] * bin_centres()[:, 0]).sum(-1).reshape(14, 14)
    assert (lightness[:, :7] < 20).all()
    assert (lightness[:, 7:] > 80).all()
