"""The rules that act on one search, applied to its ranking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from catalog.identity import group_id
from searcher.merchandising.rulebook import Deed, Rule, Rulebook, Search, What
from searcher.ranked import Ranked, Source, in_order
from searcher.ranking import RRF, merged
from searcher.shelf import Bools, Ints, Shelf
from vectors.protocol import Every, Filter, Not, Term

FIRST = 24  # places whose spread says how much a boost is worth
LEAST_SPREAD = 0.02  # where all of them are alike
FUSED_SPREAD = 2 / (RRF + 2) - 2 / (RRF + FIRST)  # of places that words and meaning agree about
PINNED = -2  # the tier before all others
BOOSTED = -1  # … and behind it, where nothing ranks


@dataclass(frozen=True, eq=False)
class Acting:
    """Rules of a book, those that act, and the shelf they act on."""

    rules: tuple[Rule, ...]
    shelf: Shelf
    book: Rulebook

    @classmethod
    def on(cls, rulebook: Rulebook, search: Search, shelf: Shelf, at: datetime) -> "Acting":
        """Those of the rulebook that act on this search at this instant."""
        return cls(tuple(rule for rule in rulebook.rules if rule.acts(search, at)), shelf, rulebook)

    @classmethod
    def everywhere(cls, rulebook: Rulebook, shelf: Shelf, at: datetime) -> "Acting":
        """What acts on lists that nobody asked for with a search: what is always hidden."""
        rules = (each for each in rulebook.rules if each.deed == "hide" and each.when.always)
        return cls(tuple(rule for rule in rules if rule.in_force(at)), shelf, rulebook)

    def of(self, deed: Deed) -> tuple[Rule, ...]:
        """Those of one kind, in the rulebook's order."""
        return tuple(rule for rule in self.rules if rule.deed == deed)

    def mask(self, deed: Deed) -> Bools:
        """(N,) the variants that are meant by any rule of this kind. Not to be written to."""
        rules = self.of(deed)

        def made() -> Bools:
            meant = np.zeros(len(self.shelf), np.bool_)
            for rule in rules:
                meant |= rule.what.mask(self.shelf)
            return meant

        return self.book.kept(self.shelf, ("mask", *map(id, rules)), made)

    def without(self, deed: Deed) -> Filter:
        """Terms that leave out what rules of this kind mean."""
        rules = self.of(deed)
        return self.book.kept(
            self.shelf, ("without", *map(id, rules)), lambda: tuple(map(Not, self._terms(rules)))
        )

    def pinned(self, passing: Bools, collapse: bool) -> list[Ranked]:
        """The places of pinned products that pass, in the order of the rules and of their skus.

        A product whose named variant does not pass is shown by another of it that does.
        """
        places: list[Ranked] = []
        for rule in self.of("pin"):
            meant = passing & rule.what.mask(self.shelf) if rule.what.filtered else passing
            for sku in rule.what.skus:
                for row in self._shown(sku, meant, collapse):
                    product_id = int(self.shelf.ids[row])
                    group = self.shelf.group_of(row) if collapse else product_id
                    place = Ranked(group, 0.0, product_id=product_id, order=len(places), tier=PINNED)
                    places.append(place)
        return merged(places)

    def boosted(self, ranked: Callable[[Filter], Source], where: Filter) -> Source:
        """The ranking under these terms, what is boosted moved up by a share of the first places' spread.

        For scores that say the same under any terms, as a cosine does. What is boosted is looked for once
        for each strength, so that nothing is missed however far down it stood; the strongest rule counts.
        """
        plain = ranked(where)
        looks = [(ranked((*where, term)), strength) for strength, term in self._by_strength()]
        if not looks:
            return plain

        def source(wanted: int) -> list[Ranked]:
            places = plain(max(wanted, FIRST))
            worth, all_there_is = _spread(places[:FIRST]), len(places) < wanted
            for look, strength in looks:
                places = places + [each.plus("boost", strength * worth) for each in look(wanted)]
            found = merged(in_order(places))
            return found if all_there_is else found[:wanted]

        return source

    def lifted(self, plain: Source, passing: Bools) -> Source:
        """The same for fused ranks, which say something only beside each other.

        Nothing is looked for again: what the ranking has not given is worse by far more than any lift, and
        so is what is not named outright, or has not all that was asked for, beside what is. A product rises
        with any of its variants that pass.
        """
        if not self.of("boost"):
            return plain
        lifts = np.where(passing, self._strengths(), 0.0) * FUSED_SPREAD

        def source(wanted: int) -> list[Ranked]:
            moved = ((each, self._lift(each, lifts)) for each in plain(wanted))
            return in_order([each.plus("boost", by) if by else each for each, by in moved])

        return source

    def _shown(self, sku: str, meant: Bools, collapse: bool) -> Ints:
        """The rows by which a pinned sku is shown."""
        named = self.shelf.with_sku(sku)
        here = named[meant[named]]
        if len(here) or not len(named) or not collapse:
            return here
        family = self.shelf.rows_of_group(self.shelf.group_names[self.shelf.groups[named[0]]])
        return family[meant[family]][:1]

    def _strengths(self) -> NDArray[np.float64]:
        """(N,) how strongly each variant is boosted; 0 where it is not."""
        rules = self.of("boost")

        def made() -> NDArray[np.float64]:
            strengths = np.zeros(len(self.shelf))
            for rule in rules:
                np.maximum(strengths, rule.strength, out=strengths, where=rule.what.mask(self.shelf))
            return strengths

        return self.book.kept(self.shelf, ("strengths", *map(id, rules)), made)

    def _lift(self, place: Ranked, lifts: NDArray[np.float64]) -> float:
        """Of what stands there: that of a product's strongest variant, or of the one variant."""
        if isinstance(place.group, str):
            rows = self.shelf.rows_of_group(group_id(place.group))
        else:
            rows = self.shelf.row_of_id(place.group)
        return float(lifts[rows].max(initial=0.0))

    def _by_strength(self) -> list[tuple[float, Term]]:
        """What the boosts of each strength mean, as one term."""
        rules = self.of("boost")

        def made() -> list[tuple[float, Term]]:
            strengths = {rule.strength for rule in rules}
            alike = {each: [rule for rule in rules if rule.strength == each] for each in strengths}
            return [(strength, _any_of(self._terms(its))) for strength, its in alike.items()]

        return self.book.kept(self.shelf, ("by strength", *map(id, rules)), made)

    def _terms(self, rules: Sequence[Rule]) -> list[Term]:
        """What any of the rules means, in as few terms as may be: those of skus alone are one."""
        whats = [rule.what for rule in rules if rule.what.filtered]
        if skus := tuple(sku for rule in rules if not rule.what.filtered for sku in rule.what.skus):
            whats.append(What(skus=skus))
        return [what.term(self.shelf) for what in whats]


def in_front(pinned: Sequence[Ranked], source: Source) -> Source:
    """The pinned places, then the source's without them."""
    here = {each.group for each in pinned}
    if not here:
        return source
    return lambda wanted: [*pinned, *(each for each in source(wanted) if each.group not in here)]


def _any_of(terms: Sequence[Term]) -> Term:
    return terms[0] if len(terms) == 1 else Not(Every(tuple(map(Not, terms))))


def _spread(places: Sequence[Ranked]) -> float:
    """From the second place, since the first may be named outright, to the last of the first ones."""
    if len(places) < 3:
        return LEAST_SPREAD
    return max(places[1].score - places[-1].score, LEAST_SPREAD)
