"""CSV and TSV: records with line breaks inside quotes, and one stray quote that costs only its own row."""

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from catalog.feeds.cells import Row
from catalog.feeds.columns import REPEATABLE
from catalog.feeds.escaping import unescaped
from catalog.feeds.lines import MAX_LINE, Lines, LineTooLong
from catalog.feeds.shape import FeedShape
from catalog.feeds.values import clean
from catalog.records import RowFault


class _QuoteOpen(Exception):
    """A quote stayed open for longer than any record may be."""


class _Record:
    """Feeds csv.reader the lines of one record and remembers them."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.taken: list[str] = []
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        self._length += len(line)
        if self._length > MAX_LINE and len(self.taken) > 1:
            raise _QuoteOpen
        return line


def read_table(file: TextIO, shape: FeedShape) -> Iterator[Row | RowFault]:
    """Yield the records behind the header, blank ones left out."""
    lines = Lines(file, MAX_LINE)
    number = 0
    while True:
        try:
            cells = _next_record(lines, shape)
        except StopIteration:
            return
        except LineTooLong as error:
            number += 1
            message = f"The line is longer than {MAX_LINE:,} characters. Shorten it, or close its quotes."
            yield RowFault(number, "", "line-too-long", message, {"line": clean(error.start)})
            continue
        if number == 0 and not any(cell.strip("\ufeff ") for cell in cells):
            continue  # blank lines above the header
        number += 1
        if shape.is_errors and not isinstance(cells, str):
            cells = [unescaped(cell) if name else "" for name, cell in zip(shape.header, cells, strict=False)]
            if not any(cells):
                continue  # a row that could not be read: its number and its fault are all that is known
        if number > 1 and cells != []:
            yield _row(number, cells, shape)


def _next_record(lines: Lines, shape: FeedShape) -> list[str] | str:
    """Return the next record's cells; as text, a first line whose quotes run into the lines below it."""
    record = _Record(lines)
    try:
        cells = next(csv.reader(record, delimiter=shape.delimiter))
        astray = (len(record.taken) > 1 or len(cells) < len(shape.header)) and not _sound(record.taken, shape)
    except LineTooLong:
        if not record.taken:
            raise
        astray = True
    except (_QuoteOpen, csv.Error):
        astray = True
    except StopIteration:
        if not record.taken:
            raise
        astray = True
    if astray:
        lines.push_back(record.taken[1:])
        return record.taken[0]
    return cells


def _sound(lines: list[str], shape: FeedShape) -> bool:
    """Say whether every quote closes where a cell ends: one left open would swallow the rows below it."""
    try:
        (cells,) = csv.reader(lines, delimiter=shape.delimiter, strict=True)
    except (csv.Error, ValueError):
        return False
    return len(lines) == 1 or len(cells) == len(shape.header)


def _row(number: int, cells: list[str] | str, shape: FeedShape) -> Row | RowFault:
    header = shape.header
    if isinstance(cells, str):
        message = 'A quotation mark (") opens in this row and does not close. Close it, or write it twice.'
        return RowFault(number, "", "quote-open", message, {"line": clean(cells[:500])})
    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        message = (
            f"The row has {len(cells)} cells under {len(header)} columns. "
            f'Put quotation marks (") around cells that hold {shape.delimiter!r}.'
        )
        raw = {str(position): clean(cell[:500]) for position, cell in enumerate(cells[:50], 1)}
        return RowFault(number, "", "too-many-cells", message, raw)
    named: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=False):
        if name in REPEATABLE:
            named.setdefault(name, []).append(cell)
        elif name:
            named[name] = cell
    return Row(number, named)
