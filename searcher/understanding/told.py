"""What products' own texts tell of: which have long sleeves, a hood, or a word, as masks over a shelf.

The index has no field for this. The texts are read from SQL when a shopper first asks for a trait, and what
was found is kept as long as the shelf is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.models import Product
from searcher import palette
from searcher.shelf import Bools, Shelf
from searcher.understanding.chips import UNSAID, WORDS, Chip, Meaning
from searcher.understanding.lexicon import english, text_for
from searcher.understanding.tokens import key, words_of
from searcher.understanding.vocabulary import LONGEST

_BITE = 2000  # texts that are read at a time
_ROOT = 4  # letters that all forms of a word begin with
_BEFORE = 60  # letters that are looked at before the last word of a phrase
Masks = Mapping[str, Bools]  # value -> (N,)
Ways = Mapping[str, Iterable[tuple[str, ...]]]  # value -> phrases that tell of it, in words


class Told:
    """Masks of traits and of words, made when they are asked for. Thread-safe."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._kept: WeakKeyDictionary[Shelf, dict[tuple[str, str], Masks]] = WeakKeyDictionary()
        self._light: WeakKeyDictionary[Shelf, NDArray[np.float64]] = WeakKeyDictionary()
        self._guard = Lock()

    def holds(self, shelf: Shelf, chips: Iterable[Chip]) -> Bools:
        """(N,) the variants that are so for each of the chips: have it, or have it not where it is denied."""
        passing = np.ones(len(shelf), np.bool_)
        for chip in chips:
            passing &= self.has(shelf, chip.meaning) != chip.negated
        return passing

    def has(self, shelf: Shelf, meaning: Meaning) -> Bools:
        """(N,) the variants whose texts tell of one of a trait's values, or hold the word."""
        if meaning.light is not None:
            low, high = meaning.light
            return (self.lightness(shelf) >= low) & (self.lightness(shelf) <= high)  # NaN is neither
        if meaning.field == WORDS:
            return self._masks(shelf, WORDS, meaning.label)[meaning.label]
        masks = self._masks(shelf, meaning.field)
        found = np.zeros(len(shelf), np.bool_)
        for value in meaning.told:
            found |= ~np.any(list(masks.values()), axis=0) if value == UNSAID else masks[value]
        return found

    def lightness(self, shelf: Shelf) -> NDArray[np.float64]:
        """(N,) how light each variant's colour looks, CIE L*, the mean of its parts; NaN for unknown ones."""
        with self._guard:
            if shelf not in self._light:
                self._light[shelf] = _lightness(shelf)
            return self._light[shelf]

    def said(self, shelf: Shelf, row: int, field: str) -> frozenset[str]:
        """The values of a trait that the text of one variant tells of."""
        return frozenset(value for value, mask in self._masks(shelf, field).items() if mask[row])

    def _masks(self, shelf: Shelf, field: str, word: str = "") -> Masks:
        with self._guard:
            kept = self._kept.setdefault(shelf, {})
            if (field, word) not in kept:
                kept[field, word] = self._read(shelf, field, {word: [(word,)]} if word else _ways(field))
            return kept[field, word]

    def _read(self, shelf: Shelf, field: str, ways: Ways) -> Masks:
        """Look through every text once."""
        pattern = _ending([words[-1] for its in ways.values() for words in its])
        meant = {key(words): value for value, its in ways.items() for words in its}
        found = {value: np.zeros(len(shelf), np.bool_) for value in ways}
        mine = (Product.merchant_id == shelf.merchant_id, Product.deleted_at.is_(None))
        texts = select(Product.id, Product.title, Product.description).where(*mine)
        with self._sessions() as session:
            for product_id, title, description in session.execute(texts.execution_options(yield_per=_BITE)):
                row = shelf.row_of_id(product_id)
                text = text_for(field, f"{title} . {description}")
                for phrase in _phrases(pattern, text) if len(row) else ():
                    if phrase in meant:
                        found[meant[phrase]][row[0]] = True
        return found


def _lightness(shelf: Shelf) -> NDArray[np.float64]:
    column = shelf.columns["colour"]
    known = np.array([palette.lightness(label) for label in column.labels], np.float64)  # None is NaN
    each = known[column.codes] if len(known) else np.zeros(0)
    there = ~np.isnan(each)
    total = np.bincount(column.rows[there], each[there], len(shelf))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.bincount(column.rows[there], minlength=len(shelf)), np.float64)


def _phrases(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """The keys of the phrases in a text that end like one that is looked for."""
    for found in pattern.finditer(text):
        start = max(0, found.start() - _BEFORE)
        words = words_of(text[start : found.end()])[-LONGEST:]
        yield from (key(words[at:]) for at in range(len(words)))


@lru_cache
def _ways(field: str) -> dict[str, list[tuple[str, ...]]]:
    """Each value of a trait with the phrases for it."""
    return {value: [words_of(way) for way in ways] for value, ways in english().traits[field].items()}


def _ending(words: Iterable[str]) -> re.Pattern[str]:
    """Every word that holds the root of one of these: "longsleeved" holds that of "sleeves"."""
    roots = "|".join(sorted({re.escape(word[:_ROOT]) for word in words}))
    return re.compile(rf"\b\w*(?:{roots})\w*", re.IGNORECASE)


def allowed(shelf: Shelf, passing: Bools) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """(ids of variants that alone may be found, ids that may not): the shorter list of the two says it."""
    if 2 * int(passing.sum()) <= len(shelf):
        return tuple(shelf.ids[passing].tolist()), ()
    return None, tuple(shelf.ids[~passing].tolist())
