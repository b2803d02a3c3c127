"""Where the garment's parts lie, and what kind it is: two heads that a grid of patches makes sharper.

The form is fitted, not descended to: of all directions of the grid those in which photos of one style lie
together, whatever their colour and side, and other styles apart (linear discriminants; Fisher, 1936). The
rest of the visual part is turned into as many directions as are left, which loses next to nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.towers import ImageTower


@dataclass(frozen=True)
class FormTraining:
    """How the form is fitted and the kinds are taught. Saved in the pack."""

    width: int = 64  # of the visual part's directions
    reach: int = 200  # principal directions of the grid that are looked at
    shrink: float = 0.1  # of the spread within a style, towards the same in every direction
    steps: int = 200  # of the kinds
    batch: int = 256
    rate: float = 1e-3
    weight_decay: float = 0.1
    drop: float = 0.3  # dropout on the features
    scale: float = 10.0  # inverse temperature


@torch.no_grad()
def fit_form(tower: ImageTower, features: Tensor, styles: list[str], config: FormTraining) -> None:
    """Set the form's layer from (N, seen) features of photos of known styles."""
    grid = features[:, 2 * tower.vit.config.width :]
    mean, spread = grid.mean(0), grid.std(0) + 1e-3
    scaled = (grid - mean) / spread
    main = torch.linalg.eigh(scaled.T @ scaled / len(scaled))[1].flip(1)[:, : config.reach]
    matrix = main @ discriminants(scaled @ main, styles, config) / spread[:, None]  # (grid, width)
    tower.form.weight.copy_(matrix.T)
    tower.form.bias.copy_(-mean @ matrix)


def discriminants(points: Tensor, styles: list[str], config: FormTraining) -> Tensor:
    """(N, D) points of known styles -> (D, width): directions that tell styles apart, the best first."""
    places = torch.from_numpy(np.unique(np.array(styles), return_inverse=True)[1])
    sums = torch.zeros(int(places.max()) + 1, points.shape[1]).index_add(0, places, points)
    means = sums / places.bincount()[:, None]
    away = points - means[places]
    within, between = away.T @ away / len(points), means[places].T @ means[places] / len(points)
    within += config.shrink * within.diagonal().mean() * torch.eye(len(within))
    strengths, axes = torch.linalg.eigh(within)
    white = axes * strengths.rsqrt()
    best = torch.linalg.eigh(white.T @ between @ white)[1].flip(1)[:, : config.width]
    found: Tensor = white @ best
    return found


@torch.no_grad()
def turn_visual(before: ImageTower, tower: ImageTower, features: Tensor) -> None:
    """Set the visual layer to those directions of the one `before` that (N, seen) photos differ most in."""
    near = features[:, : 2 * before.vit.config.width]
    seen = F.normalize(before.visual(near), dim=-1)
    axes = torch.linalg.eigh(seen.T @ seen)[1].flip(1)[:, : tower.visual.out_features]
    tower.visual.weight.copy_(axes.T @ before.visual.weight)
    tower.visual.bias.copy_(axes.T @ before.visual.bias)


def teach_kinds(
    image: ImageTower, features: Tensor, categories: list[str], config: FormTraining, seed: int
) -> None:
    """Let the kind part tell (N,) categories from (N, seen) features; rare ones are seen more often."""
    names, places = np.unique(np.array(categories), return_inverse=True)
    labels, rng = torch.from_numpy(places), np.random.default_rng([seed, 7])
    shares = np.bincount(places)[places] ** -0.5
    shares /= shares.sum()
    torch.manual_seed(seed)
    width = 2 * image.vit.config.width
    named = torch.nn.Parameter(torch.randn(len(names), image.parts.kind))
    learning = [*image.kind.parameters(), *image.more_kind.parameters(), named]
    optimiser = torch.optim.AdamW(learning, lr=config.rate, weight_decay=config.weight_decay)
    for step in range(config.steps):
        share = min(1.0, (step + 1) / 30, (config.steps - step) / (0.6 * config.steps))
        for group in optimiser.param_groups:
            group["lr"] = config.rate * share
        rows = rng.choice(len(labels), size=config.batch, p=shares)
        seen = F.dropout(features[rows], config.drop)
        kind = F.normalize(image.kind(seen[:, :width]) + image.more_kind(seen), dim=-1)
        logits = config.scale * kind @ F.normalize(named, dim=-1).T
        loss = F.cross_entropy(logits, labels[rows], label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
