import numpy as np
import pytest

from training.evaluation import precision_at_k, ranking, recall_at_k

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
