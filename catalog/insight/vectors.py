"""Photos' vectors in and out of text, and which of them look alike."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SPREAD = 0.4  # of the mean distance: photos that are nearer than that look alike
LEAST, MOST = 0.7, 0.9  # cosines between which the bound lies whatever the spread
BOUNDED_BY = 1000  # vectors that the spread is told by


def packed(vector: NDArray[np.floating]) -> str:
    """(D,) as text, in half precision: cosines are right to three digits."""
    return base64.b64encode(vector.astype(np.float16).tobytes()).decode()


def unpacked(texts: Sequence[str]) -> Floats:
    """(N, D) unit vectors of texts of one length."""
    rows = np.stack([np.frombuffer(base64.b64decode(text), np.float16) for text in texts])
    return _unit(rows.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Group:
    """Vectors that look alike: `rows` of what was given, the nearest to the centre first."""

    centre: Floats
    rows: tuple[int, ...]


def alike(vectors: Floats, weights: Sequence[float] | None = None, most: int = 200) -> list[Group]:
    """At most `most` groups of unit vectors (N, D), the heaviest first; what fits in none is left out.

    Leader clustering (Hartigan, Clustering Algorithms, 1975, ch. 3) on cosines, then one round of spherical
    k-means (Dhillon & Modha 2001) from the leaders' means, so that the order of arrival matters little. Takes
    time in proportion to N x groups.
    """
    if not len(vectors):
        return []
    heavy = np.ones(len(vectors)) if weights is None else np.asarray(weights, np.float64)
    least = bound(vectors)
    centres = _leaders(vectors, least, most)
    for _ in range(2):
        near = vectors @ centres.T
        own = near.argmax(axis=1)
        fits = near[np.arange(len(vectors)), own] >= least
        centres = _means(vectors, heavy, own, fits, centres)
    near = vectors @ centres.T
    own = near.argmax(axis=1)
    best = near[np.arange(len(vectors)), own]
    found = []
    for at, centre in enumerate(centres):
        rows = np.flatnonzero((own == at) & (best >= least))
        if len(rows):
            found.append(Group(centre, tuple(rows[np.argsort(-best[rows], kind="stable")].tolist())))
    return sorted(found, key=lambda group: -float(heavy[list(group.rows)].sum()))


def bound(vectors: Floats) -> float:
    """From which cosine on two of them look alike: told by how far apart they are all in all.

    Encoders differ: unrelated clothes have a cosine of 0.15 in one and of 0.7 in another.
    """
    some = vectors[:: max(1, len(vectors) // BOUNDED_BY)]
    total = some.sum(axis=0)
    pairs = len(some) * (len(some) - 1)
    mean = (float(total @ total) - len(some)) / pairs if pairs else 0.0
    return float(np.clip(1 - SPREAD * (1 - mean), LEAST, MOST))


def _leaders(vectors: Floats, least: float, most: int) -> Floats:
    leaders = np.empty((most, vectors.shape[1]), np.float32)
    count = 0
    for vector in vectors:
        if count == most:
            break
        if not count or float((leaders[:count] @ vector).max()) < least:
            leaders[count] = vector
            count += 1
    return leaders[:count]


def _means(
    vectors: Floats, heavy: NDArray[np.float64], own: NDArray[np.int64], fits: NDArray[np.bool_], was: Floats
) -> Floats:
    member = np.zeros((len(was), len(vectors)), np.float32)
    member[own[fits], np.flatnonzero(fits)] = heavy[fits]
    return _unit(member @ vectors + was * np.float32(1e-6))  # an empty group stays where it was


def _unit(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), np.float32)
