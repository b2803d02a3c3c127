"""Drawn garments and their siblings: each is one attribute away, as the exam asks for them.

A family is a garment in two poses and, for every attribute that it can change, the changed garment in one
pose. So each asked change stands beside the changes that were not asked: hard negatives that share all but
one attribute.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from atelier.attributes import CHANGEABLE, Garment, sample_garment
from atelier.changes import change, changes_of
from atelier.drawing import draw
from training.datasets import STORED
from training.drawn import other_presentation

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """One attribute from one picture to another."""

    source: int  # row of the pictures
    target: int
    attribute: str
    value: str
    old: str


@dataclass(frozen=True)
class Siblings:
    """Pictures by families, planned but not drawn. Row n of each is picture n."""

    garments: tuple[Garment, ...]
    seeds: tuple[int, ...]
    families: Rows  # (N,)
    steps: tuple[Step, ...]

    def styles(self) -> list[str]:
        """(N,) names, the same for pictures of one family that differ in colour and presentation alone."""
        plain = (replace(each, colour="", second_colour="", presentation="") for each in self.garments)
        return [f"{family} {each}" for family, each in zip(self.families, plain, strict=True)]


def plan_siblings(count: int, seed: int) -> Siblings:
    """`count` families; the same seed gives the same ones, and a larger count only adds to them."""
    garments: list[Garment] = []
    seeds: list[int] = []
    families: list[int] = []
    steps: list[Step] = []
    for family in range(count):
        rng = np.random.default_rng([seed, family])
        members, changes = _family(len(garments), rng)
        garments += members
        steps += changes
        seeds += [int(each) for each in rng.integers(1 << 30, size=len(members))]
        families += [family] * len(members)
    return Siblings(tuple(garments), tuple(seeds), np.array(families), tuple(steps))


def _family(first: int, rng: np.random.Generator) -> tuple[list[Garment], list[Step]]:
    """A garment, itself in another pose, and its changes; their rows begin at `first`."""
    base, steps = sample_garment(rng), []
    members = [base, replace(base, presentation=other_presentation(base))]
    for attribute in CHANGEABLE:
        if not changes_of(base, attribute):
            continue
        changed, _, _ = change(base, rng, attribute)
        pose = members[int(rng.random() >= 0.5)].presentation
        value, old, place = getattr(changed, attribute), getattr(base, attribute), first + len(members)
        steps += [Step(first + n, place, attribute, value, old) for n in (0, 1)]
        steps += [Step(place, first + n, attribute, old, value) for n in (0, 1)]  # and back
        members.append(replace(changed, presentation=pose))
    return members, steps


def draw_siblings(plan: Siblings, folder: Path, workers: int = 1) -> list[Path]:
    """Draw what is not in `folder` yet; the pictures' paths in the plan's order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{seed}-{n}.png" for n, seed in enumerate(plan.seeds)]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_render, plan.garments, plan.seeds, paths, chunksize=16))
    return paths


def _render(garment: Garment, seed: int, path: Path) -> None:
    if not path.is_file():
        draw(garment, STORED, seed).save(path)


def read_pictures(paths: list[Path], size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The drawn pictures, (up to `size`, STORED, STORED, 3) at a time."""
    for start in range(0, len(paths), size):
        yield np.stack([_read(path) for path in paths[start : start + size]])


def _read(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
