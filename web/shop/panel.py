"""What stands around the results: facets to choose from, chips to take away, words to try, departments."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.models import Product
from searcher import palette
from searcher.results import Facet, FacetValue
from web import money
from web.language import noted, number, say
from web.shop.availability import availability
from web.shop.pagestate import PageState

LABELS = {
    "brand": noted("Brand"),
    "colour": noted("Colour"),
    "size": noted("Size"),
    "material": noted("Material"),
    "pattern": noted("Pattern"),
    "gender": noted("For"),
    "age_group": noted("Age"),
    "availability": noted("Availability"),
}
ORDER = tuple(LABELS)
_GENDERS = {"female": noted("Women"), "male": noted("Men"), "unisex": noted("Everyone")}
_AGES = {
    "adult": noted("Adults"), "kids": noted("Children"), "toddler": noted("Toddlers"),
    "infant": noted("Infants"), "newborn": noted("Newborns"),
}  # fmt: skip
_SAID = {"gender": _GENDERS, "age_group": _AGES}
FIRST_SHOWN = 8
_SPAN = re.compile(r"([A-Z\d]{1,4})-([A-Z\d]{1,4})")


@dataclass(frozen=True)
class Choice:
    """One value of a facet as a tick box."""

    id: str
    value: str
    label: str
    count: int
    selected: bool
    paints: list[str]


@dataclass(frozen=True)
class Step:
    """One category as a link: into it, or, from where one is, back out to the one above."""

    label: str
    count: int
    url: str
    depth: int
    selected: bool


@dataclass(frozen=True)
class Group:
    """One facet: what is shown at once, and what is under "more"."""

    field: str
    label: str
    shown: list[Choice]
    more: list[Choice]
    open: bool


@dataclass(frozen=True)
class PriceRange:
    """The price facet, in the currency's main unit."""

    sign: str
    low: str
    high: str
    chosen_low: str
    chosen_high: str
    bars: tuple[int, ...] = ()  # per cent of the highest: how many products at each step from low to high
    said: str = ""  # the same in words


@dataclass(frozen=True)
class Chip:
    """One chosen filter, with the address of the same search without it."""

    label: str
    url: str
    paints: list[str]


def groups(facets: Sequence[Facet], state: PageState) -> list[Group]:
    """The facets that leave a choice, in the order shoppers use them."""
    by_field = {facet.field: facet for facet in facets if facet.field in LABELS}
    if _said_by_category(by_field.get("gender"), facets) and not state.filters.get("gender"):
        del by_field["gender"]
    found = []
    for field in ORDER:
        facet = by_field.get(field)
        if facet and (len(facet.values) > 1 or state.filters.get(field)):
            found.append(_group(facet))
    return found


def _said_by_category(gender: Facet | None, facets: Sequence[Facet]) -> bool:
    """Whether the category tree itself starts with women and men, so that a facet would ask twice."""
    roots = {v.label.casefold() for f in facets if f.field == "category" for v in f.values}
    said = {shown_as("gender", v.value, v.label).casefold() for v in gender.values} if gender else set()
    return bool(said) and said <= roots


def _group(facet: Facet) -> Group:
    choices = [_choice(facet.field, index, value) for index, value in enumerate(facet.values)]
    most = FIRST_SHOWN if len(choices) > FIRST_SHOWN + 2 else len(choices)
    shown = [c for i, c in enumerate(choices) if i < most or c.selected]
    return Group(
        field=facet.field,
        label=say(LABELS[facet.field]),
        shown=shown,
        more=[c for c in choices if c not in shown],
        open=facet.field in ("colour", "size") or any(c.selected for c in choices),
    )


def categories(facets: Sequence[Facet], state: PageState) -> list[Step]:
    """The category tree as far as it is open: the roots, the way to where one is, and what lies below."""
    facet = next((f for f in facets if f.field == "category"), None)
    values = sorted(facet.values, key=lambda v: v.value) if facet else []
    roots = [v.value for v in values if " > " not in v.value]
    here = set(state.filters.get("category", ()))
    opened = {path for chosen in here for path in _ancestors(chosen)} | here
    if len(roots) == 1:
        opened.update(roots)
    shown = [v for v in values if " > " not in v.value or _above(v.value) in opened]
    return [_step(v, state, v.value in here) for v in shown] if len(shown) > 1 else []


def _step(value: FacetValue, state: PageState, selected: bool) -> Step:
    target = _above(value.value) if selected else value.value
    label = value.label.split(" > ")[-1]
    return Step(
        label=label[:1].upper() + label[1:],
        count=value.count,
        url=state.drop("category").choose("category", target).url(),
        depth=min(3, value.value.count(" > ")),
        selected=selected,
    )


def _above(path: str) -> str:
    return path.rpartition(" > ")[0]


def _ancestors(path: str) -> list[str]:
    parts = path.split(" > ")
    return [" > ".join(parts[:depth]) for depth in range(1, len(parts))]


def shown_as(field: str, value: str, label: str) -> str:
    """A value as shoppers say it: feeds write "in_stock", "female" and "XS-XL"."""
    if field == "availability":
        return availability(value.casefold()) or label
    known = _SAID.get(field, {}).get(value.casefold())
    said = say(known) if known else label
    if field == "size":
        return _SPAN.sub("\\1–\\2", said) if _SPAN.fullmatch(said) else said
    return said[:1].upper() + said[1:]


def _choice(field: str, index: int, value: FacetValue) -> Choice:
    return Choice(
        id=f"{field}-{index}",
        value=value.value,
        label=shown_as(field, value.value, value.label),
        count=value.count,
        selected=value.selected,
        paints=palette.paints(value.label) if field == "colour" else [],
    )


def price_range(facets: Sequence[Facet], state: PageState, currency: str) -> PriceRange | None:
    """The price facet, when there is a span to choose in."""
    facet = next((f for f in facets if f.field == "price"), None)
    if facet is None or facet.low is None or facet.high is None:
        return None
    if facet.low == facet.high and not (state.price_min or state.price_max):
        return None
    sign = money.sign(currency)
    low, high = (number(float(money.amount(int(each), currency))) for each in (facet.low, facet.high))
    bars = tuple(round(100 * count / max(facet.steps)) for count in facet.steps)
    said = _commonest(facet, currency) if bars else ""
    return PriceRange(sign, low, high, state.price_min, state.price_max, bars, said)


def _commonest(facet: Facet, currency: str) -> str:
    """ "Most cost $20 to $35": the step with the most products."""
    most, low = facet.steps.index(max(facet.steps)), facet.low or 0
    ends = [low + ((facet.high or 0) - low) * step // len(facet.steps) for step in (most, most + 1)]
    first, last = (money.shown(end, currency) for end in ends)
    return say("Most cost %(low)s to %(high)s", low=first, high=last)


def chips(facets: Sequence[Facet], state: PageState, currency: str) -> list[Chip]:
    """The filters that are set, each with the way to take it off."""
    labels = {(f.field, v.value): v.label for f in facets for v in f.values}
    found = list(_value_chips(labels, state))
    if state.price_min or state.price_max:
        found.append(Chip(_price_label(state, currency), state.drop("price").url(), []))
    return found


def _value_chips(labels: dict[tuple[str, str], str], state: PageState) -> Iterator[Chip]:
    for field, values in state.filters.items():
        for value in values:
            label = shown_as(field, value, labels.get((field, value), value).split(" > ")[-1])
            paints = palette.paints(label) if field == "colour" else []
            yield Chip(label, state.drop(field, value).url(), paints)


def _price_label(state: PageState, currency: str) -> str:
    return price_label(_typed(state.price_min, currency), _typed(state.price_max, currency), currency)


def _typed(price: str, currency: str) -> int | None:
    return money.minor(price, currency) if price else None


def price_label(low: int | None, high: int | None, currency: str) -> str:
    """ "$20 – $50", "From $20", "Up to $50": minor units, one of them at least."""
    first, last = ("" if each is None else money.shown(each, currency) for each in (low, high))
    if first and last:
        return say("%(low)s – %(high)s", low=first, high=last)
    return say("From %(price)s", price=first) if first else say("Up to %(price)s", price=last)


def prompts(facets: Sequence[Facet], state: PageState, own: Product | None = None) -> list[tuple[str, str]]:
    """Words to try beside the picture, made of what the shop has and `own` is not: (words, address)."""
    parts = {part.strip().casefold() for part in own.colour.split("/")} if own else set()
    colour_names = [n for n in _names(facets, "colour") if n.casefold() not in parts and "/" not in n]
    usual = {"plain", "solid", "", own.pattern.casefold() if own else ""}
    patterns = [n for n in _names(facets, "pattern") if n.casefold() not in usual]
    words = [f"but in {name.lower()}" for name in colour_names[:3]]
    words += [f"but {name.lower()}" for name in patterns[:1]]
    words += _sleeves(own)
    words += ["cheaper"] if own and own.price_minor else []
    return [(text, state.change(q=text).url()) for text in words if text != state.q]


def _sleeves(own: Product | None) -> list[str]:
    """Other sleeves for what has sleeves; a photo may show any, a bag has none."""
    said = own.title.casefold() if own else "sleeve"
    if "sleeve" not in said:
        return []
    return ["with short sleeves" if "long" in said else "with long sleeves"]


def _names(facets: Sequence[Facet], field: str) -> list[str]:
    facet = next((f for f in facets if f.field == field), None)
    return [v.label for v in sorted(facet.values, key=lambda v: -v.count)] if facet else []


@dataclass(frozen=True)
class Department:
    """One of the shop's first-level categories."""

    label: str
    url: str


def departments(facets: Sequence[Facet], most: int = 6) -> list[Department]:
    """The shop's largest categories, from the first level that has more than one."""
    facet = next((f for f in facets if f.field == "category"), None)
    for depth in range(3):
        level = [v for v in facet.values if v.value.count(" > ") == depth] if facet else []
        if len(level) > 1:
            largest = sorted(level, key=lambda v: (-v.count, v.label))[:most]
            return [
                Department(v.label.split(" > ")[-1], PageState(filters={"category": (v.value,)}).url())
                for v in largest
            ]
    return []
