"""JSON documents: an array of products, or an object that holds one; one product in memory at a time."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from catalog.feeds.cells import Row
from catalog.feeds.jsonlines import row_of
from catalog.records import FeedRefused, RowFault

LISTS = ("@graph", "itemListElement", "products", "items")  # what an object may call its products
MAX_DEPTH = 50
MAX_OBJECT = 2**25  # bytes of a file that is one product
_TOO_DEEP = object()
_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
_NO_VALUE = ("map_key", *_ENDS)
_FIX = "Mend it there, or export the feed again."


def is_document(start: str) -> bool:
    """Say whether a file that begins with this line is one JSON document, not an object a line."""
    if start.startswith("["):
        return True
    try:
        said = json.loads(start)
    except (ValueError, RecursionError):
        return start.rstrip()[-1:] in "{[,"
    return isinstance(said, dict) and any(isinstance(said.get(name), list) for name in LISTS)


class _AsUtf8:
    """Gives a file's bytes in UTF-8, without a mark. No more than `read`: ijson takes nothing else then."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding, errors="replace")

    def read(self, size: int) -> bytes:
        return self._text.read(size).encode()


def products_at(path: Path, encoding: str) -> str:
    """Return where the products are: "item" in an array, "@graph.item" in a list, "" for the whole file."""
    try:
        with path.open("rb") as file:
            for depth, key, event, _ in _events(file, encoding):
                if event == "start_array" and (depth == 0 or (depth == 1 and key in LISTS)):
                    return f"{key}.item" if depth else "item"
    except ijson.JSONError as error:
        raise FeedRefused("feed-json", f"The feed is no JSON ({_words(error)}).", _FIX) from None
    if path.stat().st_size > MAX_OBJECT:
        message = "The feed is one JSON object without a list of products."
        raise FeedRefused("feed-json", message, "Write an array of products, or one object a line.")
    return ""


def read_json(path: Path, encoding: str, at: str, keep_names: bool) -> Iterator[Row | RowFault]:
    """Yield the products; row 1 is the first. What is no JSON ends the reading, with a fault that says so."""
    number = 0
    with path.open("rb") as file:
        try:
            for said in _objects(file, encoding, at):
                number += 1
                if said is _TOO_DEEP:
                    message = f"The object is nested more than {MAX_DEPTH} deep. Write it flat."
                    yield RowFault(number, "", "json-invalid", message)
                else:
                    yield row_of(number, said, keep_names)
        except ijson.JSONError as error:
            message = (
                f"The file is no JSON from here on ({_words(error)}). Nothing behind it was read. {_FIX}"
            )
            yield RowFault(number + 1, "", "json-invalid", message)


def _words(error: Exception) -> str:
    return " ".join(str(error)[:200].split())


def _events(file: BinaryIO, encoding: str) -> Iterator[tuple[int, str, str, Any]]:
    """Yield (depth, key in the outermost object, event, value); a container's two ends have its depth."""
    depth, key = 0, ""
    for event, value in ijson.basic_parse(_AsUtf8(file, encoding), use_float=True):
        depth -= event in _ENDS
        if event == "map_key" and depth == 1:
            key = value
        yield depth, key, event, value
        depth += event in _STARTS


def _objects(file: BinaryIO, encoding: str, at: str) -> Iterator[Any]:
    """Yield each value at the place, built as it is read.

    ijson's own `items` names the path of every event: its time grows with the square of the depth.
    """
    name = at.removesuffix("item").rstrip(".")
    level = at.count(".") + bool(at)
    builder, deepest = None, 0
    for depth, key, event, value in _events(file, encoding):
        if builder is None:
            if depth != level or event in _NO_VALUE or (name and key != name):
                continue
            builder, deepest = ijson.ObjectBuilder(), 0
        deepest = max(deepest, depth - level)
        if deepest <= MAX_DEPTH:
            builder.event(event, value)
        if depth == level and event not in _STARTS:
            yield builder.value if deepest <= MAX_DEPTH else _TOO_DEEP
            builder = None
