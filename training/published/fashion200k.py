"""Fashion200k as published (Han et al., 2017; TIRG, Vo et al., 2019).

    ROOT/labels/dress_train_detect_all.txt   path <tab> detection score <tab> caption, a line an image
    ROOT/labels/test_queries.txt             path of the source, path of the target

A caption's parents are what is left of it when one word is taken out; two captions with a parent in common
differ in one word and make training pairs.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

_SPOKEN = str.maketrans({".": "dotmark", "?": "questionmark", "&": "andmark", "*": "starmark"})


class LabelsRefused(ValueError):
    """A label file that is not in the published format; the message names file and line."""


class ImagesMissing(ValueError):
    """Images that are missing or cannot be decoded: a metric over the rest would cover fewer queries."""


@dataclass(frozen=True)
class Labelled:
    """One image of a split and its cleaned caption."""

    path: Path
    score: float  # of the detector that found the garment, 0..1
    caption: str


@dataclass(frozen=True)
class Pair:
    """A training or test example: rows of the split, and the words of both protocols."""

    source: int
    target: int
    replace: str  # "replace A with B"
    caption: str  # the target's whole caption


def clean_caption(caption: str) -> str:
    """A caption as the published code reads it: four marks become words."""
    return " ".join(caption.translate(_SPOKEN).split())


def parent_captions(caption: str) -> set[str]:
    """The captions that are one word shorter."""
    words = caption.split()
    return {" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))}


def replace_words(source: str, target: str) -> str:
    """ "replace A with B": the first word of each caption that the other does not have.

    Raises ValueError where a caption has no word of its own: then nothing was replaced.
    """
    before, after = source.split(), target.split()
    old = next((word for word in before if word not in after), None)
    new = next((word for word in after if word not in before), None)
    if old is None or new is None:
        raise ValueError(f"No word was replaced between {source!r} and {target!r}.")
    return f"replace {old} with {new}"


def read_split(root: Path, split: str) -> list[Labelled]:
    """Every image of "train" or "test", file by file in order of name. Raises LabelsRefused."""
    files = sorted((root / "labels").glob(f"*_{split}_detect_all.txt"))
    if not files:
        raise LabelsRefused(
            f"{root / 'labels'} has no *_{split}_detect_all.txt: name the folder that holds labels/."
        )
    return [row for file in files for row in _read_labels(root, file)]


def _read_labels(root: Path, file: Path) -> Iterable[Labelled]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        fields = line.split("\t")
        try:
            path, score, caption = fields
            yield Labelled(root / path, float(score), clean_caption(caption))
        except ValueError:
            raise LabelsRefused(
                f"{file.name} line {number} is not `path <tab> score <tab> caption`: {line[:120]!r}."
            ) from None


def read_test_queries(root: Path, images: Sequence[Labelled]) -> list[Pair]:
    """The published test queries as rows of the test split. Raises LabelsRefused for an unknown image."""
    rows = {image.path: n for n, image in enumerate(images)}
    file = root / "labels" / "test_queries.txt"
    if not file.is_file():
        file = root / "test_queries.txt"
    if not file.is_file():
        raise LabelsRefused(f"test_queries.txt is neither in {root / 'labels'} nor in {root}.")
    queries = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        paths = line.split()
        if not paths:
            continue
        if len(paths) != 2 or not all(root / path in rows for path in paths):
            raise LabelsRefused(f"{file.name} line {number} does not name two images of the test split.")
        source, target = (rows[root / path] for path in paths)
        queries.append(_pair(images, source, target))
    return queries


def _pair(images: Sequence[Labelled], source: int, target: int) -> Pair:
    before, after = images[source].caption, images[target].caption
    return Pair(source, target, replace_words(before, after), after)


class CaptionPairs:
    """Draws training pairs on the fly: two images whose captions share a parent."""

    def __init__(self, images: Sequence[Labelled]) -> None:
        self.images = images
        self._with_caption: dict[str, list[int]] = defaultdict(list)
        for n, image in enumerate(images):
            self._with_caption[image.caption].append(n)
        children: dict[str, set[str]] = defaultdict(set)
        for caption in self._with_caption:
            for parent in parent_captions(caption):
                children[parent].add(caption)
        self._siblings = _siblings(children)
        self.sources = [n for n, image in enumerate(images) if image.caption in self._siblings]

    def __len__(self) -> int:
        return len(self.sources)

    def draw(self, source: int, rng: np.random.Generator) -> Pair:
        """A target for an image of `sources`: one of its parents, then a sibling, then an image of that."""
        families = self._siblings[self.images[source].caption]
        siblings = families[int(rng.integers(len(families)))]
        caption = siblings[int(rng.integers(len(siblings)))]
        targets = self._with_caption[caption]
        return _pair(self.images, source, targets[int(rng.integers(len(targets)))])


def _siblings(children: dict[str, set[str]]) -> dict[str, list[list[str]]]:
    """{caption: for each of its parents the other captions that differ in one word}."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    for family in children.values():
        for caption in family:
            others = sorted(other for other in family if _replaced(caption, other))
            if others:
                found[caption].append(others)
    return {caption: sorted(families) for caption, families in sorted(found.items())}


def _replaced(source: str, target: str) -> bool:
    """Whether each has a word that the other has not: "red red dress" and "red dress" have none."""
    return bool(set(source.split()) - set(target.split())) and bool(set(target.split()) - set(source.split()))


def check_images(paths: Iterable[Path]) -> int:
    """How many images there are, each of them decodable. Raises ImagesMissing with count and examples."""
    bad: list[str] = []
    count = 0
    for path in paths:
        count += 1
        try:
            with Image.open(path) as image:
                image.load()
        except (OSError, UnidentifiedImageError) as error:
            bad.append(f"{path}: {error}")
    if bad:
        raise ImagesMissing(f"{len(bad)} of {count} images cannot be read, such as {'; '.join(bad[:5])}")
    return count
