"""What a retrieval figure means: which text is given, what is a hit, whether the query image takes part.

A protocol is named beside each table; figures of different protocols are never compared. The published tables
of ComposeTransformers and ComposeAE on Fashion200k feed the target's whole caption (`CAPTION`), which hardly
tests composition: words alone find the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from training.published.fashion200k import Labelled, Pair


@dataclass(frozen=True)
class Protocol:
    """The terms of a table."""

    name: str
    text: str  # what is given beside the photo
    hit: str  # what counts as found
    query_excluded: bool  # whether the query's own image is taken out of its ranking

    def __str__(self) -> str:
        taken = "query image excluded" if self.query_excluded else "query image in the gallery"
        return f"{self.name}: text = {self.text}; hit = {self.hit}; {taken}"


CAPTION = Protocol("caption", "the target's whole caption", "an image with the target's caption", True)
REPLACE = Protocol("replace", '"replace A with B"', "an image with the target's caption", True)
MODIFICATION = Protocol("modification", "a free modification", "a photo of the target item", True)

# R@1, 10, 50, 100 under CAPTION, percent: the margin that a table of the same protocol is read against.
PUBLISHED = {
    "ComposeTransformers, 2,646 images, 1,200 queries": {1: 4.9, 10: 22.6, 50: 55.4, 100: 75.7},
    "ComposeAE, the whole split": {1: 22.8, 10: 55.3, 50: 73.4},
}


@dataclass(frozen=True)
class Task:
    """Queries over a gallery, without the pixels: rows, texts, targets and what is left out."""

    protocol: Protocol
    queries: tuple[int, ...]  # rows of the gallery
    texts: tuple[str, ...]
    targets: tuple[frozenset[int], ...]
    excluded: tuple[frozenset[int], ...]


def fashion200k_task(images: Sequence[Labelled], queries: Sequence[Pair], protocol: Protocol) -> Task:
    """The published test: every test image in the gallery, a hit is an image with the target's caption."""
    if protocol not in (CAPTION, REPLACE):
        raise ValueError(f"Fashion200k is measured under `caption` or `replace`, not {protocol.name!r}.")
    rows: dict[str, set[int]] = {}
    for n, image in enumerate(images):
        rows.setdefault(image.caption, set()).add(n)
    return Task(
        protocol,
        queries=tuple(query.source for query in queries),
        texts=tuple(query.caption if protocol == CAPTION else query.replace for query in queries),
        targets=tuple(frozenset(rows[query.caption]) for query in queries),
        excluded=tuple(frozenset({query.source}) for query in queries),
    )
