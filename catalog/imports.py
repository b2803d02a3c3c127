"""Importing a feed: good rows go in batch by batch, bad rows are kept with what is wrong with them."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from catalog.blobs import Incoming
from catalog.clock import instant
from catalog.decoding import ImageRefused, sniff
from catalog.feeds import FeedRefused, read_feed, survey_feed
from catalog.feeds.cells import shortened
from catalog.feeds.pictures import PictureMissing, Pictures, open_pictures
from catalog.feeds.values import is_url
from catalog.models import BULK, EDIT, ImportJob, Merchant, RowError
from catalog.products import content_hashes, save_products
from catalog.records import ProductRecord, RowFault

BATCH = 200  # rows a commit: the write lock is held for some tens of milliseconds
FEW = 50  # changed rows of an import that go before others' bulk work: a daily feed with a handful of changes

Progress = Callable[[int, int | None], None]  # rows done, rows in all (an estimate) or None


@dataclass
class ImportSummary:
    """What came of an import. `refused` counts rows; each has one or more RowErrors under `job_id`.

    A row that went in without one of its additional images has a RowError too, and is not refused.
    """

    job_id: int
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    seconds: float = 0.0


@dataclass
class _Batch:
    """Rows that are committed together."""

    rows: int = 0  # how many rows of the feed it covers
    records: list[ProductRecord] = field(default_factory=list)  # with sources, their bytes durable
    faults: list[RowFault] = field(default_factory=list)
    warnings: list[RowFault] = field(default_factory=list)  # of rows that went in all the same
    unchanged: int = 0


def import_feed(
    sessions: sessionmaker[Session],
    merchant_id: int,
    feed: Path,
    images: Path | None,
    incoming: Incoming,
    progress: Progress = lambda _done, _total: None,
    on_commit: Callable[[Sequence[int]], None] = lambda _product_ids: None,
    filename: str = "",
) -> ImportSummary:
    """Import `feed`, its file names looked up in `images` (a folder or ZIP archive); return the counts.

    Rows that say what the ledger has already cost a read and no write. `on_commit` gets the ids of the
    products that changed, after each commit. FeedRefused when the feed or `images` cannot be read at all; the
    job says so too. What is committed stays when an import is cut off: run again, it goes on from there.
    """
    start = time.monotonic()
    with sessions.begin() as session:
        merchant = session.get_one(Merchant, merchant_id)
        currency = merchant.currency
        named, at = (filename or feed.name)[:300], instant(session)
        job = ImportJob(merchant_id=merchant_id, filename=named, heartbeat_at=at)
        session.add(job)
    summary = ImportSummary(job.id)
    try:
        _run(sessions, merchant_id, summary, _Reading(feed, images, currency), incoming, progress, on_commit)
    except BaseException as error:
        _finish(sessions, summary, "failed", _words(error))
        raise
    _finish(sessions, summary, "done", "")
    summary.seconds = time.monotonic() - start
    return summary


@dataclass(frozen=True)
class _Reading:
    """What is read: the feed, the images beside it, the merchant's currency."""

    feed: Path
    images: Path | None
    currency: str


def _run(
    sessions: sessionmaker[Session],
    merchant_id: int,
    summary: ImportSummary,
    reading: _Reading,
    incoming: Incoming,
    progress: Progress,
    on_commit: Callable[[Sequence[int]], None],
) -> None:
    shape = survey_feed(reading.feed)
    total = shape.rows
    progress(0, total)
    with open_pictures(reading.images) as pictures:
        rows = read_feed(reading.feed, reading.currency, shape)
        for items in _batches(rows):
            batch = _prepared(sessions, merchant_id, items, pictures, incoming)
            touched = _commit(sessions, merchant_id, batch, summary)
            if touched:
                on_commit(touched)
            progress(summary.rows, max(total, summary.rows))
    progress(summary.rows, summary.rows)


def _batches(items: Iterator[ProductRecord | RowFault]) -> Iterator[list[ProductRecord | RowFault]]:
    """Yield runs of items that cover BATCH rows; a row's faults stay together."""
    batch: list[ProductRecord | RowFault] = []
    rows: set[int] = set()
    for item in items:
        if item.row not in rows and len(rows) == BATCH:
            yield batch
            batch, rows = [], set()
        batch.append(item)
        rows.add(item.row)
    if batch:
        yield batch


def _prepared(
    sessions: sessionmaker[Session],
    merchant_id: int,
    items: list[ProductRecord | RowFault],
    pictures: Pictures,
    incoming: Incoming,
) -> _Batch:
    """Look the images up and make the bytes of changed rows durable, before any row names them."""
    batch = _Batch(rows=len({item.row for item in items}))
    with sessions() as session:
        skus = [item.sku for item in items if isinstance(item, ProductRecord)]
        known = content_hashes(session, merchant_id, skus)
    for item in items:
        if isinstance(item, RowFault):
            batch.faults.append(item)
            continue
        found = _found(item, pictures)
        if found.refused:
            batch.faults += found.faults
            continue
        batch.warnings += found.faults
        sourced = replace(item, images=tuple(dict.fromkeys(found.sources.values())))
        if known.get(item.sku) == sourced.content_hash():
            batch.unchanged += 1
            continue
        _keep_bytes(found.sources, pictures, incoming)
        batch.records.append(sourced)
    return batch


@dataclass
class _Found:
    """The images of one row: where each that is there comes from, and what is wrong with the others."""

    sources: dict[str, str] = field(default_factory=dict)  # by the feed's name
    faults: list[RowFault] = field(default_factory=list)
    refused: bool = False  # whether the row cannot go in: its main image is not there


def _found(record: ProductRecord, pictures: Pictures) -> _Found:
    """Look a row's images up. Without its main image it is refused, without an additional one it goes in.

    Bytes are hashed and let go, one image at a time, so that a row of eleven large photos costs one of them.
    """
    found = _Found()
    for position, name in enumerate(record.images):
        try:
            found.sources[name] = name if is_url(name) else f"incoming:{_hashed(pictures.read(name))}"
        except PictureMissing as error:
            found.faults.append(_image_fault(record, position, "image-missing", str(error)))
        except ImageRefused as error:
            words = f"{name[:80]!r}: {error.message} {error.fix}"
            found.faults.append(_image_fault(record, position, error.code, words))
        else:
            continue
        found.refused = found.refused or position == 0
    return found


def _hashed(data: bytes) -> str:
    sniff(data)
    return hashlib.sha256(data).hexdigest()


def _image_fault(record: ProductRecord, position: int, code: str, message: str) -> RowFault:
    column = "additional_image_link" if position else "image_link"
    raw = shortened({"id": record.sku, "title": record.title, "image_link": ", ".join(record.images)})
    return RowFault(record.row, column, code, message, raw)


def _keep_bytes(names: Iterable[str], pictures: Pictures, incoming: Incoming) -> None:
    for name in names:
        if not is_url(name):
            incoming.put(pictures.read(name))


def _commit(
    sessions: sessionmaker[Session], merchant_id: int, batch: _Batch, summary: ImportSummary
) -> list[int]:
    """Write one batch and the job's counts in one short transaction; return the ids of changed products."""
    for last in (False, False, True):
        try:
            counted = replace(summary)
            touched = _write(sessions, merchant_id, batch, counted)
        except OperationalError:  # the database took another's side (a deadlock, a lock held too long)
            if last:
                raise
        else:
            vars(summary).update(vars(counted))
            return touched
    raise AssertionError("unreachable")


def _write(
    sessions: sessionmaker[Session], merchant_id: int, batch: _Batch, summary: ImportSummary
) -> list[int]:
    with sessions.begin() as session:
        changed = summary.created + summary.updated + len(batch.records)
        saved = save_products(session, merchant_id, batch.records, EDIT if changed <= FEW else BULK)
        session.add_all(_row_error(summary.job_id, fault) for fault in (*batch.faults, *batch.warnings))
        summary.rows += batch.rows
        summary.created += sum(outcome == "created" for _, outcome in saved)
        summary.updated += sum(outcome == "updated" for _, outcome in saved)
        summary.unchanged += batch.unchanged + sum(outcome == "unchanged" for _, outcome in saved)
        summary.refused += len({fault.row for fault in batch.faults})
        _count(session, summary)
        return [product.id for product, outcome in saved if outcome != "unchanged"]


def _row_error(job_id: int, fault: RowFault) -> RowError:
    return RowError(
        job_id=job_id,
        row=fault.row,
        column=fault.column[:200],
        code=fault.code,
        message=fault.message[:1000],
        raw=dict(fault.raw),
    )


def _count(session: Session, summary: ImportSummary) -> ImportJob:
    """Write the counts and that we are alive, also where a sweeper took our silence for the end."""
    job = session.get_one(ImportJob, summary.job_id)
    job.state, job.message, job.finished_at, job.heartbeat_at = "running", "", None, instant(session)
    for name in ("rows", "created", "updated", "unchanged", "refused"):
        setattr(job, name, getattr(summary, name))
    return job


def _finish(sessions: sessionmaker[Session], summary: ImportSummary, state: str, message: str) -> None:
    with sessions.begin() as session:
        job = _count(session, summary)
        job.state, job.message, job.finished_at = state, message[:1000], instant(session)


def _words(error: BaseException) -> str:
    if isinstance(error, FeedRefused):
        return f"{error.message} {error.fix}"
    return f"The import was cut off ({type(error).__name__}). Run it again: it goes on where it stopped."
