"""The API's answers, by its own names (docs/openapi.json)."""

import types
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Price:
    """An amount of money: `amount` in the main unit, as text; `minor` in minor units."""

    amount: str
    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture: the original's size in pixels; addresses by the longest side, from the shop's root."""

    sha256: str
    width: int
    height: int
    url_160: str
    url_480: str
    url_1200: str


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One sellable variant of a product."""

    sku: str
    colour: str
    size: str
    availability: str
    price: Price | None
    sale_price: Price | None
    image: Picture | None


@dataclass(frozen=True, kw_only=True)
class _Described(Variant):
    item_group_id: str
    title: str
    brand: str
    category: str
    link: str
    page: str
    variants: tuple[Variant, ...]


@dataclass(frozen=True, kw_only=True)
class Why:
    """One thing asked for, and whether a hit is so; None where the shop does not say."""

    key: str
    satisfied: bool | None


@dataclass(frozen=True, kw_only=True)
class Hit(_Described):
    """One product of a result, by its best variant; `score` compares within one result.

    `origin` is for `Twirl.chose`; "" where the shop counts nothing.
    """

    score: float
    why: tuple[Why, ...]
    origin: str


@dataclass(frozen=True, kw_only=True)
class Piece(_Described):
    """What goes with a product: because the `shop` says so, or by `style`."""

    because: str


@dataclass(frozen=True, kw_only=True)
class Product(_Described):
    """Everything about one product."""

    description: str
    material: str
    pattern: str
    gender: str
    age_group: str
    images: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class Understood:
    """One thing that the words ask for; `start` and `end` say where it stands in them."""

    key: str
    field: str
    label: str
    values: tuple[str, ...]
    negated: bool
    low: int | None
    high: int | None
    mode: str
    filterable: bool
    currency: str = ""  # of a price in another one than the shop's, by which nothing is filtered; else ""
    typed: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Match:
    """How well the shop answers: `weak` where nothing really matches."""

    weak: bool
    strength: float | None
    unknown_words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FacetValue:
    """One value to filter by, and how many products have it."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One field to filter by; the price has `low` and `high` in minor units."""

    field: str
    label: str
    values: tuple[FacetValue, ...]
    low: int | None
    high: int | None
    steps: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Results:
    """One page of a search."""

    hits: tuple[Hit, ...]
    total: int
    mode: str
    model: str
    understood: tuple[Understood, ...]
    match: Match
    degraded: tuple[str, ...]
    next_cursor: str | None
    facets: tuple[Facet, ...]
    timings_ms: dict[str, float]
    photo_id: str | None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a shopper may be about to type."""

    kind: str
    text: str


def read(kind: type[T], said: Any) -> T:
    """An answer's JSON as `kind`. Raises KeyError or TypeError where it is not of that shape."""
    return _read(kind, said)  # type: ignore[no-any-return]


def _read(kind: Any, said: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{each.name: _read(hints[each.name], said[each.name]) for each in fields(kind)})
    if get_origin(kind) in (types.UnionType, Union):
        return None if said is None else _read(get_args(kind)[0], said)
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], each) for each in said)
    return said


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
