"""The form of a garment and its kind, learned from a grid of patches; features that are kept between runs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from embedding.composer import index_vectors
from embedding.inputs import Inputs
from embedding.preprocess import Preprocessing
from embedding.towers import GRID, ImageTower, TowerConfig, grid_of
from embedding.vit import ViTConfig
from training.form import FormTraining, Styles, fit_form, teach_kinds, turn_visual
from training.kept import kept, tower_name

VIT = ViTConfig(width=24, depth=3, heads=1, mlp=32)
OLD = TowerConfig(vit=VIT, hidden=32)
NEW = TowerConfig(vit=VIT, hidden=32, form=8)
STYLES, EACH = 40, 6


def tower(config: TowerConfig = NEW) -> ImageTower:
    torch.manual_seed(0)
    return ImageTower(config).eval()


def styled(where: slice, seed: int = 1) -> tuple[torch.Tensor, list[str]]:
    """Features of photos whose style shows in a few directions of the grid only; the others tell nothing."""
    torch.manual_seed(seed)
    features = torch.randn(STYLES * EACH, NEW.seen)
    styles = np.repeat(np.arange(STYLES), EACH)
    means = torch.randn(STYLES, where.stop - where.start)
    features[:, where] = means[styles] + 0.2 * torch.randn(len(styles), means.shape[1])
    return features, [f"style {n}" for n in styles]


def first_is_of_its_style(rows: torch.Tensor, styles: list[str]) -> float:
    scores = (rows @ rows.T).fill_diagonal_(-2)
    names = np.array(styles)
    return float((names[scores.argmax(1).numpy()] == names).mean())


def test_the_grid_says_where_a_patch_lies() -> None:
    patches = torch.zeros(1, 9, 2)
    patches[0, 5] = torch.tensor([1.0, 2.0])  # the middle row's last cell
    cells = grid_of(patches, 3)[0]
    assert cells.shape == ((GRID**2 + 1) * 2,)
    assert cells[:-2].view(9, 2).nonzero()[:, 0].tolist() == [5, 5]
    assert torch.allclose(cells[-2:], patches[0].std(0))


def test_without_a_form_a_tower_sees_and_says_what_it_did() -> None:
    before, after = tower(OLD), tower()
    after.load_state_dict(
        {**after.state_dict(), **{k: v for k, v in before.state_dict().items() if "visual" not in k}}
    )
    rng = np.random.default_rng(0)
    squares = torch.from_numpy(rng.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8))
    seen = Inputs(Preprocessing(), VIT.grid, torch.device("cpu"))(squares)
    with torch.no_grad():
        one, other = before.features(*seen), after.features(*seen)
        assert torch.equal(one[0], other[0][:, : OLD.seen]) and other[0].shape[1] == NEW.seen
        old, new = before.heads(*one[:2]), after.heads(*other[:2])
    for name, before_it, after_it in zip(("kind", "aligned", "colour"), old[1:], new[1:], strict=True):
        assert torch.allclose(before_it, after_it, atol=1e-6), name
    assert index_vectors(new).shape == index_vectors(old).shape


def test_the_form_finds_the_directions_that_tell_styles_apart() -> None:
    learned, asked = tower(), slice(2 * VIT.width, 2 * VIT.width + 6)
    config, width = FormTraining(width=8, reach=240), 2 * VIT.width
    seen, styles = styled(asked, seed=2)
    before = first_is_of_its_style(normalize(seen[:, width:], dim=-1), styles)
    fit_form(learned, [Styles(*styled(asked))], config)
    with torch.no_grad():
        found = normalize(learned.form(seen[:, width:]), dim=-1)
    assert first_is_of_its_style(found, styles) > before + 0.2


def test_the_form_leaves_out_what_tells_worn_drawings_from_flat_ones() -> None:
    width = 2 * VIT.width
    asked, shown = slice(width, width + 6), slice(width + 6, width + 9)
    seen, styles = styled(asked)
    seen[:, shown] = torch.randn(STYLES, 3)[np.repeat(np.arange(STYLES), EACH)]  # photos differ by it as well
    flat = torch.randn(STYLES, NEW.seen)
    worn = flat.clone()
    worn[:, shown] += 5 * torch.randn(STYLES, 3)
    twins = Styles(torch.cat([flat, worn]), [f"drawing {n % STYLES}" for n in range(2 * STYLES)], between=0.0)
    shares = []
    for sources in ([Styles(seen, styles)], [Styles(seen, styles), twins]):
        learned = tower()
        fit_form(learned, sources, FormTraining(width=8, reach=240))
        heeded = learned.form.weight.detach().norm(dim=0)
        shares.append(float(heeded[6:9].mean() / heeded[:6].mean()))
    assert shares[1] < 0.5 * shares[0]


def test_the_visual_part_is_turned_and_loses_little() -> None:
    before, after = tower(OLD), tower()
    torch.manual_seed(4)
    plain = torch.randn(60, 10) @ torch.randn(10, NEW.seen)  # photos that differ in ten directions
    turn_visual(before, after, plain)
    near = plain[:, : 2 * VIT.width]
    with torch.no_grad():
        old, new = normalize(before.visual(near), dim=-1), normalize(after.visual(near), dim=-1)
    assert new.shape[1] == old.shape[1] - NEW.form
    assert torch.allclose(old @ old.T, new @ new.T, atol=1e-3)


def test_kinds_are_told_better_after_the_lesson_and_twice_the_same() -> None:
    (seen, styles), config = styled(slice(60, 66)), FormTraining(width=8, steps=100, batch=96, drop=0.1)
    found = []
    for _ in range(2):
        learned = tower()
        teach_kinds(learned, seen, styles, config, seed=0)
        with torch.no_grad():
            found.append(learned.heads(seen, torch.rand(len(styles), NEW.bins))[1])
    assert torch.equal(found[0], found[1])
    with torch.no_grad():
        before = tower().heads(seen, torch.rand(len(styles), NEW.bins))[1]
    untaught = first_is_of_its_style(before, styles)
    assert first_is_of_its_style(found[0], styles) > untaught + 0.2


def test_features_are_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> tuple[torch.Tensor, ...]:
        made.append(1)
        return torch.arange(3.0), torch.ones(2, 2)

    first, again = [kept(tmp_path / "new" / "x.safetensors", make) for _ in range(2)]
    assert len(made) == 1
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("change", ["weights", "about", "form"])
def test_another_tower_has_another_name(change: str) -> None:
    one, other = tower(), tower(OLD if change == "form" else NEW)
    if change == "weights":
        with torch.no_grad():
            other.vit.norm.bias.add_(1)
    assert tower_name(one, "a") == tower_name(tower(), "a")
    assert tower_name(one, "a") != tower_name(other, "b" if change == "about" else "a")
