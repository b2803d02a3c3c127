"""What a search gives back."""

from dataclasses import dataclass, field
from typing import Literal

from catalog.models import Image, Product
from searcher.match import Match
from searcher.merchandising.rulebook import Rule
from searcher.query import Mode
from searcher.understanding.wishes import Wish

# "lexical": the model was away or busy, and the words were looked up as they stand; "facets": the counts are
# those of a moment ago.
Degraded = Literal["lexical", "facets"]


@dataclass(frozen=True)
class ProductHit:
    """One product, shown by its best variant and that variant's best picture.

    `variants` are the other sellable variants of the same product, none of which is a hit of its own.
    `score` falls down the list: cosine for pictures, fused rank for words, 0 when browsing. `why` says of
    each preference, by its key, whether the product is so; None where the shop does not say. `parts` are the
    (name, share) that the score is the sum of, where it is more than one thing.
    """

    product: Product
    image: Image
    score: float
    variants: tuple[Product, ...] = ()
    why: tuple[tuple[str, bool | None], ...] = ()
    parts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class FacetValue:
    """One value that could be chosen: `count` products have it under the other filters."""

    value: str  # what a filter takes
    label: str  # as the merchant writes it
    count: int
    selected: bool = False


@dataclass(frozen=True)
class Facet:
    """One field to narrow by.

    The price has no values but `low` and `high` (minor units), and how many products there are in each of
    equal steps between them.
    """

    field: str
    label: str
    values: tuple[FacetValue, ...] = ()
    low: int | None = None
    high: int | None = None
    steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Results:
    """One page of a search. `total` counts the products under the filters, whatever their rank."""

    hits: list[ProductHit]
    total: int
    mode: Mode
    model: str  # the fingerprint of the one model that all of this comes from
    next_cursor: str | None = None
    facets: list[Facet] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)  # milliseconds by stage
    wishes: tuple[Wish, ...] = ()  # what was understood of the words
    rules: tuple[Rule, ...] = ()  # the merchant's that acted
    match: Match = field(default_factory=Match)  # told of the first page, best match first
    degraded: tuple[Degraded, ...] = ()  # what was left out to answer at all
    search: str = ""  # the random name of this search, by which what is chosen of it is counted; "" for none
    first: int = 0  # hits of the pages before


@dataclass(frozen=True)
class Likeness:
    """More like an item: the nearest other products, and the fingerprint of the model that says so."""

    hits: list[ProductHit]
    model: str
