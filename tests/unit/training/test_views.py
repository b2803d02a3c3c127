import numpy as np
import pytest
import torch

from embedding.colour import rgb_to_lab
from training.masks import SIDE, difference_mask, garment_mask, median_lab
from training.recolour import Dye, draw_dyes, recolour, to_lab, to_rgb
from training.views import ViewConfig, make_views


def scene(garment=(180, 40, 40), ground=(225, 222, 215)):
    pixels = np.full((256, 256, 3), ground, dtype=np.uint8)
    pixels[60:200, 80:180] = garment
    noise = np.random.default_rng(0).integers(-6, 7, size=pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def inside(mask):
    return mask[18:46, 24:42].mean()


def outside(mask):
    return mask[:8].mean()


def test_the_mask_finds_what_stands_out_in_the_middle():
    mask = garment_mask(scene())
    assert mask.shape == (SIDE, SIDE)
    assert inside(mask) > 0.9
    assert outside(mask) < 0.05


def test_two_colours_of_one_photo_give_the_garment_exactly():
    mask = difference_mask([scene((180, 40, 40)), scene((40, 60, 180))])
    assert inside(mask) > 0.95
    assert outside(mask) < 0.01
    assert difference_mask([scene(), scene()]) is None


def test_lab_in_batches_is_lab():
    rgb = np.random.default_rng(0).integers(0, 256, size=(64, 3))
    batched = to_lab(torch.from_numpy(rgb).float() / 255)
    assert np.abs(batched.numpy() - rgb_to_lab(rgb)).max() < 0.05
    assert torch.allclose(to_rgb(batched) * 255, torch.from_numpy(rgb).float(), atol=0.6)


def test_recolouring_moves_the_garment_and_leaves_the_ground():
    square = scene()
    mask = garment_mask(square)
    median = median_lab(square, mask)
    wide = torch.nn.functional.interpolate(torch.from_numpy(mask)[None, None], (256, 256), mode="bilinear")[0]
    dye = Dye(rgb_to_lab(np.array([[30, 60, 160]])), np.array([False]))
    image = torch.from_numpy(square)[None].float() / 255
    dyed = recolour(image, wide, torch.from_numpy(median)[None], dye)[0]
    assert dyed[100:160, 110:150].mean((0, 1)).numpy() * 255 == pytest.approx([30, 60, 160], abs=14)
    assert torch.allclose(dyed[:20], image[0, :20], atol=0.04)


def test_the_same_seed_gives_the_same_views():
    images = torch.rand(3, 256, 256, 3)
    masks = torch.rand(3, 256, 256)
    one, other = (make_views(images, masks, ViewConfig(), torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert one[0].shape == (3, 224, 224, 3)
    assert one[0].dtype == torch.uint8
    assert one[1].shape == (3, 224, 224)


def test_dyes_are_shop_colours():
    dye = draw_dyes(40, np.random.default_rng(0))
    assert dye.lab.shape == (40, 3)
    assert 0 < dye.keep_print.mean() < 1
