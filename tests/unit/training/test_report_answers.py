"""The figures behind the report: ranks, curves, slices, stand-ins, and the exam taken by the shipped pack."""

import csv
from pathlib import Path

import numpy as np
import pytest

from embedding.pack import Pack, load_pack
from training.baselines import compare, two_part
from training.datasets import Photo, Photos
from training.drawn_task import draw_task
from training.evaluation import ranking, ranks_of_first, recall_at_k, recall_curve, same_first
from training.report_answers import slices_of
from training.report_exam import Exam, labelled, replacements, sit, whole_captions
from training.standins import studio, turned, whole_studio

ROOT = Path(__file__).resolve().parents[3]
SCORES = np.array([[0.9, 0.8, 0.1, 0.5], [0.2, 0.3, 0.4, 0.1]], dtype=np.float32)


def test_the_rank_of_the_first_target_by_hand() -> None:
    ranked = ranking(SCORES)  # 0 1 3 2 and 2 1 0 3
    assert ranks_of_first(ranked, [frozenset({2, 3}), frozenset({0})]).tolist() == [3, 3]
    assert ranks_of_first(ranked, [frozenset({0}), frozenset({9})]).tolist() == [1, 5]


def test_a_curve_goes_through_the_recalls() -> None:
    ranked, targets = ranking(SCORES), [frozenset({3}), frozenset({2})]
    curve = recall_curve(ranks_of_first(ranked, targets), 4)
    assert curve.tolist() == [recall_at_k(ranked, targets, k) for k in (1, 2, 3, 4)] == [50, 50, 100, 100]


def test_rankings_that_begin_alike() -> None:
    assert same_first(np.array([[1, 2], [3, 4]]), np.array([[1, 4], [4, 3]])).tolist() == [1, 0]


def test_slices_put_the_weakest_first_and_gather_the_small_ones() -> None:
    ranks = np.array([1] * 6 + [11] * 6 + [1, 2])
    found = slices_of(ranks, {"colour": ("red",) * 6 + ("blue",) * 6 + ("teal", "rust")})["colour"]
    assert [(each.value, each.queries, each.at_1.mean, each.at_10.mean) for each in found] == [
        ("blue", 6, 0, 0),
        ("others", 2, 50, 100),
        ("red", 6, 100, 100),
    ]


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Photos]:
    """Two styles in two colours, the first with a back view; and the file of pairs."""
    rows = tuple(
        Photo(tmp_path / f"{style}{colour}{view}", "magento", style, f"{style}-{colour}", "top", view, colour)
        for style, colour, view in (
            ("A", "red", "main"), ("A", "red", "back"), ("A", "blue", "main"), ("A", "blue", "back"),
            ("B", "red", "main"), ("B", "blue", "main"),
        )
    )  # fmt: skip
    (tmp_path / "magento").mkdir()
    with (tmp_path / "magento" / "pairs_same_style_other_colour.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["query_variant", "text", "target_variant", "split"])
        writer.writerow(["A-red", "same but in blue", "A-blue", "dev"])
        writer.writerow(["B-blue", "same but in red", "B-red", "train"])
    squares = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    nothing = np.zeros((6, 1), np.float32)
    return tmp_path, Photos(rows, squares, squares[..., 0], nothing, nothing)


def test_the_studio_asks_its_dev_pairs_over_first_photos_and_over_all(shop: tuple[Path, Photos]) -> None:
    folder, photos = shop
    first, whole = studio(folder, photos), whole_studio(folder, photos)
    assert [len(first.gallery), len(whole.gallery)] == [4, 6]
    assert first.texts == whole.texts == ("same but in blue",)
    assert (first.targets, whole.targets) == ((frozenset({1}),), (frozenset({2, 3}),))
    assert first.slices == whole.slices == {"category": ("top",), "colour": ("blue",)}
    assert first.excluded == (frozenset({0}),)


def test_turned_asks_for_the_other_view_in_the_other_colour(shop: tuple[Path, Photos]) -> None:
    found = turned(shop[1])
    assert found.targets == (frozenset({3}), frozenset({1}))
    assert found.excluded == (frozenset({0, 1, 2}), frozenset({0, 2, 3}))
    assert found.slices["colour"] == ("blue", "red")


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(ROOT / "packs" / "twirl-small")


@pytest.fixture(scope="module")
def exam(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Exam:
    return sit(pack, tmp_path_factory.mktemp("exam"), bases=2)


def test_the_exam_is_taken_and_its_parts_fit_together(exam: Exam, pack: Pack) -> None:
    answers = exam.answers
    assert [row.method for row in answers.rows] == [
        "photo alone", "words alone", "sum", "slerp", "product", "two-part", "composed",
    ]  # fmt: skip
    for row in answers.rows:
        assert answers.curves[row.method][9] == pytest.approx(row.at_10, abs=0.06)
    assert 100 * np.mean(answers.ranks <= 1) == pytest.approx(answers.composed.at_1, abs=0.06)
    for slices in answers.slices.values():
        assert sum(each.queries for each in slices) == len(exam.task.changes)
    assert (exam.without is None) == (exam.removals == 0)
    assert 0 < exam.stable.mean <= 100
    assert exam.answers.composed.at_10 > 80, "some 13 pictures"
    assert tuple(compare(pack, answers.stand_in)) == answers.rows, "encoded anew, to the digit"


def test_published_protocols_are_named_and_ask_in_their_own_words(tmp_path: Path) -> None:
    task = draw_task(tmp_path, bases=1)
    free, caption, replace = labelled(task), whole_captions(task), replacements(task)
    assert [each.protocol.name for each in (free, caption, replace)] == ["modification", "caption", "replace"]
    assert all(text.startswith("replace ") and " with " in text for text in replace.texts)
    assert all(one <= other for one, other in zip(free.targets, caption.targets, strict=True))
    assert not set(caption.texts) & set(free.texts)


def test_the_two_part_vector_takes_the_garment_from_the_photo_and_the_rest_from_the_words(pack: Pack) -> None:
    parts = pack.info.config.tower.parts  # type: ignore[attr-defined]
    photo = np.ones((1, pack.dimension), np.float32)
    words = pack.encode_texts(["in red", "with long sleeves"])
    red, sleeves = two_part(parts, np.repeat(photo, 2, axis=0), words)
    assert np.linalg.norm(red) == pytest.approx(1, abs=1e-5)
    ends = (parts.visual, parts.visual + parts.kind)
    assert np.ptp(red[: ends[0]]) < 1e-6, "the photo's own"
    colour = slice(ends[1] + parts.aligned, None)
    assert np.linalg.norm(red[colour]) > 3 * np.linalg.norm(sleeves[colour]), "no colour was named"
