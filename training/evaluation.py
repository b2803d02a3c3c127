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


def recall_at_k(ranked: Rows, targets: Sequence[frozenset[int]], k: int) -> float:
    """Percent of queries with a target among the first k: 100/Q * sum [ranked_q[:k] meets targets_q]."""
    if not len(ranked):
        raise ValueError("recall needs at least one query")
    hits = [not wanted.isdisjoint(row[:k].tolist()) for row, wanted in zip(ranked, targets, strict=True)]
    return 100 * float(np.mean(hits))


def precision_at_k(ranked: Rows, labels: Sequence[str], wanted: Sequence[str], k: int) -> float:
    """Mean share of the first k with the query's label, 0..1: 1/Q * sum |{i in ranked_q[:k]: same}| / k."""
    gallery = np.asarray(labels)
    same = gallery[ranked[:, :k]] == np.asarray(wanted)[:, None]
    return float(same.mean())
