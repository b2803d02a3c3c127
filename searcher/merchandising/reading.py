"""JSON -> a rulebook, every mistake named with its place and its fix."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from searcher.errors import QueryRefused, SearchError
from searcher.filters import FACET_FIELDS, Filters
from searcher.merchandising.rulebook import ASKED, DEEDS, STRENGTH, Rule, Rulebook, What, When

MAX_RULES = 500
MAX_SYNONYMS = 2000  # groups
MAX_LISTED = 100  # skus of a rule, names of a group
MAX_TEXT = 200
MAX_STRENGTHS = 4  # of boosts
_RULE = {"name", "do", "what", "when", "strength", "from", "until", "on"}


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: `place` is like "rules[3].what.brand"."""

    place: str
    message: str
    fix: str


class RulesRefused(SearchError):
    """A rulebook that cannot be used; `mistakes` has all that is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        first = mistakes[0]
        more = f" And {len(mistakes) - 1} more." if len(mistakes) > 1 else ""
        super().__init__("rules-refused", f"{first.place}: {first.message}", f"{first.fix}{more}")
        self.mistakes = tuple(mistakes)

    @classmethod
    def of(cls, place: str, message: str, fix: str) -> "RulesRefused":
        """For one mistake."""
        return cls([Mistake(place, message, fix)])


class _Wrong(Exception):
    def __init__(self, place: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.mistake = Mistake(place, message, fix)


def read_rulebook(content: Any, version: int = 0) -> Rulebook:
    """The rulebook that this JSON says. Raises RulesRefused with everything that is wrong."""
    mistakes: list[Mistake] = []
    try:
        _known(content, {"rules", "synonyms"}, "the rulebook")
        given = _listed(content.get("rules", []), "rules", MAX_RULES)
        groups = _listed(content.get("synonyms", []), "synonyms", MAX_SYNONYMS)
    except _Wrong as wrong:
        raise RulesRefused([wrong.mistake]) from None
    rules = list(_good(_rule, given, "rules", mistakes))
    synonyms = list(_good(_group, groups, "synonyms", mistakes))
    mistakes += _too_many_strengths(rules)
    if mistakes:
        raise RulesRefused(mistakes)
    return Rulebook(version, tuple(rules), tuple(synonyms))


def _too_many_strengths(rules: list[Rule]) -> list[Mistake]:
    """Each strength that acts costs a search one more look into the index."""
    told_apart = sorted({rule.strength for rule in rules if rule.deed == "boost"})
    if len(told_apart) <= MAX_STRENGTHS:
        return []
    some = ", ".join(f"{each:g}" for each in told_apart[: MAX_STRENGTHS + 1])
    fix = f"Use at most {MAX_STRENGTHS} different ones in a rulebook."
    return [Mistake("rules", f"The boosts have too many strengths: {some} …", fix)]


def _good(read: Any, given: list[Any], name: str, mistakes: list[Mistake]) -> Iterator[Any]:
    for number, each in enumerate(given):
        try:
            yield read(each, f"{name}[{number}]")
        except _Wrong as wrong:
            mistakes.append(wrong.mistake)


def _rule(given: Any, place: str) -> Rule:
    _known(given, _RULE, place)
    deed = given.get("do")
    if deed not in DEEDS:
        raise _Wrong(f"{place}.do", f"{deed!r:.40} is nothing that a rule can do.", f"Use {_or(DEEDS)}.")
    what = _what(given.get("what"), f"{place}.what")
    if deed == "pin" and not what.skus:
        raise _Wrong(f"{place}.what", "A pin names its products.", 'Give their skus: {"sku": ["A-1"]}.')
    starts, ends = (_instant(given.get(name), f"{place}.{name}") for name in ("from", "until"))
    if starts and ends and starts >= ends:
        raise _Wrong(f"{place}.until", "It ends before it begins.", "Swap from and until.")
    on = given.get("on", True)
    if not isinstance(on, bool):
        raise _Wrong(f"{place}.on", "on is neither true nor false.", "Write true or false.")
    name = _text(given.get("name", ""), f"{place}.name") or f"{deed} {place}"
    when = _when(given.get("when", {}), f"{place}.when")
    return Rule(name, deed, what, when, _strength(given, place), starts, ends, on)


def _what(given: Any, place: str) -> What:
    """Which products; {"sku": […]} and any filter of a search."""
    if not given or not isinstance(given, Mapping):
        fix = 'Say which: {"brand": ["Acme"]}, {"sku": ["A-1", "A-2"]} or any filter of a search.'
        raise _Wrong(place, "The rule names no products.", fix)
    skus = _texts(given.get("sku", []), f"{place}.sku")
    return What(_filters({name: its for name, its in given.items() if name != "sku"}, place), skus)


def _when(given: Any, place: str) -> When:
    _known(given, {"words", "filters", "asked", "like"}, place)
    asked = _texts(given.get("asked", []), f"{place}.asked")
    if wrong := set(asked) - set(ASKED):
        raise _Wrong(f"{place}.asked", f"Nobody asks by {wrong.pop()!r:.40}.", f"Use {_or(ASKED)}.")
    filters = _filters(given.get("filters", {}), f"{place}.filters")
    chosen = tuple((name, getattr(filters, name)) for name in FACET_FIELDS if getattr(filters, name))
    if set(given.get("filters", {})) - set(FACET_FIELDS):
        raise _Wrong(f"{place}.filters", "A rule asks for facets only.", f"Use {_or(FACET_FIELDS)}.")
    words = _text(given.get("words", ""), f"{place}.words")
    return When(words, chosen, asked, _texts(given.get("like", []), f"{place}.like"))


def _filters(given: Any, place: str) -> Filters:
    if not isinstance(given, Mapping):
        raise _Wrong(place, "This is no object.", 'Write {"brand": ["Acme"]}.')
    try:
        return Filters.from_mapping(given)
    except QueryRefused as error:
        known = ", ".join(each.name for each in fields(Filters) if each.name != "also")
        fix = f"Use sku, or: {known}." if error.code == "unknown-filter" else error.fix
        raise _Wrong(place, error.message, fix) from error


def _group(given: Any, place: str) -> tuple[str, ...]:
    names = _texts(given, place)
    if len(names) < 2 or not all(names):
        raise _Wrong(place, "One name alone has no synonym.", 'Write ["trainers", "kicks"].')
    return names


def _strength(given: Mapping[str, Any], place: str) -> float:
    strength = given.get("strength", STRENGTH)
    if isinstance(strength, bool) or not isinstance(strength, (int, float)) or not 0 < strength <= 2:
        raise _Wrong(f"{place}.strength", "strength is out of range.", "Use more than 0, up to 2.")
    return float(strength)


def _instant(given: Any, place: str) -> datetime | None:
    if given is None:
        return None
    try:
        said = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        fix = 'Write "2026-12-01" or "2026-12-01T08:00+01:00".'
        raise _Wrong(place, "This is no date.", fix) from None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def _known(given: Any, names: set[str], place: str) -> None:
    if not isinstance(given, Mapping):
        raise _Wrong(place, "This is no object.", f"Write {{…}} with some of: {', '.join(sorted(names))}.")
    if unknown := [str(name) for name in given if name not in names]:
        raise _Wrong(f"{place}.{unknown[0][:40]}", "There is no such part.", f"Use {_or(sorted(names))}.")


def _listed(given: Any, place: str, most: int) -> list[Any]:
    if not isinstance(given, list) or len(given) > most:
        raise _Wrong(place, f"This is no list of at most {most}.", "Write […], and leave out what is off.")
    return given


def _texts(given: Any, place: str) -> tuple[str, ...]:
    listed = _listed([given] if isinstance(given, str) else given, place, MAX_LISTED)
    return tuple(_text(each, place) for each in listed)


def _text(given: Any, place: str) -> str:
    usable = isinstance(given, str) and len(given) <= MAX_TEXT and given.isprintable()
    if not usable:
        raise _Wrong(place, "This is no short text.", f"Give at most {MAX_TEXT} printable characters.")
    return " ".join(given.split())


def _or(names: Any) -> str:
    return ", ".join(names)
