"""What kind of file a feed is: encoding, table or JSON lines, delimiter, header. Reads it once through."""

import codecs
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from catalog.feeds.columns import NAMES, REPEATABLE, REQUIRED, assigned, feed_name, normalised
from catalog.feeds.escaping import SAID, is_ours
from catalog.feeds.json_items import is_document, products_at
from catalog.feeds.lines import MAX_LINE
from catalog.feeds.vendors import GOOGLE, SCHEMA_ORG, missing_columns, vendor_of
from catalog.feeds.vendors.schema_org import MARK
from catalog.feeds.xml_items import check_xml, xml_encoding
from catalog.records import FeedRefused

DELIMITERS = "\t,;|"

Form = Literal["table", "jsonl", "json", "xml"]

_CHUNK = 2**20
_HEAD = 2**16
_ITEM = re.compile(rb"<(?:item|entry|product)>")
_AS_CSV = "Export it as CSV (UTF-8), TSV or JSON lines."
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a compressed file",
    b"\xff\xd8\xff": "a picture",
    b"\x89PNG": "a picture",
    b"SQLite format 3": "a database",
}


@dataclass(frozen=True)
class FeedShape:
    """How to read a feed. `rows` is an estimate, for progress; JSON lines have no delimiter, no header."""

    path: Path
    encoding: str  # a Python codec; "" for XML that says it itself
    delimiter: str  # "" for JSON lines
    header: tuple[str, ...]  # normalised names, in the file's order
    rows: int
    vendor: str = GOOGLE  # whose columns these are
    form: Form = "table"
    at: str = ""  # where in a JSON document the products are
    titles: tuple[str, ...] = ()  # the header as it is written
    is_errors: bool = False  # one that `errors_file` wrote: its cells are escaped
    mapping: Mapping[str, str] = field(
        default_factory=dict
    )  # what Google's own columns mean: `feeds.mapping`

    @property
    def is_table(self) -> bool:
        """Say whether this is CSV or TSV, not JSON lines."""
        return bool(self.delimiter)


def survey_feed(path: Path, mapping: Mapping[str, str] | None = None, strict: bool = True) -> FeedShape:
    """Find out how to read the feed; FeedRefused (code, message, fix) when it cannot be read at all.

    A `mapping` says what columns mean whose names do not. Where `strict` is false a header without the
    columns that are needed is taken as it is: for a first look.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        message = f"The feed {path.name} cannot be opened: {error.strerror}."
        raise FeedRefused("feed-unreadable", message, "Check the file's name and rights.") from None
    _refuse_binary(head)
    encoding, newlines = _encoding(path, head)
    start = _first_line(path, encoding)
    mapping = mapping or {}
    if start.startswith(("{", "[")):
        shape = _json_shape(path, encoding, start, newlines, MARK in head.decode(encoding, "replace"))
    elif start.startswith("<"):
        declared = xml_encoding(head, encoding)
        check_xml(path, declared)
        shape = FeedShape(path, declared or "", "", (), _count_items(path), form="xml")
    else:
        shape = _table_shape(path, encoding, start, newlines, mapping, strict)
    return replace(shape, mapping=mapping) if shape.vendor == GOOGLE else shape


def _refuse_binary(head: bytes) -> None:
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise FeedRefused("feed-empty", "The feed is empty.", "Export it again with its products.")
    for magic, words in _BINARY.items():
        if head.startswith(magic):
            raise FeedRefused("feed-binary", f"The feed is {words}, not text.", _AS_CSV)


def _encoding(path: Path, head: bytes) -> tuple[str, int]:
    """Return the codec and an estimate of how many records there are."""
    for mark, codec in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16")):
        if head.startswith(mark):
            return codec, _scan(path)[0]
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16", _scan(path)[0]
    for start, codec in ((1, "utf-16-le"), (0, "utf-16-be")):  # UTF-16 without a mark: every other byte is 0
        if head[start::2].count(0) > 0.6 * len(head[start::2]) > 0:
            return codec, _scan(path)[0]
    zeros = head.count(0)  # some exports pad with them
    controls = sum(head.count(code) for code in range(1, 32) if code not in (9, 10, 13))
    if zeros + controls > max(64, 0.05 * len(head)) or controls > max(1, 0.1 * len(head)):
        raise FeedRefused("feed-binary", "The feed is not text.", _AS_CSV)
    records, sound, broken = _scan(path)
    # Text in cp1252 read as UTF-8 breaks at nearly every accent; UTF-8 with a few bad bytes does not.
    return ("utf-8" if sound >= broken else "cp1252"), records


def _scan(path: Path) -> tuple[int, int, int]:
    """Return (records, sound non-ASCII characters as UTF-8, broken ones), in constant memory."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    records = sound = broken = 0
    outside, last = True, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            last = chunk
            for position, part in enumerate(chunk.split(b'"')):
                outside = outside if position == 0 else not outside
                records += part.count(b"\n") if outside else 0
            text = decoder.decode(chunk)
            if not text.isascii():
                bad = text.count("\ufffd")
                broken += bad
                sound += len(text) - len(text.encode("ascii", "ignore")) - bad
    return records + (not last.endswith((b"\n", b"\0"))), sound, broken


def _first_line(path: Path, encoding: str) -> str:
    """Return the first line that is not blank; a header may hold line breaks only inside quotes, so none."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        while line := file.readline(MAX_LINE):
            if line.strip(" \t\r\n\0\ufeff"):
                return line.replace("\0", "").lstrip("\ufeff").strip("\r\n ")
    raise FeedRefused("feed-empty", "The feed is empty.", "Export it again with its products.")


def _table_shape(
    path: Path, encoding: str, start: str, lines: int, mapping: Mapping[str, str], strict: bool
) -> FeedShape:
    delimiter, named = _header(start, mapping, strict)
    header = tuple("" if name in SAID else name for name in named)
    titles = tuple(next(csv.reader([start], delimiter=delimiter)))
    rows, vendor = max(0, lines - 1), vendor_of(header)
    return FeedShape(path, encoding, delimiter, header, rows, vendor, titles=titles, is_errors=is_ours(named))


def _json_shape(path: Path, encoding: str, start: str, lines: int, is_linked: bool) -> FeedShape:
    vendor = SCHEMA_ORG if is_linked else GOOGLE
    if is_document(start):
        at = products_at(path, encoding)
        return FeedShape(path, encoding, "", (), lines, vendor, "json", at)
    return FeedShape(path, encoding, "", (), lines, vendor, "jsonl")


def _count_items(path: Path) -> int:
    """Return about how many items an XML feed has; 0 where its encoding hides that."""
    with path.open("rb") as file:
        chunks = iter(lambda: file.read(_CHUNK), b"")
        return sum(len(_ITEM.findall(chunk)) for chunk in chunks)


def _header(line: str, mapping: Mapping[str, str], strict: bool) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter that finds the most columns that we know, and the header's names."""
    readings = {delimiter: _split(line, delimiter) for delimiter in DELIMITERS}

    def promise(delimiter: str) -> tuple[int, int]:
        names = readings[delimiter]
        return len(assigned(names)) + len(mapping.keys() & set(names)), 0 if strict else len(names)

    delimiter = max(DELIMITERS, key=promise)
    header = readings[delimiter]
    if strict:
        _refuse_lacking(line, header, mapping)
    _refuse_twice(header)
    return delimiter, header


def _refuse_lacking(line: str, header: tuple[str, ...], mapping: Mapping[str, str]) -> None:
    found = {**assigned([name for name in header if name not in mapping])}
    found |= {mapping[name]: name for name in header if name in mapping}
    if not found:
        known = ", ".join(feed_name(ours) for ours in NAMES)
        message = f"The first line names no column that we know: {line[:80]!r}."
        raise FeedRefused("feed-no-header", message, f"Begin the file with column names, such as {known}.")
    missing = _missing(header, found)
    if missing:
        message = f"The feed has no column {' and no column '.join(missing)}."
        raise FeedRefused("feed-columns-missing", message, f"Add the column {', '.join(missing)}.")


def _missing(header: tuple[str, ...], found: dict[str, str]) -> list[str]:
    if (vendor := vendor_of(header)) != GOOGLE:
        return missing_columns(vendor, header)
    return [feed_name(ours) for ours in REQUIRED if ours not in found]


def _split(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        return tuple(map(normalised, next(csv.reader([line], delimiter=delimiter))))
    except csv.Error:
        return ()


def _refuse_twice(header: tuple[str, ...]) -> None:
    for name in header:
        if name and name not in REPEATABLE and header.count(name) > 1:
            message = f"The column {name} is there {header.count(name)} times."
            raise FeedRefused("feed-column-twice", message, "Keep one of them.")
