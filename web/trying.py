"""The test search: what a shopper finds, and where what is not published would stand between it."""

from dataclasses import dataclass, replace
from typing import cast

from flask import current_app

from catalog.models import Image, Product
from searcher.query import SearchQuery
from searcher.unpublished import Parts, TestSearch, Tried
from web.services import services

EXTENSION = "twirl-test-search"


@dataclass(frozen=True)
class Line:
    """One place, of an item that shoppers find or would find."""

    place: int
    product: Product
    image: Image | None
    score: float
    parts: Parts
    unpublished: str = ""  # its state, where shoppers do not find it
    before: int | None = None  # its place without any rules
    rules: tuple[str, ...] = ()


def tried(query: SearchQuery) -> Tried:
    """The first page of this search, explained. Raises QueryRefused, SearchUnavailable."""
    known = current_app.extensions.get(EXTENSION)
    if known is None:
        known = current_app.extensions[EXTENSION] = TestSearch(services().searcher, services().blobs)
    return cast(TestSearch, known).find(query)


def lines(found: Tried) -> list[Line]:
    """Shoppers' hits and the unpublished ones between them, the best first."""
    said = [
        Line(each.place, each.product, each.image, each.score, each.parts, each.why)
        for each in found.unpublished
    ]
    taken = {line.place for line in said}
    free = (place for place in range(1, 1000) if place not in taken)
    for each in found.explanation.hits:
        hit, parts = each.hit, each.parts
        line = Line(next(free), hit.product, hit.image, hit.score, parts)
        said.append(replace(line, before=each.before, rules=each.rules))
    return sorted(said, key=lambda line: line.place)
