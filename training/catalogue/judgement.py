"""Whether a candidate pack is better for this shop than what it has, and the table that says so.

A candidate wins when its composed query finds the answer first more often than the live pack's, and more
often than photo alone, words alone, sum and slerp of either pack; when at ten it does not fall behind any of
them by more than chance explains; and when words without a photo find no less than before, chance aside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.catalogue.exam import COMPOSED, Exam, Result
from training.evaluation import bootstrap_interval

LIVE, CANDIDATE = "live", "candidate"
Results = dict[str, Result]


@dataclass(frozen=True)
class Judgement:
    """Both packs on one exam, and what speaks against the candidate."""

    live: Results
    candidate: Results
    exam: Exam
    words: tuple[Result, Result] | None = None  # captions without a photo: the live pack, the candidate

    @property
    def won(self) -> Result:
        """The candidate's composed query."""
        return self.candidate[COMPOSED]

    def rivals(self) -> Iterator[tuple[str, Result]]:
        """What must be beaten, each with its name."""
        yield "the live pack", self.live[COMPOSED]
        for whose, results in ((LIVE, self.live), (CANDIDATE, self.candidate)):
            for method, result in results.items():
                if method != COMPOSED:
                    yield f"{method} ({whose})", result

    def objections(self) -> list[str]:
        """Why the candidate is refused; none when it has won."""
        found = []
        for name, rival in self.rivals():
            mine, theirs = self.won.percent(1), rival.percent(1)
            if mine <= theirs:
                found.append(f"R@1 {mine:.1f} does not beat {theirs:.1f} of {name}")
            elif self.gain(rival, 10)[2] < 0:
                lost = f"{self.won.percent(10):.1f} against {rival.percent(10):.1f}"
                found.append(f"R@10 falls behind {name}: {lost}")
        if self.words is not None:
            live, candidate = self.words
            for k in (1, 10):
                if difference(candidate, live, k)[2] < 0:
                    lost = f"{candidate.percent(k):.1f} against {live.percent(k):.1f}"
                    found.append(f"words without a photo find less than with the live pack: R@{k} {lost}")
        return found

    def gain(self, rival: Result, k: int) -> tuple[float, float, float]:
        """How much more often the composed query has an answer among the first k: `difference`."""
        return difference(self.won, rival, k)

    def by_attribute(self) -> dict[str, tuple[int, float, float]]:
        """{attribute: queries, R@1 of the live pack, of the candidate}, percent."""
        found = {}
        for name in sorted(set(self.exam.attributes)):
            asked = [n for n, attribute in enumerate(self.exam.attributes) if attribute == name]
            both = (self.live[COMPOSED].first, self.candidate[COMPOSED].first)
            shares = [100 * float(np.mean(first[asked], dtype=np.float64)) for first in both]
            found[name] = (len(asked), shares[0], shares[1])
        return found

    def record(self) -> dict[str, Any]:
        """The table as JSON, for `pack.json` and for the ledger: R@1 and R@10 in percent, six digits."""
        rows = [("live", self.live), ("candidate", self.candidate)]
        table = {
            f"{whose}: {method}": [round(result.percent(1), 6), round(result.percent(10), 6)]
            for whose, results in rows
            for method, result in results.items()
        }
        for whose, result in zip((LIVE, CANDIDATE), self.words or (), strict=False):
            table[f"{whose}: captions"] = [round(result.percent(1), 6), round(result.percent(10), 6)]
        return {"queries": len(self.exam), "items": self.exam.items, "R@1, R@10": table}


def difference(own: Result, other: Result, k: int) -> tuple[float, float, float]:
    """How much more often `own` has an answer among the first k than `other`, with the 95 % interval.

    Percent of the queries; both answered the same ones, so the interval is of the differences.
    """
    mine, theirs = (each.first if k == 1 else each.ten for each in (own, other))
    low, high = bootstrap_interval(mine - theirs)
    return 100 * float(np.mean(mine - theirs, dtype=np.float64)), 100 * low, 100 * high
