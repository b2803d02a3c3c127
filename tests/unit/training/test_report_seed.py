"""The published network as a row of its own beside a pack's methods."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from benchmarks.quality_evaluation import times_of_seed
from embedding.pack import Pack, load_pack
from embedding.vit import ViTConfig
from training.checkpoint import module_tensors, save_checkpoint
from training.published.network import Seed, SeedConfig
from training.report_answers import answer
from training.report_seed import load_seed
from training.standins import StandIn

ROOT = Path(__file__).resolve().parents[3]
CONFIG = SeedConfig(vit=ViTConfig(image_size=32, width=24, depth=2, heads=3, mlp=48))


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(ROOT / "packs" / "twirl-small")


@pytest.fixture(scope="module")
def asked() -> StandIn:
    rng = np.random.default_rng(0)
    gallery = [rng.integers(0, 256, (40, 30, 3), dtype=np.uint8) for _ in range(5)]
    targets = tuple(frozenset({n}) for n in (1, 2, 3))
    excluded = tuple(frozenset({n}) for n in (0, 1, 2))
    return StandIn("few", gallery, np.array([0, 1, 2]), ("in red", "in blue", "longer"), targets, excluded)


class Knowing:
    """A rival that always finds the target."""

    name = "seed"

    def scores(self, stand_in: StandIn) -> npt.NDArray[np.float32]:
        scores = np.zeros((len(stand_in.texts), len(stand_in.gallery)), np.float32)
        for query, wanted in enumerate(stand_in.targets):
            scores[query, list(wanted)] = 1
        return scores


def test_where_nothing_was_trained_there_is_no_rival(tmp_path: Path) -> None:
    assert load_seed(tmp_path) is None


def test_a_trained_network_scores_with_its_own_features(tmp_path: Path, asked: StandIn) -> None:
    torch.manual_seed(0)
    network = Seed(CONFIG).eval()
    save_checkpoint(tmp_path / "best.safetensors", 1, module_tensors("network", network), {})
    rival = load_seed(tmp_path, CONFIG)
    assert rival is not None
    features = rival.features(asked.gallery)
    assert features.shape == (5, 24)
    scores = rival.scores(asked)
    assert scores.shape == (3, 5) and np.abs(scores).max() <= 1 + 1e-5
    with torch.inference_mode():
        said = rival.text.encode(asked.texts)
        theta = network.compose(features[:3], said).feature
    wanted = torch.nn.functional.cosine_similarity(theta[1], features[4], dim=0)
    assert scores[1, 4] == pytest.approx(float(wanted), abs=1e-5)


def test_a_rival_is_a_row_but_none_of_the_simple_ways(pack: Pack, asked: StandIn) -> None:
    answers = answer(pack, asked, rivals=[Knowing()])
    assert [row.method for row in answers.rows][:2] == ["seed", "photo alone"]
    assert answers.rows[0].at_1 == 100 and answers.curves["seed"][0] == 100
    assert answers.best_other.method != "seed"
    assert answers.composed.method == "composed"
    bar = times_of_seed(answers)
    assert bar.figure == pytest.approx(answers.composed.at_1 / 100, abs=0.006) and not bar.ok
    assert not answer(pack, asked).rivals
