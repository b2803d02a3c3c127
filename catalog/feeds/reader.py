"""A feed from its file to checked records, one row at a time."""

from collections.abc import Iterator
from pathlib import Path

from catalog.feeds.cells import Row
from catalog.feeds.json_items import read_json
from catalog.feeds.jsonlines import read_jsonl
from catalog.feeds.rows import currency_named, record_of
from catalog.feeds.shape import FeedShape, survey_feed
from catalog.feeds.tables import read_table
from catalog.feeds.vendors import GOOGLE, SCHEMA_ORG, VENDORS
from catalog.feeds.xml_items import read_xml
from catalog.records import ProductRecord, RowFault


def read_feed(
    path: Path, currency: str = "", shape: FeedShape | None = None
) -> Iterator[ProductRecord | RowFault]:
    """Yield each row as a valid record or as its faults (a bad row yields one or more with its number).

    `currency` is the shop's: it holds where a price names none, and a price in another is a fault. With ""
    each price says its own. FeedRefused, at once, for a file that cannot be read at all. Memory does not grow
    with the file but for the ids seen, which tell an id that comes twice.
    """
    return _checked(shape or survey_feed(path), currency)


def _checked(shape: FeedShape, currency: str) -> Iterator[ProductRecord | RowFault]:
    seen: dict[str, int] = {}
    for row in _translated(shape, currency):
        if isinstance(row, RowFault):
            yield row
            continue
        record = record_of(row, currency, shape.mapping)
        if isinstance(record, list):
            yield from record
        elif (first := seen.setdefault(record.sku, record.row)) != record.row:
            message = f"The id {record.sku!r} is in row {first} already. Give each row an id of its own."
            yield row.fault(record.called["sku"], "id-twice", message)
        else:
            yield record


def currency_in(shape: FeedShape) -> str:
    """The currency of the feed's first price that names one; "" where none does. Reads that far."""
    mapping = shape.mapping
    rows = (row for row in _translated(shape, "") if isinstance(row, Row))
    return next(filter(None, (currency_named(row, mapping) for row in rows)), "")


def _translated(shape: FeedShape, currency: str) -> Iterator[Row | RowFault]:
    if shape.vendor == GOOGLE:
        return raw_rows(shape)
    return VENDORS[shape.vendor].translated(lambda: raw_rows(shape), currency)


def raw_rows(shape: FeedShape) -> Iterator[Row | RowFault]:
    """Yield the rows as the feed has them, a vendor's in its own columns."""
    keep_names = shape.vendor == SCHEMA_ORG
    if shape.form == "xml":
        yield from read_xml(shape.path, shape.encoding or None)
    elif shape.form == "json":
        yield from read_json(shape.path, shape.encoding, shape.at, keep_names)
    else:
        with shape.path.open(encoding=shape.encoding, errors="replace", newline="") as file:
            yield from read_table(file, shape) if shape.is_table else read_jsonl(file, keep_names)
