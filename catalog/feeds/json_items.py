"""JSON documents: an array of products, or an object that holds one; one product in memory at a time."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import ijson

from catalog.feeds.cells import Row
from catalog.feeds.jsonlines import row_of
from catalog.records import FeedRefused, RowFault

LISTS = ("@graph", "itemListElement", "products", "items")  # what an object may call its products
MAX_OBJECT = 2**25  # bytes of a file that is one product
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
    """Return where the products are, as ijson says it: "item", "@graph.item", "" for the whole file."""
    try:
        with path.open("rb") as file:
            for prefix, event, _ in ijson.parse(_AsUtf8(file, encoding)):
                if event == "start_array" and prefix in ("", *LISTS):
                    return f"{prefix}.item".lstrip(".")
    except ijson.JSONError as error:
        raise FeedRefused("feed-json", f"The feed is no JSON ({str(error)[:200]}).", _FIX) from None
    if path.stat().st_size > MAX_OBJECT:
        message = "The feed is one JSON object without a list of products."
        raise FeedRefused("feed-json", message, "Write an array of products, or one object a line.")
    return ""


def read_json(path: Path, encoding: str, at: str, keep_names: bool) -> Iterator[Row | RowFault]:
    """Yield the products; row 1 is the first. What is no JSON ends the reading, with a fault that says so."""
    number = 0
    with path.open("rb") as file:
        recoded = _AsUtf8(file, encoding)
        try:
            for said in ijson.items(recoded, at, use_float=True):
                number += 1
                yield row_of(number, said, keep_names)
        except ijson.JSONError as error:
            said = " ".join(str(error)[:200].split())
            message = f"The file is no JSON from here on ({said}). Nothing behind it was read. {_FIX}"
            yield RowFault(number + 1, "", "json-invalid", message)
