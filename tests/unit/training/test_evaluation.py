import numpy as np
import pytest

from training.baselines import slerp
from training.evaluation import (
    bootstrap_interval,
    hits_at_k,
    precision_at_k,
    ranking,
    recall_at_k,
    share_at_k,
)

SCORES = np.array([[0.9, 0.8, 0.1, 0.5], [0.2, 0.3, 0.4, 0.1]], dtype=np.float32)


def test_ranking_puts_the_best_first_and_the_excluded_last():
    assert ranking(SCORES).tolist() == [[0, 1, 3, 2], [2, 1, 0, 3]]
    assert ranking(SCORES, [frozenset({0}), frozenset()]).tolist() == [[1, 3, 2, 0], [2, 1, 0, 3]]


def test_equal_scores_keep_the_order_of_the_gallery():
    assert ranking(np.zeros((1, 3), dtype=np.float32)).tolist() == [[0, 1, 2]]


def test_recall_by_hand():
    ranked = ranking(SCORES)  # first three: 0 1 3 and 2 1 0
    targets = [frozenset({3}), frozenset({1, 3})]
    assert recall_at_k(ranked, targets, 1) == 0
    assert recall_at_k(ranked, targets, 2) == 50
    assert recall_at_k(ranked, targets, 3) == 100


def test_recall_without_queries_is_an_error_and_not_zero():
    with pytest.raises(ValueError, match="at least one query"):
        recall_at_k(np.zeros((0, 3), dtype=np.int64), [], 1)


def test_precision_by_hand():
    ranked = ranking(SCORES)
    labels = ["dress", "shirt", "dress", "shirt"]
    # the first query wants shirts: of rows 0, 1 one is; the second wants dresses: of rows 2, 1 one is
    assert precision_at_k(ranked, labels, ["shirt", "dress"], 2) == 0.5
    assert precision_at_k(ranked, labels, ["dress", "dress"], 1) == 1.0


def test_hits_and_shares_by_hand():
    ranked = ranking(SCORES)  # first three: 0 1 3 and 2 1 0
    targets = [frozenset({3, 1}), frozenset({3})]
    assert hits_at_k(ranked, targets, 2).tolist() == [1, 0]
    assert share_at_k(ranked, targets, 2).tolist() == [0.5, 0]
    assert share_at_k(ranked, targets, 4).tolist() == [0.5, 0.25]


def test_an_interval_holds_the_mean_and_narrows_with_more_queries():
    few, many = np.array([0, 1] * 10, np.float32), np.array([0, 1] * 1000, np.float32)
    (low, high), (low_many, high_many) = bootstrap_interval(few), bootstrap_interval(many)
    assert low < 0.5 < high
    assert 0.7 < (high - low) / (2 * 1.96 * np.sqrt(0.25 / 20)) < 1.3  # the normal approximation
    assert (high_many - low_many) < (high - low) / 5
    assert bootstrap_interval(few) == (low, high)


def test_an_interval_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval(np.zeros(0, np.float32))


def test_slerp_stays_on_the_sphere_and_midway():
    one, other = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    assert slerp(one, other) == pytest.approx(np.full((1, 2), np.sqrt(0.5)), abs=1e-6)
    assert slerp(one, other, 0.0) == pytest.approx(one)
    assert slerp(one, one) == pytest.approx(one, abs=1e-5)
