"""What a pack answers to a stand-in: the table of methods, recall curves, recall by slice, and every rank."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from embedding.pack import Pack
from training.baselines import Figure, Row, method_scores, percent, row
from training.evaluation import ranking, ranks_of_first, recall_curve
from training.standins import StandIn

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

CURVE = 50  # recall is drawn from 1 to here
LEAST = 5  # queries of a slice; of fewer, a share says nothing


class Rival(Protocol):
    """Another trained way to compose, with features of its own: a row beside the pack's."""

    name: str

    def scores(self, stand_in: StandIn) -> Floats:
        """(Q, N) of the queries and the gallery."""


@dataclass(frozen=True)
class Slice:
    """Recall of the queries with one value of one axis."""

    value: str
    queries: int
    at_1: Figure
    at_10: Figure


@dataclass(frozen=True)
class Answers:
    """One pack's answers. `rows`, `curves` are by method, the composed query last."""

    stand_in: StandIn
    rows: tuple[Row, ...]
    curves: dict[str, Floats]  # recall at 1..CURVE, percent
    ranked: Rows  # (Q, N) gallery rows of the composed queries, best first
    ranks: Rows  # (Q,) of the first target in `ranked`, from 1
    slices: dict[str, tuple[Slice, ...]]  # by axis, weakest first
    rivals: frozenset[str] = frozenset()  # the methods that somebody else trained

    @property
    def composed(self) -> Row:
        """The pack's own way to mix photo and words."""
        return self.rows[-1]

    @property
    def best_other(self) -> Row:
        """The method with the highest R@1 among those that nobody trained to compose."""
        simple = [each for each in self.rows[:-1] if each.method not in self.rivals]
        return max(simple, key=lambda each: each.at_1)


def answer(
    pack: Pack, stand_in: StandIn, vectors: Floats | None = None, rivals: Sequence[Rival] = ()
) -> Answers:
    """Ask every query in every way. `vectors` are the gallery's (N, D), if they are at hand."""
    gallery = pack.encode_images(stand_in.gallery) if vectors is None else vectors
    rows, curves = [], {}
    for name, scores in _every_way(pack, stand_in, gallery, rivals):
        ranked = ranking(scores, stand_in.excluded)
        ranks = ranks_of_first(ranked, stand_in.targets)
        rows.append(row(name, scores, stand_in))
        curves[name] = recall_curve(ranks, CURVE)
    slices, others = slices_of(ranks, stand_in.slices), frozenset(each.name for each in rivals)
    return Answers(stand_in, tuple(rows), curves, ranked, ranks, slices, others)


def _every_way(
    pack: Pack, stand_in: StandIn, gallery: Floats, rivals: Sequence[Rival]
) -> Iterator[tuple[str, Floats]]:
    for rival in rivals:
        yield rival.name, rival.scores(stand_in)
    yield from method_scores(pack, stand_in, gallery)


def slices_of(ranks: Rows, labels: dict[str, tuple[str, ...]]) -> dict[str, tuple[Slice, ...]]:
    """Recall by each value of each axis, the lowest R@1 first; values with few queries as "others"."""
    return {axis: tuple(sorted(_slices(ranks, values), key=_weakness)) for axis, values in labels.items()}


def _slices(ranks: Rows, values: tuple[str, ...]) -> list[Slice]:
    members: dict[str, list[int]] = defaultdict(list)
    for query, value in enumerate(values):
        members[value or "none"].append(query)
    few = [value for value, queries in members.items() if len(queries) < LEAST]
    others = sorted(query for value in few for query in members.pop(value))
    if others:
        members["others"] = others
    return [_slice(value, ranks[queries]) for value, queries in members.items()]


def _slice(value: str, ranks: Rows) -> Slice:
    at_1, at_10 = (percent(np.asarray(ranks <= k, np.float32)) for k in (1, 10))
    return Slice(value, len(ranks), at_1, at_10)


def _weakness(each: Slice) -> tuple[float, float, str]:
    return each.at_1.mean, each.at_10.mean, each.value
