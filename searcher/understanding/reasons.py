"""Why a product is a hit: which of the things asked for it has, as far as the shop says."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from catalog.models import Product
from searcher import palette
from searcher.filters import FACET_FIELDS
from searcher.shelf import keywords
from searcher.understanding.chips import UNSAID, WORDS, Chip, Meaning
from searcher.understanding.lexicon import english, text_for
from searcher.understanding.tokens import key, words_of
from searcher.understanding.vocabulary import LONGEST


def reasons(product: Product, chips: Iterable[Chip]) -> tuple[tuple[str, bool | None], ...]:
    """(key of a chip, whether the product is so) for each; None where the shop does not say."""
    said = _Said(product)
    return tuple((chip.key, _holds(chip, said)) for chip in chips)


class _Said:
    """What the shop says of one product; its text is read when first asked for."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self._phrases: dict[str, frozenset[str]] = {}

    def phrases_for(self, field: str) -> frozenset[str]:
        """The keys of the phrases that may tell of a trait."""
        text = text_for(field, f"{self.product.title} . {self.product.description}")
        if text not in self._phrases:
            self._phrases[text] = frozenset(_phrases(words_of(text)))
        return self._phrases[text]


def _phrases(words: tuple[str, ...]) -> Iterator[str]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + LONGEST, len(words) + 1)):
            yield key(words[start:end])


def _holds(chip: Chip, said: _Said) -> bool | None:
    found = _has(chip, said)
    return found if found is None else found != chip.negated


def _has(chip: Chip, said: _Said) -> bool | None:
    meaning, product = chip.meaning, said.product
    if meaning.field == "price":
        return _priced(chip, product)
    if meaning.field in FACET_FIELDS:
        values = keywords(meaning.field, getattr(product, meaning.field))
        return any(value in meaning.values for value in values) if values else None
    if meaning.light is not None:
        light = palette.lightness(product.colour)
        return None if light is None else meaning.light[0] <= light <= meaning.light[1]
    if meaning.field == WORDS:
        return key((meaning.label,)) in said.phrases_for(WORDS) or (None if not chip.negated else False)
    return _told(meaning, said.phrases_for(meaning.field))


def _priced(chip: Chip, product: Product) -> bool | None:
    price = product.price_minor if product.sale_price_minor is None else product.sale_price_minor
    if price is None:
        return None
    return (chip.low is None or price >= chip.low) and (chip.high is None or price <= chip.high)


@lru_cache
def _ways(field: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """(value, the keys of all phrases for it) of one trait."""
    traits = english().traits[field].items()
    return tuple((name, frozenset(key(words_of(way)) for way in ways)) for name, ways in traits)


def _told(meaning: Meaning, phrases: frozenset[str]) -> bool | None:
    """Whether a text tells of a trait; one that names another sleeve says that it is not this one."""
    named = {name for name, ways in _ways(meaning.field) if not phrases.isdisjoint(ways)}
    if named.intersection(meaning.told) or (not named and UNSAID in meaning.told):
        return True
    alone = meaning.field in ("sleeve", "neckline", "length")  # a garment has one of these
    return False if named and alone and meaning.told else None
