"""The phrases that one shop understands: its own facet values, their other names, and what texts tell of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from searcher.shelf import Shelf
from searcher.understanding.chips import Meaning
from searcher.understanding.lexicon import english
from searcher.understanding.spelling import Spelling, is_english
from searcher.understanding.tokens import key, words_of

LONGEST = 5  # words of a phrase
Synonyms = Sequence[tuple[str, ...]]  # the first of each group is what the shop says
Values = Mapping[str, Mapping[str, str]]  # field -> {the index's value: as the merchant writes it}
_PRICED = (
    "under", "below", "between", "over", "above", "than", "most", "least", "dollars", "euros", "pounds",
    "cheaper", "expensive", "affordable", "pricier",
)  # fmt: skip
_ORDER = ("brand", "category", "material", "pattern", "colour")  # what claims a phrase last has it


class Vocabulary:
    """Phrase -> meaning. Never changes; made anew with the shelf."""

    def __init__(self, values: Values, names: Iterable[str] = (), synonyms: Synonyms = ()) -> None:
        """`names` are words that the shop uses besides: no typos of anything."""
        self._phrases: dict[str, Meaning] = {}
        self._besides: dict[str, str] = {}
        self._spoken: set[str] = set()
        for field, traits in english().traits.items():
            for value, phrases in traits.items():
                self._add(phrases, Meaning(field, (), value, told=(value,)))
        for field in _ORDER:
            self._add_field(field, values.get(field, {}))
        for field, told in english().told.items():
            for value, phrases in told.items():
                if value in values.get(field, {}):
                    self._add(phrases, Meaning(field, (value,), value))
        for group in synonyms:
            self._add_synonyms(group)
        self._sizes = {
            key(words_of(label)): Meaning("size", (value,), label)
            for value, label in values.get("size", {}).items()
        }
        small = (word for words in english().negations for word in words)
        self.spelling = Spelling((*self._spoken, *small, *english().fillers, *_PRICED), names)

    @classmethod
    def of(cls, shelf: Shelf, synonyms: Synonyms = ()) -> "Vocabulary":
        """What the shelf's facets hold, and the merchant's synonyms."""
        columns = shelf.columns.items()
        values = {name: dict(zip(each.values, each.labels, strict=True)) for name, each in columns}
        return cls(values, shelf.title_words, synonyms)

    def find(self, words: Sequence[str]) -> Meaning | None:
        """What these words together stand for."""
        return self._phrases.get(key(words))

    def size(self, word: str) -> Meaning | None:
        """The size of this name."""
        return self._sizes.get(key((word,)))

    def ordinary(self, meaning: Meaning, words: Sequence[str]) -> bool:
        """Whether this brand's name is also a word of the language ("Gap", "Next"): it must stand out."""
        return meaning.field == "brand" and len(words) == 1 and is_english(words[0])

    def meant_besides(self, words: str) -> list[str]:
        """What the shop says for the merchant's synonyms among these words, as far as they do not say it."""
        if not self._besides:
            return []
        said = words_of(words)
        phrases = [said[at : at + n] for at in range(len(said)) for n in range(1, LONGEST + 1)]
        here = dict.fromkeys(map(key, phrases))
        meant = dict.fromkeys(self._besides[phrase] for phrase in here if phrase in self._besides)
        return [each for each in meant if key(words_of(each)) not in here]

    def _add_synonyms(self, group: Sequence[str]) -> None:
        """The others of a group mean what the first does, a facet's value or just its words."""
        first, *others = group
        meaning = self.find(words_of(first))
        if meaning is not None:
            self._add(others, meaning)
        self._speak(group)
        self._besides |= {key(words_of(each)): first for each in others}

    def _add_field(self, field: str, values: Mapping[str, str]) -> None:
        names = _names(field, values)
        for phrase, (its, label) in names.items():
            self._add([phrase], Meaning(field, its, label))
        for group in english().same.get(field, []):
            had = next((names[name] for name in map(_plain, group) if name in names), None)
            if had is not None:
                here = self._phrases_of(field)
                self._add([name for name in group if key(words_of(name)) not in here], Meaning(field, *had))
                self._speak(group)

    def _phrases_of(self, field: str) -> set[str]:
        return {phrase for phrase, meaning in self._phrases.items() if meaning.field == field}

    def _add(self, phrases: Sequence[str], meaning: Meaning) -> None:
        for phrase in phrases:
            if words := words_of(phrase):
                self._phrases[key(words)] = meaning
        self._speak(phrases)

    def _speak(self, phrases: Iterable[str]) -> None:
        """Take the words of phrases for words that are no typos, also written as one."""
        for words in map(words_of, phrases):
            self._spoken.update((*words, "".join(words)))


def _names(field: str, values: Mapping[str, str]) -> dict[str, tuple[tuple[str, ...], str]]:
    """Phrase -> (values, label): each value's own name, and the last word of longer ones.

    "Blue" asks for "Sky Blue" too; "shirt" for "Casual Shirts" only where a shop has no plain shirts.
    """
    exact: dict[str, list[str]] = {}
    tails: dict[str, list[str]] = {}
    labels: dict[str, str] = {}
    for value, label in values.items():
        name = label.split(" > ")[-1] if field == "category" else label
        plain = _plain(name)
        exact.setdefault(plain, []).append(value)
        labels.setdefault(plain, name)
        for tail in _tails(field, plain):
            tails.setdefault(tail, []).append(value)
            labels.setdefault(tail, tail.capitalize())
    found = {name: tuple(its) for name, its in exact.items()}
    for name, its in tails.items():
        if name not in exact:
            found[name] = tuple(its)
        elif field in ("colour", "material"):
            found[name] += tuple(its)
    return {name: (its, labels[name]) for name, its in found.items() if name}


def _tails(field: str, plain: str) -> Iterator[str]:
    """The shorter names by which a value of several words is asked for."""
    words = plain.split()
    if len(words) < 2:
        return
    if field in ("colour", "category"):
        yield words[-1]
    elif field == "material":
        yield from words


def _plain(name: str) -> str:
    return " ".join(words_of(name))
