"""The same garment in another colour: exact supervision from photos that have no caption.

The garment's median colour is moved to the asked one in CIE Lab and every garment pixel moves with it, so
that folds, seams and prints stay; ground and skin are masked out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from embedding.colour import rgb_to_lab
from training.colours import NAMES

Floats = npt.NDArray[np.float32]

_XYZ = torch.tensor(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = torch.tensor([0.95047, 1.0, 1.08883])


def to_lab(rgb: Tensor) -> Tensor:
    """(..., 3) sRGB of 0..1 -> (..., 3) CIE Lab; the batched twin of `embedding.colour.rgb_to_lab`."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = (linear @ _XYZ.T / _WHITE).clamp_min(1e-6)
    root = torch.where(ratio > 216 / 24389, ratio ** (1 / 3), (24389 / 27 * ratio + 16) / 116)
    x, y, z = root.unbind(-1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-1)


def to_rgb(lab: Tensor) -> Tensor:
    """(..., 3) CIE Lab -> (..., 3) sRGB clipped to 0..1."""
    lightness, a, b = lab.unbind(-1)
    y = (lightness + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=-1)
    ratio = torch.where(root**3 > 216 / 24389, root**3, (116 * root - 16) * 27 / 24389)
    linear = ((ratio * _WHITE) @ torch.linalg.inv(_XYZ).T).clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    )


@dataclass(frozen=True)
class Dye:
    """The colours that garments are moved to."""

    lab: Floats  # (B, 3) the new median colour
    keep_print: npt.NDArray[np.bool_]  # (B,) pixels far from the median keep their own colour


def draw_dyes(count: int, rng: np.random.Generator) -> Dye:
    """`count` shop colours, each name as likely as another, a little off its anchors."""
    names = [NAMES[n] for n in rng.integers(len(NAMES), size=count)]
    codes = [name.anchors[rng.integers(len(name.anchors))] for name in names]
    rgb = np.array([[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes])
    lab = rgb_to_lab(rgb) + rng.normal(0, (2.5, 2.0, 2.0), size=(count, 3))
    return Dye(lab.astype(np.float32), rng.random(count) < 0.5)


def recolour(images: Tensor, masks: Tensor, medians: Tensor, dye: Dye) -> Tensor:
    """(B, S, S, 3) RGB of 0..1, (B, S, S) masks, (B, 3) medians -> (B, S, S, 3) with the garments dyed."""
    lab = to_lab(images)
    target = torch.from_numpy(dye.lab)[:, None, None]
    median = medians[:, None, None]
    away = lab - median  # (B, S, S, 3) folds, seams and prints
    # White has no room for highlights and black none for shadows: folds are pressed into what room there is.
    room = torch.where(away[..., :1] > 0, (98 - target[..., :1]) / 45, target[..., :1] / 40).clamp(0.12, 1.1)
    dyed = torch.cat([target[..., :1] + away[..., :1] * room, target[..., 1:] + 0.7 * away[..., 1:]], dim=-1)
    near = torch.exp(-0.5 * (away[..., 1:].norm(dim=-1) / 22) ** 2 - 0.5 * (away[..., 0] / 40) ** 2)
    keep = torch.from_numpy(dye.keep_print)[:, None, None]
    share = (masks * torch.where(keep, near, torch.ones_like(near)))[..., None]
    return to_rgb(lab + share * (dyed - lab))
