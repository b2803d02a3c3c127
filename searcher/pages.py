"""One page of a ranking: the places after the cursor, topped up for those where nothing stands any more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from searcher.ranked import Key, Ranked, Source
from searcher.results import ProductHit

MAX_DEPTH = 1000  # hits that the pages of one search go through
SLACK = 16  # places asked for beyond a page

Read = Callable[
    [Sequence[Ranked]], list[ProductHit]
]  # what stands at these places, in order, without the gone


@dataclass(frozen=True)
class Page:
    """Some hits, and the key after which the next page begins; None when this is the last."""

    hits: list[ProductHit]
    end: Key | None


def read_page(source: Source, read: Read, limit: int, seen: int = 0, after: Key | None = None) -> Page:
    """Up to `limit` hits after the key, which lies `seen` hits deep."""
    limit = min(limit, MAX_DEPTH - seen)
    if limit <= 0:
        return Page([], None)
    hits: list[ProductHit] = []
    for places, last in _stretches(source, seen + limit + SLACK, after):
        at = 0
        while at < len(places) and len(hits) < limit:
            some = places[at : at + limit - len(hits)]
            hits += read(some)
            at += len(some)
        if len(hits) == limit:
            more = at < len(places) or not last
            return Page(hits, places[at - 1].key if more and seen + limit < MAX_DEPTH else None)
    return Page(hits, None)


def _stretches(source: Source, wanted: int, after: Key | None) -> Iterator[tuple[list[Ranked], bool]]:
    """The places after the key, twice as deep each time; with each stretch whether it is the last."""
    while True:
        ranked = source(wanted)
        last = len(ranked) < wanted or wanted > 2 * MAX_DEPTH
        places = [each for each in ranked if after is None or each.key > after]
        yield places, last
        if last:
            return
        after = places[-1].key if places else after
        wanted *= 2
