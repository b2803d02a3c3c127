"""What was understood of the words, as chips that a shopper can make stricter, looser, or put away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from searcher import palette
from searcher.results import Results
from searcher.understanding.chips import WORDS, Chip, Meaning, Mode
from searcher.understanding.wishes import Wish
from web import money
from web.language import noted, say
from web.shop import traits
from web.shop.pagestate import PageState
from web.shop.panel import LABELS, price_label, shown_as

_MODES: dict[Mode, str] = {"prefer": noted("Prefer"), "must": noted("Must"), "off": noted("Off")}
_NAMES = {**LABELS, "category": noted("Category")}
_PARTS = ("detail", WORDS)  # what a garment is with or without
_MARKS = {True: "yes", False: "no"}


@dataclass(frozen=True)
class Option:
    """One way in which a wish can count, with the address of the same search with it."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Understood:
    """One wish as the page shows it."""

    key: str
    label: str
    mode: Mode
    typed: str
    paints: list[str]
    options: list[Option]
    looser: str  # the address of the search where it is only preferred; "" where it is


@dataclass(frozen=True)
class Reason:
    """One wish beside a product: does it have it ("yes" or "no")?"""

    label: str
    holds: str


def understood(wishes: Sequence[Wish], state: PageState, currency: str) -> list[Understood]:
    """The chips of a search."""
    return [_understood(wish, state, currency) for wish in wishes]


def _understood(wish: Wish, state: PageState, currency: str) -> Understood:
    chip = wish.chip
    plain = chip.meaning.field == "colour" and not chip.negated
    options = [
        Option(say(name), state.weigh(chip.key, mode).url(), mode == wish.mode)
        for mode, name in _MODES.items()
        if mode != "must" or chip.filterable
    ]
    paints = palette.paints(chip.meaning.label) if plain else []
    looser = state.weigh(chip.key, "prefer").url() if wish.mode == "must" else ""
    said = label(chip, currency) if wish.mode == "must" or not chip.currency else _elsewhere(chip, currency)
    return Understood(chip.key, said, wish.mode, chip.typed, paints, options, looser)


def _elsewhere(chip: Chip, currency: str) -> str:
    """A price that was asked for in another currency, which nothing is filtered by."""
    priced = say("“%(words)s”", words=chip.meaning.label)
    return say("%(price)s: prices here are in %(currency)s", price=priced, currency=money.sign(currency))


def label(chip: Chip, currency: str) -> str:
    """A wish in words: "Colour: red", "Not striped", "Without hood", "Up to $50"."""
    meaning = chip.meaning
    if meaning.field == "price":
        return price_label(chip.low, chip.high, currency)
    value = _value(meaning)
    if chip.negated and meaning.field in _PARTS:
        return say("Without %(part)s", part=value)
    if chip.negated:
        return say("Not %(value)s", value=value)
    if meaning.field in _PARTS:
        return say("With %(part)s", part=value)
    known = _NAMES.get(meaning.field)
    name = say(known) if known else traits.named(meaning.field)
    return say("%(field)s: %(value)s", field=name, value=value)


def _value(meaning: Meaning) -> str:
    """A value within a sentence: the shop's own in small letters, but names of brands and sizes."""
    if not meaning.values:
        return traits.value(meaning.field, meaning.label)
    said = shown_as(meaning.field, meaning.values[0], meaning.label)
    written = meaning.field in ("brand", "size") or said.casefold() != meaning.label.casefold()
    return said if written else said.lower()


def lacking(results: Results, state: PageState) -> bool:
    """Whether no product has all the values that the words prefer.

    What has them all comes first in a search by words that are understood wholly: if the first hit has
    not, none has.
    """
    if state.has_reference or state.sort or state.cursor or not results.hits:
        return False
    liked = {wish.chip.key for wish in results.wishes if _is_liked(wish)}
    return any(key in liked and holds is False for key, holds in results.hits[0].why)


def _is_liked(wish: Wish) -> bool:
    chip = wish.chip
    return wish.whole and wish.mode == "prefer" and bool(chip.meaning.values) and not chip.negated


def labels(found: Sequence[Understood]) -> dict[str, str]:
    """{key: label} of the wishes that count."""
    return {each.key: each.label for each in found if each.mode != "off"}


def why(reasons: Sequence[tuple[str, bool | None]], said: Mapping[str, str]) -> list[Reason]:
    """Why a product is a hit, as far as the shop says."""
    return [Reason(said[key], _MARKS[holds]) for key, holds in reasons if holds is not None and key in said]
