"""Retrieval metrics, pure functions of scores, each with its formula."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def ranking(scores: Floats, excluded: Sequence[frozenset[int]] | None = None) -> Rows:
    """(Q, N) scores -> (Q, N) gallery rows, best first; each query's `excluded` rows come last."""
    kept = np.array(scores, dtype=np.float64)
    for query, rows in enumerate(excluded or ()):
        kept[query, list(rows)] = -np.inf
    return np.argsort(-kept, axis=1, kind="stable")


def hits_at_k(ranked: Rows, targets: Sequence[frozenset[int]], k: int) -> Floats:
    """(Q,) 1 where a target is among the first k, else 0."""
    found = [not wanted.isdisjoint(row[:k].tolist()) for row, wanted in zip(ranked, targets, strict=True)]
    return np.asarray(found, np.float32)


def ranks_of_first(ranked: Rows, targets: Sequence[frozenset[int]]) -> Rows:
    """(Q,) place of the best-placed target, counted from 1; N + 1 where none is ranked."""
    found = np.full(len(ranked), ranked.shape[1] + 1, np.int64)
    for query, (row, wanted) in enumerate(zip(ranked, targets, strict=True)):
        places = np.flatnonzero(np.isin(row, list(wanted)))
        if len(places):
            found[query] = places[0] + 1
    return found


def recall_curve(ranks: Rows, upto: int) -> Floats:
    """(upto,) recall at 1, 2, ..., upto in percent, of (Q,) ranks counted from 1."""
    return np.asarray([100 * (ranks <= k).mean() for k in range(1, upto + 1)], np.float32)


def same_first(one: Rows, other: Rows) -> Floats:
    """(Q,) 1 where two (Q, N) rankings of the same gallery begin alike, else 0."""
    return np.asarray(one[:, 0] == other[:, 0], np.float32)


def share_at_k(ranked: Rows, targets: Sequence[frozenset[int]], k: int) -> Floats:
    """(Q,) the standard precision of each query: |ranked_q[:k] meets targets_q| / k."""
    found = [len(wanted.intersection(row[:k].tolist())) for row, wanted in zip(ranked, targets, strict=True)]
    return np.asarray(found, np.float32) / np.float32(k)


def bootstrap_interval(
    figures: Floats, share: float = 0.95, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The middle `share` of the means of `draws` resamples of (Q,) figures (Efron, 1979)."""
    if not len(figures):
        raise ValueError("an interval needs at least one query")
    rng = np.random.default_rng(seed)
    means = [float(figures[rng.integers(len(figures), size=len(figures))].mean()) for _ in range(draws)]
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def recall_at_k(ranked: Rows, targets: Sequence[frozenset[int]], k: int) -> float:
    """Percent of queries with a target among the first k: 100/Q * sum [ranked_q[:k] meets targets_q]."""
    if not len(ranked):
        raise ValueError("recall needs at least one query")
    return 100 * float(hits_at_k(ranked, targets, k).mean())


def precision_at_k(ranked: Rows, labels: Sequence[str], wanted: Sequence[str], k: int) -> float:
    """Mean share of the first k with the query's label, 0..1: 1/Q * sum |{i in ranked_q[:k]: same}| / k."""
    gallery = np.asarray(labels)
    same = gallery[ranked[:, :k]] == np.asarray(wanted)[:, None]
    return float(same.mean())
