"""The trained half of a pack: photo and sentence features to the parts of the one vector.

An index vector has four parts side by side: `visual` knows *which garment* this is, `kind` what sort of one,
`aligned` is the photo in the space of words, `colour` is a histogram of the garment's own pixels. One inner
product compares all four.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.vit import ViT, ViTConfig

Sides = tuple[Tensor, Tensor, Tensor, Tensor]  # the four parts, each (B, its width)


GRID = 3  # cells a side: where on the photo a patch lies, as a garment's form wants to know
GATE_HIDDEN = 64  # of the gate that tells whether words name a colour


@dataclass(frozen=True)
class Parts:
    """Widths of the four parts of the vector, in their order."""

    visual: int = 192  # which garment
    kind: int = 32  # what sort of garment
    aligned: int = 128  # what words say of it
    colour: int = 64  # its colours

    @property
    def dimension(self) -> int:
        """Width of the whole vector."""
        return self.visual + self.kind + self.aligned + self.colour

    def split(self, vectors: Tensor) -> Sides:
        """(..., D) -> (..., visual), (..., kind), (..., aligned), (..., colour)."""
        ends = (self.visual, self.visual + self.kind, self.visual + self.kind + self.aligned)
        visual, kind = vectors[..., : ends[0]], vectors[..., ends[0] : ends[1]]
        return visual, kind, vectors[..., ends[1] : ends[2]], vectors[..., ends[2] :]

    def split_text(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., T) text vectors -> (..., aligned), (..., colour), (..., 1): how far they name a colour."""
        end = self.aligned + self.colour
        return vectors[..., : self.aligned], vectors[..., self.aligned : end], vectors[..., end : end + 1]

    def wish_of(self, vectors: Tensor) -> Tensor:
        """(..., T) text vectors -> (..., wish): what the words want of the photo's parts."""
        return vectors[..., self.aligned + self.colour + 1 :]


@dataclass(frozen=True)
class TowerConfig:
    """The shape of all that is trained. Saved in the pack, part of its fingerprint."""

    vit: ViTConfig = field(default_factory=ViTConfig)
    parts: Parts = field(default_factory=Parts)
    bins: int = 135  # of the colour histogram
    text: int = 384  # width of the text tower's vector
    hidden: int = 512  # of each head
    # Of the visual part: how the garment is laid out, read from a grid of patches. Older packs have none.
    form: int = field(default=0, metadata={"unwritten": 0})
    # Of a text vector: what the words want of the photo's parts. The packs of 2026-11-23 have none.
    wish: int = field(default=0, metadata={"unwritten": 0})
    turn: int = field(default=0, metadata={"unwritten": 0})  # directions that a wish can turn a part along

    @property
    def seen(self) -> int:
        """Width of what the heads see of the tokens: the class, the garment and, for a form, the grid."""
        return self.vit.width * (2 + (GRID**2 + 1 if self.form else 0))

    @property
    def text_dimension(self) -> int:
        """Width T of a text vector."""
        return self.parts.aligned + self.parts.colour + 1 + self.wish


def _head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(inputs), nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs)
    )


def grid_of(patches: Tensor, side: int) -> Tensor:
    """(B, side², width) patches -> (B, (GRID² + 1) width): their mean in each cell, and their spread."""
    maps = patches.transpose(1, 2).reshape(len(patches), -1, side, side)  # (B, width, side, side)
    cells = F.adaptive_avg_pool2d(maps, GRID).permute(0, 2, 3, 1).flatten(1)
    return torch.cat([cells, patches.std(1)], dim=1)


class ImageTower(nn.Module):
    """A photo to the four parts, each a unit vector."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width, parts = config.vit.width, config.parts
        self.parts, self.formed = parts, bool(config.form)
        self.vit = ViT(config.vit)
        self.look = nn.Linear(width, 1)  # how much a patch belongs to the garment
        self.visual = nn.Linear(2 * width, parts.visual - config.form)
        self.kind = _head(2 * width, config.hidden, parts.kind)
        self.aligned = _head(2 * width + config.bins, config.hidden, parts.aligned)
        self.colour = nn.Linear(config.bins, parts.colour, bias=False)
        if config.form:
            self.form = nn.Linear(config.seen - 2 * width, config.form)
            self.more_kind = _head(config.seen, config.hidden, parts.kind)
            self.more_aligned = _head(config.seen + config.bins, config.hidden, parts.aligned)
            for head in (self.more_kind, self.more_aligned):  # they add nothing before they have learned
                for last in head[-1].parameters():
                    nn.init.zeros_(last)

    def forward(self, pixels: Tensor, histograms: Tensor) -> Sides:
        """(B, 3, S, S) and (B, patches, bins) -> the four parts of B photos, unit rows."""
        feature, histogram, _ = self.features(pixels, histograms)
        return self.heads(feature, histogram)

    def features(self, pixels: Tensor, histograms: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 3, S, S) and (B, patches, bins) -> (B, seen), (B, bins) and (B, patches): what heads see."""
        tokens, grid = self._tokens(pixels)
        cls, patches = tokens[:, 0], tokens[:, 1:]
        gaze = self.look(patches).float().softmax(dim=1)  # (B, patches, 1), sums to 1
        feature = torch.cat([cls, (gaze * patches).sum(1), *grid], dim=1)  # (B, seen)
        histogram = (gaze * histograms).sum(1).clamp_min(1e-8).sqrt()  # (B, bins), unit rows (Hellinger)
        return feature, histogram, gaze[..., 0]

    def _tokens(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The last tokens and, for a form, the grid of earlier ones: deeper ones mix what lies beside."""
        if not self.formed:
            return self.vit(pixels), []
        config = self.vit.config
        early, tokens = self.vit.twice(pixels, 2 * config.depth // 3)
        return tokens, [grid_of(early[:, 1:].float(), config.grid)]

    def heads(self, feature: Tensor, histogram: Tensor) -> Sides:
        """(B, seen) and (B, bins) -> the four parts of B photos, unit rows."""
        width, colours = self.vit.config.width, histogram * 4
        near, grid = feature[:, : 2 * width], feature[:, 2 * width :]
        visual, kind = self.visual(near), self.kind(near)
        aligned = self.aligned(torch.cat([near, colours], dim=1))
        if self.formed:
            visual = torch.cat([F.normalize(visual, dim=-1), F.normalize(self.form(grid), dim=-1)], dim=1)
            kind = kind + self.more_kind(feature)
            aligned = aligned + self.more_aligned(torch.cat([feature, colours], dim=1))
        kind, aligned = F.normalize(kind, dim=-1), F.normalize(aligned, dim=-1)
        return F.normalize(visual, dim=-1), kind, aligned, F.normalize(self.colour(histogram), dim=-1)


class TextHead(nn.Module):
    """A sentence vector to its place in the aligned and colour parts, and how much it says of colour."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.aligned = _head(config.text, config.hidden, config.parts.aligned)
        self.colour = _head(config.text, config.hidden, config.parts.colour)
        self.names_colour = _head(config.text, GATE_HIDDEN, 1)
        if config.wish:
            layers = (nn.LayerNorm(config.text), nn.Linear(config.text, config.wish), nn.GELU())
            self.wish = nn.Sequential(*layers)

    def forward(self, sentence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, text) -> (B, aligned) and (B, colour) unit rows, (B, 1) in 0..1: does it name a colour."""
        aligned = F.normalize(self.aligned(sentence), dim=-1)
        colour = F.normalize(self.colour(sentence), dim=-1)
        return aligned, colour, self.names_colour(sentence).sigmoid()

    def vectors(self, sentence: Tensor) -> Tensor:
        """(B, text) -> (B, T) text vectors: what `forward` gives and, where the pack has one, the wish."""
        sides = self(sentence)
        return torch.cat([*sides, self.wish(sentence)] if hasattr(self, "wish") else sides, dim=-1)
