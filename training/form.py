"""Where the garment's parts lie, and what kind it is: two heads that a grid of patches makes sharper.

The form is fitted, not descended to: of all directions of the grid those in which photos of one style lie
together, whatever their colour and side, and other styles apart (linear discriminants; Fisher, 1936).
Drawings of one garment, worn and lying flat, tell of the directions that say how it is shown. The rest of the
visual part is turned into as many directions as are left, which loses next to nothing.
"""

from collections.abc import Sequence
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
    drawn_within: float = 1.0  # what drawings count for, worn and flat, beside the studio's photos
    drawn_between: float = 0.3
    shrink: float = 0.1  # of the spread within a style, towards the same in every direction
    steps: int = 200  # of the kinds
    batch: int = 256
    rate: float = 1e-3
    weight_decay: float = 0.1
    drop: float = 0.3  # dropout on the features
    scale: float = 10.0  # inverse temperature


@dataclass(frozen=True)
class Styles:
    """Features of pictures whose style is known, and what they count for."""

    features: Tensor  # (N, seen)
    names: Sequence[str]  # (N,)
    within: float = 1.0  # the spread of one style's pictures, beside that of the first source
    between: float = 1.0  # how far styles lie apart

    def scatters(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(N, D) points of these pictures -> (D, D) within and between styles, by their weights."""
        places = torch.from_numpy(np.unique(np.array(self.names), return_inverse=True)[1])
        sums = torch.zeros(int(places.max()) + 1, points.shape[1]).index_add(0, places, points)
        means = (sums / places.bincount()[:, None])[places]
        away, apart = points - means, means - points.mean(0)
        count = len(points)
        return self.within / count * away.T @ away, self.between / count * apart.T @ apart


@torch.no_grad()
def fit_form(tower: ImageTower, sources: Sequence[Styles], config: FormTraining) -> None:
    """Set the form's layer from pictures of known styles; the first source says what is usual."""
    width = 2 * tower.vit.config.width
    grids = [source.features[:, width:] for source in sources]
    mean, spread = grids[0].mean(0), grids[0].std(0) + 1e-3
    scaled = [(grid - grid.mean(0)) / spread for grid in grids]
    pairs = zip(sources, scaled, strict=True)
    seen = torch.stack([source.within / len(grid) * grid.T @ grid for source, grid in pairs]).sum(0)
    main = torch.linalg.eigh(seen)[1].flip(1)[:, : config.reach]
    points = [grid @ main for grid in scaled]
    matrix = main @ discriminants(sources, points, config) / spread[:, None]  # (grid, width)
    tower.form.weight.copy_(matrix.T)
    tower.form.bias.copy_(-mean @ matrix)


def discriminants(sources: Sequence[Styles], points: Sequence[Tensor], config: FormTraining) -> Tensor:
    """(N, D) points of each source -> (D, width): directions that tell styles apart, the best first."""
    scatters = [source.scatters(each) for source, each in zip(sources, points, strict=True)]
    within, between = (torch.stack(each).sum(0) for each in zip(*scatters, strict=True))
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
