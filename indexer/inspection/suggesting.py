"""Which value a missing attribute may have: what the most alike items of the same shop say.

The votes of the nearest items are weighed by likeness, and each value by how well its words fit the picture.
How far a majority is to be believed is found on the shop's own items: each is taken as if it said nothing,
and the cut is put where what would have been suggested is right often enough (the lower end of Wilson's
interval, 1927). A field for which no cut is good enough gets no suggestions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUGGESTED = ("category", "colour", "pattern", "material", "gender", "age_group")
PRECISION = 0.96  # on the shop's own items, of what stands above the cut, at the lower end of the interval
DEVIATIONS = 1.0  # of that interval
LEAST = 25  # suggestions above a cut: fewer say nothing about its precision
USED = 0.5  # share of a shop's items that have a field before one without it is told of it
TAU = 0.06  # of likeness, over which a vote falls to a third
WORDS = 10.0  # how much words that fit the picture count
NEIGHBOURS = 16


@dataclass(frozen=True)
class Vote:
    """One of the nearest items: how like it is, and what it says of the field."""

    likeness: float
    value: str


@dataclass(frozen=True)
class Guess:
    """The value with most of the votes, and its share of them."""

    value: str
    share: float


def guess(votes: Sequence[Vote], fits: Callable[[str], float] = lambda _value: 0.0) -> Guess | None:
    """What most of the votes are for; None without any. `fits` is the cosine of a value's words."""
    said = [vote for vote in votes if vote.value]
    if not said:
        return None
    best = max(vote.likeness for vote in said)
    shares: defaultdict[str, float] = defaultdict(float)
    for vote in said:
        shares[vote.value] += float(np.exp((vote.likeness - best) / TAU))
    for each in shares:
        shares[each] *= float(np.exp(WORDS * fits(each)))
    value = max(shares, key=lambda each: (shares[each], each))
    return Guess(value, shares[value] / sum(shares.values()))


@dataclass(frozen=True)
class Calibration:
    """How often guesses were right on the shop's own items, by the share of votes that they had."""

    shares: NDArray[np.float64]  # (N,) falling
    precision: NDArray[np.float64]  # (N,) of all guesses down to each
    cut: float | None  # the least share that is believed; None: none is

    def confidence(self, share: float) -> float | None:
        """How often a guess of that share or a greater one was right; None below the cut."""
        if self.cut is None or share < self.cut:
            return None
        at = int(np.searchsorted(-self.shares, -share, side="right"))
        return float(self.precision[max(at, LEAST) - 1])


def calibrated(tried: Iterable[tuple[Guess, str]], precision: float = PRECISION) -> Calibration:
    """From guesses and what is true: the lowest cut above which that share of them is right."""
    pairs = sorted(((each.share, each.value == truth) for each, truth in tried), key=lambda pair: -pair[0])
    shares = np.array([share for share, _ in pairs], np.float64)
    right = np.array([hit for _, hit in pairs], np.float64)
    if len(pairs) < LEAST:
        return Calibration(shares, right, None)
    count = np.arange(1, len(pairs) + 1)
    running = np.cumsum(right) / count
    # A cut lies between two shares: of equal ones all are above it or none is.
    ends = np.append(shares[1:] < shares[:-1], True)
    good = np.flatnonzero((_least(running, count) >= precision) & (count >= LEAST) & ends)
    cut = float(shares[good[-1]]) if len(good) else None
    return Calibration(shares, running, cut)


def _least(share: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,) the lower ends of Wilson's intervals."""
    squared = DEVIATIONS**2
    spread = DEVIATIONS * np.sqrt(share * (1 - share) / of + squared / (4 * of**2))
    return np.asarray((share + squared / (2 * of) - spread) / (1 + squared / of), np.float64)
