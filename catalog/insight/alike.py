"""Photos that look alike: of one day, from its searches; and of several days, from what those had."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.insight.vectors import Group, alike, packed, unpacked

LOOKED_AT = 5000  # photos of one day, the newest; they stand for all
GROUPS = 120  # kept of one day, of those that matched, and as many of the others
SHOWN = 4  # photos, products and words by which a group is shown


@dataclass(frozen=True)
class Photos:
    """Photos that look alike: how many searches, what was opened, and what shows them.

    `photo_ids` are the newest first; `skus` the products found first; `words` the commonest beside them.
    """

    weak: bool
    searches: int
    chosen: int
    photo_ids: tuple[str, ...]
    skus: tuple[str, ...]
    words: tuple[tuple[str, int], ...]


def photos_of(rows: Iterable[tuple[Any, ...]], every: Mapping[tuple[str, bool], int]) -> list[dict[str, Any]]:
    """The groups of one day's newest searches by photo, as rows of `insight_photos`; the newest come first.

    Each is (vector, weak, fingerprint, photo id, skus, words, whether something was opened). `every` is how
    many searches there were, by fingerprint and weak: those that were looked at stand for all.
    """
    sorted_out: dict[tuple[str, bool], list[tuple[Any, ...]]] = {}
    for row in rows:
        sorted_out.setdefault((row[2], bool(row[1])), []).append(row)
    return [made for kind, those in sorted_out.items() for made in _of_kind(kind, those, every[kind])]


def _of_kind(kind: tuple[str, bool], rows: list[tuple[Any, ...]], every: int) -> list[dict[str, Any]]:
    groups = alike(unpacked([row[0] for row in rows]), most=GROUPS)
    scale = every / len(rows)
    return [_row(kind, group, [rows[at] for at in sorted(group.rows)], scale) for group in groups]


def _row(kind: tuple[str, bool], group: Group, rows: list[tuple[Any, ...]], scale: float) -> dict[str, Any]:
    first = Counter(sku for row in rows for sku in row[4][:1]) + Counter()
    for row in rows:
        first.update(dict.fromkeys(row[4], 0))
    words = Counter(row[5] for row in rows if row[5])
    return {
        "fingerprint": kind[0], "weak": kind[1], "centre": packed(group.centre),
        "searches": round(len(rows) * scale), "chosen": round(sum(bool(row[6]) for row in rows) * scale),
        "photo_ids": list(dict.fromkeys(row[3] for row in rows if row[3]))[:SHOWN],
        "skus": [sku for sku, _ in first.most_common(SHOWN)], "words": dict(words.most_common(SHOWN)),
    }  # fmt: skip


@dataclass(frozen=True)
class Centre:
    """One day's group, without what shows it."""

    id: int
    fingerprint: str
    searches: int
    chosen: int
    centre: str


@dataclass(frozen=True)
class Together:
    """Groups of several days that look alike: their ids, the most asked first, and what they add up to."""

    ids: tuple[int, ...]
    searches: int
    chosen: int


def together(centres: Sequence[Centre], most: int) -> list[Together]:
    """What several days had, those alike put together; the most asked first.

    Vectors of two models say nothing of each other: groups of each stay by themselves.
    """
    found: list[Together] = []
    for fingerprint in dict.fromkeys(each.fingerprint for each in centres):
        mine = [each for each in centres if each.fingerprint == fingerprint]
        groups = alike(unpacked([each.centre for each in mine]), [each.searches for each in mine], GROUPS)
        found += [_added([mine[at] for at in group.rows]) for group in groups]
    return sorted(found, key=lambda each: -each.searches)[:most]


def _added(rows: list[Centre]) -> Together:
    rows = sorted(rows, key=lambda each: -each.searches)
    searches, chosen = sum(each.searches for each in rows), sum(each.chosen for each in rows)
    return Together(tuple(each.id for each in rows), searches, chosen)


def shown(group: Together, weak: bool, rows: Sequence[Any]) -> Photos:
    """A group with what shows it, of some of its days (rows of `insight_photos`)."""
    newest = sorted(rows, key=lambda row: row.day, reverse=True)
    words: Counter[str] = Counter()
    skus: Counter[str] = Counter()
    for row in rows:
        words.update(row.words)
        skus.update(dict.fromkeys(row.skus, row.searches))
    return Photos(
        weak,
        group.searches,
        group.chosen,
        tuple(dict.fromkeys(each for row in newest for each in row.photo_ids)),
        tuple(sku for sku, _ in skus.most_common(SHOWN)),
        tuple(words.most_common(SHOWN)),
    )
