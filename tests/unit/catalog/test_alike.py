"""Which photos look alike, and times in steps."""

import numpy as np
import pytest

from catalog.insight import latency
from catalog.insight.vectors import alike, bound, packed, unpacked


def scene(
    kinds: int, each: int, spread: float, seed: int = 1, common: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 48) unit vectors of some kinds, in no order; and which kind each is of."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(kinds, 48)) + common
    own = rng.permutation(np.repeat(np.arange(kinds), each))
    rows = centres[own] + spread * rng.normal(size=(len(own), 48))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), own


@pytest.mark.parametrize("common", [0.0, 1.5])  # of some encoders all vectors point one way
def test_kinds_are_found_whatever_the_order(common: float) -> None:
    rows, own = scene(6, 20, 0.25, common=common)
    groups = alike(rows)
    assert sorted(len(group.rows) for group in groups) == [20] * 6
    for group in groups:
        assert len(set(own[list(group.rows)])) == 1
        near = rows[list(group.rows)] @ group.centre
        assert (np.diff(near) <= 1e-6).all(), "the nearest first"


def test_the_heaviest_come_first_and_no_more_than_asked_for() -> None:
    rows, own = scene(4, 5, 0.1)
    weights = np.where(own == 2, 10.0, 1.0)
    assert {own[at] for at in alike(rows, weights.tolist())[0].rows} == {2}
    assert len(alike(rows, most=2)) == 2 and alike(rows[:0]) == []
    (alone,) = alike(rows[:1])
    assert alone.rows == (0,)


def test_the_bound_follows_the_spread() -> None:
    assert bound(scene(40, 2, 0.1)[0]) == pytest.approx(0.7, abs=0.02)
    assert 0.75 < bound(scene(40, 2, 0.1, common=1.0)[0]) <= 0.9
    assert bound(np.ones((1, 4), np.float32)) == 0.7


def test_a_vector_is_text_and_back() -> None:
    rows, _ = scene(2, 1, 0.1)
    again = unpacked([packed(row) for row in rows])
    assert float((again * rows).sum(axis=1).min()) > 0.9999


@pytest.mark.parametrize("ms", [0.0, 0.4, 5.0, 42.0, 999.0, 12_345.0])
def test_a_time_is_known_to_a_twentieth(ms: float) -> None:
    counts = [0] * latency.STEPS
    counts[latency.step(ms)] = 3
    told = latency.percentile(counts, 0.5)
    assert told is not None and abs(told - ms) <= 0.05 * ms + 0.06


def test_percentiles_add_up_over_days() -> None:
    days = []
    for times in ((10, 10, 10), (100,), ()):
        counts = [0] * latency.STEPS
        for ms in times:
            counts[latency.step(ms)] += 1
        days.append(counts)
    whole = latency.added([*days, []])
    assert sum(whole) == 4
    assert latency.percentile(whole, 0.75) == pytest.approx(10, rel=0.06)
    assert latency.percentile(whole, 0.76) == pytest.approx(100, rel=0.06)
    assert latency.percentile([], 0.5) is None
    assert latency.step(1e12) == latency.STEPS - 1 and latency.step(-1) == 0
