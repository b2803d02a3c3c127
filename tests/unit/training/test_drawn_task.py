from pathlib import Path

import numpy as np
import pytest

from training.drawn_task import Change, DrawnTask, draw_task, removals, shown, violations


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> DrawnTask:
    return draw_task(tmp_path_factory.mktemp("exam"), bases=4, seed=3)


def perfect(task: DrawnTask) -> np.ndarray:
    """Rankings with the target first and the other rows after it."""
    rows = np.arange(len(task.garments))
    return np.array([[each.target, *rows[rows != each.target]] for each in task.changes])


def test_each_target_differs_in_the_asked_attribute_and_the_pose_only(task: DrawnTask) -> None:
    assert len(task.garments) == 4 + len(task.changes)
    for each in task.changes:
        base, target = task.garments[each.base], task.garments[each.target]
        assert getattr(target, each.attribute) == each.value != each.old == getattr(base, each.attribute)
        other = {"presentation", each.attribute}
        assert all(getattr(base, name) == getattr(target, name) for name in vars(base).keys() - other)


def test_a_perfect_ranking_satisfies_and_keeps(task: DrawnTask) -> None:
    figures = shown(task, perfect(task))
    assert (figures.satisfied, figures.kept) == (100, 100)
    assert figures.asked < 100  # one row has it all, the other four need not


def test_a_ranking_that_ignores_the_words_satisfies_nothing(task: DrawnTask) -> None:
    first = Change(0, 1, task.changes[0].attribute, task.changes[0].value, task.changes[0].old, "")
    only = DrawnTask(task.garments, task.pictures, (first,))
    figures = shown(only, np.array([[0, 0, 0, 0, 0]]))
    assert (figures.satisfied, figures.asked, figures.kept) == (0, 0, 100)


def test_what_was_asked_away_is_a_violation(task: DrawnTask) -> None:
    gone = Change(0, 1, "pattern", "plain", task.garments[0].pattern, "without a pattern")
    only = DrawnTask(task.garments, task.pictures, (gone,))
    assert violations(only, np.array([[0, 0]]), [0], k=2) == 100
    plain = [n for n, each in enumerate(task.garments) if each.pattern != task.garments[0].pattern][:1]
    assert violations(only, np.array([[0, *plain]]), [0], k=2) == 50
    assert removals(only) == [0]


def test_the_paraphrases_are_held_out_and_name_the_value(task: DrawnTask) -> None:
    said = task.paraphrased(1)
    assert len(said) == len(task.changes)
    assert said == task.paraphrased(1) != task.paraphrased(2)


def test_pictures_are_drawn_once(tmp_path: Path) -> None:
    draw_task(tmp_path, bases=1, seed=3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    draw_task(tmp_path, bases=1, seed=3)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
