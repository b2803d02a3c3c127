"""A request in words -> what was understood of it, nothing guessed: what is not recognised stays words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from searcher.understanding.chips import WORDS, Chip, Meaning
from searcher.understanding.lexicon import english
from searcher.understanding.prices import prices
from searcher.understanding.tokens import Token, tokenise
from searcher.understanding.vocabulary import LONGEST, Vocabulary

_NAMES_WHAT_FOLLOWS = frozenset(("without", "sans"))
_POINTING = frozenset(("the", "that", "those", "these", "any"))
_SURE_SIZES = frozenset(("xxs", "xs", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl"))


@dataclass(frozen=True)
class _Found:
    """A meaning with its tokens, [first, last); `cue` is where the "not" before it begins."""

    meaning: Meaning
    first: int
    last: int
    cue: int | None = None


@dataclass(frozen=True)
class Understanding:
    """The chips of a request, in its order, and the request with its typos put right.

    `unread` are the words, folded, that could ask for something and are not understood; `said` is how many
    words could ask for something.
    """

    words: str
    chips: tuple[Chip, ...] = ()
    repairs: tuple[tuple[int, int, str], ...] = ()  # (start, end, what is meant there)
    unread: tuple[str, ...] = ()
    said: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing was said that is not understood."""
        return not self.unread

    def without(self, chips: Iterable[Chip]) -> str:
        """The request with typos put right and without what these chips stand for."""
        cuts = [(chip.start, chip.end, "") for chip in chips]
        cuts += [each for each in self.repairs if not any(a <= each[0] < b for a, b, _ in cuts)]
        text = self.words
        for start, end, instead in sorted(cuts, reverse=True):
            text = text[:start] + instead + text[end:]
        return " ".join(text.split()).strip(" ,;")


def understand(
    words: str, vocabulary: Vocabulary, digits: int = 2, beside: int | None = None, currency: str = ""
) -> Understanding:
    """What is recognised in a request; `digits`, `beside` and `currency` as of `prices`."""
    spelled = [_corrected(words, each, vocabulary) for each in tokenise(words)]
    priced = _prices(words, spelled, digits, beside, currency)
    taken = [(chip.start, chip.end) for chip in priced]
    tokens = [each for each in spelled if not _inside(each, taken)]
    found = _negated(tokens, _heads(_matches(tokens, vocabulary)))
    chips = [*priced, *(_chip(each, tokens) for each in found)]
    firsts = {chip.key: chip for chip in sorted(chips, key=lambda each: -each.start)}
    repairs = tuple((each.start, each.end, each.word) for each in spelled if each.typed)
    asking = _asking(spelled)
    spans = [(chip.start, chip.end) for chip in chips]
    unread = tuple(each.word for each in asking if not _inside(each, spans))
    return Understanding(words, _agreed(tuple(firsts.values())[::-1]), repairs, unread, len(asking))


def _prices(
    words: str, spelled: Sequence[Token], digits: int, beside: int | None, currency: str
) -> list[Chip]:
    """The prices in the words, their typos put right ("udner 50"), at their places in what was typed."""
    text, places = "", list[int]()
    at = 0
    for each in (token for token in spelled if token.typed):
        text += words[at : each.start] + each.word
        places += [*range(at, each.start), *([each.start] * len(each.word))]
        at = each.end
    text, places = text + words[at:], [*places, *range(at, len(words) + 1)]
    found = prices(text, digits, beside, currency)
    return [replace(chip, start=places[chip.start], end=places[chip.end - 1] + 1) for chip in found]


def _agreed(chips: tuple[Chip, ...]) -> tuple[Chip, ...]:
    """ "I am allergic to wool, so not wool": what is denied anywhere is not asked for elsewhere."""
    denied = {chip.key.removeprefix("-") for chip in chips if chip.negated}
    return tuple(chip for chip in chips if chip.negated or chip.key not in denied)


def _asking(tokens: Sequence[Token]) -> list[Token]:
    """The words that could ask for something."""
    language = english()
    little = language.fillers | language.courtesies | {word for words in language.negations for word in words}
    return [each for each in tokens if not (each.sign or each.word in little)]


def _inside(token: Token, taken: Sequence[tuple[int, int]]) -> bool:
    return any(start <= token.start < end for start, end in taken)


def _corrected(words: str, token: Token, vocabulary: Vocabulary) -> Token:
    if token.sign or _less(token.word, vocabulary):
        return token
    meant = vocabulary.spelling.meant(token.word)
    return token if meant is None else replace(token, word=meant, typed=words[token.start : token.end])


def _less(word: str, vocabulary: Vocabulary) -> Meaning | None:
    """The detail that a "collarless" piece is without."""
    found = vocabulary.find((word.removesuffix("less"),)) if word.endswith("less") else None
    return found if found and found.field == "detail" else None


def _matches(tokens: Sequence[Token], vocabulary: Vocabulary) -> list[_Found]:
    """The longest phrases from left to right, none twice."""
    found: list[_Found] = []
    at = 0
    while at < len(tokens):
        best = next((f for n in range(LONGEST, 0, -1) if (f := _match(tokens, at, n, vocabulary))), None)
        if best is not None:
            found.append(best)
        at = best.last if best else at + 1
    return found


def _match(tokens: Sequence[Token], at: int, count: int, vocabulary: Vocabulary) -> _Found | None:
    some = tokens[at : at + count]
    if (
        len(some) < count
        or any(each.sign and each.word not in "&/" for each in some)
        or some[0].sign
        or some[-1].sign
    ):
        return None
    if count > 1 and some[-1].possessive:  # "for my sister's wedding" is not for her to wear
        return None
    words = ["and" if each.word == "&" else each.word for each in some if each.word != "/"]
    meaning = vocabulary.find(words) or (_size(tokens, at, vocabulary) if count == 1 else None)
    if meaning is None and count == 1 and (without := _less(words[0], vocabulary)):
        return _Found(without, at, at + 1, cue=at)
    if meaning is None or vocabulary.ordinary(meaning, words):
        return None
    return _Found(meaning, at, at + count)


def _size(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> Meaning | None:
    """Sizes are letters and numbers of everyday: they count behind "size", or where nothing else is meant."""
    before = tokens[at - 1].word if at else ""
    if before in ("size", "sizes") or tokens[at].word in _SURE_SIZES:
        return vocabulary.size(tokens[at].word)
    return None


def _heads(found: list[_Found]) -> list[_Found]:
    """Of kinds side by side the last is meant: a shirt dress is a dress, a T-shirt dress too."""
    behind = [*found[1:], None]
    return [each for each, after in zip(found, behind, strict=False) if not _leads(each, after)]


def _leads(each: _Found, after: _Found | None) -> bool:
    if after is None or after.first != each.last:
        return False
    return each.meaning.field == after.meaning.field == "category"


def _negated(tokens: Sequence[Token], found: list[_Found]) -> list[_Found]:
    """Mark what stands behind a "not"; add what "without" names and the shop has no word for."""
    starts = {each.first: number for number, each in enumerate(found)}
    inside = {at for each in found for at in range(each.first, each.last)}
    cues: dict[int, int] = {}  # number of what is denied -> where its "not" begins
    unknown: list[_Found] = []
    at = 0
    while at < len(tokens):
        length = 0 if at in inside else _cue(tokens, at)
        if length:
            reached = _reach(tokens, at + length, starts, found)
            cues |= {number: found[number].first if n else at for n, number in enumerate(reached)}
            if not reached and tokens[at].word in _NAMES_WHAT_FOLLOWS:
                unknown += _unknown(tokens, at, at + length, inside)
        at += length or 1
    marked = (replace(each, cue=cues.get(number, each.cue)) for number, each in enumerate(found))
    return sorted([*marked, *unknown], key=lambda each: each.first)


def _cue(tokens: Sequence[Token], at: int) -> int:
    """How many tokens of a negation begin here."""
    for words in english().negations:
        if tuple(each.word for each in tokens[at : at + len(words)]) == words:
            return len(words)
    return 0


def _reach(tokens: Sequence[Token], at: int, starts: dict[int, int], found: list[_Found]) -> list[int]:
    """The numbers of what a negation that ends before `at` denies: a first thing, and its equals in a list.

    "not blue, red" asks for red; "not blue, red or green" for none of them.
    """
    number = _next(tokens, at, starts)
    if number is None:
        return []
    chain, commas = [number], []
    while (following := _linked(tokens, found[chain[-1]], starts)) is not None:
        link, number = following
        if found[number].meaning.field != found[chain[0]].meaning.field:
            break
        commas.append(link == ",")
        chain.append(number)
    if commas and all(commas):
        return chain[:1]
    return chain


def _next(tokens: Sequence[Token], at: int, starts: dict[int, int]) -> int | None:
    """The thing found that begins at `at`, words that say nothing passed over."""
    pointed = False  # "that itchy wool": behind such a word one that says nothing here may stand
    for place in range(at, min(at + 5, len(tokens))):
        if place in starts:
            return starts[place]
        if tokens[place].word not in english().fillers and not pointed:
            return None
        pointed = tokens[place].word in _POINTING
    return None


def _linked(tokens: Sequence[Token], last: _Found, starts: dict[int, int]) -> tuple[str, int] | None:
    """What is joined to the thing before by "or", "and" or a comma: (the link, its number)."""
    at = last.last
    while at < len(tokens) and tokens[at].word in ("print", "prints", "pattern", "colour", "color"):
        at += 1
    links = []
    while at < len(tokens) and tokens[at].word in english().links:
        links.append(tokens[at].word)
        at += 1
    if not links:
        return None
    if at in starts:
        return links[-1], starts[at]
    return None


def _unknown(tokens: Sequence[Token], cue: int, at: int, inside: set[int]) -> list[_Found]:
    """ "without feathers": the noun itself, that pictures and texts may know."""
    for place in range(at, min(at + 3, len(tokens))):
        word = tokens[place].word
        if place in inside or tokens[place].sign:
            return []
        if word not in english().fillers and len(word) > 2:
            return [_Found(Meaning(WORDS, (), word), place, place + 1, cue)]
    return []


def _chip(found: _Found, tokens: Sequence[Token]) -> Chip:
    some = tokens[found.first : found.last]
    typed = " ".join(each.typed or each.word for each in some) if any(each.typed for each in some) else ""
    start = some[0].start if found.cue is None else tokens[found.cue].start
    return Chip(found.meaning, start, some[-1].end, found.cue is not None, typed=typed)
