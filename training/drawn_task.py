"""The atelier as an exam: garments that were never trained on, one attribute asked to change.

For each base garment the gallery holds its own picture and, for every attribute that it can change, one
picture of the changed garment in another pose. A query is the base's picture and the words for one change;
its target is that change's picture. All attributes of every picture are known, so it is measured not only
whether the target is found but what else is shown: the asked value, the kept ones, the forbidden one.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from atelier.attributes import CHANGEABLE, Garment, sample_garment
from atelier.changes import change, changes_of
from atelier.drawing import draw
from training.datasets import STORED
from training.paraphrases import HELD_OUT, NOUNS, fill
from training.standins import StandIn

Rows = npt.NDArray[np.int64]
KEPT = ("kind", "gender", *CHANGEABLE)  # what must stay but for the asked attribute
WITHOUT = {"pattern": "plain", "detail": ""}  # attributes that can be taken away, and what is left then


@dataclass(frozen=True)
class Change:
    """One query: what is asked of which base, in words of the atelier."""

    base: int  # row of the gallery
    target: int  # row of the gallery
    attribute: str
    value: str
    old: str
    words: str


@dataclass(frozen=True)
class DrawnTask:
    """Garments with their pictures, and the changes asked of them."""

    garments: tuple[Garment, ...]
    pictures: tuple[npt.NDArray[np.uint8], ...]  # (H, W, 3) RGB
    changes: tuple[Change, ...]

    def stand_in(self, texts: tuple[str, ...] | None = None) -> StandIn:
        """As queries over a gallery; `texts` replace the atelier's own words."""
        return StandIn(
            "drawn",
            list(self.pictures),
            np.array([each.base for each in self.changes]),
            texts or tuple(each.words for each in self.changes),
            tuple(frozenset({each.target}) for each in self.changes),
            tuple(frozenset({each.base}) for each in self.changes),
        )

    def paraphrased(self, seed: int, templates: tuple[str, ...] = HELD_OUT) -> tuple[str, ...]:
        """Every change in one of the templates."""
        rng = np.random.default_rng(seed)
        return tuple(
            fill(templates[int(rng.integers(len(templates)))], each.attribute, each.value, each.old, rng)
            for each in self.changes
        )


@dataclass(frozen=True)
class Shown:
    """What the first hits show, percent."""

    satisfied: float  # of the queries: a hit among the first five has the asked value and keeps all else
    asked: float  # of the first five hits: have the asked value
    kept: float  # of the other attributes of the first hit: are the query's


def draw_task(folder: Path, bases: int = 150, seed: int = 9001) -> DrawnTask:
    """Draw what is not in `folder` yet. The seed is none that training draws from."""
    rng = np.random.default_rng(seed)
    garments: list[Garment] = []
    changes: list[Change] = []
    for _ in range(bases):
        base, row = sample_garment(rng), len(garments)
        garments.append(base)
        for attribute in CHANGEABLE:
            if attribute in NOUNS and changes_of(base, attribute):
                changed, _, words = change(base, rng, attribute)
                value, old = getattr(changed, attribute), getattr(base, attribute)
                changes.append(Change(row, len(garments), attribute, value, old, words))
                garments.append(replace(changed, presentation=_other(changed)))
    seeds = rng.integers(1 << 30, size=len(garments))
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [_picture(folder / f"{seed}-{n}.png", each, int(seeds[n])) for n, each in enumerate(garments)]
    return DrawnTask(tuple(garments), tuple(pictures), tuple(changes))


def _other(garment: Garment) -> str:
    if garment.kind in ("sneaker", "bag"):
        return "flat"
    return "flat" if garment.presentation == "figure" else "figure"


def _picture(path: Path, garment: Garment, seed: int) -> npt.NDArray[np.uint8]:
    if not path.is_file():
        draw(garment, STORED, seed).save(path)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def shown(task: DrawnTask, ranked: Rows) -> Shown:
    """What (Q, N) rankings of the task's own queries show."""
    satisfied, asked, kept = [], [], []
    for each, row in zip(task.changes, ranked, strict=True):
        base = task.garments[each.base]
        hits = [task.garments[n] for n in row[:5]]
        has = [getattr(hit, each.attribute) == each.value for hit in hits]
        stays = [_kept_share(base, hit, each.attribute) for hit in hits]
        satisfied.append(any(value and share == 1 for value, share in zip(has, stays, strict=True)))
        asked.append(np.mean(has))
        kept.append(stays[0])
    return Shown(*(round(100 * float(np.mean(each)), 1) for each in (satisfied, asked, kept)))


def _kept_share(base: Garment, hit: Garment, but: str) -> float:
    names = [name for name in KEPT if name != but]
    return float(np.mean([getattr(base, name) == getattr(hit, name) for name in names]))


def violations(task: DrawnTask, ranked: Rows, queries: list[int], k: int = 10) -> float:
    """Percent of the first `k` hits that show what was asked away, over the changes numbered `queries`."""
    shares = []
    for n, row in zip(queries, ranked, strict=True):
        each = task.changes[n]
        hits = [getattr(task.garments[m], each.attribute) == each.old for m in row[:k]]
        shares.append(np.mean(hits))
    return round(100 * float(np.mean(shares)), 1)


def removals(task: DrawnTask) -> list[int]:
    """The changes that take something away: "without the hood", "no pattern"."""
    return [
        n for n, each in enumerate(task.changes) if WITHOUT.get(each.attribute) == each.value and each.old
    ]
