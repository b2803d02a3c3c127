"""A first look at a feed that somebody gave: what it is, its columns, what they hold in the first rows."""

from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from catalog.feeds.cells import Row
from catalog.feeds.reader import raw_rows
from catalog.feeds.shape import survey_feed
from catalog.feeds.values import as_text, clean
from catalog.records import FeedRefused

ROWS = 50  # that are looked at
SHOWN = 3  # examples of what a column holds
_LENGTH = 80


@dataclass(frozen=True)
class Column:
    """A column: its normalised name, how the file writes it, and some of what it holds."""

    name: str
    title: str
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Look:
    """What a feed seems to be. `rows` is an estimate."""

    form: str  # table, jsonl, json or xml
    vendor: str
    encoding: str
    delimiter: str
    rows: int
    is_errors: bool
    columns: list[Column]

    def as_json(self) -> dict[str, Any]:
        """As it is kept in SQL."""
        return asdict(self)


def look_at(path: Path, bare: bool = True) -> Look:
    """Look at the file's beginning. FeedRefused when it cannot be read at all; columns may be lacking.

    Unless `bare`, one that has a header and no row is refused too.
    """
    shape = survey_feed(path, strict=False)
    read = list(islice(raw_rows(shape), ROWS))
    if not (read or bare):
        raise FeedRefused("feed-empty", "The feed has no products.", "Export it again with its products.")
    rows = [row for row in read if isinstance(row, Row)]
    titles = dict(zip(shape.header, shape.titles, strict=True)) if shape.is_table else {}
    names = shape.header if shape.is_table else dict.fromkeys(name for row in rows for name in row.cells)
    columns = [
        Column(name, titles.get(name, name).strip()[:100], _examples(name, rows))
        for name in dict.fromkeys(names)
        if name
    ]
    return Look(
        shape.form, shape.vendor, shape.encoding, shape.delimiter, shape.rows, shape.is_errors, columns
    )  # fmt: skip


def _examples(name: str, rows: list[Row]) -> list[str]:
    found: dict[str, None] = {}
    for row in rows:
        if text := clean(as_text(row.cells.get(name) or "")[:500]):
            found.setdefault(text[:_LENGTH])
        if len(found) == SHOWN:
            break
    return list(found)
