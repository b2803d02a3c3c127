"""One place in a ranking, before it is known what stands there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vectors.protocol import Value

Key = tuple[int, float, str]  # ascending: tiers, in them the best first, ties by name


@dataclass(frozen=True)
class Ranked:
    """A product (collapsed) or variant to show: `group` is the index's value for it.

    `point` is the image that earned the place, None where the whole product did; then `product_id` may say
    which variant it was. All of one `tier` stands before all of the next.
    """

    group: Value
    score: float
    point: str | None = None
    product_id: int | None = None
    order: float | None = None  # what the list is sorted by, ascending; the score, falling, where it is None
    tie: str | None = None  # what comes first among equals; the group where it is None
    tier: int = 0
    parts: tuple[tuple[str, float], ...] = ()  # (name, share) of the score, where it is a sum

    @property
    def key(self) -> Key:
        """Where it stands; engines repeat a score to 6 decimals, not to the last bit."""
        tie = str(self.group) if self.tie is None else self.tie
        return (self.tier, round(-self.score if self.order is None else self.order, 6), tie)

    def plus(self, part: str, by: float) -> "Ranked":
        """The same place with this added to its score."""
        return replace(self, score=self.score + by, parts=(*self.parts, (part, by)))


Source = Callable[[int], list[Ranked]]  # how many are wanted -> that many or all there are, in order of key


def in_order(ranked: list[Ranked]) -> list[Ranked]:
    """Sorted by key."""
    return sorted(ranked, key=lambda each: each.key)


def in_tiers(sources: Sequence[Source]) -> Source:
    """What the first source has; at its end, a tier below, what only the next one has; and so on."""

    def source(wanted: int) -> list[Ranked]:
        places: list[Ranked] = []
        for tier, its in enumerate(sources):
            here = {each.group for each in places}
            places += [replace(each, tier=tier) for each in its(wanted) if each.group not in here]
            if len(places) >= wanted:
                break
        return places

    return source if len(sources) > 1 else sources[0]
