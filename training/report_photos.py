"""Held-out photos asked by photo alone and by words alone, each figure also by category."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedding.pack import Pack
from training.baselines import Figure, percent
from training.datasets import Photos
from training.evaluation import hits_at_k, ranking
from training.quality import caption_queries, same_piece_hits
from training.report_vectors import gallery_vectors

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Share:
    """A figure over the queries with one label."""

    value: str
    queries: int
    figure: Figure


@dataclass(frozen=True)
class Measure:
    """One figure over all queries and by category, the weakest category first; percent."""

    name: str
    terms: str  # what is asked of what, and what counts as found
    figure: Figure
    slices: tuple[Share, ...]


def measure_photos(
    pack: Pack, held_out: Photos, known: Photos, studio: Photos, folder: Path | None
) -> tuple[Measure, ...]:
    """Category by photo, captions to photos, the same piece; `known` are the photos of the training split."""
    gallery, others = (gallery_vectors(pack, list(each.squares), folder) for each in (held_out, known))
    return (
        _categories(pack, held_out, gallery, known, others),
        _words(pack, held_out, gallery),
        _same_piece(pack, studio, folder),
    )


def _categories(pack: Pack, held_out: Photos, gallery: Floats, known: Photos, others: Floats) -> Measure:
    """Precision@10: the share of the first ten photos of `known` that are of the query's category."""
    asked = np.stack([pack.compose(vector, None) for vector in gallery])
    labels = np.array([row.category for row in known.rows])
    wanted = np.array([row.category for row in held_out.rows])
    same = labels[ranking(asked @ others.T)[:, :10]] == wanted[:, None]  # (Q, 10)
    terms = f"{len(held_out)} held-out photos over {len(known)} of the training split, 17 categories"
    shares = np.asarray(same.mean(1), np.float32)
    return _measure("photo to the same category, precision@10", terms, shares, list(wanted))


def _words(pack: Pack, held_out: Photos, gallery: Floats) -> Measure:
    """Recall@10 of the very photo that a caption was written for."""
    queries = caption_queries(held_out)
    asked = np.stack([pack.compose(None, text) for text in pack.encode_texts(queries.texts)])
    found = hits_at_k(ranking(asked @ gallery.T), queries.targets, 10)
    categories = [held_out.rows[min(wanted)].category for wanted in queries.targets]
    terms = f"{len(queries.texts)} captions such as “{queries.texts[0]}” over {len(held_out)} held-out photos"
    return _measure("words to the very photo, R@10", terms, found, categories)


def _same_piece(pack: Pack, studio: Photos, folder: Path | None) -> Measure:
    vectors = gallery_vectors(pack, list(studio.squares), folder)
    found = same_piece_hits(pack, studio, vectors, 1)
    terms = f"{len(found)} of {len(studio)} studio photos; a hit is another photo of the very variant"
    return Measure("photo to the same piece from another side, R@1", terms, percent(found), ())


def _measure(name: str, terms: str, shares: Floats, labels: list[str]) -> Measure:
    rows: dict[str, list[int]] = {}
    for n, label in enumerate(labels):
        rows.setdefault(label, []).append(n)
    slices = [Share(label, len(queries), percent(shares[queries])) for label, queries in rows.items()]
    return Measure(name, terms, percent(shares), tuple(sorted(slices, key=lambda each: each.figure.mean)))
