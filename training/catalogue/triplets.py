"""Triplets from metadata: an item, one attribute that changes, and the items that answer.

Two items make a pair when they are variants of one article, or have the same category and several attributes
in common, and differ in exactly one attribute. Of an attribute that variants of one article show (colour, as
a rule), only those make pairs: another article in the asked colour is not "this, but in red".

Articles are held out whole, by a hash of their group: a catalogue may grow and every group stays on its side.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.catalogue.items import Item

IN_COMMON = 4  # attributes, category apart, that pairs of different articles share at least
EACH = 6  # pairs from one item by one attribute, at most, and hard negatives of one item
INSIDE = 0.05  # of the items have a sibling that differs in an attribute: it is one that variants show

Identity = tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A photo, what is asked of it, and the rows of the items that answer."""

    source: int
    attribute: str
    value: str
    old: str
    targets: frozenset[int]
    same_group: bool


@dataclass(frozen=True)
class Triplets:
    """The pairs of a catalogue, and of each item the rows that differ from it in one attribute."""

    pairs: tuple[Pair, ...]
    near: dict[int, tuple[int, ...]]


def side_of(group: str, seed: int) -> float:
    """0..1, the same for a group for ever: below a share it belongs to that share."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{group}".encode()).digest()[:6]) / 2**48


def find_triplets(items: Sequence[Item], seed: int) -> Triplets:
    """Every pair of these items, up to EACH an item and attribute; the seed chooses among more."""
    rng = np.random.default_rng([seed, 5])
    names = sorted({name for item in items for name, _ in item.values})
    inside = {name: _by_others(items, name, within=True) for name in names}
    across = {name: _by_others(items, name, within=False) for name in names}
    pairs: list[Pair] = []
    near: dict[int, set[int]] = defaultdict(set)
    for name in names:
        siblings = list(_pairs(items, name, inside[name], True, rng))
        varies = len({pair.source for pair in siblings}) >= INSIDE * len(items)
        found = siblings if varies else [*siblings, *_pairs(items, name, across[name], False, rng)]
        pairs += found
        for pair in found:
            near[pair.source] |= pair.targets
    return Triplets(tuple(pairs), {row: _few(rows, rng) for row, rows in near.items()})


def _few(rows: set[int], rng: np.random.Generator) -> tuple[int, ...]:
    ordered = sorted(rows)
    if len(ordered) > EACH:
        ordered = sorted(int(row) for row in rng.choice(ordered, EACH, replace=False))
    return tuple(ordered)


def _by_others(items: Sequence[Item], name: str, within: bool) -> dict[Identity, dict[str, list[int]]]:
    """{all that two items must have in common: {value of the attribute: rows}}"""
    found: dict[Identity, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, item in enumerate(items):
        others = [f"{key}={value}" for key, value in item.values if key != name]
        value = item.value(name)
        if value and (within or len(others) >= IN_COMMON):
            whose = item.group if within else item.path
            found[(whose, *others)][value].append(row)
    return found


def _pairs(
    items: Sequence[Item],
    name: str,
    families: dict[Identity, dict[str, list[int]]],
    same_group: bool,
    rng: np.random.Generator,
) -> Iterator[Pair]:
    for family in families.values():
        values = sorted(family)
        for old in values if len(values) > 1 else ():
            others = [value for value in values if value != old]
            for source in family[old]:
                chosen = others if len(others) <= EACH else sorted(rng.choice(others, EACH, replace=False))
                for value in chosen:
                    yield Pair(source, name, str(value), old, frozenset(family[value]), same_group)


def twins(items: Sequence[Item]) -> dict[int, frozenset[int]]:
    """Of each row the rows that look the same: sizes of one variant, itself among them."""
    rows: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, item in enumerate(items):
        rows[(item.group, item.values)].append(row)
    return {row: frozenset(same) for same in rows.values() for row in same}
