"""One pack measured on everything that is at hand: the exam always, photos where the data folder is.

pack = load_pack(Path("packs/twirl-small"))
evaluation = evaluate(pack, sit(pack, Path("runs/exam")), Path("../shared/data"))
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedding.pack import Pack
from training.datasets import DataMissing, load_photos, read_clothing, read_magento
from training.report_answers import Answers, Rival, answer
from training.report_exam import Exam
from training.report_photos import Measure, measure_photos
from training.report_vectors import gallery_vectors
from training.standins import StandIn, recoloured, studio, turned, whole_studio


@dataclass(frozen=True)
class Missing:
    """A part that could not be measured, and why."""

    part: str
    why: str


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one pack."""

    name: str
    fingerprint: str
    exam: Exam
    stand_ins: tuple[Answers, ...]  # studio, studio with all photos, turned, recoloured
    photos: tuple[Measure, ...]
    missing: tuple[Missing, ...]


def evaluate(
    pack: Pack, exam: Exam, data: Path, work: Path | None = None, rivals: Sequence[Rival] = ()
) -> Evaluation:
    """The exam that the pack took, and what the data folder allows; photos and vectors are kept in `work`."""
    missing: list[Missing] = []
    stand_ins: list[Answers] = []
    photos: tuple[Measure, ...] = ()
    for part, make in (("studio shop", _studio), ("recoloured clothing photos", _dyed)):
        try:
            stand_ins += [
                answer(pack, each, gallery_vectors(pack, each.gallery, work), rivals)
                for each in make(data, work)
            ]
        except DataMissing as error:
            missing.append(Missing(part, str(error)))
    try:
        photos = _photos(pack, data, work)
    except DataMissing as error:
        missing.append(Missing("held-out photos", str(error)))
    return Evaluation(pack.name, pack.fingerprint, exam, tuple(stand_ins), photos, tuple(missing))


def _studio(data: Path, work: Path | None) -> Iterable[StandIn]:
    photos = load_photos(read_magento(data, "dev"), work)
    return (studio(data, photos), whole_studio(data, photos), turned(photos))


def _dyed(data: Path, work: Path | None) -> Iterable[StandIn]:
    return (recoloured(load_photos(read_clothing(data, "val"), work)),)


def _photos(pack: Pack, data: Path, work: Path | None) -> tuple[Measure, ...]:
    held_out, known = (load_photos(read_clothing(data, split), work) for split in ("val", "train"))
    return measure_photos(pack, held_out, known, load_photos(read_magento(data, "dev"), work), work)


def figures(evaluation: Evaluation) -> dict[str, float]:
    """Every figure under one name: what `pack.json` carries, and what two packs are compared by."""
    exam = evaluation.exam
    found = _recalls(exam.answers)
    found |= {
        "atelier: satisfied in the top 5": exam.shown.satisfied,
        "atelier: kept": exam.shown.kept,
        "atelier: stable over wordings": exam.stable.mean,
        "atelier: stable over wordings of strangers": exam.strange.mean,
    }
    if exam.without is not None:
        found["atelier: without, violated in the top 10"] = exam.without
    for answers in (*exam.published, *evaluation.stand_ins):
        found |= _recalls(answers)
    for measure in evaluation.photos:
        found[measure.name] = measure.figure.mean
        found |= {f"{measure.name}: {each.value}": each.figure.mean for each in measure.slices}
    return found


def _recalls(answers: Answers) -> dict[str, float]:
    name = answers.stand_in.name
    return {f"{name}: {row.method}, R@{k}": row.recall[k].mean for row in answers.rows for k in (1, 10)}
