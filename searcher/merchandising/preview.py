"""The same search twice, under the rules in force and under a draft: what moves, comes and goes."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searcher.merchandising.rulebook import Rulebook
from searcher.query import SearchQuery
from searcher.results import ProductHit, Results

if TYPE_CHECKING:  # it is the searcher that applies the rules
    from searcher.search import Searcher

LOOKED_AT = 100  # first places that are compared


@dataclass(frozen=True)
class Placed:
    """One product on one side, its place (from 1) there and on the other; None: not among the first there."""

    hit: ProductHit
    place: int
    other: int | None

    @property
    def moved(self) -> bool:
        """Whether it stands elsewhere on the other side."""
        return self.place != self.other


@dataclass(frozen=True)
class Preview:
    """Both sides' first places, each with its place on the other side."""

    now: tuple[Placed, ...]
    draft: tuple[Placed, ...]
    found: Results  # under the draft

    @property
    def changed(self) -> bool:
        """Whether anything that is shown moves."""
        return any(each.moved for each in (*self.now, *self.draft))


def preview(searcher: "Searcher", query: SearchQuery, draft: Rulebook) -> Preview:
    """Compare a first page. Raises QueryRefused and SearchUnavailable."""
    asked = replace(query, limit=LOOKED_AT, cursor=None, facets=False)
    plain = searcher.search(asked)
    drafted = searcher.search(asked, rulebook=draft)
    return Preview(_side(plain, drafted, query.limit), _side(drafted, plain, query.limit), drafted)


def _side(here: Results, there: Results, limit: int) -> tuple[Placed, ...]:
    places = {hit.product.item_group_id: at for at, hit in enumerate(there.hits, start=1)}
    first = enumerate(here.hits[:limit], start=1)
    return tuple(Placed(hit, at, places.get(hit.product.item_group_id)) for at, hit in first)
