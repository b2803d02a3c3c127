"""Features of many views, computed once by the finished tower: what stage two learns from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from embedding.towers import ImageTower
from training.batches import ViewMaker, Views
from training.captions import Truth

Floats = npt.NDArray[np.float32]

_BATCH = 48


@dataclass(frozen=True)
class FeatureBank:
    """V views of N photos. Row n of each array is view n; the first N rows are the plain photos in order."""

    features: Tensor  # (V, seen)
    histograms: Tensor  # (V, bins)
    photos: npt.NDArray[np.int64]  # (V,) the photo that a view shows
    colours: Floats  # (V, names) shares after dyeing
    facts: npt.NDArray[np.int8]  # (N, facts) of the photos
    garments: tuple[str, ...]  # of the photos
    variants: tuple[str, ...]  # of the photos
    kinds: npt.NDArray[np.str_]  # (N,) narrowest kind of the photos, "" where nobody knows
    sources: npt.NDArray[np.str_]  # (N,) of the photos

    def truth(self, views: npt.NDArray[np.int64]) -> Truth:
        """What is known of these views."""
        photos = self.photos[views]
        return Truth(self.facts[photos], self.colours[views], tuple(self.garments[n] for n in photos))

    def views_of(self, photos: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """A random view of each photo."""
        each = len(self.photos) // len(self.garments)
        return np.asarray(photos + rng.integers(each, size=len(photos)) * len(self.garments))


@torch.inference_mode()
def fill_bank(tower: ImageTower, maker: ViewMaker, posed: int, dyed: float = 0.75) -> FeatureBank:
    """One plain view of every photo and `posed` re-posed ones, a share `dyed` of them in another colour."""
    count = len(maker.photos)
    rows = [_features(tower, maker.plain(part)) for part in _parts(count)]
    for _ in range(posed):
        for part in _parts(count):
            rows.append(_features(tower, maker.cut(part, maker.rng.random(len(part)) < dyed)))
    return FeatureBank(
        features=torch.cat([row[0] for row in rows]).clone(),
        histograms=torch.cat([row[1] for row in rows]).clone(),
        photos=np.concatenate([row[2] for row in rows]),
        colours=np.concatenate([row[3] for row in rows]),
        facts=maker.facts,
        garments=tuple(row.garment for row in maker.photos.rows),
        variants=tuple(row.variant for row in maker.photos.rows),
        kinds=maker.kinds,
        sources=maker.sources,
    )


@torch.inference_mode()
def plain_features(tower: ImageTower, maker: ViewMaker) -> tuple[Tensor, Tensor]:
    """(N, seen) features and (N, bins) histograms of every photo as it is indexed."""
    rows = [_features(tower, maker.plain(part)) for part in _parts(len(maker.photos))]
    return torch.cat([row[0] for row in rows]).clone(), torch.cat([row[1] for row in rows]).clone()


def _parts(count: int) -> list[npt.NDArray[np.int64]]:
    return [np.arange(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH)]


def _features(tower: ImageTower, views: Views) -> tuple[Tensor, Tensor, npt.NDArray[np.int64], Floats]:
    with torch.autocast("cpu", torch.bfloat16):
        feature, histogram, _ = tower.features(views.pixels, views.histograms)
    return feature.float(), histogram.float(), views.photos, views.truth.colours
