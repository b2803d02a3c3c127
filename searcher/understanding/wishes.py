"""What its words ask for, applied to a query: as filters what must be, as words what is preferred."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from searcher.filters import Filters
from searcher.query import MAX_WORDS, SearchQuery
from searcher.shelf import Shelf
from searcher.understanding.chips import MODES, Chip, Mode
from searcher.understanding.parse import understand
from searcher.understanding.relative import compared
from searcher.understanding.told import Told, allowed
from searcher.understanding.vocabulary import Synonyms, Vocabulary

_ASKS_FOR_NOTHING = 2**53 - 1  # a price that nothing has: what two limits ask for that exclude each other


@dataclass(frozen=True)
class Wish:
    """One thing understood, and how it counts."""

    chip: Chip
    mode: Mode
    whole: bool = False  # nothing is asked for besides that is not understood


@dataclass(frozen=True)
class Reading:
    """A query as it is searched with, what was understood of its words, and of them what was not.

    `meant` are all of its words without what is denied or switched off, typos put right and synonyms added.
    """

    query: SearchQuery
    wishes: tuple[Wish, ...] = ()
    unread: tuple[str, ...] = ()
    said: int = 0  # words that could ask for something
    meant: str = ""


class Wishes:
    """Reads queries against the vocabulary of a shelf, which is made once a shelf. Thread-safe."""

    def __init__(self, told: Told | None = None) -> None:
        """`told` looks into the products' texts; without it what only they tell of is not demanded."""
        self._told = told
        self._vocabularies: WeakKeyDictionary[Shelf, tuple[Synonyms, Vocabulary]] = WeakKeyDictionary()

    def read(self, query: SearchQuery, shelf: Shelf, synonyms: Synonyms = ()) -> Reading:
        """The query that is searched with, and what was understood of the one that was asked.

        Of each group of the merchant's synonyms the first is added to words that have another of them.
        """
        if not (query.words and query.understand) or _is_name(query.words, shelf):
            return Reading(query, meant=query.words)
        beside = shelf.price_of(query.reference) if query.reference else None
        vocabulary = self._vocabulary(shelf, synonyms)
        read = understand(query.words, vocabulary, query.currency_digits, beside, query.currency)
        chosen = dict(query.choices)
        chips = compared(read.chips, shelf, query.reference, self._told)
        wishes = tuple(Wish(chip, _mode(chip, chosen.get(chip.key)), read.whole) for chip in chips)
        musts = [wish.chip for wish in wishes if wish.mode == "must"]
        words = read.without([wish.chip for wish in wishes if _is_said_otherwise(wish)])
        words = _with_synonyms(words, vocabulary)[:MAX_WORDS]
        filters = self._by_text(narrowed(query.filters, musts), musts, shelf)
        asked = replace(query, words=words, filters=filters)
        unread = tuple(word for word in read.unread if not vocabulary.meant_besides(word))
        meant = read.without([wish.chip for wish in wishes if wish.chip.negated or wish.mode == "off"])
        return Reading(asked, wishes, unread, read.said, _with_synonyms(meant, vocabulary))

    def _by_text(self, filters: Filters, musts: Sequence[Chip], shelf: Shelf) -> Filters:
        """The filters and, besides, what texts must tell of."""
        textual = [chip for chip in musts if chip.textual]
        if not textual or self._told is None:
            return filters
        only, never = allowed(shelf, self._told.holds(shelf, textual))
        return replace(filters, only=only, never=never)

    def _vocabulary(self, shelf: Shelf, synonyms: Synonyms) -> Vocabulary:
        found = self._vocabularies.get(shelf)
        if found is None or found[0] != synonyms:  # two threads may both make it: as good
            found = self._vocabularies[shelf] = (synonyms, Vocabulary.of(shelf, synonyms))
        return found[1]


def _with_synonyms(words: str, vocabulary: Vocabulary) -> str:
    return " ".join((words, *vocabulary.meant_besides(words)))


def _is_name(words: str, shelf: Shelf) -> bool:
    """Whether the words are a SKU or a title: then nothing about them is to be understood otherwise."""
    return bool(len(shelf.with_sku(words)) or len(shelf.with_title(words)))


def _mode(chip: Chip, chosen: str | None) -> Mode:
    if chosen == "must":
        return "must" if chip.filterable else "prefer"
    return next((mode for mode in MODES if mode == chosen), chip.usual)


def _is_said_otherwise(wish: Wish) -> bool:
    """Whether its words would only mislead the model: what is off, denied by a filter, or a figure."""
    figure = wish.chip.meaning.field in ("price", "availability", "size")
    denied = wish.mode == "must" and wish.chip.negated
    return (
        wish.mode == "off" or figure or (denied and not wish.chip.textual)
    )  # pictures show what texts do not tell


def narrowed(filters: Filters, musts: Sequence[Chip]) -> Filters:
    """The shopper's filters and, besides, what must be."""
    also = [_terms(chip) for chip in musts if _is_value(chip)]
    denied = tuple(pair for chip in musts if chip.negated for pair in _pairs(chip))
    low = [chip.low for chip in musts if chip.low is not None]
    high = [chip.high for chip in musts if chip.high is not None]
    low += [filters.price_min] if filters.price_min is not None else []
    high += [filters.price_max] if filters.price_max is not None else []
    price_min, price_max = max(low, default=None), min(high, default=None)
    if price_min is not None and price_max is not None and price_min > price_max:
        price_min = price_max = _ASKS_FOR_NOTHING
    return replace(
        filters, price_min=price_min, price_max=price_max,
        without=(*filters.without, *denied), also=(*filters.also, *_joined(also)),
    )  # fmt: skip


def preferred(wishes: Sequence[Wish]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The facet values that would be nice: (field, values any of which will do).

    None where more is said than is understood: then texts know better than facets ("model 13 linen").
    """
    liked = [each.chip for each in wishes if each.whole and each.mode == "prefer" and _is_value(each.chip)]
    return tuple(_joined([_terms(chip) for chip in liked]))


def _terms(chip: Chip) -> tuple[str, tuple[str, ...]]:
    return chip.meaning.field, chip.meaning.values


def _is_value(chip: Chip) -> bool:
    return not chip.negated and bool(chip.meaning.values)


def _pairs(chip: Chip) -> Iterator[tuple[str, str]]:
    return ((chip.meaning.field, value) for value in chip.meaning.values)


def _joined(also: Sequence[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """ "green or blue": of one field any will do."""
    for field in dict.fromkeys(field for field, _ in also):
        yield field, tuple(dict.fromkeys(value for name, values in also if name == field for value in values))
