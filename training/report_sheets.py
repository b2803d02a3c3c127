"""Sheets of pictures: the query, its words, the first eight hits, the target marked; failures first."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from embedding.preprocess import Pixels
from training.report_answers import Answers

SHOWN = 8  # hits of a query
SIDE = 88  # of a picture, pixels
FAILED, FOUND = 16, 4  # queries of a sheet


@dataclass(frozen=True)
class Picture:
    """A small picture as a data URI, and what it is."""

    source: str
    what: str
    target: bool = False


@dataclass(frozen=True)
class Line:
    """One query of a sheet."""

    words: str
    query: Picture
    rank: int  # of the first target, from 1
    hits: tuple[Picture, ...]
    target: Picture | None  # where it is not among the hits


@dataclass(frozen=True)
class Sheet:
    """Failures, the worst first, and then a few queries whose target came first."""

    failed: int  # of all queries: the target was not first
    queries: int
    lines: tuple[Line, ...]


def sheet(answers: Answers, failed: int = FAILED, found: int = FOUND) -> Sheet:
    """The worst queries, each of another photo, and evenly spread ones that were answered right."""
    worst = _one_a_photo(answers, np.argsort(-answers.ranks, kind="stable"))
    wrong = [query for query in worst if answers.ranks[query] > 1][:failed]
    right = np.flatnonzero(answers.ranks == 1)
    spread = right[np.linspace(0, len(right) - 1, min(found, len(right))).astype(int)] if len(right) else []
    lines = tuple(_line(answers, int(query)) for query in [*wrong, *spread])
    return Sheet(int((answers.ranks > 1).sum()), len(answers.ranks), lines)


def _one_a_photo(answers: Answers, order: Sequence[int] | np.ndarray) -> list[int]:
    seen: set[int] = set()
    kept = []
    for query in order:
        photo = int(answers.stand_in.queries[query])
        if photo not in seen:
            seen.add(photo)
            kept.append(int(query))
    return kept


def _line(answers: Answers, query: int) -> Line:
    asked, targets = answers.stand_in, answers.stand_in.targets[query]
    first = [int(row) for row in answers.ranked[query, :SHOWN]]
    hits = tuple(
        Picture(_small(asked.gallery[row]), f"hit {place}", row in targets)
        for place, row in enumerate(first, 1)
    )
    rank = int(answers.ranks[query])
    target = None
    if rank > SHOWN:
        target = Picture(_small(asked.gallery[min(targets)]), f"the target, at place {rank}", True)
    photo = Picture(_small(asked.gallery[int(asked.queries[query])]), "the query's photo")
    return Line(asked.texts[query], photo, rank, hits, target)


def _small(pixels: Pixels) -> str:
    """An image as a WebP data URI of SIDE pixels."""
    image = Image.fromarray(np.asarray(pixels)).convert("RGB")
    image.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=60, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()
