"""JSON lines: one object a line, its keys named as the columns of a table are."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from catalog.feeds.cells import Row
from catalog.feeds.columns import normalised
from catalog.feeds.lines import MAX_LINE, Lines, LineTooLong
from catalog.feeds.values import clean
from catalog.records import RowFault


def read_jsonl(file: TextIO, keep_names: bool = False) -> Iterator[Row | RowFault]:
    """Yield the objects; row 1 is the first line: there is no header. `keep_names` leaves the keys alone."""
    lines = Lines(file, MAX_LINE)
    number = 0
    while True:
        number += 1
        try:
            line = next(lines)
        except StopIteration:
            return
        except LineTooLong as error:
            message = f"The line is longer than {MAX_LINE:,} characters. Shorten it."
            yield RowFault(number, "", "line-too-long", message, {"line": clean(error.start)})
            continue
        if line := line.strip("\ufeff \t\r\n"):
            yield _row(number, line, keep_names)


def _row(number: int, line: str, keep_names: bool) -> Row | RowFault:
    try:
        said = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        message = f"This line is no JSON ({error}). Write one object, such as {{...}}, on one line."
        return RowFault(number, "", "json-invalid", message[:500], {"line": clean(line[:500])})
    return row_of(number, said, keep_names)


def row_of(number: int, said: Any, keep_names: bool = False) -> Row | RowFault:
    """Return a parsed object as a row; a fault for no object, or one nested too deep."""
    try:
        line = json.dumps(said, ensure_ascii=False)[:500]
    except RecursionError:
        return RowFault(number, "", "json-invalid", "The object is nested too deep. Write it flat.")
    if not isinstance(said, dict):
        message = "This is JSON, but no object. Write one object for each product."
        return RowFault(number, "", "json-not-object", message, {"line": clean(line)})
    if keep_names:
        return Row(number, said)
    cells: dict[str, Any] = {}
    for name, value in said.items():
        if value is not None:
            cells.setdefault(normalised(name), value)
    return Row(number, cells)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
