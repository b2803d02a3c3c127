"""Google's XML feeds: RSS 2.0 and Atom, whose `g:` elements are the columns; one item in memory at a time."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, iterparse

from catalog.feeds.cells import Row
from catalog.feeds.columns import REPEATABLE, normalised
from catalog.records import FeedRefused, RowFault

GOOGLE = "http://base.google.com/ns/1.0"
MAX_ITEM = 2**23  # bytes from the end of one item to the end of the next
_ITEMS = frozenset(("item", "entry", "product"))
_TEXTS = {"summary": "description", "content": "description"}  # Atom's names
_ROOT = re.compile(rb"<(rss|feed|rdf:RDF)\b")
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["']([\w-]+)""")
_FIX = "Mend it there, or export the feed again."


class _ItemTooLong(Exception):
    """More bytes went by without the end of an item than one may have."""


class _Metered:
    """Gives a file's bytes, counts them, and declares the prefix `g` where the feed forgot to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._begun = False
        self.since_item = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.since_item += len(data)
        if self.since_item > MAX_ITEM:
            raise _ItemTooLong
        if not self._begun and b"xmlns:g" not in data:
            data = _ROOT.sub(rb'<\1 xmlns:g="' + GOOGLE.encode() + b'"', data, count=1)
        self._begun = True
        return data


def xml_encoding(head: bytes, found: str) -> str | None:
    """Return the codec that overrules what the file declares; None where the file is right."""
    declared = match[1].lower() if (match := _DECLARED.search(head[:300])) else b"utf-8"
    return "cp1252" if found == "cp1252" and declared in (b"utf-8", b"iso-8859-1") else None


def check_xml(path: Path, encoding: str | None) -> None:
    """Read as far as the first item; FeedRefused where there is none."""
    first = next(read_xml(path, encoding), None)
    if isinstance(first, Row):
        return
    said = first.message if first else "The file has no <item> and no <entry>: it is no product feed."
    fix = "Export RSS 2.0 or Atom for Google Merchant, CSV, TSV or JSON lines."
    raise FeedRefused("feed-xml", said, fix)


def read_xml(path: Path, encoding: str | None) -> Iterator[Row | RowFault]:
    """Yield the items; row 1 is the first. What is no XML ends the reading, with a fault that says where."""
    number = 0
    with path.open("rb") as file:
        metered = _Metered(file)
        try:
            for item in _items(metered, encoding):
                number += 1
                yield Row(number, _cells(item))
                metered.since_item = 0
        except ParseError as error:
            message = f"The file is no XML from here on ({error}). Nothing behind it was read. {_FIX}"
            yield RowFault(number + 1, "", "xml-invalid", message)
        except (DefusedXmlException, _ItemTooLong, ValueError, LookupError) as error:
            message = f"{_words(error)} Nothing was read from here on. {_FIX}"
            yield RowFault(number + 1, "", "xml-invalid", message)


def _words(error: Exception) -> str:
    if isinstance(error, DefusedXmlException):
        return "The file declares entities of its own, which feeds do not need and which are refused."
    if isinstance(error, _ItemTooLong):
        return f"An item is longer than {MAX_ITEM // 2**20} MiB."
    return "The file's encoding is not known."


class _Readable(Protocol):
    def read(self, size: int) -> bytes: ...


def _items(file: _Readable, encoding: str | None) -> Iterator[Element]:
    parser = DefusedXMLParser(target=TreeBuilder(), encoding=encoding)
    above: list[Element] = []
    inside = 0
    for event, element in iterparse(file, ("start", "end"), parser):
        is_item = _local(element.tag) in _ITEMS and bool(above)
        if event == "start":
            inside += is_item
            above.append(element)
            continue
        above.pop()
        inside -= is_item
        if is_item and not inside:
            yield element
        if not inside and above:
            above[-1].remove(element)  # what was read is let go


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _cells(item: Element) -> dict[str, Any]:
    """Return {column: text, list or object}; of two elements of one name, Google's counts, else the first."""
    plain: dict[str, Any] = {}
    google: dict[str, Any] = {}
    for child in item:
        name = normalised(_local(child.tag))
        ours = google if child.tag.startswith(f"{{{GOOGLE}}}") else plain
        name = _TEXTS.get(name, name) if ours is plain else name
        value = _value(child, name)
        if name in REPEATABLE:
            ours.setdefault(name, []).append(value)
        elif value not in ("", {}):
            ours.setdefault(name, value)
    return {**plain, **google}


def _value(child: Element, name: str) -> Any:
    if name == "link" and child.get("href"):
        return child.get("href")
    if len(child) == 0:
        return child.text or ""
    if name in ("description", "title"):
        return " ".join(child.itertext())
    return {normalised(_local(part.tag)): "".join(part.itertext()).strip() for part in child}
