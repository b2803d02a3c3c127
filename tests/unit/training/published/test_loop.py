import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from embedding.minilm import TextTower, find_minilm
from embedding.vit import ViTConfig
from training.published.loop import Example, SeedLoop, SeedTraining, load_best
from training.published.network import Seed, SeedConfig

CONFIG = SeedTraining(epochs=3, batch=4)


@pytest.fixture(scope="module")
def text() -> TextTower:
    return TextTower(find_minilm())


class Few:
    """Six pairs of plain colours."""

    def epoch(self, rng: np.random.Generator) -> list[Example]:
        order = rng.permutation(6)
        return [Example(int(n), int(n + 1) % 6, f"replace {n} with {n + 1}") for n in order]

    def image(self, number: int) -> Image.Image:
        return Image.new("RGB", (20, 30), (40 * number, 90, 200 - 30 * number))


def loop(text: TextTower, folder: Path, config: SeedTraining = CONFIG, figures: object = None) -> SeedLoop:
    torch.manual_seed(1)
    vit = ViTConfig(image_size=32, width=24, depth=2, heads=3, mlp=48)
    marks = iter(figures) if figures is not None else iter(range(100))  # type: ignore[call-overload]
    return SeedLoop(Seed(SeedConfig(vit=vit)), text, Few(), lambda _: float(next(marks)), config, folder)


def test_a_run_that_stopped_goes_on_to_the_bit(text: TextTower, tmp_path: Path) -> None:
    whole = loop(text, tmp_path / "whole")
    whole.run()
    first = loop(text, tmp_path / "parts", replace(CONFIG, epochs=2))
    first.run()
    second = loop(text, tmp_path / "parts", figures=[2])
    second.run()
    there = second.network.state_dict()
    assert all(torch.equal(tensor, there[name]) for name, tensor in whole.network.state_dict().items())
    one, other = ((tmp_path / name / "log.csv").read_text() for name in ("whole", "parts"))
    assert one == other


def test_logs_curves_and_events_are_kept(text: TextTower, tmp_path: Path) -> None:
    loop(text, tmp_path).run()
    with (tmp_path / "log.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {"epoch", "rate", "loss", "triplet", "image", "text", "symmetry", "validation"}
    assert Image.open(tmp_path / "curves.png").size[0] > 500
    assert list(tmp_path.glob("events.out.tfevents.*"))


def test_the_frozen_blocks_rest_and_the_others_learn(text: TextTower, tmp_path: Path) -> None:
    running = loop(text, tmp_path)
    before = {name: tensor.clone() for name, tensor in running.network.tower.state_dict().items()}
    running.run()
    after = running.network.tower.state_dict()
    moved = {
        name.split(".")[2]
        for name in before
        if ".blocks." in name and not torch.equal(before[name], after[name])
    }
    assert moved == {"1"}


def test_training_stops_when_it_no_longer_gets_better_and_the_best_is_kept(
    text: TextTower, tmp_path: Path
) -> None:
    config = replace(CONFIG, epochs=9, stop_after=2, schedule="plateau", patience=0)
    running = loop(text, tmp_path, config, figures=[1, 5, 2, 3, 9])
    assert running.run() == 5
    assert running.epoch == 4
    assert running.rate == config.rate / 4  # two epochs without a better figure, patience 0
    best = Seed(running.network.config)
    load_best(best, tmp_path)
    assert not torch.equal(best.gamma[2].weight, running.network.gamma[2].weight)


def test_the_published_schedule(text: TextTower, tmp_path: Path) -> None:
    running = loop(text, tmp_path, SeedTraining())
    paces = {}
    for epoch in (0, 2, 3, 6, 13, 14):
        running.epoch = epoch
        paces[epoch] = running._pace()
    assert paces == {
        0: (5e-4, 32), 2: (5e-4, 32), 3: (2.5e-4, 32), 6: (1.25e-4, 32), 13: (3.125e-5, 32), 14: (5e-6, 16),
    }  # fmt: skip
