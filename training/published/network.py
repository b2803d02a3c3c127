"""The published network: words turn the photo's feature in a complex space (ComposeAE, Anwaar et al., 2021).

The image tower is a DeiT whose last block learns; the text tower, a sentence transformer, is frozen and
stays outside: the network takes its vectors. Shapes: d = width of the tower, h = width of a sentence.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.vit import ViT, ViTConfig


@dataclass(frozen=True)
class SeedConfig:
    """The shape of the published network. Saved inside its checkpoints."""

    vit: ViTConfig = field(default_factory=ViTConfig)
    text: int = 384  # h, of a sentence vector
    trained_blocks: int = 1  # the last ones of the image tower; the rest is frozen
    convolutional: bool = False  # add ComposeAE's convolutional mapping to rho
    head_dropout: float = 0.25
    gamma_dropout: float = 0.3
    rho_dropout: float = 0.25
    normal_scale: float = 4.0  # where the learned length of normalised features starts


@dataclass(frozen=True)
class Composed:
    """What one composition gives, batch first."""

    feature: Tensor  # (B, d) theta, compared with target images
    image: Tensor  # (B, d) the source image, reconstructed from theta
    text: Tensor  # (B, h) the words, reconstructed from theta


class SeedTower(nn.Module):
    """DeiT whose classifier gives way to GELU, a linear layer and dropout; the first blocks are frozen."""

    def __init__(self, config: SeedConfig) -> None:
        super().__init__()
        width = config.vit.width
        self.vit = ViT(config.vit)
        self.head = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.Dropout(config.head_dropout))
        frozen = [self.vit.patch, *self.vit.blocks[: len(self.vit.blocks) - config.trained_blocks]]
        for module in frozen:
            module.requires_grad_(False)
        self.vit.cls.requires_grad_(False)
        self.vit.position.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) normalised pixels -> (B, d)."""
        feature: Tensor = self.head(self.vit(pixels)[:, 0])
        return feature


class Convolution(nn.Module):
    """rho_conv: a convolution over the five features side by side, then a small MLP."""

    CHANNELS, POOLED = 64, 16

    def __init__(self, width: int) -> None:
        super().__init__()
        flat = self.CHANNELS * self.POOLED
        self.conv = nn.Conv1d(5, self.CHANNELS, kernel_size=3, padding=1)
        self.pool = nn.AdaptiveMaxPool1d(self.POOLED)
        self.mapping = nn.Sequential(
            nn.BatchNorm1d(flat), nn.ReLU(), nn.Linear(flat, width), nn.ReLU(), nn.Linear(width, width)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, 5, d) -> (B, d)."""
        mapped: Tensor = self.mapping(self.pool(self.conv(features)).flatten(1))
        return mapped


class Seed(nn.Module):
    """Image tower, complex projection, mapping back, and the two reconstructions."""

    def __init__(self, config: SeedConfig) -> None:
        super().__init__()
        self.config = config
        d, h = config.vit.width, config.text
        self.tower = SeedTower(config)
        self.gamma = nn.Sequential(
            nn.BatchNorm1d(d), nn.Dropout(config.gamma_dropout), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d)
        )
        self.mu = nn.Sequential(nn.BatchNorm1d(h), nn.Linear(h, d), nn.ReLU(), nn.Linear(d, d))
        self.rho = nn.Sequential(
            nn.BatchNorm1d(2 * d), nn.ReLU(), nn.Dropout(config.rho_dropout), nn.Linear(2 * d, d)
        )
        self.conv = Convolution(d) if config.convolutional else None
        self.scales = nn.Parameter(torch.tensor([10.0, 1.0]))  # of rho and of rho_conv
        self.length = nn.Parameter(torch.tensor(config.normal_scale))
        self.to_image = nn.Sequential(nn.BatchNorm1d(d), nn.ReLU(), nn.Linear(d, d))
        self.to_text = nn.Sequential(nn.BatchNorm1d(d), nn.ReLU(), nn.Linear(d, h))

    def compose(self, image: Tensor, text: Tensor, conjugate: bool = False) -> Composed:
        """(B, d) image features turned by (B, h) sentences; the conjugate turns the other way."""
        magnitude, angle = self.gamma(image), self.mu(text)  # (B, d) each
        real = magnitude * angle.cos()
        imaginary = magnitude * (-angle.sin() if conjugate else angle.sin())
        theta = self.scales[0] * self.rho(torch.cat([real, imaginary], 1))  # (B, 2d) -> (B, d)
        if self.conv is not None:
            stacked = torch.stack([magnitude, angle, image, real, imaginary], 1)  # (B, 5, d)
            theta = theta + self.scales[1] * self.conv(stacked)
        return Composed(theta, self.to_image(theta), self.to_text(theta))

    def normalise(self, feature: Tensor) -> Tensor:
        """(B, d) -> (B, d) of the learned length."""
        return self.length * F.normalize(feature, dim=-1)
