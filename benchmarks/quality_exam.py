"""The atelier's exam: drawn garments that were never trained on, one attribute changed.

    python -m benchmarks.quality_exam

Needs no photos; its 1,015 pictures are drawn once into runs/exam (about three minutes on a quiet core).
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.bar import Bar, show
from benchmarks.quality_evaluation import PACK, ahead, at_least, exam, table
from training.report_exam import Exam


def bars(directory: Path = PACK) -> Iterator[Bar]:
    """Every bar of the exam."""
    yield from exam_bars(exam(directory))


def exam_bars(taken: Exam) -> Iterator[Bar]:
    """What an exam that was taken is held to."""
    answers, shown = taken.answers, taken.shown
    queries = f"{len(answers.ranks)} queries, {len(answers.stand_in.gallery)} pictures"
    yield at_least("atelier: one attribute changed, R@1", answers.composed.at_1, 85, table(answers.rows))
    yield at_least("atelier: one attribute changed, R@10", answers.composed.at_10, 98, queries)
    yield at_least("atelier: asked change satisfied in the top 5", shown.satisfied, 95, "and all else kept")
    yield at_least("atelier: other attributes of the first hit kept", shown.kept, 85)
    if taken.without is not None:
        detail = f"{taken.removals} queries that take something away"
        name = "atelier: “without X”, X in the top 10"
        yield Bar(name, taken.without, "<= 3", taken.without <= 3, "%", detail)
    stable = f"{taken.stable.low:g} to {taken.stable.high:g}; four held-out wordings a query"
    yield at_least("atelier: first hit stable over held-out wordings", taken.stable.mean, 90, stable)
    yield ahead(answers)


if __name__ == "__main__":
    show(bars())
