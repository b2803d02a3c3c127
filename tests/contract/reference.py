"""A vector store in plain numpy and Python: slow, obvious, and the oracle of the contract tests."""

import math
from collections import Counter
from typing import Any

import numpy as np

from vectors.protocol import AnyOf, Between, Equals, Every, Filter, Not, Point, Sparse, Term


def holds(term: Term, payload: dict[str, Any]) -> bool:
    match term:
        case Not(inner):
            return not holds(inner, payload)
        case Every(terms):
            return all(holds(each, payload) for each in terms)
        case Equals(field, value):
            return value in _values(payload, field)
        case AnyOf(field, values):
            return any(value in _values(payload, field) for value in values)
        case Between(field, low, high):
            return any(
                (low is None or value >= low) and (high is None or value <= high)
                for value in _values(payload, field)
            )


def passing(points: list[Point], where: Filter) -> list[Point]:
    return [point for point in points if all(holds(term, dict(point.payload)) for term in where)]


def dense_scores(points: list[Point], query: np.ndarray) -> dict[str, float]:
    """Cosines by id."""
    unit = query / np.linalg.norm(query)
    return {point.id: float(point.vector @ unit / np.linalg.norm(point.vector)) for point in points}


def lexical_scores(points: list[Point], where: Filter, query: Sparse) -> dict[str, float]:
    """Sum of IDF times weight over shared tokens, where one is shared; IDF over all points with words."""
    documents = {
        point.id: dict(zip(point.lexical.indices.tolist(), point.lexical.values.tolist(), strict=True))
        for point in points
        if point.lexical is not None and len(point.lexical.indices)
    }
    seen = Counter(token for document in documents.values() for token in document)
    idf = {
        token: math.log(1 + (len(documents) - count + 0.5) / (count + 0.5)) for token, count in seen.items()
    }
    allowed = {point.id for point in passing(points, where)}
    scores = {}
    for point_id, document in documents.items():
        shared = [token for token in query.indices.tolist() if token in document]
        if shared and point_id in allowed:
            scores[point_id] = sum(idf[token] * document[token] for token in shared)
    return scores


def groups(points: list[Point], scores: dict[str, float], field: str) -> dict[Any, float]:
    """The best score of each value of a field."""
    best: dict[Any, float] = {}
    for point in points:
        group = point.payload.get(field)
        if group is not None and point.id in scores:
            best[group] = max(best.get(group, -math.inf), scores[point.id])
    return best


def facets(points: list[Point], field: str) -> Counter[Any]:
    return Counter(value for point in points for value in set(_values(dict(point.payload), field)))


def _values(payload: dict[str, Any], field: str) -> list[Any]:
    value = payload.get(field, [])
    return value if isinstance(value, list) else [value]
