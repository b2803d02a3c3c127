"""Pieces of other kinds that go with one: those the shop names, and then by style and colour."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalog.identity import group_id, group_key, keyword
from catalog.models import Image, Product
from searcher.filters import tenant
from searcher.hydrate import Hydrator
from searcher.looks.harmony import harmony
from searcher.looks.kinds import companions
from searcher.looks.links import LinkReader, Links
from searcher.ranked import Ranked
from searcher.ranking import Ranker
from searcher.results import ProductHit
from searcher.shelf import Shelf
from searcher.sold_out import SOLD_OUT, sold_out
from vectors.protocol import AnyOf, Equals, Filter, Not, Term

PIECES = 4
MAX_KINDS = 6  # looked for in the index
NEAREST = 8  # of each kind, of which the best in colour is taken
COLOUR = 0.5  # weight of the colours beside 1 for the style's place among the nearest
TWO_PATTERNS = 0.4  # taken off where both are patterned
_PLAIN = frozenset(("", "plain", "solid", "none", "uni"))
_ANYONE = frozenset(("unisex", "all ages", ""))

Because = Literal["shop", "style"]
Nearest = Callable[[Filter, int], list[Ranked]]


@dataclass(frozen=True)
class Piece:
    """One piece of a look: `because` the "shop" puts it together, or by "style" and colour."""

    hit: ProductHit
    because: Because


class Looks:
    """Completes looks. Thread-safe."""

    def __init__(self, hydrator: Hydrator, links: LinkReader) -> None:
        self._hydrator, self._links = hydrator, links

    def of(self, product: Product, shelf: Shelf, nearest: Nearest, limit: int = PIECES) -> list[Piece]:
        """At most `limit` pieces in stock that go with the product, for the same people, of other kinds.

        `nearest(where, limit)` gives the places nearest to the product's picture. Of each kind one piece
        comes first; a second of a kind only where there are not enough kinds.
        """
        links = self._links.links(product.merchant_id)
        pieces = self._linked(product, shelf, links)[:limit]
        if len(pieces) < limit:
            pieces += self._styled(product, shelf, links, nearest, pieces)
        return pieces[:limit]

    def _linked(self, product: Product, shelf: Shelf, links: Links) -> list[Piece]:
        """What the shop puts together with it, in the shop's order, as far as it can be bought."""
        named = (_row_in_stock(shelf, name) for name in links.articles.get(product.item_group_id, ()))
        rows = [row for row in named if row is not None]
        places = [Ranked(shelf.group_of(row), 0.0, product_id=int(shelf.ids[row])) for row in rows]
        hits = self._hydrator.hits(product.merchant_id, places, collapse=True)
        return [Piece(_best_colour(hit, product), "shop") for hit in hits]

    def _styled(
        self, product: Product, shelf: Shelf, links: Links, nearest: Nearest, chosen: Sequence[Piece]
    ) -> list[Piece]:
        """The best piece of each kind that goes with it, then the second best of each, …"""
        kinds = _kinds(product, shelf, links)
        here = [group_key(product.merchant_id, piece.hit.product.item_group_id) for piece in chosen]
        group = group_key(product.merchant_id, product.item_group_id)
        where = (*_same_people(product, shelf), Not(AnyOf("group", (group, *here))))
        listed = [nearest((*where, AnyOf("category", kind)), NEAREST) for kind in kinds[:MAX_KINDS]]
        every = [place for places in listed for place in places]
        hits = self._hydrator.hits(product.merchant_id, every, collapse=True)
        of_group = {hit.product.item_group_id: hit for hit in hits}
        found = ([of_group[name] for name in _names(places) if name in of_group] for places in listed)
        ranked = [_ranked(each, product) for each in found]
        have = {keyword(piece.hit.product.category) for piece in chosen}
        ranked.sort(key=lambda each: bool(each and keyword(each[0].product.category) in have))
        rounds = range(max(map(len, ranked), default=0))
        return [Piece(kind[at], "style") for at in rounds for kind in ranked if at < len(kind)]


def _kinds(product: Product, shelf: Shelf, links: Links) -> list[tuple[str, ...]]:
    """The kinds that go with it; first those that the shop's own looks join with its category."""
    own = keyword(product.category)
    kinds = companions(own, shelf.columns["category"].values)
    learned: Counter[str] = links.learned(own)
    return sorted(kinds, key=lambda kind: -sum(learned[path] for path in kind))


def _same_people(product: Product, shelf: Shelf) -> list[Term]:
    """For the same people or for everyone, and to be had."""
    terms: list[Term] = [Not(Equals("availability", SOLD_OUT))]
    for field in ("gender", "age_group"):
        own = keyword(getattr(product, field))
        others = tuple(value for value in shelf.columns[field].values if value not in _ANYONE | {own})
        if own not in _ANYONE and others:
            terms.append(Not(AnyOf(field, others)))
    return terms


def _ranked(hits: Iterable[ProductHit], product: Product) -> list[ProductHit]:
    """Best first: near in style, and its colour goes with the product's."""
    coloured = [_best_colour(hit, product) for hit in hits]
    worth = [_worth(at / max(len(coloured), 1), hit.product, product) for at, hit in enumerate(coloured)]
    order: NDArray[np.int64] = np.argsort(-np.array(worth), kind="stable")
    return [coloured[at] for at in order]


def _worth(behind: float, piece: Product, product: Product) -> float:
    both = keyword(piece.pattern) not in _PLAIN and keyword(product.pattern) not in _PLAIN
    return 1 - behind + COLOUR * harmony(piece.colour, product.colour) - TWO_PATTERNS * both


def _best_colour(hit: ProductHit, product: Product) -> ProductHit:
    """The hit, shown by the variant in stock whose colour goes best; the nearest where several do."""
    shown = (hit.product, *hit.variants)
    to_be_had = [each for each in shown if each.availability != SOLD_OUT and _front(each)] or [hit.product]
    best = max(to_be_had, key=lambda each: harmony(each.colour, product.colour))
    front = _front(best)
    if best is hit.product or front is None:
        return hit
    others = tuple(each for each in shown if each is not best)
    return replace(hit, product=best, image=front, variants=others)


def _front(product: Product) -> Image | None:
    return next((image for image in product.images if image.sha256), None)


def _row_in_stock(shelf: Shelf, article: str) -> int | None:
    rows = shelf.rows_of_group(article)
    gone = sold_out(shelf)
    return next((int(row) for row in rows if not gone[row]), None)


def _names(places: Iterable[Ranked]) -> list[str]:
    return [group_id(str(place.group)) for place in places]


def nearest_with(
    ranker_of: Callable[[Filter], Ranker], merchant_id: int, vector: NDArray[np.float32]
) -> Nearest:
    """Places nearest to a (D,) vector, of one merchant."""

    def nearest(where: Filter, limit: int) -> list[Ranked]:
        return ranker_of(tenant(merchant_id, where)).by_vector(vector)(limit)[:limit]

    return nearest
