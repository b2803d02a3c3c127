"""Times as counts in steps, each a tenth longer than the one before: such counts add up over days."""

import math
from collections.abc import Sequence

GROWTH = 1.1
STEPS = 128  # the last begins at 180 s


def step(ms: float) -> int:
    """The step that a time lies in: step k holds [1.1^k - 1, 1.1^(k+1) - 1) ms."""
    return min(int(math.log1p(max(ms, 0.0)) / math.log(GROWTH)), STEPS - 1)


def percentile(counts: Sequence[int], share: float) -> float | None:
    """The time in ms below which this share of them lies, right to a twentieth; None where there are none."""
    wanted, seen = share * sum(counts), 0
    for at, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return float(GROWTH ** (at + 0.5) - 1)
    return None


def added(every: Sequence[Sequence[int]]) -> list[int]:
    """The counts of several days together."""
    whole = [0] * max(map(len, every), default=0)
    for counts in every:
        for at, count in enumerate(counts):
            whole[at] += count
    return whole
