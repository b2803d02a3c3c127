"""Stage four: families of drawn garments, their wishes, and what learning among them moves."""

from pathlib import Path

import numpy as np
import pytest
import torch

from embedding.composer import Balance
from embedding.minilm import TextTower, find_minilm
from embedding.pack import Towers
from embedding.pack_files import PackConfig
from embedding.towers import TowerConfig
from embedding.vit import ViTConfig
from training.drawn_task import WITHOUT
from training.sibling_bank import SiblingBank, takes_away, wordings
from training.sibling_loop import Held, SiblingLoop, SiblingTraining
from training.siblings import Siblings, draw_siblings, plan_siblings, read_pictures

SMALL = TowerConfig(vit=ViTConfig(width=24, depth=1, heads=1, mlp=32), hidden=32, wish=16)


@pytest.fixture(scope="module")
def plan() -> Siblings:
    return plan_siblings(12, seed=2)


@pytest.fixture(scope="module")
def bank(plan: Siblings) -> SiblingBank:
    torch.manual_seed(0)
    seen = torch.randn(len(plan.garments), 48), torch.rand(len(plan.garments), SMALL.bins)
    return SiblingBank(plan, seen, TextTower(find_minilm()), seed=0)


def loop(bank: SiblingBank, **changes: float) -> SiblingLoop:
    torch.manual_seed(0)
    held = Held(torch.randn(20, 48), torch.rand(20, SMALL.bins), torch.randn(20, 384), np.full(20, 0.05))
    config = SiblingTraining(wish=16, steps=3, batch=6, held=8, **changes)  # type: ignore[arg-type]
    return SiblingLoop(Towers(PackConfig(tower=SMALL)), bank, held, Balance(), config, seed=0)


def test_a_step_changes_one_attribute_and_leads_back(plan: Siblings) -> None:
    for step in plan.steps:
        source, target = plan.garments[step.source], plan.garments[step.target]
        assert getattr(source, step.attribute) == step.old != step.value == getattr(target, step.attribute)
        other = vars(source).keys() - {step.attribute, "presentation"}
        assert all(getattr(source, name) == getattr(target, name) for name in other)
        assert plan.families[step.source] == plan.families[step.target]
    ways = {(step.source, step.target) for step in plan.steps}
    assert {(target, source) for source, target in ways} == ways


def test_more_families_only_add_to_the_plan(plan: Siblings) -> None:
    longer = plan_siblings(14, seed=2)
    assert longer.garments[: len(plan.garments)] == plan.garments
    assert longer.seeds[: len(plan.seeds)] == plan.seeds


def test_pictures_are_drawn_once_and_read_in_order(tmp_path: Path) -> None:
    plan = plan_siblings(1, seed=2)
    paths = draw_siblings(plan, tmp_path)
    before = [path.stat().st_mtime_ns for path in paths]
    assert draw_siblings(plan, tmp_path) == paths
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert sum(len(batch) for batch in read_pictures(paths, 3)) == len(plan.garments)


def test_what_is_asked_away_is_said_so_and_garments_that_lack_it_count(
    plan: Siblings, bank: SiblingBank
) -> None:
    away = [step for step in plan.steps if takes_away(step)]
    assert away
    assert all(step.old and WITHOUT[step.attribute] == step.value for step in away)
    assert len(wordings(plan, away[0], 3, np.random.default_rng(0))) == 5
    lesson = bank.draw(12, 40, np.random.default_rng(0))
    for n in range(len(lesson.targets)):
        target = plan.garments[lesson.pictures[lesson.targets[n]]]
        counted = [plan.garments[row] for row in lesson.pictures[lesson.allowed[n] > 0]]
        assert all(each.kind == target.kind for each in counted)
        assert not counted or lesson.allowed[n, lesson.targets[n]] == 1
        assert lesson.allowed[n, lesson.sources[n]] == 0
    assert (lesson.allowed.sum(1) > 0).any()


def test_only_the_aligned_part_and_the_wish_learn_and_twice_the_same(
    bank: SiblingBank, tmp_path: Path
) -> None:
    moved, losses = set(), []
    for n in range(2):
        trained = loop(bank)
        before = {name: each.clone() for name, each in trained.towers.state_dict().items()}
        trained.run(tmp_path / f"{n}.log", progress=1)
        after = trained.towers.state_dict()
        moved |= {
            ".".join(name.split(".")[:2]) for name in after if not torch.equal(after[name], before[name])
        }
        losses.append((tmp_path / f"{n}.log").read_text())
    wishes = {f"composer.{name}" for name in ("takes", "lean", "keep", "gain")}
    assert moved == {"image.aligned", "text.aligned", "text.wish"} | wishes
    assert losses[0] == losses[1]
    assert len(losses[0].splitlines()) == 3


def test_what_is_held_moves_less(bank: SiblingBank) -> None:
    away = []
    for weight in (0.0, 50.0):
        trained = loop(bank, weight_photos=weight, rate=5e-3)
        for _ in range(15):
            trained.step()
        with torch.no_grad():
            now = trained.towers.image.heads(trained.held.features, trained.held.histograms)[2]
        away.append(float((1 - (now * trained.photos_were).sum(1)).mean()))
    assert away[1] < 0.7 * away[0]
