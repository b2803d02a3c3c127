"""Batches of view pairs: two looks at each garment, in two colours, and what is true of each."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.colour import patch_histograms
from embedding.preprocess import Preprocessing, normalise, prepare
from training.captions import Truth
from training.colours import NAMES, name_probabilities
from training.datasets import STORED, Photos
from training.facts import fact_row
from training.recolour import Dye, draw_dyes, recolour
from training.views import ViewConfig, make_views
from training.vocabulary import kinds_of

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """B views, ready for the image tower, and what is known of them."""

    pixels: Tensor  # (B, 3, S, S) normalised
    histograms: Tensor  # (B, patches, bins)
    masks: Tensor  # (B, patches) share of garment, 0..1
    trusted: Tensor  # (B,) bool: the mask may teach where to look
    photos: npt.NDArray[np.int64]  # (B,) which photo each view was cut from
    truth: Truth


class ViewMaker:
    """Cuts views out of photos. The same seed gives the same views."""

    def __init__(self, photos: Photos, config: ViewConfig, preprocessing: Preprocessing, seed: int) -> None:
        self.photos, self.config, self.preprocessing = photos, config, preprocessing
        self.rng, self.torch_rng = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        self.facts = np.stack([fact_row(row) for row in photos.rows])
        self.shares = _labelled(photos)
        self.families: dict[str, list[int]] = defaultdict(list)
        for n, row in enumerate(photos.rows):
            self.families[row.garment].append(n)
        self.sources = np.array([row.source for row in photos.rows])
        self.kinds = np.array([(kinds_of(row.category) or ("",))[0] for row in photos.rows])
        found, counts = np.unique(self.kinds, return_counts=True)
        self.categories = tuple(
            str(kind) for kind in found[counts >= 40]
        )  # large enough for a batch of one kind
        self.mains = np.array([row.view == "main" for row in photos.rows])

    def partners(self, chosen: npt.NDArray[np.int64], other: float = 0.75) -> npt.NDArray[np.int64]:
        """For each photo another of the same garment with probability `other`, where there is one."""
        partners = chosen.copy()
        for place, n in enumerate(chosen):
            family = self.families[self.photos.rows[n].garment]
            if len(family) > 1 and self.rng.random() < other:
                partners[place] = self.rng.choice([m for m in family if m != n])
        return partners

    def cut(self, chosen: npt.NDArray[np.int64], dyed: npt.NDArray[np.bool_]) -> Views:
        """One view of each chosen photo; where `dyed`, its garment gets another colour first."""
        images = torch.from_numpy(self.photos.squares[chosen]).float() / 255
        small = torch.from_numpy(self.photos.masks[chosen])[:, None].float() / 255
        masks = F.interpolate(small, (STORED, STORED), mode="bilinear")[:, 0]
        shares = self.shares[chosen].copy()
        if dyed.any():
            dye = draw_dyes(int(dyed.sum()), self.rng)
            where = torch.from_numpy(dyed)
            medians = torch.from_numpy(self.photos.medians[chosen[dyed]])
            images[where] = recolour(images[where], masks[where], medians, dye)
            shares[dyed] = _dyed_shares(shares[dyed], dye)
        squares, seen = make_views(images, masks, self.config, self.torch_rng)
        return self._views(squares.numpy(), seen, chosen, shares)

    def plain(self, chosen: npt.NDArray[np.int64]) -> Views:
        """Each chosen photo whole, as it is indexed."""
        size = self.preprocessing.size
        squares = np.stack([prepare(self.photos.squares[n], self.preprocessing) for n in chosen])
        small = torch.from_numpy(self.photos.masks[chosen])[:, None].float() / 255
        seen = F.interpolate(small, (size, size), mode="bilinear")[:, 0]
        return self._views(squares, seen, chosen, self.shares[chosen])

    def _views(
        self, squares: npt.NDArray[np.uint8], seen: Tensor, chosen: npt.NDArray[np.int64], shares: Floats
    ) -> Views:
        patches = squares.shape[1] // 16
        grid = F.adaptive_avg_pool2d(seen[:, None], (patches, patches)).flatten(1)
        garments = tuple(self.photos.rows[n].garment for n in chosen)
        return Views(
            pixels=torch.from_numpy(normalise(squares, self.preprocessing)),
            histograms=torch.from_numpy(patch_histograms(squares)),
            masks=grid,
            trusted=torch.from_numpy(self.mains[chosen]) & (grid.amax(1) > 0.6),
            photos=chosen,
            truth=Truth(self.facts[chosen], shares, garments),
        )


def _dyed_shares(shares: Floats, dye: Dye) -> Floats:
    """Colour shares after dyeing: the dye's own names; a kept print leaves a little of the old ones."""
    dyed = name_probabilities(dye.lab)
    kept = np.where(dye.keep_print, 0.15, 0.0)[:, None].astype(np.float32)
    return np.asarray((1 - kept) * dyed + kept * shares, dtype=np.float32)


def _labelled(photos: Photos) -> Floats:
    """Colour shares from the pixels, with half of the weight on the shop's own word where it gives one."""
    shares = photos.names.copy()
    for row, photo in zip(shares, photos.rows, strict=True):
        asked = "grey" if photo.colour == "gray" else photo.colour
        named = [n for n, name in enumerate(NAMES) if asked and asked in (name.name, *name.synonyms)]
        if named:
            family = np.array([name.family == NAMES[named[0]].family for name in NAMES])
            inside = row * family + 1e-3 * family
            inside[named[0]] += 0.15
            row[:] = 0.5 * row + 0.5 * inside / inside.sum()
    return shares
