"""A trained composer over the vectors of one space, for encoders that somebody else trained.

In the manner of CLIP4Cir's Combiner (Baldrati et al., 2022): how far to go from the photo to the words, and
what to add, are read from both. It begins exactly at the point midway on the arc between them (slerp), which
needs no training at all, so that training can only be asked to do better.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

_APART = 1 - 1e-6  # the cosine beyond which the gradient of an angle is no number any more


@dataclass(frozen=True)
class ResidualConfig:
    """The shape of the network. Saved in the pack."""

    dimension: int  # D of both vectors
    hidden: int = 512  # features of each layer
    drop: float = 0.3  # of the hidden features, in training


class ResidualComposer(nn.Module):
    """A photo's and the words' unit vector -> the unit vector of what is wanted."""

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.config = config
        self.image = nn.Linear(config.dimension, config.hidden)
        self.text = nn.Linear(config.dimension, config.hidden)
        self.both = nn.Linear(2 * config.hidden, config.hidden)
        self.share = nn.Linear(config.hidden, 1)  # how far to go towards the words
        self.more = nn.Linear(config.hidden, config.dimension)
        self.drop = nn.Dropout(config.drop)
        for last in (self.share, self.more):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """(B, D) and (B, D) unit rows -> (B, D) unit rows."""
        seen, said = F.gelu(self.image(image)), F.gelu(self.text(text))  # (B, hidden)
        mixed = self.drop(F.gelu(self.both(self.drop(torch.cat([seen, said], dim=-1)))))
        share = self.share(mixed).sigmoid()  # (B, 1), 0.5 before any training
        return F.normalize(along_arc(image, text, share) + self.more(mixed), dim=-1)


def along_arc(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """The points at (B, 1) shares of the arcs between (B, D) unit rows (Shoemake, 1985).

    `composer.slerp` for shares that are learned: each row has its own, and gradients stay finite.
    """
    angle = (start * end).sum(-1, keepdim=True).clamp(-_APART, _APART).acos()
    mixed = ((1 - share) * angle).sin() * start + (share * angle).sin() * end
    return F.normalize(mixed, dim=-1)
