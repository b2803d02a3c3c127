"""Typos: a word that is no word of English, and nearly one that the shop uses."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler
from spellchecker import SpellChecker

from searcher.understanding.tokens import stem

SHORTEST = 3


@lru_cache(maxsize=1)
def _english() -> SpellChecker:
    """160,000 words with their frequency; half a second and some 30 MB, once a process."""
    return SpellChecker(language="en", distance=1)


def is_english(word: str) -> bool:
    """Whether people write this word on purpose."""
    return word in _english()


def warm() -> None:
    """Load the list of words now rather than at the first search."""
    _english()


class Spelling:
    """Finds the word that was meant, among those that are understood. Thread-safe."""

    def __init__(self, words: Iterable[str], names: Iterable[str] = ()) -> None:
        """`words` may be meant; `names` are right as they are."""
        self._words = sorted({word for word in words if word.isalpha() and len(word) >= SHORTEST})
        self._known = frozenset((*self._words, *names))

    def meant(self, word: str) -> str | None:
        """The one nearest word, None where the word is right or nothing is clearly nearest.

        One slip (a letter too few, too many, wrong, or two swapped: optimal string alignment) up to six
        letters, two in longer words; of three letters only two that are swapped.
        """
        if len(word) < SHORTEST or not word.isalpha() or word in self._known or is_english(word):
            return None
        most = 1 if len(word) <= 6 else 2
        near = process.extract(word, self._words, scorer=OSA.distance, score_cutoff=most, limit=8)
        likely = [
            _Guess(int(far), word[0] != each[0], -JaroWinkler.similarity(word, each), each)
            for each, far, _ in near
        ]
        likely = sorted(each for each in likely if _possible(word, each.word))
        return likely[0].word if likely and _clear(likely) else None


class _Guess(NamedTuple):
    """A word that may be meant; the smallest is the likeliest."""

    slips: int
    other_start: bool
    unlike: float
    word: str


def _clear(guesses: Sequence[_Guess]) -> bool:
    """Whether the best guess stands out, or the next best is the same word in another form."""
    if len(guesses) < 2:
        return True
    best, other = guesses[:2]
    return best[:2] != other[:2] or other.unlike - best.unlike > 0.02 or stem(best.word) == stem(other.word)


def _possible(typed: str, meant: str) -> bool:
    """Short words differ by one slip from too many others: there only a swap counts."""
    return len(typed) > SHORTEST or sorted(typed) == sorted(meant)
