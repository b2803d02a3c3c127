"""The rate up to which a shop answers in time: found by going up until it does not, then halving between."""

from collections.abc import Callable

from benchmarks.load.stretch import Stretch

ENOUGH = 0.95  # of what is asked for, answered in time
STEP, HALVINGS = 1.6, 3


def find_knee(
    at: Callable[[float], Stretch], first: float, most: float = 2000.0
) -> tuple[float, list[Stretch]]:
    """The highest rate found that is served, and every stretch that was tried, by rate."""
    tried, served, failed, rate = [], 0.0, 0.0, first
    while rate <= most and not failed:
        tried.append(at(rate))
        if tried[-1].share >= ENOUGH:
            served, rate = rate, rate * STEP
        else:
            failed = rate
    for _ in range(HALVINGS if failed else 0):
        between = (served + failed) / 2
        tried.append(at(between))
        if tried[-1].share >= ENOUGH:
            served = between
        else:
            failed = between
    return served, sorted(tried, key=lambda stretch: stretch.rate)
