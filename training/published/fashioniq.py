"""FashionIQ as published: two sentences a pair, splits by category (Wu et al., 2021).

ROOT/captions/cap.dress.train.json       [{"candidate": ID, "target": ID, "captions": [one, other]}, ...]
ROOT/image_splits/split.dress.train.json  [ID, ...]

The test captions have no target: who evaluates on them sends a ranking to the authors' server.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.published.fashion200k import LabelsRefused

CATEGORIES = ("dress", "shirt", "toptee")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Modification:
    """Two sentences by people that lead from a candidate image to a target; "" where it is kept secret."""

    category: str
    candidate: str
    target: str
    captions: tuple[str, str]

    @property
    def text(self) -> str:
        """Both sentences as one, the way the field joins them for evaluation."""
        return " and ".join(self.captions)


def read_modifications(root: Path, split: str, category: str) -> list[Modification]:
    """The pairs of one category and split. Raises LabelsRefused naming what is wrong."""
    rows = _read(root / "captions", "cap", split, category)
    return [_modification(row, n, split, category) for n, row in enumerate(rows)]


def read_gallery(root: Path, split: str, category: str) -> list[str]:
    """The image ids that a split's queries are ranked against."""
    return [str(name) for name in _read(root / "image_splits", "split", split, category)]


def every_modification(root: Path, split: str) -> Iterator[Modification]:
    """The pairs of all three categories."""
    for category in CATEGORIES:
        yield from read_modifications(root, split, category)


def _read(folder: Path, kind: str, split: str, category: str) -> list[Any]:
    if category not in CATEGORIES or split not in SPLITS:
        raise LabelsRefused(f"FashionIQ has {CATEGORIES} in {SPLITS}, not {category!r} in {split!r}.")
    path = folder / f"{kind}.{category}.{split}.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabelsRefused(
            f"{path} is missing: name the folder that holds captions/ and image_splits/."
        ) from None
    except json.JSONDecodeError as error:
        raise LabelsRefused(f"{path} is not JSON: {error}.") from None
    if not isinstance(rows, list):
        raise LabelsRefused(f"{path} holds no list.")
    return rows


def _modification(row: Any, number: int, split: str, category: str) -> Modification:
    try:
        one, other = (str(caption).strip() for caption in row["captions"])
        target = str(row["target"]) if split != "test" else ""
        return Modification(category, str(row["candidate"]), target, (one, other))
    except (KeyError, TypeError, ValueError):
        raise LabelsRefused(
            f"cap.{category}.{split}.json, entry {number} has no candidate, target and two captions."
        ) from None
