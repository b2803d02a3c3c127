"""Re-posing: another look at the same garment by crop, turn, stretch, warp, flip, light and ground."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it


@dataclass(frozen=True)
class ViewConfig:
    """How far a view may go from the photo it is cut from."""

    size: int = 224  # side of a view, pixels
    zoom: tuple[float, float] = (0.62, 1.25)  # share of the photo's side that a view shows
    aspect: float = 0.22  # stretch of one side against the other, log scale
    turn: float = 0.22  # radians, one standard deviation times two
    shift: float = 0.14  # of the half side
    shear: float = 0.12  # sideways lean
    warp: float = 0.05  # of the half side: smooth waves, as cloth has
    flip: float = 0.5  # probability
    light: float = 0.16  # gain and gamma, log scale
    tint: float = 0.03  # gain a channel, log scale
    ground: float = 0.35  # probability of a new plain ground


def _spread(count: int, width: float, seed: torch.Generator) -> Tensor:
    return (torch.rand(count, generator=seed) * 2 - 1) * width


def grids(count: int, config: ViewConfig, seed: torch.Generator) -> Tensor:
    """(count, size, size, 2) places in -1..1 where a view samples its photo."""
    low, high = config.zoom
    zoom = low + (high - low) * torch.rand(count, generator=seed)
    stretch, turn = _spread(count, config.aspect, seed).exp(), _spread(count, config.turn, seed)
    lean = _spread(count, config.shear, seed)
    mirror = 1 - 2 * (torch.rand(count, generator=seed) < config.flip).float()
    across, down = zoom * stretch.sqrt(), zoom / stretch.sqrt()
    free = config.shift + (1 - zoom).clamp_min(0) * 0.5  # a close view may look further off the centre
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = mirror * across * turn.cos(), lean - turn.sin() * across
    theta[:, 1, 0], theta[:, 1, 1] = mirror * down * turn.sin(), down * turn.cos()
    theta[:, 0, 2], theta[:, 1, 2] = _spread(count, 1.0, seed) * free, _spread(count, 1.0, seed) * free
    flat = F.affine_grid(theta, [count, 3, config.size, config.size], align_corners=False)
    waves = torch.randn(count, 2, 5, 5, generator=seed) * config.warp
    bent = F.interpolate(waves, (config.size, config.size), mode="bicubic", align_corners=True)
    return flat + bent.permute(0, 2, 3, 1)


def relight(images: Tensor, config: ViewConfig, seed: torch.Generator) -> Tensor:
    """(B, 3, S, S) of 0..1 in another light: gain, gamma and a slight tint."""
    count = len(images)
    gain = _spread(count, config.light, seed).exp()[:, None, None, None]
    gamma = _spread(count, config.light, seed).exp()[:, None, None, None]
    tint = _spread(3 * count, config.tint, seed).exp().view(count, 3, 1, 1)
    return (images.clamp_min(1e-4) ** gamma * gain * tint).clamp(0, 1)


def reground(images: Tensor, masks: Tensor, config: ViewConfig, seed: torch.Generator) -> Tensor:
    """(B, 3, S, S) of 0..1, (B, 1, S, S) masks: some get a plain ground, mostly light as in studios."""
    count = len(images)
    light = 0.75 + 0.25 * torch.rand(count, 1, generator=seed).expand(-1, 3)
    any_colour = torch.rand(count, 3, generator=seed)
    ground = torch.where(torch.rand(count, 1, generator=seed) < 0.65, light, any_colour)[:, :, None, None]
    chosen = (torch.rand(count, generator=seed) < config.ground).float()[:, None, None, None]
    # A faint mask would erase the garment itself, so only clear-cut ones are used.
    clear = ((masks - 0.5).abs().mean((1, 2, 3), keepdim=True) > 0.4).float()
    share = chosen * clear * (1 - masks)
    return images * (1 - share) + ground * share


def make_views(
    images: Tensor, masks: Tensor, config: ViewConfig, seed: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(B, S, S, 3) of 0..1, (B, S, S) masks -> (B, size, size, 3) uint8, (B, size, size) their masks."""
    grounded = reground(images.permute(0, 3, 1, 2), masks[:, None], config, seed)
    grid = grids(len(images), config, seed)
    cut = F.grid_sample(
        torch.cat([grounded, masks[:, None]], 1), grid, padding_mode="border", align_corners=False
    )
    views = relight(cut[:, :3], config, seed)
    squares = (views * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    return squares, cut[:, 3]
