"""How a pack fares on a stand-in, beside every simple way to mix photo and words.

Rows: photo alone, words alone, their sum, the point midway on the arc between them (slerp), the product of
their similarities, the two-part vector (the garment from the photo beside the meaning from the words, nothing
weighed), and the composed query. Each figure carries a bootstrap interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.pack import Pack, TowerPack
from embedding.towers import Parts
from training.evaluation import bootstrap_interval, hits_at_k, ranking, share_at_k
from training.standins import StandIn

Floats = npt.NDArray[np.float32]
RANKS = (1, 10, 50, 100)


@dataclass(frozen=True)
class Figure:
    """A mean in percent with the ends of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """One line of the table: recall and standard precision at each of RANKS."""

    method: str
    recall: dict[int, Figure]
    precision: dict[int, Figure]

    @property
    def at_1(self) -> float:
        """R@1, percent."""
        return self.recall[1].mean

    @property
    def at_10(self) -> float:
        """R@10, percent."""
        return self.recall[10].mean


def compare(pack: Pack, stand_in: StandIn, vectors: Floats | None = None) -> list[Row]:
    """The table of a stand-in, the composed query last. `vectors` are the gallery's, if they are at hand."""
    gallery = pack.encode_images(stand_in.gallery) if vectors is None else vectors  # (N, D)
    scored = method_scores(pack, stand_in, gallery)
    return [row(name, scores, stand_in) for name, scores in scored]


def method_scores(pack: Pack, stand_in: StandIn, gallery: Floats) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Each method's name and its (Q, N) scores over an (N, D) gallery, the composed query last."""
    texts = pack.encode_texts(stand_in.texts)  # (Q, T)
    photos = gallery[stand_in.queries]  # (Q, D)
    seen = np.stack([pack.compose(photo, None) for photo in photos])  # (Q, D)
    said = np.stack([pack.compose(None, text) for text in texts])
    yield "photo alone", seen @ gallery.T
    yield "words alone", said @ gallery.T
    yield "sum", (seen + said) @ gallery.T
    yield "slerp", slerp(seen, said) @ gallery.T
    yield "product", (1 + seen @ gallery.T) * (1 + said @ gallery.T)
    if isinstance(pack, TowerPack):  # an encoder of one space has no such parts
        yield "two-part", two_part(pack.info.config.tower.parts, photos, texts) @ gallery.T
    both = np.stack([pack.compose(photo, text) for photo, text in zip(photos, texts, strict=True)])
    yield "composed", both @ gallery.T


def two_part(parts: Parts, photos: Floats, texts: Floats) -> Floats:
    """(Q, D) photos and (Q, T) words -> (Q, D) unit rows: the photo's garment beside the words' meaning.

    Nothing is learned or weighed here but whether a colour was named at all.
    """
    visual, kind, _, _ = parts.split(torch.from_numpy(photos))
    said, colour, names = parts.split_text(torch.from_numpy(texts))
    sides = (F.normalize(visual, dim=-1), F.normalize(kind, dim=-1), said, names * colour)
    return np.asarray(F.normalize(torch.cat(sides, dim=-1), dim=-1).numpy(), np.float32)


def slerp(one: Floats, other: Floats, share: float = 0.5) -> Floats:
    """(Q, D) unit rows on the arc from one to the other (Shoemake, 1985)."""
    cosine = np.clip((one * other).sum(1, keepdims=True), -1, 1)
    angle = np.maximum(np.arccos(cosine), 1e-4)  # where both lie together, any point between them is the one
    mixed = np.sin((1 - share) * angle) * one + np.sin(share * angle) * other
    return np.asarray(mixed / np.sin(angle), np.float32)


def row(method: str, scores: npt.NDArray[Any], stand_in: StandIn) -> Row:
    """Recall and precision of (Q, N) scores."""
    ranked = ranking(scores, stand_in.excluded)
    return Row(
        method,
        {k: percent(hits_at_k(ranked, stand_in.targets, k)) for k in RANKS},
        {k: percent(share_at_k(ranked, stand_in.targets, k)) for k in RANKS},
    )


def percent(values: Floats) -> Figure:
    """The mean of (Q,) shares as a percentage, with its interval."""
    low, high = bootstrap_interval(values)
    return Figure(*(round(100 * each, 1) for each in (float(values.mean()), low, high)))
