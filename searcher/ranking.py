"""What stands where: by picture, by words, by exact names, or by date, each as a source of ranked places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from catalog.identity import group_id
from searcher.query import SearchQuery
from searcher.ranked import Ranked, Source, in_order
from searcher.shelf import Bools, Ints, Shelf
from vectors.lexical import query as lexical_query
from vectors.protocol import AnyOf, CollectionMissing, Filter, Sparse, Value, VectorStore

RRF = 60  # Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion", 2009
WINDOWS = (48, 200, 1000)  # places of each ranking that are fused; the deeper ones are for later pages
SORTED = 240  # best matches that a sort by price or date reorders
_SKU, _TITLE, _BRAND, _ALL, _KIND = 3.0, 2.0, 1.0, 0.7, 0.4  # above any fused score, in this order
LIKED = 0.1  # of cosine, by which a product with all that is preferred stands before its likes
Preferred = tuple[tuple[str, tuple[str, ...]], ...]  # (field, values any of which will do)


class Ranker:
    """Ranks one search: its collection, terms and what its hits stand for are fixed."""

    def __init__(self, store: VectorStore, collection: str, where: Filter, collapse: bool = True) -> None:
        self.store, self.collection, self.where = store, collection, where
        self.group_by = "group" if collapse else "product"

    def has(self, word: str) -> bool:
        """Whether any text has the word."""
        sparse = lexical_query(word)
        return bool(len(sparse.indices) and self._search(sparse, self.where, 1))

    def by_vector(self, vector: NDArray[np.float32], preferred: Preferred = ()) -> Source:
        """Nearest first; what has all that is preferred is looked for besides, and stands LIKED nearer."""

        def source(wanted: int) -> list[Ranked]:
            nearest = self._search(vector, self.where, wanted)
            if not preferred:
                return in_order(nearest)
            liked = self._search(vector, self._having(preferred), wanted)
            return in_order(merged([each.plus("all", LIKED) for each in liked], nearest))[:wanted]

        return source

    def by_words(
        self,
        words: str,
        vector: NDArray[np.float32] | None,
        shelf: Shelf,
        passing: Bools,
        preferred: Preferred = (),
    ) -> Source:
        """Exact names first, then what has all that is preferred, then its kind; all else behind.

        Within each, lexical and dense rankings fused; without a vector, the lexical one alone.

        What only a deeper window has stands behind the whole of the one before, so that pages fit together.
        """
        sparse = lexical_query(words)

        def source(wanted: int) -> list[Ranked]:
            places = self._named(words, vector, sparse, shelf, passing)
            places = merged(places, self._liked(vector, sparse, preferred))
            for depth, window in enumerate(WINDOWS):
                fused = self._fused(vector, sparse, self.where, window)
                places = merged(places, [each.plus("deeper", -depth) for each in fused] if depth else fused)
                if wanted <= len(places):
                    break
            return in_order(places)

        return source

    def _named(
        self, words: str, vector: NDArray[np.float32] | None, sparse: Sparse, shelf: Shelf, passing: Bools
    ) -> list[Ranked]:
        """Products that these words name outright: by sku, by title, by brand."""
        found = [self._row(shelf, row, "sku", _SKU) for row in shelf.with_sku(words) if passing[row]]
        found += [self._row(shelf, row, "title", _TITLE) for row in shelf.with_title(words) if passing[row]]
        if shelf.has_brand(words):
            of_brand = (*self.where, AnyOf("brand", (words.casefold(),)))
            fused = self._fused(vector, sparse, of_brand, WINDOWS[0])
            found += [each.plus("brand", _BRAND) for each in fused]
        return merged(found)

    def _liked(
        self, vector: NDArray[np.float32] | None, sparse: Sparse, preferred: Preferred
    ) -> list[Ranked]:
        """Products that have all that is preferred, then those that are at least of the kind."""
        kind = tuple(each for each in preferred if each[0] == "category")
        tiers = [(preferred, "all", _ALL)] + ([(kind, "kind", _KIND)] if kind and kind != preferred else [])
        found = []
        for wanted, part, bonus in tiers if preferred else ():
            fused = self._fused(vector, sparse, self._having(wanted), WINDOWS[0])
            found.append([each.plus(part, bonus) for each in fused])
        return merged(*found)

    def _having(self, wanted: Preferred) -> Filter:
        """The terms under which all of this is so."""
        return (*self.where, *(AnyOf(field, values) for field, values in wanted))

    def _row(self, shelf: Shelf, row: int, part: str, score: float) -> Ranked:
        product_id = int(shelf.ids[row])
        group: Value = shelf.group_of(row) if self.group_by == "group" else product_id
        return Ranked(group, score, product_id=product_id, parts=((part, score),))

    def _fused(
        self, vector: NDArray[np.float32] | None, sparse: Sparse, where: Filter, window: int
    ) -> list[Ranked]:
        rankings = {"words": sparse if len(sparse.indices) else None, "meaning": vector}
        asked = {name: query for name, query in rankings.items() if query is not None}
        return fuse({name: self._search(query, where, window) for name, query in asked.items()})

    def _search(self, query: NDArray[np.float32] | Sparse, where: Filter, limit: int) -> list[Ranked]:
        try:
            hits = self.store.search(self.collection, query, where=where, limit=limit, group_by=self.group_by)
        except CollectionMissing:  # nothing has been indexed yet
            return []
        return in_order([Ranked(hit.group, hit.score, hit.id) for hit in hits if hit.group is not None])


def fuse(rankings: Mapping[str, Sequence[Ranked]]) -> list[Ranked]:
    """Reciprocal rank fusion: the score of a place is the sum of 1 / (60 + rank) over the named rankings.

    The point shown is the one of the first ranking that has the group: with words, the lexical one's.
    """
    parts: dict[Value, tuple[tuple[str, float], ...]] = {}
    shown: dict[Value, Ranked] = {}
    for name, ranking in rankings.items():
        for rank, each in enumerate(ranking, start=1):
            parts[each.group] = (*parts.get(each.group, ()), (name, 1 / (RRF + rank)))
            shown.setdefault(each.group, each)
    return [
        replace(each, score=sum(share for _, share in parts[group]), parts=parts[group])
        for group, each in shown.items()
    ]


def merged(*lists: Iterable[Ranked]) -> list[Ranked]:
    """One place a group: the earliest list's, and within a list its first."""
    places: dict[Value, Ranked] = {}
    for ranked in lists:
        for each in ranked:
            places.setdefault(each.group, each)
    return list(places.values())


def browse(shelf: Shelf, passing: Bools, tiers: Ints, query: SearchQuery) -> Source:
    """The shelf itself: newest first, or by price, within each of the tiers (N,).

    Only the places that are wanted are made.
    """
    rows = np.flatnonzero(passing)
    orders = _orders(shelf, rows, query.sort or "newest")
    at = np.lexsort((shelf.ids[rows], orders, tiers[rows]))
    if query.collapse:  # the first variant stands for its product
        _, firsts = np.unique(shelf.groups[rows[at]], return_index=True)
        at = at[np.sort(firsts)]
    best, orders = rows[at], orders[at]

    def source(wanted: int) -> list[Ranked]:
        places = zip(best[:wanted].tolist(), orders[:wanted].tolist(), strict=True)
        return [_place(shelf, row, order, int(tiers[row]), query.collapse) for row, order in places]

    return source


def resorted(source: Source, shelf: Shelf, passing: Bools, query: SearchQuery) -> Source:
    """The best matches of a source in the order that the shopper chose."""
    if not query.sort:
        return source

    def sorted_source(wanted: int) -> list[Ranked]:
        placed = (_replaced(each, shelf, passing, query) for each in source(SORTED)[:SORTED])
        return in_order([each for each in placed if each is not None])

    return sorted_source


def _replaced(each: Ranked, shelf: Shelf, passing: Bools, query: SearchQuery) -> Ranked | None:
    """The place by price or date of its best variant under the filters; None where that is off the shelf."""
    if query.collapse:
        rows = shelf.rows_of_group(group_id(str(each.group)))
    else:
        rows = shelf.row_of_id(int(each.group))
    rows = rows[passing[rows]]
    return replace(each, order=float(_orders(shelf, rows, query.sort).min())) if len(rows) else None


def _orders(shelf: Shelf, rows: Ints, sort: str) -> NDArray[np.float64]:
    """(rows,) ascending: the newest or the right price first, the unpriced last."""
    if sort == "newest":
        return -shelf.ids[rows].astype(np.float64)
    prices = shelf.prices[rows].astype(np.float64)
    return np.where(prices < 0, 2.0**53, prices if sort == "price" else -prices)


def _place(shelf: Shelf, row: int, order: float, tier: int, collapse: bool) -> Ranked:
    product_id = int(shelf.ids[row])
    group: Value = shelf.group_of(row) if collapse else product_id
    return Ranked(group, 0.0, product_id=product_id, order=order, tie=f"{product_id:012d}", tier=tier)
