"""The rules that act on one search, applied to its ranking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from searcher.merchandising.rulebook import Deed, Rule, Rulebook, Search
from searcher.query import SearchQuery
from searcher.ranked import Ranked, Source, in_order
from searcher.ranking import merged
from searcher.shelf import Bools, Shelf
from vectors.protocol import Filter, Not

FIRST = 24  # places whose spread says how much a boost is worth
LEAST_SPREAD = 0.02  # where all of them are alike
PINNED = -2  # the tier before all others
BOOSTED = -1  # … and behind it, where nothing ranks


@dataclass(frozen=True, eq=False)
class Acting:
    """Rules and the shelf they act on."""

    rules: tuple[Rule, ...]
    shelf: Shelf

    @classmethod
    def on(cls, rulebook: Rulebook, query: SearchQuery, shelf: Shelf, at: datetime) -> "Acting":
        """Those of the rulebook that act on this search at this instant."""
        search = Search(query)
        return cls(tuple(rule for rule in rulebook.rules if rule.acts(search, at)), shelf)

    @classmethod
    def everywhere(cls, rulebook: Rulebook, shelf: Shelf, at: datetime) -> "Acting":
        """What acts on lists that nobody asked for with a search: what is always hidden."""
        rules = (each for each in rulebook.rules if each.deed == "hide" and each.when.always)
        return cls(tuple(rule for rule in rules if rule.in_force(at)), shelf)

    def of(self, deed: Deed) -> tuple[Rule, ...]:
        """Those of one kind, in the rulebook's order."""
        return tuple(rule for rule in self.rules if rule.deed == deed)

    def mask(self, deed: Deed) -> Bools:
        """(N,) the variants that are meant by any rule of this kind."""
        meant = np.zeros(len(self.shelf), np.bool_)
        for rule in self.of(deed):
            meant |= rule.what.mask(self.shelf)
        return meant

    def without(self, deed: Deed) -> Filter:
        """Terms that leave out what rules of this kind mean."""
        return tuple(Not(rule.what.term(self.shelf)) for rule in self.of(deed))

    def pinned(self, passing: Bools, collapse: bool) -> list[Ranked]:
        """The places of pinned products that pass, in the order of the rules and of their skus."""
        places: list[Ranked] = []
        for sku in (sku for rule in self.of("pin") for sku in rule.what.skus):
            for row in self.shelf.with_sku(sku):
                if passing[row]:
                    product_id = int(self.shelf.ids[row])
                    group = self.shelf.group_of(row) if collapse else product_id
                    place = Ranked(group, 0.0, product_id=product_id, order=len(places), tier=PINNED)
                    places.append(place)
        return merged(places)

    def boosted(self, ranked: Callable[[Filter], Source], where: Filter) -> Source:
        """The ranking under these terms, what is boosted moved up by a share of the first places' spread.

        A product that several rules boost is moved by the strongest.
        """
        plain = ranked(where)
        rules = self.of("boost")
        if not rules:
            return plain
        lifted = [(ranked((*where, rule.what.term(self.shelf))), rule.strength) for rule in rules]

        def source(wanted: int) -> list[Ranked]:
            places = plain(max(wanted, FIRST))
            worth = _spread(places[:FIRST])
            for more, strength in lifted:
                places = places + [each.lifted(strength * worth) for each in more(wanted)]
            return merged(in_order(places))

        return source


def in_front(pinned: Sequence[Ranked], source: Source) -> Source:
    """The pinned places, then the source's without them."""
    here = {each.group for each in pinned}
    if not here:
        return source
    return lambda wanted: [*pinned, *(each for each in source(wanted) if each.group not in here)]


def _spread(places: Sequence[Ranked]) -> float:
    """From the second place, since the first may be named outright, to the last of the first ones."""
    if len(places) < 3:
        return LEAST_SPREAD
    return max(places[1].score - places[-1].score, LEAST_SPREAD)
