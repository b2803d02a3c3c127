"""JSON lines: one object a line, its keys named as the columns of a table are."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from catalog.feeds.cells import Row
from catalog.feeds.columns import normalised
from catalog.feeds.lines import Lines, LineTooLong
from catalog.feeds.shape import MAX_LINE
from catalog.feeds.values import clean
from catalog.records import RowFault


def read_jsonl(file: TextIO) -> Iterator[Row | RowFault]:
    """Yield the objects; row 1 is the first line, because there is no header."""
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
            yield _row(number, line)


def _row(number: int, line: str) -> Row | RowFault:
    try:
        said = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        message = f"This line is no JSON ({error}). Write one object, such as {{...}}, on one line."
        return RowFault(number, "", "json-invalid", message[:500], {"line": clean(line[:500])})
    if not isinstance(said, dict):
        message = "This line holds JSON, but no object. Write one object a line."
        return RowFault(number, "", "json-not-object", message, {"line": clean(line[:500])})
    cells: dict[str, Any] = {}
    for name, value in said.items():
        if value is not None:
            cells.setdefault(normalised(name), value)
    return Row(number, cells)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
