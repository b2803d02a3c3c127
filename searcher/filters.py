"""What the shopper narrows the shop down to, and the index terms that say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from catalog.identity import keyword
from searcher.errors import QueryRefused
from vectors.protocol import AnyOf, Between, Equals, Filter, Not, Term

FACET_FIELDS = (
    "category", "brand", "colour", "pattern", "material", "gender", "age_group", "size", "availability",
)  # fmt: skip
_NOBODY = -1  # an id that no variant has
MAX_VALUES = 100  # of one field
MAX_VALUE_LENGTH = 256


@dataclass(frozen=True)
class Filters:
    """Any of the values of each field that is given, every field at once; prices in minor units, inclusive.

    `category` takes a path ("Women > Dresses") and everything below it. `without` holds (field, value)
    pairs that must not be there; each of `also` is a field and values any of which must be there besides,
    in the index's form: what words ask for narrows further, whatever is ticked. `only` are ids of the
    variants that may be found, where not all may, and `never` of those that may not: what texts alone tell.
    Raises QueryRefused.
    """

    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    pattern: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    gender: tuple[str, ...] = ()
    age_group: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    availability: tuple[str, ...] = ()
    price_min: int | None = None
    price_max: int | None = None
    without: tuple[tuple[str, str], ...] = ()
    also: tuple[tuple[str, tuple[str, ...]], ...] = ()
    only: tuple[int, ...] | None = None
    never: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in FACET_FIELDS:
            object.__setattr__(self, name, _values(name, getattr(self, name)))
        object.__setattr__(self, "without", _without(self.without))
        for name in ("price_min", "price_max"):
            _check_price(name, getattr(self, name))
        if self.price_min is not None and self.price_max is not None and self.price_min > self.price_max:
            raise QueryRefused(
                "price-range", "price_min is above price_max.", "Swap the two prices.", "filters.price_min"
            )

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> "Filters":
        """Read {"colour": ["red"], "price_max": 5000, "without": {"pattern": ["floral"]}}.

        A single string stands for a list of one. Raises QueryRefused for a name that is no filter.
        """
        known = [each.name for each in fields(cls) if each.name not in ("also", "only", "never")]
        for name in given:
            if name not in known:
                raise QueryRefused(
                    "unknown-filter", f"There is no filter {str(name)[:80]!r}.",
                    f"Use one of: {', '.join(known)}.", f"filters.{str(name)[:80]}",
                )  # fmt: skip
        return cls(**given)

    def as_mapping(self) -> dict[str, Any]:
        """What `from_mapping` reads back; only what narrows."""
        said: dict[str, Any] = {
            name: list(getattr(self, name)) for name in FACET_FIELDS if getattr(self, name)
        }
        for name in ("price_min", "price_max"):
            if (price := getattr(self, name)) is not None:
                said[name] = price
        if self.without:
            said["without"] = [list(pair) for pair in self.without]
        return said

    def values(self, field: str) -> tuple[str, ...]:
        """The chosen values of one facet field, as the index holds them."""
        return tuple(dict.fromkeys(keyword(value) for value in getattr(self, field)))

    def terms(self) -> Filter:
        """The index's terms for this; () when nothing is narrowed."""
        terms: list[Term] = [AnyOf(name, self.values(name)) for name in FACET_FIELDS if self.values(name)]
        if self.price_min is not None or self.price_max is not None:
            terms.append(Between("price", self.price_min, self.price_max))
        terms += [Not(Equals(field, keyword(value))) for field, value in self.without]
        terms += [AnyOf(field, values) for field, values in self.also]
        if self.only is not None:
            terms.append(AnyOf("product", self.only or (_NOBODY,)))
        if self.never:
            terms.append(Not(AnyOf("product", self.never)))
        return tuple(terms)


def tenant(merchant_id: int, terms: Iterable[Term] = ()) -> Filter:
    """The one place where a search is bound to its merchant."""
    return (Equals("merchant", merchant_id), *terms)


def _values(name: str, given: Any) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    if not isinstance(listed, (list, tuple)) or not all(isinstance(value, str) for value in listed):
        raise QueryRefused(
            "filter-values", f"{name} must be a list of strings.", f'Give it as ["…"], not {given!r:.60}.',
            f"filters.{name}",
        )  # fmt: skip
    if len(listed) > MAX_VALUES or any(len(value) > MAX_VALUE_LENGTH for value in listed):
        raise QueryRefused(
            "filter-values", f"{name} has too many or too long values.",
            f"Give at most {MAX_VALUES} values of {MAX_VALUE_LENGTH} characters.", f"filters.{name}",
        )  # fmt: skip
    return tuple(value for value in listed if value.strip())


def _without(given: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(given, Mapping):
        given = [(name, value) for name, values in given.items() for value in _values(str(name), values)]
    pairs = []
    for pair in given if isinstance(given, (list, tuple)) else (None,):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or pair[0] not in FACET_FIELDS:
            raise QueryRefused(
                "unknown-filter", "without takes facet fields with their values.",
                f'Give it as {{"colour": ["red"]}}; fields: {", ".join(FACET_FIELDS)}.', "filters.without",
            )  # fmt: skip
        pairs += [(pair[0], value) for value in _values(pair[0], pair[1])]
    return tuple(pairs)


def _check_price(name: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise QueryRefused(
            "price-range", f"{name} must be a whole number of minor units, 0 or more.",
            "Give 4999 for 49.99.", f"filters.{name}",
        )  # fmt: skip
