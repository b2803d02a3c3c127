import math

import numpy as np
import pytest
import torch
from PIL import Image

from embedding.vit import ViTConfig
from training.published.augment import Augmentation, augment
from training.published.losses import Weights, losses, triplet_loss
from training.published.network import Seed, SeedConfig

TINY = SeedConfig(vit=ViTConfig(image_size=32, width=24, depth=3, heads=3, mlp=48), text=16)


def seed(config: SeedConfig = TINY) -> Seed:
    torch.manual_seed(0)
    return Seed(config).eval()


@pytest.mark.parametrize("convolutional", [False, True])
def test_shapes(convolutional: bool) -> None:
    network = seed(SeedConfig(vit=TINY.vit, text=16, convolutional=convolutional))
    feature = network.tower(torch.randn(5, 3, 32, 32))
    composed = network.compose(feature, torch.randn(5, 16))
    assert feature.shape == composed.feature.shape == composed.image.shape == (5, 24)
    assert composed.text.shape == (5, 16)


def test_only_the_last_block_and_the_head_of_the_tower_learn() -> None:
    learning = {name for name, parameter in seed().tower.named_parameters() if parameter.requires_grad}
    assert all(name.startswith(("vit.blocks.2.", "vit.norm.", "head.")) for name in learning)
    assert any(name.startswith("vit.blocks.2.") for name in learning)


def test_the_conjugate_turns_the_other_way() -> None:
    """With gamma = 1 and mu = pi/6, phi is [cos; sin], and [cos; -sin] for the conjugate."""
    network = seed()
    heard: list[torch.Tensor] = []
    network.gamma = torch.nn.Identity()
    network.mu = torch.nn.Linear(16, 24)
    torch.nn.init.zeros_(network.mu.weight)
    torch.nn.init.constant_(network.mu.bias, math.pi / 6)
    network.rho.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    ones, text = torch.ones(2, 24), torch.randn(2, 16)
    network.compose(ones, text)
    network.compose(ones, text, conjugate=True)
    there, back = heard
    assert torch.allclose(there[:, :24], torch.full((2, 24), math.cos(math.pi / 6)))
    assert torch.allclose(there[:, 24:], torch.full((2, 24), 0.5), atol=1e-6)
    assert torch.allclose(back[:, :24], there[:, :24])
    assert torch.allclose(back[:, 24:], -there[:, 24:])


def test_normalised_features_have_the_learned_length() -> None:
    assert torch.allclose(seed().normalise(torch.randn(4, 24)).norm(dim=1), torch.full((4,), 4.0))


def test_triplets_by_hand() -> None:
    """Pairs that lie together, far from the other pair: log(1 + exp(0 - 4)); the other way round exp(4)."""
    one = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    generator = torch.Generator().manual_seed(0)
    assert triplet_loss(one, one, generator).item() == pytest.approx(math.log1p(math.exp(-4)), rel=1e-5)
    assert triplet_loss(one, one.flip(0), generator).item() > 1


def test_one_pair_has_no_negatives() -> None:
    with pytest.raises(ValueError, match="at least two"):
        triplet_loss(torch.ones(1, 2), torch.ones(1, 2), torch.Generator())


def test_the_losses_carry_their_weights() -> None:
    network = seed()
    source, text, target = torch.randn(6, 24), torch.randn(6, 16), torch.randn(6, 24)

    def at(weights: Weights) -> dict[str, torch.Tensor]:
        return losses(network, source, text, target, weights, torch.Generator().manual_seed(1))

    plain, doubled = at(Weights()), at(Weights(2.0, 0.2, 0.2, 0.2))
    assert set(plain) == {"triplet", "image", "text", "symmetry"}
    assert all(torch.allclose(doubled[name], 2 * plain[name]) for name in plain)


def test_each_change_is_made_half_of_the_time_and_keeps_the_size() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8))
    rng = np.random.default_rng(1)
    changed = [augment(image, Augmentation(), rng) for _ in range(200)]
    same = sum(np.array_equal(np.asarray(each), np.asarray(image)) for each in changed)
    assert all(each.size == (30, 40) for each in changed)
    assert 0 < same < 25  # 200 / 2**5 = 6 expected
