"""The merchant's items as training sees them: a picture, a group, and what the feed says of its looks.

items = read_items(Path("catalogue.jsonl"))     # what `catalog.keeping.export` wrote

Which of a feed's columns tell what can be seen is found by looking: a few words, values that come back, and
nothing that another column says already.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAMES = ("id", "item_group_id", "title", "description", "link", "brand", "product_type", "url")
_CODES = ("gtin", "mpn", "sku")
_TRADE = ("availability", "size", "price", "sale_price", "condition", "shipping", "tax", "currency")
NOT_SEEN = frozenset({*_NAMES, *_CODES, *_TRADE, "image_link", "additional_image_link"})
SEEN = ("color", "pattern", "material", "gender", "age_group")  # the columns that every feed may have
OWN_NAMES = {"color": "colour"}
LONGEST = 40  # characters of a value; more is prose
WORDS = 4
MOST_VALUES = 300  # of one column; more is a number or a name
ALIKE = 0.98  # from here on one column says what another does


class CatalogueTooSmall(Exception):
    """The catalogue holds too little to learn from, or to tell whether anything was learned."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.fix = "catalogue-too-small", message, fix


@dataclass(frozen=True)
class Item:
    """One sellable variant."""

    sku: str
    group: str  # variants of one article share it
    category: str  # the last step of the shop's path, casefolded
    path: str  # the whole of that path
    values: tuple[tuple[str, str], ...]  # (attribute, value) by name, what the shop says nothing of left out
    picture: Path

    def value(self, attribute: str) -> str:
        """What the shop says of an attribute, "" where it says nothing."""
        return dict(self.values).get(attribute, "")


def read_items(path: Path) -> list[Item]:
    """The items of an exported catalogue with the attributes that can be asked for.

    Raises CatalogueTooSmall when there is none.
    """
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not rows:
        raise CatalogueTooSmall(
            "No item of this shop has a picture that is stored.", "Import a feed first: twirl import FEED"
        )
    said = [_said(row) for row in rows]
    kept = attributes_of(said)
    return [_item(row, values, kept) for row, values in zip(rows, said, strict=True)]


def _said(row: dict[str, Any]) -> dict[str, str]:
    """Every column of a row that may tell how the item looks, by our name for it."""
    found = {}
    for name, value in row.items():
        if name not in NOT_SEEN and isinstance(value, str) and (plain := _plain(value)):
            found[OWN_NAMES.get(name, name)] = plain
    first, _, rest = str(row.get("color", "")).partition("/")  # Google's way to list several colours
    if plain := _plain(first):
        found["colour"] = plain
        if rest:
            found["other colours"] = rest.strip().casefold()
    return found


def _plain(value: str) -> str:
    """A value in small letters; "" for prose and for numbers."""
    plain = re.sub(r"\s+", " ", value).strip().casefold()
    short = len(plain) <= LONGEST and len(plain.split()) <= WORDS
    return plain if short and re.search(r"[^\W\d_]", plain) else ""


def attributes_of(said: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """The columns to learn from: several values that come back, none that another column says already."""
    known = [OWN_NAMES.get(name, name) for name in SEEN]
    names = dict.fromkeys([*known, *sorted({name for row in said for name in row})])
    kept: list[str] = []
    for name in names:
        counts = Counter(row[name] for row in said if name in row)
        returning = [value for value, count in counts.items() if count > 1]
        telling = 1 < len(counts) <= MOST_VALUES and 2 * len(returning) >= len(counts)
        if telling and not any(_same(said, name, other) for other in kept):
            kept.append(name)
    return tuple(kept)


def _same(said: Iterable[dict[str, str]], one: str, other: str) -> bool:
    """Whether two columns tell the same: each value of one goes with one value of the other."""
    pairs = Counter((row[one], row[other]) for row in said if one in row and other in row)
    total = pairs.total()
    if not total:
        return False
    return all(_determined(pairs, side, total) for side in (0, 1))


def _determined(pairs: Counter[tuple[str, str]], side: int, total: int) -> bool:
    largest: dict[str, int] = {}
    for pair, count in pairs.items():
        largest[pair[side]] = max(largest.get(pair[side], 0), count)
    return sum(largest.values()) >= ALIKE * total


def _item(row: dict[str, Any], values: dict[str, str], kept: tuple[str, ...]) -> Item:
    path = str(row.get("product_type", "")).casefold()
    sku = str(row["id"])
    return Item(
        sku=sku,
        group=str(row.get("item_group_id") or sku),
        category=path.split(">")[-1].strip(),
        path=path,
        values=tuple((name, values[name]) for name in sorted(kept) if values.get(name)),
        picture=Path(row["image_link"]),
    )
