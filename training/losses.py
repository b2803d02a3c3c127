"""The losses, pure functions of features."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

_FAR = -1e4  # a logit that softmax turns into nothing


def info_nce(queries: Tensor, targets: Tensor, same: Tensor, scale: Tensor | float) -> Tensor:
    """Contrastive loss with several positives a row (SupCon, Khosla et al., 2020).

    (B, D) and (N, D) unit rows, (B, N) bool of who belongs to whom; every row has a positive.
    """
    logits = scale * queries @ targets.T
    weights = same.float() / same.float().sum(1, keepdim=True)
    return -(weights * logits.log_softmax(dim=1)).sum(1).mean()


def truth_contrast(
    photos: Tensor, words: Tensor, truth: Tensor, known: Tensor, scale: Tensor | float
) -> Tensor:
    """Photos against captions where it is known how far each caption holds for each photo.

    (B, D), (C, D) unit rows; (B, C) truth in 0..1; (B, C) bool: pairs that nobody knows are left out of both
    softmaxes. Symmetric; a caption or photo without any true partner is left out.
    """
    logits = (scale * photos @ words.T).masked_fill(~known, _FAR)
    target = truth * known
    return 0.5 * (_one_way(logits, target) + _one_way(logits.T, target.T))


def _one_way(logits: Tensor, target: Tensor) -> Tensor:
    mass = target.sum(1, keepdim=True)
    rows = mass[:, 0] > 1e-3
    weights = target[rows] / mass[rows]
    return -(weights * logits[rows].log_softmax(dim=1)).sum(1).mean()


def gaze_loss(gaze: Tensor, masks: Tensor, trusted: Tensor) -> Tensor:
    """Cross-entropy of (B, patches) attention with the garment's (B, patches) mask, over the trusted rows."""
    if not trusted.any():
        return gaze.sum() * 0
    target = masks[trusted].clamp_min(0) ** 2 + 1e-6
    target = target / target.sum(1, keepdim=True)
    return (target * (target.log() - gaze[trusted].clamp_min(1e-8).log())).sum(1).mean()


def cosine_distance(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Mean of 1 - cosine over the (B, D) rows whose `wanted` is not zero: those that a teacher saw."""
    seen = (wanted.abs().sum(-1) > 0).float()
    away = 1 - F.cosine_similarity(predicted, wanted, dim=-1)
    return (away * seen).sum() / seen.sum().clamp_min(1)


def soft_margin_triplet(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """log(1 + exp(D(a, p) - D(a, n))) on squared Euclidean distances of (B, D) rows, mean."""
    closer = (anchor - positive).pow(2).sum(-1) - (anchor - negative).pow(2).sum(-1)
    return F.softplus(closer).mean()
