import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from embedding.composer import slerp
from embedding.residual import ResidualComposer, ResidualConfig

CONFIG = ResidualConfig(dimension=24, hidden=32)


def unit(rows: int, seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(rows, 24, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_untrained_it_is_midway_on_the_arc() -> None:
    image, text = unit(50, 1), unit(50, 2)
    for mode in (ResidualComposer(CONFIG).eval(), ResidualComposer(CONFIG).train()):
        assert (mode(image, text) - slerp(image, text, 0.5)).abs().max() < 1e-6


def test_it_learns_what_no_point_of_the_arc_can_be() -> None:
    """Each target lies off the plane of photo and words, far from any point of their arc."""
    torch.manual_seed(0)
    image, text = unit(64, 1), unit(64, 2)
    target = F.normalize(image + 2 * text.roll(1, dims=-1), dim=-1)
    composer = ResidualComposer(ResidualConfig(24, 64, drop=0.0))
    shares = torch.linspace(0, 1, 21)
    best = max((slerp(image, text, float(share)) * target).sum(-1).mean().item() for share in shares)
    optimiser = torch.optim.AdamW(composer.parameters(), lr=3e-3)
    for _ in range(200):
        loss = 1 - (composer(image, text) * target).sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    learned = composer(image, text)
    assert learned.norm(dim=-1).tolist() == pytest.approx([1] * 64, abs=1e-5)
    assert (learned * target).sum(-1).mean() > best + 0.2


def test_gradients_are_finite_where_photo_and_words_agree() -> None:
    composer, image = ResidualComposer(CONFIG), unit(4, 1).requires_grad_()
    (composer(image, image.detach().clone()) ** 2)[:, 0].sum().backward()
    assert image.grad is not None and image.grad.isfinite().all()
    assert all(each.grad is None or each.grad.isfinite().all() for each in composer.parameters())
