"""Where the ranked places of a query come from: its ranking, its order, and what the merchant says."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.identity import group_key
from catalog.models import Product
from searcher import sold_out
from searcher.filters import Filters, tenant
from searcher.merchandising.acting import BOOSTED, Acting, in_front
from searcher.query import SearchQuery
from searcher.ranked import Source, in_tiers
from searcher.ranking import Preferred, Ranker, browse, resorted
from searcher.shelf import Bools, Ints
from searcher.sold_out import SoldOut
from vectors.protocol import AnyOf, Equals, Filter, Not, VectorStore

Vector = NDArray[np.float32]
Rank = Callable[[Filter], Source]  # terms -> what they leave, ranked


class Sources:
    """Makes the source of one search. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session], store: VectorStore, sold_out: SoldOut) -> None:
        self.sessions, self.store, self.sold_out = sessions, store, sold_out

    def on_shelf(self, query: SearchQuery, acting: Acting) -> Source:
        """The shop itself, when nothing is asked for."""
        shelf = acting.shelf
        passing = self._passing(query, acting, self._left_out(query))
        gone = sold_out.last(shelf, query.filters, self.sold_out)
        if query.sort:
            return browse(shelf, passing, gone.astype(np.int64), query)
        source = browse(shelf, passing, _tiers(acting, gone), query)
        return in_front(acting.pinned(passing & ~gone, query.collapse), source)

    def of(
        self, query: SearchQuery, collection: str, acting: Acting, vector: Vector | None, liked: Preferred
    ) -> Source:
        """The nearest to the composed vector (D,), and with words alone what their texts say besides.

        Without a vector, for words alone, what texts say is all.
        """
        shelf, left_out = acting.shelf, self._left_out(query)
        passing = self._passing(query, acting, left_out)
        others = (Not(AnyOf("product", tuple(left_out))),) if left_out else ()
        where = tenant(query.merchant_id, (*query.filters.terms(), *others, *acting.without("hide")))

        def rank(terms: Filter) -> Source:
            ranker = self.ranker(collection, terms, query.collapse)
            if query.mode == "words" or vector is None:
                return ranker.by_words(query.words, vector, shelf, passing, liked)
            return ranker.by_vector(vector, liked)

        def boosted(terms: Filter) -> Source:
            if query.mode == "words":
                return acting.lifted(rank(terms), passing)
            return acting.boosted(rank, terms)

        gone = sold_out.last(shelf, query.filters, self.sold_out)
        if query.sort:
            return resorted(self._tiered(where, rank, gone), shelf, passing, query)
        buried = acting.without("bury")
        tiered = self._tiered(where, boosted, gone, buried)
        return in_front(acting.pinned(passing & ~gone, query.collapse), tiered)

    def similar(self, product: Product, collection: str, acting: Acting, vector: Vector) -> Source:
        """The nearest other products to the vector (D,)."""
        own = Equals("group", group_key(product.merchant_id, product.item_group_id))
        where = tenant(product.merchant_id, (Not(own), *acting.without("hide")))
        gone = sold_out.last(acting.shelf, Filters(), self.sold_out)
        return self._tiered(where, lambda terms: self.ranker(collection, terms, True).by_vector(vector), gone)

    def ranker(self, collection: str, where: Filter, collapse: bool) -> Ranker:
        """Ranks what the terms leave."""
        return Ranker(self.store, collection, where, collapse)

    def _tiered(self, where: Filter, rank: Rank, gone: Bools, buried: Filter = ()) -> Source:
        """What can be had, behind it what is buried, and behind all of that what is sold out."""
        here = sold_out.to_be_had(where) if gone.any() else where
        tiers = dict.fromkeys(((*here, *buried), here, where))
        return in_tiers([rank(terms) for terms in tiers])

    def _passing(self, query: SearchQuery, acting: Acting, left_out: list[int]) -> Bools:
        """(N,) the variants that may be hits."""
        passing = acting.shelf.mask(query.filters) & ~np.isin(acting.shelf.ids, left_out)
        return passing & ~acting.mask("hide")

    def _left_out(self, query: SearchQuery) -> list[int]:
        """Ids of the variants that must not be hits: those named, and the reference itself."""
        skus = [sku for sku in (*query.exclude, query.reference) if sku]
        if not skus:
            return []
        mine = select(Product.id).where(Product.merchant_id == query.merchant_id, Product.sku.in_(skus))
        with self.sessions() as session:
            return list(session.scalars(mine))


def _tiers(acting: Acting, gone: Bools) -> Ints:
    """(N,) the tier of each variant while nothing ranks them."""
    tiers = np.where(acting.mask("boost"), BOOSTED, 0)
    tiers = np.where(acting.mask("bury"), 1, tiers)
    return np.where(gone, 2, tiers).astype(np.int64)
