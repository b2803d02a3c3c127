"""What a shopper may be about to type: kinds, colours of a kind, brands, titles, popular searches."""

import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Literal

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.identity import keyword
from catalog.operations import QueryLog
from searcher.shelf import Bools, Shelf
from searcher.stock import Stock

Kind = Literal["popular", "category", "brand", "product"]
MOST = 8
LONGEST = 80  # characters that are looked at
RENEW_S = 30.0  # at least between two readings of a shelf that changes
DAYS, ON_DAYS, POPULAR = 30, 3, 500  # a search counts as popular that was made on so many of the last days
_LOOKED_AT = 400  # phrases that begin as typed, the best of which are shown


@dataclass(frozen=True)
class Suggestion:
    """One way to go on typing. `text` is searched as it stands."""

    kind: Kind
    text: str


Shown = Callable[[Suggestion], bool]


@dataclass(frozen=True)
class _Phrase:
    text: str
    kind: Kind
    weight: float


class Phrases:
    """Phrases by how they, or a word in them, begin. Never changes."""

    def __init__(self, phrases: Iterable[_Phrase], titles: Iterable[str] = ()) -> None:
        """`titles` are found by their beginning only: a shop has a hundred thousand of them."""
        self._phrases = list(phrases)
        starts = [(start, n) for n, each in enumerate(self._phrases) for start in _starts(each.text)]
        starts.sort()
        self._starts = [start for start, _ in starts]
        self._places = [n for _, n in starts]
        self._titles = sorted((title.casefold(), title) for title in titles)
        self._folded = [folded for folded, _ in self._titles]

    def beginning(self, typed: str, most: int, shown: Shown = lambda _: True) -> list[Suggestion]:
        """At most `most` of those `shown`, the likeliest first: popular ones and kinds before titles."""
        wanted = " ".join(typed[:LONGEST].split()).casefold()
        if not wanted:
            return []
        places = dict.fromkeys(self._places[at] for at in _span(self._starts, wanted))
        found = sorted((self._phrases[n] for n in places), key=lambda each: (-each.weight, each.text))
        begin = [Suggestion(each.kind, each.text) for each in found]
        begin += [Suggestion("product", self._titles[at][1]) for at in _span(self._folded, wanted)]
        unlike = {each.text.casefold(): each for each in reversed(begin) if each.text.casefold() != wanted}
        return list(islice(filter(shown, reversed(unlike.values())), most))


def _starts(text: str) -> Iterator[str]:
    folded = " ".join(text.casefold().split())
    return (folded[word.start() :] for word in re.finditer(r"\w+", folded))


def _span(ordered: list[str], wanted: str) -> range:
    """Places of what begins so, at most `_LOOKED_AT`."""
    low = bisect_left(ordered, wanted)
    high = bisect_left(ordered, wanted + "\U0010ffff", low)
    return range(low, min(high, low + _LOOKED_AT))


class Suggester:
    """Suggestions of every merchant, from the shelf and from what was searched. Thread-safe."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        stock: Stock,
        hidden: Callable[[int], Bools | None] = lambda _: None,
    ) -> None:
        """`hidden` says of a merchant which variants of the shelf (N,) are not to be found; None: all are."""
        self._sessions, self._stock, self._hidden = sessions, stock, hidden
        self._kept: dict[int, tuple[Shelf, Phrases, float]] = {}

    def suggest(self, merchant_id: int, typed: str, most: int = MOST) -> list[Suggestion]:
        """What may be meant by what is typed so far; nothing for nothing."""
        shelf = self._stock.shelf(merchant_id)
        kept = self._kept.get(merchant_id)
        if kept is None or (kept[0] is not shelf and time.monotonic() - kept[2] > RENEW_S):
            phrases = Phrases([*self._popular(merchant_id), *of_shelf(shelf)], shelf.titles)
            kept = self._kept[merchant_id] = (shelf, phrases, time.monotonic())
        return kept[1].beginning(typed, most, _found_on(shelf, self._hidden(merchant_id)))

    def _popular(self, merchant_id: int) -> Iterator[_Phrase]:
        """Words that found something on several days; what one person looked for is nobody's business."""
        words = func.lower(QueryLog.words)
        days = func.count(func.distinct(func.date(QueryLog.at)))
        with self._sessions() as session:
            lately = QueryLog.at > instant(session) - timedelta(days=DAYS)
            asked = (
                QueryLog.merchant_id == merchant_id,
                lately,
                QueryLog.mode == "words",
                QueryLog.total > 0,
            )
            counted = select(words, func.count()).where(*asked).group_by(words).having(days >= ON_DAYS)
            rows = session.execute(counted.order_by(func.count().desc()).limit(POPULAR)).all()
        return (_Phrase(str(text), "popular", 1e6 + count) for text, count in rows if len(text) <= LONGEST)


def _found_on(shelf: Shelf, hidden: Bools | None) -> Shown:
    """Whether what a suggestion names, a product or a brand, is on the shelf and not hidden."""
    if hidden is None or len(hidden) != len(shelf) or not hidden.any():
        return lambda _: True

    def shown(suggestion: Suggestion) -> bool:
        rows = shelf.with_title(suggestion.text)
        if suggestion.kind == "brand":
            rows = np.flatnonzero(shelf.columns["brand"].having([keyword(suggestion.text)], len(shelf)))
        return not len(rows) or not hidden[rows].all()

    return shown


def of_shelf(shelf: Shelf) -> Iterator[_Phrase]:
    """Brands, kinds, and kinds in the colours and patterns that the shop has, by how many there are."""
    brands = shelf.columns["brand"]
    for code, count in Counter(brands.codes.tolist()).items():
        yield _Phrase(brands.labels[code], "brand", count)
    kinds = shelf.columns["category"]
    leaf = np.full(len(shelf), -1, np.int64)
    leaf[kinds.rows] = kinds.codes  # a row's last value is its nearest category
    names = [label.rsplit(" > ", 1)[-1].lower() for label in kinds.labels]
    for name, count in _counted(names[code] for code in leaf.tolist() if code >= 0):
        yield _Phrase(name, "category", 2.0 * count)
    for field in ("colour", "pattern", "material"):
        column = shelf.columns[field]
        pairs = zip(column.codes.tolist(), leaf[column.rows].tolist(), strict=True)
        said = (f"{column.labels[value].lower()} {names[kind]}" for value, kind in pairs if kind >= 0)
        for text, count in _counted(said):
            yield _Phrase(text, "category", count)


def _counted(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    return iter(Counter(texts).items())
