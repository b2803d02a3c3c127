"""What was understood of the words: one chip for each thing asked for."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["prefer", "must", "off"]
MODES: tuple[Mode, ...] = ("prefer", "must", "off")
WORDS = "words"  # the field of a chip that no value of the shop stands for
UNSAID = ""  # of a trait: that a text tells of none of its values


@dataclass(frozen=True)
class Meaning:
    """What a phrase stands for: a facet's values (in the index's form), or a trait that texts tell of.

    `told` are the trait's values of which any will do; `light`, of a tone, is how light a colour may be
    (from, to; CIE L*); `relative`: it was said by comparing with an item.
    """

    field: str
    values: tuple[str, ...]
    label: str
    told: tuple[str, ...] = ()
    relative: bool = False
    light: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chip:
    """One thing asked for, or (`negated`) not wanted: a meaning, or a price in minor units, inclusive.

    `start` and `end` are where it stands in the words, with its "not"; `typed` is what a typo was read from.
    `currency` is what a price was asked for in, where that is not the shop's: its figures are not converted.
    """

    meaning: Meaning
    start: int
    end: int
    negated: bool = False
    low: int | None = None
    high: int | None = None
    typed: str = ""
    currency: str = ""

    @property
    def key(self) -> str:
        """A name that is the same for the same wish, for addresses and for choices: "-colour=red"."""
        if self.meaning.field == "price":
            said = f"{'' if self.low is None else self.low}..{'' if self.high is None else self.high}"
            said += f" {self.currency}" if self.currency else ""
        else:
            said = self.meaning.label.casefold()
        return f"{'-' if self.negated else ''}{self.meaning.field}={said}"

    @property
    def filterable(self) -> bool:
        """Whether it can be demanded: prices, facet values, and what the shop's texts can be asked for."""
        return self.meaning.field == "price" or bool(self.meaning.values) or self.textual

    @property
    def textual(self) -> bool:
        """Whether it is looked up in what the shop says of its products, not in the index."""
        return bool(self.meaning.told) or self.meaning.field == WORDS

    @property
    def usual(self) -> Mode:
        """How it counts unless the shopper says otherwise: a vector knows no price, no stock and no "not".

        A price in another currency would demand figures that were not meant.
        """
        if self.currency:
            return "off"
        figure = self.meaning.field in ("price", "availability", "size")
        sure = self.negated or figure or self.meaning.relative
        return "must" if sure and self.filterable else "prefer"
