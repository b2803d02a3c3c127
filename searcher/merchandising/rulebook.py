"""What a rulebook says: synonyms, and rules that pin, boost, bury or hide products where they hold."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from catalog.identity import group_key, keyword
from searcher.filters import Filters
from searcher.query import SearchQuery
from searcher.shelf import Bools, Shelf
from searcher.understanding.tokens import key, words_of
from vectors.protocol import AnyOf, Every, Term

Deed = Literal["pin", "boost", "bury", "hide"]
DEEDS: tuple[Deed, ...] = ("pin", "boost", "bury", "hide")
ASKED = ("browse", "words", "photo", "photo+words")
T = TypeVar("T")
KEPT = 64  # things that are kept of one shelf: at 100,000 variants 6 to 50 MB
STRENGTH = 0.5  # of the way from the 24th place to the second


@dataclass(frozen=True)
class What:
    """Products: those of the skus, each with all its variants, and of them those that the filters leave."""

    filters: Filters = field(default_factory=Filters)
    skus: tuple[str, ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether it says more than skus."""
        return self.filters != Filters()

    def mask(self, shelf: Shelf) -> Bools:
        """(N,) the variants that are meant."""
        passing = shelf.mask(self.filters)
        if not self.skus:
            return passing
        rows = np.concatenate([shelf.with_sku(sku) for sku in self.skus])
        return passing & np.isin(shelf.groups, shelf.groups[rows])

    def term(self, shelf: Shelf) -> Term:
        """The same for the index."""
        terms: list[Term] = list(self.filters.terms())
        if self.skus:
            rows = np.concatenate([shelf.with_sku(sku) for sku in self.skus])
            names = sorted({shelf.group_names[shelf.groups[row]] for row in rows})
            terms.append(AnyOf("group", tuple(group_key(shelf.merchant_id, name) for name in names)))
        return Every(tuple(terms))


@dataclass(frozen=True)
class When:
    """The searches that a rule is for: all that is given must hold; nothing given means every search.

    `words` must all be among the words meant, in any order and number ("dress" holds for "red dresses").
    Of each of the `filters`, (field, values), one value must be chosen; a category also by one below it.
    `asked` are ways to search; `like` the items that a search may start from.
    """

    words: str = ""
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    asked: tuple[str, ...] = ()
    like: tuple[str, ...] = ()

    def holds(self, search: "Search") -> bool:
        """Whether it is for this search."""
        query = search.query
        if self.asked and query.mode not in self.asked:
            return False
        if self.like and (query.reference or "").casefold() not in map(str.casefold, self.like):
            return False
        if not self._keys <= search.said:
            return False
        return all(_chosen(query.filters, field, values) for field, values in self.filters)

    @property
    def always(self) -> bool:
        """Whether it is for every search."""
        return self == When()

    @cached_property
    def _keys(self) -> frozenset[str]:
        return _keys(self.words)


@dataclass(frozen=True)
class Search:
    """What rules look at: the query as asked, but its filters with what its words demand; the words meant."""

    query: SearchQuery
    meant: str

    @cached_property
    def said(self) -> frozenset[str]:
        """Its words, as they are compared."""
        return _keys(self.meant)


@dataclass(frozen=True)
class Rule:
    """One deed on some products, in some searches, for some time: from `starts`, and before `ends`."""

    name: str
    deed: Deed
    what: What
    when: When = field(default_factory=When)
    strength: float = STRENGTH
    starts: datetime | None = None
    ends: datetime | None = None
    on: bool = True

    def acts(self, search: Search, at: datetime) -> bool:
        """Whether it acts on this search at this instant."""
        return self.in_force(at) and self.when.holds(search)

    def in_force(self, at: datetime) -> bool:
        """Whether it is switched on and its time is now."""
        begun = self.starts is None or self.starts <= at
        return self.on and begun and (self.ends is None or at < self.ends)


@dataclass(frozen=True)
class Rulebook:
    """One version. Of each group of synonyms the first is what the shop says, the others mean the same."""

    version: int = 0
    rules: tuple[Rule, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    _kept: "WeakKeyDictionary[Shelf, dict[Hashable, Any]]" = field(
        init=False, compare=False, repr=False, default_factory=WeakKeyDictionary
    )

    def kept(self, shelf: Shelf, key: Hashable, make: Callable[[], T]) -> T:
        """What was made of this shelf under this key, so that only a first search pays. Thread-safe."""
        here = self._kept.setdefault(shelf, {})
        found = here.get(key)
        if found is None:  # two threads may both make it: as good
            if len(here) >= KEPT:
                here.clear()
            found = here[key] = make()
        return found


def _keys(words: str) -> frozenset[str]:
    return frozenset(key((word,)) for word in words_of(words))


def _chosen(filters: Filters, field: str, values: tuple[str, ...]) -> bool:
    here = [*filters.values(field), *(each for name, its in filters.also if name == field for each in its)]
    wanted = [keyword(value) for value in values]
    return any(each == value or each.startswith(f"{value} > ") for each in here for value in wanted)
