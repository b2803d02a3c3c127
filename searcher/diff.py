"""Two models side by side: the same searches on both, and how far their answers differ.

report = compare_models(searcher, photos, "c93c585b")     # of an index that is ready
report.overlap, report.changes[0].asked.words             # the largest change first
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from catalog.site import IndexRef
from searcher.diff_queries import LIMIT, Questions, questions
from searcher.errors import QueryRefused, SearchError
from searcher.models import Model
from searcher.photos import QueryPhotos
from searcher.query import SearchQuery
from searcher.results import ProductHit
from searcher.search import Searcher

Told = Callable[[int, int], None]  # done, of how many


@dataclass(frozen=True)
class Answer:
    """What one model says: up to ten hits, and the milliseconds that it took."""

    hits: tuple[ProductHit, ...]
    took_ms: float

    @property
    def groups(self) -> list[str]:
        """The products, best first, whichever of their variants is shown."""
        return [hit.product.item_group_id for hit in self.hits]


@dataclass(frozen=True)
class Change:
    """One search on both models."""

    asked: SearchQuery
    lead: str | None  # sha256 of the picture of the item that leads the search
    live: Answer
    candidate: Answer

    @property
    def overlap(self) -> float:
        """Overlap@10: the share of hits that both models show; 1 where neither has any."""
        mine, theirs = self.live.groups, set(self.candidate.groups)
        longest = max(len(mine), len(theirs))
        return sum(group in theirs for group in mine) / longest if longest else 1.0

    @property
    def same_top(self) -> bool:
        """Whether the first hit is the same."""
        return self.live.groups[:1] == self.candidate.groups[:1]

    @property
    def shift(self) -> float:
        """Places that the live model's hits move, on average; one that is gone counts as at place 11."""
        places = {group: place for place, group in enumerate(self.candidate.groups)}
        moves = [abs(places.get(group, LIMIT) - place) for place, group in enumerate(self.live.groups)]
        return statistics.fmean(moves) if moves else 0.0


@dataclass(frozen=True)
class Report:
    """The comparison, the searches with the largest change first."""

    live: IndexRef
    candidate: IndexRef
    changes: tuple[Change, ...]
    logged: bool  # whether shoppers asked these searches; else they were drawn from the items
    gone: int  # logged searches that can no longer be asked
    failed: int  # searches that one of the two refused

    @property
    def overlap(self) -> float:
        """Mean overlap@10."""
        return statistics.fmean(change.overlap for change in self.changes)

    @property
    def same_top(self) -> float:
        """The share of searches whose first hit is the same."""
        return statistics.fmean(change.same_top for change in self.changes)

    @property
    def shift(self) -> float:
        """Mean over the searches of how many places a hit moves."""
        return statistics.fmean(change.shift for change in self.changes)

    def latency(self, model: str) -> tuple[float, float]:
        """Milliseconds of "live" or "candidate": median, 95th percentile."""
        took = sorted(getattr(change, model).took_ms for change in self.changes)
        return statistics.median(took), took[min(len(took) - 1, int(0.95 * len(took)))]


def compare_models(
    searcher: Searcher,
    photos: QueryPhotos,
    candidate: str,
    count: int = 200,
    told: Told = lambda done, total: None,
) -> Report:
    """Ask both the same. `candidate` is the beginning of the fingerprint of an index that is ready.

    Raises SearchError: not ready, nothing to ask, engine away.
    """
    live, other = searcher.models.live(), searcher.models.held(candidate)
    if other is None or other.fingerprint == live.fingerprint:
        raise SearchError(
            "candidate-not-ready", f"There is no other index {candidate!r} that is ready.",
            "`twirl models` lists the indexes; `twirl reembed` fills one.",
        )  # fmt: skip
    asked = questions(searcher.sessions, searcher.stock, photos, live, count)
    if not asked.queries:
        raise SearchError(
            "nothing-to-compare", "No item is searchable yet.", "Import a feed first: twirl import FEED"
        )
    changes = _ask_all(searcher, live, other, asked, told)
    if not changes:
        raise SearchError("nothing-to-compare", "No search could be answered.", "Try again.")
    changes.sort(key=lambda change: (change.overlap, change.same_top, -change.shift))
    failed = len(asked.queries) - len(changes)
    return Report(live.index, other.index, tuple(changes), asked.logged, asked.gone, failed)


def _ask_all(searcher: Searcher, live: Model, candidate: Model, asked: Questions, told: Told) -> list[Change]:
    """Each search on both in turn, which one first alternating: neither has the warmer caches."""
    changes = []
    for number, query in enumerate(asked.queries):
        order = (live, candidate) if number % 2 else (candidate, live)
        try:
            answers = {model.fingerprint: _answer(searcher, query, model) for model in order}
            lead = _lead(live, query)
        except QueryRefused:  # its item was deleted a moment ago
            continue
        changes.append(Change(query, lead, answers[live.fingerprint], answers[candidate.fingerprint]))
        told(number + 1, len(asked.queries))
    return changes


def _answer(searcher: Searcher, query: SearchQuery, model: Model) -> Answer:
    found = searcher.search(query, model)
    return Answer(tuple(found.hits[:LIMIT]), found.timings["total"])


def _lead(model: Model, query: SearchQuery) -> str | None:
    if query.reference is None:
        return None
    images = model.encoder.product(query.merchant_id, query.reference).images
    return next((image.sha256 for image in images if image.sha256), None)
