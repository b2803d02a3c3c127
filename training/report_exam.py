"""The atelier's exam as figures: what is found, what the first hits show, and how steady the answer is.

Stable: over held-out wordings of each change, or those of strangers, how often the first hit is the one that
the atelier's own words give. Without: among the first ten hits of a change that takes something away, what
share of them still shows it.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atelier import describe
from embedding.pack import Pack
from training.baselines import Figure, percent
from training.drawn_task import DrawnTask, Shown, draw_task, removals, shown, violations
from training.evaluation import ranking, same_first
from training.paraphrases import HELD_OUT, strangers, wording
from training.protocols import CAPTION, REPLACE
from training.report_answers import Answers, answer
from training.report_vectors import gallery_vectors
from training.standins import StandIn

Floats = npt.NDArray[np.float32]
WORDINGS = (1, 2, 3, 4)  # seeds of the held-out wordings


@dataclass(frozen=True)
class Exam:
    """All figures of one pack, percent."""

    task: DrawnTask
    answers: Answers  # to the atelier's own words
    shown: Shown
    without: float | None  # of the first ten hits: still show what was asked away; None if nothing was
    removals: int  # how many changes that is measured on
    stable: Figure
    strange: Figure  # the same over wordings of strangers
    published: tuple[Answers, ...]  # under the protocols of published tables: whole caption, replace


def sit(pack: Pack, folder: Path, bases: int = 150, work: Path | None = None) -> Exam:
    """Draw the exam's pictures into `folder`, where they are not there yet, and take it."""
    task = draw_task(folder, bases)
    gallery = gallery_vectors(pack, task.pictures, work)  # (N, D)
    asked = labelled(task)
    answers = answer(pack, asked, gallery)
    away = removals(task)
    return Exam(
        task,
        answers,
        shown(task, answers.ranked),
        violations(task, answers.ranked[away], away) if away else None,
        len(away),
        stability(pack, task, gallery, answers),
        stability(pack, task, gallery, answers, strangers()),
        (answer(pack, whole_captions(task), gallery), answer(pack, replacements(task), gallery)),
    )


def stability(
    pack: Pack, task: DrawnTask, gallery: Floats, answers: Answers, templates: tuple[str, ...] = HELD_OUT
) -> Figure:
    """How often another wording finds the same picture first as the atelier's words do."""
    photos, excluded = gallery[answers.stand_in.queries], answers.stand_in.excluded
    same = []
    for seed in WORDINGS:
        texts = pack.encode_texts(task.paraphrased(seed, templates))
        both = np.stack([pack.compose(photo, text) for photo, text in zip(photos, texts, strict=True)])
        same.append(same_first(ranking(both @ gallery.T, excluded), answers.ranked))
    return percent(np.mean(same, axis=0, dtype=np.float32))


def labelled(task: DrawnTask) -> StandIn:
    """The exam's queries with what they can be sliced by."""
    slices = {
        "category": tuple(task.garments[each.base].kind for each in task.changes),
        "attribute": tuple(each.attribute for each in task.changes),
        "colour": tuple(task.garments[each.target].colour for each in task.changes),
    }
    return dataclasses.replace(task.stand_in(), name="atelier", slices=slices)


def whole_captions(task: DrawnTask) -> StandIn:
    """The same queries as published tables ask them: the target's whole caption, any image of it a hit."""
    return _captioned(task, tuple(_caption(task, each.target) for each in task.changes), "caption")


def replacements(task: DrawnTask) -> StandIn:
    """ "Replace A with B", any image with the target's caption a hit."""
    texts = tuple(
        f"replace {wording(each.attribute, each.old).adj} with {wording(each.attribute, each.value).adj}"
        for each in task.changes
    )
    return _captioned(task, texts, "replace")


def _captioned(task: DrawnTask, texts: tuple[str, ...], name: str) -> StandIn:
    rows: dict[str, set[int]] = {}
    for n in range(len(task.garments)):
        rows.setdefault(_caption(task, n), set()).add(n)
    asked = labelled(task)
    hits = tuple(frozenset(rows[_caption(task, each.target)]) for each in task.changes)
    protocol = CAPTION if name == "caption" else REPLACE
    return dataclasses.replace(
        asked, name=f"atelier, {name}", texts=texts, targets=hits, protocol=protocol, slices={}
    )


def _caption(task: DrawnTask, row: int) -> str:
    return describe(task.garments[row])[0].casefold()
