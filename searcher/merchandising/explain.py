"""Why results stand where they do: each with the rules that are about it, and its place without any rules."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from searcher.merchandising.rulebook import Rule, Rulebook
from searcher.query import SearchQuery
from searcher.results import ProductHit, Results
from searcher.shelf import Shelf

if TYPE_CHECKING:  # it is the searcher that applies the rules
    from searcher.search import Searcher

LOOKED_AT = 100  # first places that are compared
FUSED = {"words", "meaning", "sku", "title"}  # parts of what was searched by words


@dataclass(frozen=True)
class Explained:
    """One product, its place with and without rules (from 1; None: not among the first), what acted on it."""

    hit: ProductHit
    now: int | None
    before: int | None
    rules: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """What its score is the sum of: fused ranks by words and meaning or the likeness; bonuses; boosts."""
        told = self.hit.parts
        if not self.hit.score or dict(told).keys() & FUSED:
            return told
        return (("likeness", self.hit.score - sum(share for _, share in told)), *told)


@dataclass(frozen=True)
class Explanation:
    """`hits` as they are found; `gone` would be among as many without the rules, and are not."""

    results: Results
    hits: tuple[Explained, ...]
    gone: tuple[Explained, ...]


def explain(searcher: "Searcher", query: SearchQuery, rulebook: Rulebook | None = None) -> Explanation:
    """A first page under the rules in force, or those given, beside one without any.

    Synonyms count on both sides. Raises QueryRefused and SearchUnavailable.
    """
    book = searcher.rulebook(query.merchant_id) if rulebook is None else rulebook
    asked = replace(query, limit=LOOKED_AT, cursor=None)
    ruled = searcher.search(asked, rulebook=book)
    plain = searcher.search(asked, rulebook=replace(book, rules=()))
    shelf = searcher.stock.shelf(query.merchant_id)
    now, before = _places(ruled), _places(plain)
    found = [_explained(hit, now, before, ruled.rules, shelf) for hit in ruled.hits[: query.limit]]
    lost = (
        hit
        for hit in plain.hits[: query.limit]
        if _name(hit) not in set(map(_name, ruled.hits[: query.limit]))
    )
    gone = [_explained(hit, now, before, ruled.rules, shelf) for hit in lost]
    return Explanation(replace(ruled, hits=ruled.hits[: query.limit]), tuple(found), tuple(gone))


def _explained(
    hit: ProductHit, now: dict[str, int], before: dict[str, int], rules: tuple[Rule, ...], shelf: Shelf
) -> Explained:
    row = shelf.row_of_id(hit.product.id)
    about = tuple(rule.name for rule in rules if rule.what.mask(shelf)[row].any())
    return Explained(hit, now.get(_name(hit)), before.get(_name(hit)), about)


def _places(results: Results) -> dict[str, int]:
    return {_name(hit): place for place, hit in enumerate(results.hits, start=1)}


def _name(hit: ProductHit) -> str:
    return hit.product.item_group_id
