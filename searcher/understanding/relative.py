"""Wishes that compare: "longer", "shorter", "darker", "lighter" than the item that leads the search.

They are read as what the shop has on that side of it: colours by how light they look, texts by the lengths
that they tell of. Without an item, or where it says nothing to compare with, they stay words.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from searcher.shelf import Shelf
from searcher.understanding.chips import UNSAID, Chip, Meaning
from searcher.understanding.told import Told

_LENGTHS = {  # how far down a garment reaches; one that says nothing is of the usual length of its kind
    "mini": 0, "cropped": 0, "short": 0, "knee": 1, UNSAID: 1, "midi": 2, "maxi": 3, "full": 3, "long": 3,
}  # fmt: skip
_APART = 8.0  # of 100: how much lighter a colour must be to be called so


def compared(
    chips: Sequence[Chip], shelf: Shelf, reference: str | None, told: Told | None
) -> tuple[Chip, ...]:
    """The chips, those that compare said by what is on that side of the reference (a sku)."""
    rows = shelf.with_sku(reference).tolist() if reference else []
    read = (_compared(chip, shelf, rows[0] if rows else None, told) for chip in chips)
    return tuple(chip for chip in read if chip is not None)


def _compared(chip: Chip, shelf: Shelf, row: int | None, told: Told | None) -> Chip | None:
    meaning = chip.meaning
    if meaning.field == "tone":  # what no text tells of: only beside an item is it a wish
        found = None if row is None or told is None else _toned(meaning, shelf, row, told)
        return None if found is None else replace(chip, meaning=found)
    if meaning.field == "length" and meaning.label in ("longer", "shorter"):
        found = None if row is None or told is None else _reaching(meaning, shelf, row, told)
        return replace(chip, meaning=found or replace(meaning, told=()))
    return chip


def _toned(meaning: Meaning, shelf: Shelf, row: int, told: Told) -> Meaning | None:
    """Colours that are darker, or lighter, than that of a variant, where the shop has any."""
    light = float(told.lightness(shelf)[row])
    if math.isnan(light):
        return None
    span = (0.0, light - _APART) if meaning.label == "darker" else (light + _APART, 100.0)
    found = replace(meaning, light=span, relative=True)
    return found if told.has(shelf, found).any() else None


def _reaching(meaning: Meaning, shelf: Shelf, row: int, told: Told) -> Meaning | None:
    """The lengths beyond that of a variant, where the shop's texts tell of any."""
    own = max((_LENGTHS.get(value, 1) for value in told.said(shelf, row, "length")), default=_LENGTHS[UNSAID])
    sign = 1 if meaning.label == "longer" else -1
    beyond = tuple(value for value, length in _LENGTHS.items() if sign * (length - own) > 0)
    found = replace(meaning, told=beyond, relative=True)
    return found if beyond and told.has(shelf, found).any() else None
