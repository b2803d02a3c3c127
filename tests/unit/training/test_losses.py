import math

import pytest
import torch

from training.losses import cosine_distance, gaze_loss, info_nce, soft_margin_triplet, truth_contrast

EYE = torch.eye(3)


def test_info_nce_by_hand():
    # scores 1 on the diagonal and 0 elsewhere: -log(e / (e + 2))
    assert info_nce(EYE, EYE, EYE.bool(), 1.0) == pytest.approx(-math.log(math.e / (math.e + 2)), abs=1e-6)


def test_truth_contrast_is_info_nce_where_each_caption_has_one_photo():
    known = torch.ones(3, 3, dtype=torch.bool)
    assert truth_contrast(EYE, EYE, EYE, known, 5.0) == pytest.approx(
        float(info_nce(EYE, EYE, EYE.bool(), 5.0))
    )


def test_pairs_that_nobody_knows_are_no_negatives():
    known = EYE.bool()
    assert truth_contrast(EYE, torch.ones(3, 3), EYE, known, 5.0) == pytest.approx(0, abs=1e-5)


def test_a_caption_that_holds_for_two_photos_is_content_with_both():
    photos, words = torch.eye(2), torch.nn.functional.normalize(torch.ones(1, 2), dim=-1)
    known = torch.ones(2, 1, dtype=torch.bool)
    # caption to photos: equal scores and equal targets, so log 2; photo to captions: one choice, so 0
    assert truth_contrast(photos, words, torch.ones(2, 1), known, 1.0) == pytest.approx(
        math.log(2) / 2, abs=1e-6
    )


def test_gaze_is_free_when_it_lies_on_the_mask():
    mask = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    gaze = torch.tensor([[0.0, 0.5, 0.5, 0.0]])
    assert gaze_loss(gaze, mask, torch.tensor([True])) == pytest.approx(0, abs=1e-3)
    assert gaze_loss(gaze, mask, torch.tensor([False])) == 0


def test_rows_without_a_teacher_teach_nothing():
    wanted = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert cosine_distance(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), wanted) == 0


def test_soft_margin_triplet_by_hand():
    anchor, near, far = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    assert soft_margin_triplet(anchor, near, far) == pytest.approx(math.log(1 + math.exp(1 - 4)), abs=1e-6)
