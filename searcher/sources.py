"""Where the ranked places of a query come from: its ranking, its order, and what stands behind."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.identity import group_key
from catalog.models import Product
from searcher import sold_out
from searcher.filters import Filters, tenant
from searcher.query import SearchQuery
from searcher.ranked import Source, behind
from searcher.ranking import Preferred, Ranker, browse, resorted
from searcher.shelf import Bools, Shelf
from searcher.sold_out import SoldOut
from vectors.protocol import AnyOf, Equals, Filter, Not, VectorStore

Vector = NDArray[np.float32]


class Sources:
    """Makes the source of one search. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session], store: VectorStore, sold_out: SoldOut) -> None:
        self.sessions, self.store, self.sold_out = sessions, store, sold_out

    def on_shelf(self, query: SearchQuery, shelf: Shelf) -> Source:
        """The shop itself, when nothing is asked for."""
        passing = shelf.mask(query.filters) & ~np.isin(shelf.ids, self._left_out(query))
        return browse(shelf, passing, sold_out.last(shelf, query.filters, self.sold_out), query)

    def of(
        self, query: SearchQuery, collection: str, shelf: Shelf, vector: Vector, liked: Preferred
    ) -> Source:
        """The nearest to the composed vector (D,), and with words alone what their texts say besides."""
        left_out = self._left_out(query)
        passing = shelf.mask(query.filters) & ~np.isin(shelf.ids, left_out)
        others = (Not(AnyOf("product", tuple(left_out))),) if left_out else ()
        where = tenant(query.merchant_id, (*query.filters.terms(), *others))

        def ranked(terms: Filter) -> Source:
            ranker = self.ranker(collection, terms, query.collapse)
            if query.mode == "words":
                return ranker.by_words(query.words, vector, shelf, passing, liked)
            return ranker.by_vector(vector)

        last = sold_out.last(shelf, query.filters, self.sold_out)
        source = self._in_tiers(where, ranked, last)
        return resorted(source, shelf, passing, query)

    def similar(self, product: Product, collection: str, shelf: Shelf, vector: Vector) -> Source:
        """The nearest other products to the vector (D,)."""
        own = Equals("group", group_key(product.merchant_id, product.item_group_id))
        where = tenant(product.merchant_id, (Not(own),))
        last = sold_out.last(shelf, Filters(), self.sold_out)
        return self._in_tiers(
            where, lambda terms: self.ranker(collection, terms, True).by_vector(vector), last
        )

    def ranker(self, collection: str, where: Filter, collapse: bool) -> Ranker:
        """Ranks what the terms leave."""
        return Ranker(self.store, collection, where, collapse)

    def _in_tiers(self, where: Filter, ranked: Callable[[Filter], Source], last: Bools) -> Source:
        """What can be had, and behind all of it what cannot."""
        return behind(ranked(sold_out.to_be_had(where)), ranked(where)) if last.any() else ranked(where)

    def _left_out(self, query: SearchQuery) -> list[int]:
        """Ids of the variants that must not be hits: those named, and the reference itself."""
        skus = [sku for sku in (*query.exclude, query.reference) if sku]
        if not skus:
            return []
        mine = select(Product.id).where(Product.merchant_id == query.merchant_id, Product.sku.in_(skus))
        with self.sessions() as session:
            return list(session.scalars(mine))
