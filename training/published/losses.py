"""The four losses of the published network and their weights."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from training.losses import soft_margin_triplet
from training.published.network import Seed

TRIPLETS = 3  # of each anchor, drawn at random


@dataclass(frozen=True)
class Weights:
    """What each loss counts."""

    triplet: float = 1.0
    image: float = 0.1  # reconstruction of the source image's feature
    text: float = 0.1  # reconstruction of the sentence
    symmetry: float = 0.1  # the target, turned back, is the source


def triplet_loss(one: Tensor, other: Tensor, generator: torch.Generator) -> Tensor:
    """Soft-margin triplets over (B, d) pairs, anchors from both sides, B >= 2.

    The positive of an anchor is its partner; its negatives are drawn from all rows but the pair.
    """
    count = len(one)
    if count < 2:
        raise ValueError("A batch of one pair has no negatives: use at least two.")
    rows = torch.cat([one, other])  # (2B, d)
    anchors = torch.arange(2 * count).repeat_interleave(TRIPLETS)
    partners = (anchors + count) % (2 * count)
    step = torch.randint(1, count, (len(anchors),), generator=generator)
    side = torch.randint(0, 2, (len(anchors),), generator=generator) * count
    negatives = (anchors % count + step) % count + side  # never the anchor's own pair
    return soft_margin_triplet(rows[anchors], rows[partners], rows[negatives])


def losses(
    network: Seed, source: Tensor, text: Tensor, target: Tensor, weights: Weights, generator: torch.Generator
) -> dict[str, Tensor]:
    """Weighted losses of a batch: (B, d) source and target features, (B, h) sentences."""
    composed = network.compose(source, text)
    back = network.compose(target, text, conjugate=True)
    here, there = network.normalise(composed.feature), network.normalise(target)
    returned, left = network.normalise(back.feature), network.normalise(source)
    return {
        "triplet": weights.triplet * triplet_loss(here, there, generator),
        "image": weights.image * F.mse_loss(composed.image, source),
        "text": weights.text * F.mse_loss(composed.text, text),
        "symmetry": weights.symmetry * triplet_loss(returned, left, generator),
    }
