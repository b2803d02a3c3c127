"""Seconds that several calls of the store may take together: a search makes a few, and answers in time.

Only what the engine takes is counted. A photo that is slow to encode leaves the engine its full time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

LEAST_S = 0.001  # what is left of a budget that is spent: enough to say so


@dataclass
class _Budget:
    left_s: float


_budget: ContextVar[_Budget | None] = ContextVar("vectors_budget", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Calls that this thread makes of the store in the block take no longer than this, all together."""
    token = _budget.set(_Budget(seconds))
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def spending(usual_s: float) -> Iterator[float]:
    """One call: gives the seconds that it may take, at most `usual_s`, and notes those that it took."""
    budget, began = _budget.get(), time.monotonic()
    try:
        yield usual_s if budget is None else max(LEAST_S, min(usual_s, budget.left_s))
    finally:
        if budget is not None:
            budget.left_s -= time.monotonic() - began
