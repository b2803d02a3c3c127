"""Whether what is found is what was asked for: where nothing really matches, that is said.

Words match where they are read: understood, or named in a title. A photo matches where the first hits are of
its kind, as the pack sees kinds. Calibrated and measured by `python -m benchmarks.no_match`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from searcher.shelf import Shelf
from searcher.understanding.wishes import Reading

ENOUGH = 0.5  # of the words that could ask for something, read
MOST_UNKNOWN = 6  # words that are looked up in all texts


@dataclass(frozen=True)
class Match:
    """How well the shop answers: `weak` where nothing really matches.

    `strength` is the share of the words that were read, or how far the first hits are of the photo's kind
    (cosine); None where there is nothing to tell it by. `unknown` are words that no product's text has.
    """

    weak: bool = False
    strength: float | None = None
    unknown: tuple[str, ...] = ()


def by_words(reading: Reading, shelf: Shelf, finds: Callable[[str], bool]) -> Match:
    """Of a search by words; `finds` tells whether any text of the shop has a word."""
    if not reading.said:
        return Match()
    strange = [word for word in dict.fromkeys(reading.unread) if not in_titles(word, shelf)]
    strength = 1 - len(strange) / max(reading.said, 1)
    weak = strength < ENOUGH and not _names_kind(reading)
    unknown = tuple(word for word in strange[:MOST_UNKNOWN] if not finds(word))
    return Match(weak, strength, unknown)


def by_photo(kinship: float | None, least: float) -> Match:
    """Of a search by photo, by the kinship of the photo and the first hits; `least` is the pack's."""
    return Match() if kinship is None else Match(kinship < least, kinship)


def asks_for_another_kind(reading: Reading) -> bool:
    """Whether the words lead away from the photo's kind ("as a skirt"): then its kind tells nothing."""
    return _names_kind(reading)


def _names_kind(reading: Reading) -> bool:
    chips: Sequence[str] = [wish.chip.meaning.field for wish in reading.wishes if wish.mode != "off"]
    return "category" in chips


def in_titles(word: str, shelf: Shelf) -> bool:
    """Whether a title in the shop has the word, in the singular or the plural."""
    return not shelf.title_words.isdisjoint((word, word.removesuffix("s"), f"{word}s"))
