"""The rows that were refused, as a table to mend and to import: the feed's own columns, and what is wrong."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from catalog.feeds.cells import Row
from catalog.feeds.columns import REPEATABLE
from catalog.feeds.escaping import SAID, escaped, inert
from catalog.feeds.reader import raw_rows
from catalog.feeds.shape import FeedShape, survey_feed
from catalog.feeds.values import as_text
from catalog.feeds.vendors import family_of
from catalog.records import RowFault

Faults = Mapping[int, Sequence[RowFault]]


def write_errors(target: Path, feed: Path, faults: Faults) -> int:
    """Write the rows of `feed` that have faults (by their number); return how many.

    Rows that belong to them come along (the other rows of a Shopify product, a variation's parent and its
    sisters), or they could not be imported again. Cells that a spreadsheet would take for a formula begin
    with an apostrophe, which an import of this file takes off again.
    """
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        _write(file, feed, faults)
    return len(faults)


def errors_bytes(feed: Path, faults: Faults) -> bytes:
    """The same file in memory: of what strangers uploaded it is made in the child process."""
    text = io.StringIO(newline="")
    _write(text, feed, faults)
    return text.getvalue().encode("utf-8-sig", "replace")


def _write(file: TextIO, feed: Path, faults: Faults) -> None:
    shape = survey_feed(feed, strict=False)
    kin = _kin(shape, faults)
    columns = _columns(shape, faults, kin)
    writer = csv.writer(file)
    writer.writerow(map(escaped, [*_titles(shape, columns), *SAID]))
    for number, cells in _wanted(shape, faults, kin):
        said = map(inert, _said(number, faults.get(number, ())))
        writer.writerow([*map(escaped, _laid_out(columns, cells)), *said])


def _kin(shape: FeedShape, faults: Faults) -> set[str]:
    """Return the names of the products that the faulty rows belong to."""
    names: set[str] = set()
    for row in raw_rows(shape):
        if isinstance(row, Row) and row.number in faults:
            names |= family_of(shape.vendor, row)
    for row in raw_rows(shape):
        if isinstance(row, Row) and names & (family := family_of(shape.vendor, row)):
            names |= family
    return names


def _wanted(shape: FeedShape, faults: Faults, kin: set[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (row number, cells); a row that cannot be read has none."""
    for row in raw_rows(shape):
        if isinstance(row, RowFault):
            if row.row in faults:
                yield row.row, {}
        elif row.number in faults or kin & family_of(shape.vendor, row):
            yield row.number, row.cells


def _columns(shape: FeedShape, faults: Faults, kin: set[str]) -> list[str]:
    """Return the columns in the feed's order; of a document, in the order in which its rows bring them."""
    if shape.is_table:
        return [name for name in shape.header if name]
    return list(dict.fromkeys(name for _, cells in _wanted(shape, faults, kin) for name in cells))


def _titles(shape: FeedShape, columns: Sequence[str]) -> Sequence[str]:
    if not shape.is_table:
        return columns
    return [title for name, title in zip(shape.header, shape.titles, strict=True) if name]


def _laid_out(columns: Sequence[str], cells: Mapping[str, Any]) -> list[str]:
    """Return a cell for each column; of a column that is there several times, each its own."""
    taken: dict[str, int] = {}
    laid = []
    for name in columns:
        value = cells.get(name, "")
        if name in REPEATABLE and isinstance(value, list):
            position = taken.get(name, 0)
            taken[name] = position + 1
            own = value[position] if position < len(value) else ""
            value = own if columns.count(name) > 1 else ",".join(map(as_text, value))
        laid.append(as_text(value))
    return laid


def _said(number: int, faults: Iterable[RowFault]) -> list[str]:
    """Return the row's number, the columns that are wrong, the codes and the messages."""
    said = list(faults)
    if not said:
        return [str(number), "", "", ""]
    columns = ", ".join(dict.fromkeys(fault.column for fault in said if fault.column))
    codes = ", ".join(dict.fromkeys(fault.code for fault in said))
    return [str(number), columns, codes, " ".join(fault.message for fault in said)]
