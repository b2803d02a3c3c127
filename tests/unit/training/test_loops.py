import math

import numpy as np
import pytest
import torch
from PIL import Image

from embedding.minilm import TextTower, find_minilm
from embedding.pack import Towers
from embedding.pack_files import PackConfig
from embedding.preprocess import Preprocessing
from embedding.towers import TowerConfig
from embedding.vit import ViTConfig
from training.bank import fill_bank
from training.batches import ViewMaker
from training.datasets import Photo, load_photos
from training.head_loop import EditPairs, HeadLoop, HeadTraining
from training.sentences import Phrasebook
from training.tower_loop import TowerLoop, TowerTraining, learning_rate
from training.views import ViewConfig


@pytest.fixture(scope="module")
def text():
    return TextTower(find_minilm())


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder, rows = tmp_path_factory.mktemp("photos"), []
    rng = np.random.default_rng(0)
    for n in range(16):
        pixels = np.full((90, 80, 3), 235, dtype=np.uint8)
        pixels[20:70, 20 : 50 + n] = rng.integers(0, 256, size=3)
        path = folder / f"{n}.png"
        Image.fromarray(pixels).save(path)
        rows.append(Photo(path, "clothing", f"g{n}", f"v{n}", ("t-shirt", "dress")[n % 2]))
    return load_photos(rows)


def maker(photos, seed=0):
    return ViewMaker(photos, ViewConfig(), Preprocessing(), seed)


def towers(seed=0):
    torch.manual_seed(seed)
    small = ViTConfig(width=48, depth=2, heads=3, mlp=96)
    return Towers(PackConfig(tower=TowerConfig(vit=small)))


def test_stage_one_trains_every_tensor_of_the_image_tower(photos, text, tmp_path):
    trained, before = towers(), {name: tensor.clone() for name, tensor in towers().state_dict().items()}
    making = maker(photos)
    making.categories = ("t-shirt", "dress")
    teachers = (torch.randn(16, 8), torch.randn(16, 12))
    config = TowerTraining(garments=6, steps=2, memory=10)
    TowerLoop(trained, text, making, teachers, config).run(tmp_path / "log", progress=1)
    state = trained.state_dict()
    still = [
        name for name in state if name.startswith("image.vit") and torch.equal(state[name], before[name])
    ]
    assert still == []
    assert len((tmp_path / "log").read_text().splitlines()) == 2


def test_the_same_seed_draws_the_same_views(photos):
    chosen, dyed = np.arange(4), np.array([True, False, True, False])
    one, other = (maker(photos, seed=3).cut(chosen, dyed) for _ in range(2))
    assert torch.equal(one.pixels, other.pixels)
    assert np.array_equal(one.truth.colours, other.truth.colours)


def test_stage_two_leaves_the_tower_alone_and_repeats_to_the_bit(photos, text, tmp_path):
    losses = []
    for _ in range(2):
        trained, making = towers(), maker(photos)
        before = {name: tensor.clone() for name, tensor in trained.image.vit.state_dict().items()}
        bank = fill_bank(trained.image, making, posed=1)
        assert bank.features.shape == (32, 96)
        phrases = Phrasebook(photos, bank, text, ["is shorter", "is more red"], ["striped"], seed=0)
        pairs = EditPairs(bank.variants, [("v0", "v1", "striped")])
        loop = HeadLoop(trained, bank, phrases, pairs, HeadTraining(garments=6, edits=1, steps=3), seed=0)
        torch.manual_seed(1)
        loop.run(tmp_path / "log")
        losses.append(loop.step())
        assert all(torch.equal(trained.image.vit.state_dict()[name], before[name]) for name in before)
    assert losses[0] == losses[1]
    assert all(math.isfinite(loss) for loss in losses[0].values())


def test_stage_one_goes_on_from_its_checkpoint_to_the_bit(photos, text, tmp_path):
    teachers = (torch.randn(16, 8), torch.randn(16, 12))
    config = TowerTraining(garments=6, steps=4, memory=10)

    def loop() -> TowerLoop:
        torch.manual_seed(5)
        making = maker(photos, seed=4)
        making.categories = ("t-shirt", "dress")
        return TowerLoop(towers(), text, making, teachers, config)

    whole = loop()
    whole.run(tmp_path / "whole.log")
    first = loop()
    first.towers.train()
    for step in range(2):
        for group in first.optimiser.param_groups:
            group["lr"] = group["peak"] * learning_rate(step, config)
        first.step()
    first.save(tmp_path / "second.checkpoint", 2)
    second = loop()
    second.run(tmp_path / "second.log")
    there = second.towers.state_dict()
    assert all(torch.equal(tensor, there[name]) for name, tensor in whole.towers.state_dict().items())
    assert not (tmp_path / "second.checkpoint").exists()
