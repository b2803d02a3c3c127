"""Figures on held-out photos: categories by photo, captions by words."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from embedding.pack import Pack
from training.captions import describe
from training.datasets import Photos
from training.evaluation import hits_at_k, precision_at_k, ranking, recall_at_k
from training.facts import draw_colour
from training.vocabulary import kinds_of

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WordQueries:
    """Captions of photos; the hits of caption n are all photos of its colour and kind."""

    texts: tuple[str, ...]
    targets: tuple[frozenset[int], ...]


def category_precision(
    pack: Pack, queries: Floats, wanted: list[str], gallery: Floats, labels: list[str]
) -> float:
    """Precision@10 by photo, 0..1: (Q, D) photos of `wanted` categories, an (N, D) gallery of `labels`."""
    composed = np.stack([pack.compose(query, None) for query in queries])
    return precision_at_k(ranking(composed @ gallery.T), labels, wanted, 10)


def caption_queries(photos: Photos, seed: int = 3) -> WordQueries:
    """One caption a photo, "navy t-shirt"; its target is that photo alone."""
    rng = np.random.default_rng(seed)
    texts, targets = [], []
    for n, row in enumerate(photos.rows):
        kinds = kinds_of(row.category)
        if kinds:
            texts.append(describe(kinds[0], (), draw_colour(photos.names[n], rng), rng).text)
            targets.append(frozenset({n}))
    return WordQueries(tuple(texts), tuple(targets))


def word_recall(pack: Pack, queries: WordQueries, gallery: Floats, k: int = 10) -> float:
    """Recall@k of words alone, in percent."""
    composed = np.stack([pack.compose(None, text) for text in pack.encode_texts(queries.texts)])
    return recall_at_k(ranking(composed @ gallery.T), queries.targets, k)


def same_piece_recall(pack: Pack, photos: Photos, vectors: Floats, k: int) -> float:
    """Recall@k by photo alone, in percent; see `same_piece_hits`."""
    return 100 * float(same_piece_hits(pack, photos, vectors, k).mean())


def same_piece_hits(pack: Pack, photos: Photos, vectors: Floats, k: int) -> Floats:
    """(Q,) 1 where another photo of the very variant is among the first k; the query itself is left out.

    `vectors` are the (N, D) index vectors of `photos`. Variants with one photo are in the gallery only.
    """
    rows = photos.rows
    others = [
        frozenset(m for m, other in enumerate(rows) if m != n and other.variant == row.variant)
        for n, row in enumerate(rows)
    ]
    asked = [n for n, wanted in enumerate(others) if wanted]
    composed = np.stack([pack.compose(vectors[n], None) for n in asked])
    ranked = ranking(composed @ vectors.T, [frozenset({n}) for n in asked])
    return hits_at_k(ranked, [others[n] for n in asked], k)
