"""Rules in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from searcher.filters import FACET_FIELDS
from searcher.merchandising.drafting import name_of
from searcher.merchandising.reading import read_rulebook
from searcher.merchandising.rulebook import STRENGTH, Rule, What
from web import money
from web.console.access import shop

DEEDS = {
    "pin": "Show first", "boost": "Move up", "bury": "Move to the end", "hide": "Leave out",
}  # fmt: skip
ASKED = {
    "browse": "browsing", "words": "words", "photo": "a photo", "photo+words": "a photo and words",
}  # fmt: skip
FACETS = {
    "category": "category", "brand": "brand", "colour": "colour", "pattern": "pattern",
    "material": "material", "gender": "gender", "age_group": "age group", "size": "size",
    "availability": "availability",
}  # fmt: skip
MOST_TOLD = 4  # of a list


@dataclass(frozen=True)
class Told:
    """One rule as the list shows it; `name` is what it is addressed by."""

    name: str
    title: str
    deed: str
    what: str
    when: str
    time: str
    state: str  # "in force", "waits", "over" or "off"
    skus: tuple[str, ...]
    said: Mapping[str, Any]


def told(content: Mapping[str, Any], titles: Mapping[str, str]) -> list[Told]:
    """Every rule of a rulebook that can be read; `titles` are products by their skus in lower case."""
    rules = read_rulebook(content).rules
    given: Sequence[Mapping[str, Any]] = content.get("rules", ())
    now = datetime.now(UTC)
    return [_told(rule, said, titles, now) for rule, said in zip(rules, given, strict=True)]


def one(said: Mapping[str, Any], titles: Mapping[str, str]) -> Told:
    """A single rule."""
    return told({"rules": [said]}, titles)[0]


def skus_in(content: Mapping[str, Any]) -> list[str]:
    """Every sku that rules name."""
    found: list[str] = []
    for rule in content.get("rules", ()):
        found += _texts(rule.get("what", {}).get("sku", ())) + _texts(rule.get("when", {}).get("like", ()))
    return list(dict.fromkeys(found))


def _texts(said: Any) -> list[str]:
    return [said] if isinstance(said, str) else list(said)


def _told(rule: Rule, said: Mapping[str, Any], titles: Mapping[str, str], now: datetime) -> Told:
    strength = "" if rule.deed != "boost" or rule.strength == STRENGTH else f" by {rule.strength:g}"
    deed = DEEDS[rule.deed] + strength
    what = what_told(rule.what, titles)
    when = "; ".join(_when(rule, titles)) or "in every search"
    title = said.get("name") or f"{deed}: {what}"
    return Told(name_of(said), title, deed, what, when, _time(rule), _state(rule, now), rule.what.skus, said)


def what_told(what: What, titles: Mapping[str, str]) -> str:
    """Which products are meant."""
    parts = [_some([titles.get(sku.lower(), sku) for sku in what.skus])] if what.skus else []
    filters = what.filters
    for field in FACET_FIELDS:
        if values := getattr(filters, field):
            parts.append(f"{FACETS[field]} {_some(values)}")
    currency = shop().currency
    if filters.price_min is not None:
        parts.append(f"from {money.shown(filters.price_min, currency)}")
    if filters.price_max is not None:
        parts.append(f"up to {money.shown(filters.price_max, currency)}")
    parts += [f"not {FACETS[field]} {value}" for field, value in filters.without]
    return ", ".join(parts)


def _when(rule: Rule, titles: Mapping[str, str]) -> Iterator[str]:
    when = rule.when
    if when.words:
        yield f"in searches with “{when.words}”"
    for field, values in when.filters:
        yield f"where {FACETS[field]} {_some(values)} is chosen"
    if when.asked:
        yield f"in searches by {_or([ASKED[each] for each in when.asked])}"
    if when.like:
        yield f"in searches that start from {_some([titles.get(sku.lower(), sku) for sku in when.like])}"


def _time(rule: Rule) -> str:
    parts = [f"from {_at(rule.starts)}"] if rule.starts else []
    return " ".join(parts + ([f"until {_at(rule.ends)}"] if rule.ends else []))


def _at(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%Y-%m-%d %H:%M} UTC"


def _state(rule: Rule, now: datetime) -> str:
    if not rule.on:
        return "off"
    if rule.in_force(now):
        return "in force"
    return "waits" if rule.starts and rule.starts > now else "over"


def _some(values: Sequence[str]) -> str:
    shown = [each.rsplit(">", 1)[-1].strip() for each in values[:MOST_TOLD]]
    more = len(values) - MOST_TOLD
    return _or(shown) if more <= 0 else f"{', '.join(shown)} and {more} more"


def _or(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
