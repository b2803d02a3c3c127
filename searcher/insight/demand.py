"""What shoppers asked for and the shop still does not have, from the days' gaps and today's stock."""

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.insight.reading import Gap
from searcher.insight.gaps import Ask, read, stocked
from searcher.match import in_titles
from searcher.shelf import Shelf


@dataclass(frozen=True)
class Demand:
    """One thing that is missing: what it is, and how many searches asked for it."""

    asks: tuple[Ask, ...]
    searches: int
    chosen: int


def demand(gaps: Iterable[Gap], shelf: Shelf, most: int) -> list[Demand]:
    """The gaps that are still there, the most asked first; those of the same name count as one.

    The values behind a name ("Dresses") may have changed between two days: the latest read counts.
    """
    found: dict[tuple[tuple[str, str], ...], Demand] = {}
    for each in gaps:
        try:
            asks = read(each.gap)
        except (ValueError, TypeError):  # written by another release
            continue
        name = tuple((ask.field, ask.label.casefold() or repr(ask.values)) for ask in asks)
        was = found.get(name, Demand(asks, 0, 0))
        found[name] = Demand(was.asks, was.searches + each.searches, was.chosen + each.chosen)
    kept: list[Demand] = []
    for missing in sorted(found.values(), key=lambda each: -each.searches):
        if len(kept) == most:
            break
        if not stocked(missing.asks, shelf):
            kept.append(missing)
    return kept


def strange(words: Iterable[Gap], shelf: Shelf, most: int) -> list[Gap]:
    """Of words that no product had when they were searched, those that no title has today.

    An item that was hidden then, or came since, answers its words now.
    """
    return [each for each in words if not in_titles(each.gap, shelf)][:most]
