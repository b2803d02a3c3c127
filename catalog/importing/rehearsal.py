"""What an import would do, without doing it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from catalog.currency import currency_of
from catalog.feeds.pictures import Pictures
from catalog.importing.batching import Item
from catalog.importing.imports import recalled
from catalog.importing.preparing import Batch, prepared
from catalog.importing.readings import Reading, read_here
from catalog.importing.removing import Presence, Removal, missing_products, objection
from catalog.models import Product
from catalog.records import ProductRecord, RowFault

KEPT = 100_000  # faults that are shown or written; all are counted
FIRST = 20  # rows that are shown one by one


@dataclass
class Preview:
    """One of the first rows: what would come of it, and what it says; a refused row says little."""

    row: int
    sku: str
    outcome: str  # created, updated, unchanged or refused
    title: str = ""
    price_minor: int | None = None
    currency: str = ""
    image: str = ""  # as the feed names the main one
    images: int = 0
    faults: list[RowFault] = field(default_factory=list)


@dataclass
class Rehearsal:
    """The counts of an import that was not made; `refused` counts rows, `codes` faults by their code."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    removed: int = 0
    kept_because: str = ""
    currency: str = ""  # what the shop's prices would be in
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[RowFault] = field(default_factory=list)
    first: list[Preview] = field(default_factory=list)


def rehearse(
    sessions: sessionmaker[Session],
    merchant_id: int,
    feed: Path,
    images: Path | None,
    removal: Removal = Removal.NONE,
    currency: str = "",
) -> Rehearsal:
    """Read the feed and compare it with the ledger; nothing is written. FeedRefused as for an import.

    With a `currency` it is told what would come of it in a shop whose prices are in that.
    """
    with sessions() as session:
        currency = currency or currency_of(session, merchant_id)
    with read_here(feed, images, currency, recalled(sessions, merchant_id, feed)) as reading:
        return rehearsed(sessions, merchant_id, reading, removal)


def rehearsed(
    sessions: sessionmaker[Session],
    merchant_id: int,
    reading: Reading,
    removal: Removal = Removal.NONE,
    only: frozenset[int] | None = None,
    show: Callable[[Preview, Pictures], None] = lambda _preview, _pictures: None,
) -> Rehearsal:
    """The same of an opened feed; `show` is given each of the first rows while its pictures are at hand."""
    would, presence = Rehearsal(currency=reading.currency), Presence()
    for items in reading.batches():
        presence.note(items)
        if only is not None:
            items = [item for item in items if item.row in only]
        batch = prepared(sessions, merchant_id, items, reading.pictures, None)
        there = _there(sessions, merchant_id, [record.sku for record in batch.records])
        would.rows += batch.rows
        would.created += len(batch.records) - len(there)
        would.updated += len(there)
        would.unchanged += batch.unchanged
        would.refused += len({fault.row for fault in batch.faults})
        _keep(would, [*batch.faults, *batch.warnings])
        if len(would.first) < FIRST:
            for preview in _previews(items, batch, there)[: FIRST - len(would.first)]:
                would.first.append(preview)
                show(preview, reading.pictures)
    if removal is not Removal.NONE:
        missing, total = missing_products(sessions, merchant_id, presence)
        would.kept_because = objection(presence, len(missing), total, removal)
        would.removed = 0 if would.kept_because else len(missing)
    return would


def _previews(items: Sequence[Item], batch: Batch, there: set[str]) -> list[Preview]:
    faults: dict[int, list[RowFault]] = {}
    for fault in (*batch.faults, *batch.warnings):
        faults.setdefault(fault.row, []).append(fault)
    refused = {fault.row for fault in batch.faults}
    same = {record.sku for record in batch.same}
    found: dict[tuple[int, str], Preview] = {}
    for item in items:
        outcome = "unchanged" if item.sku in same else "updated" if item.sku in there else "created"
        shown = Preview(item.row, item.sku, "refused" if item.row in refused else outcome)
        shown.faults = faults.get(item.row, [])
        if isinstance(item, ProductRecord):
            shown.title, shown.price_minor, shown.currency = item.title, item.price_minor, item.currency
            shown.image, shown.images = item.images[0], len(item.images)
        else:
            shown.title = str(item.raw.get("title", ""))[:300]
        found.setdefault((item.row, item.sku), shown)
    return list(found.values())


def _there(sessions: sessionmaker[Session], merchant_id: int, skus: Sequence[str]) -> set[str]:
    mine = select(Product.sku).where(
        Product.merchant_id == merchant_id, Product.sku.in_(skus), Product.deleted_at.is_(None)
    )
    with sessions() as session:
        return set(session.scalars(mine))


def _keep(would: Rehearsal, faults: list[RowFault]) -> None:
    would.codes.update(fault.code for fault in faults)
    would.faults += faults[: KEPT - len(would.faults)]
