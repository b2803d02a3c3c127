"""Importing a feed: good rows go in batch by batch, bad rows are kept with what is wrong with them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from catalog.blobs import Incoming
from catalog.clock import instant
from catalog.feeds import FeedRefused, read_feed, survey_feed
from catalog.feeds.pictures import open_pictures
from catalog.models import BULK, EDIT, ImportJob, Merchant, RowError
from catalog.preparing import Batch, batches, prepared
from catalog.products import save_products
from catalog.records import RowFault
from catalog.removing import Presence, Removal, remove_missing

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
    removed: int = 0
    kept_because: str = ""  # why nothing was removed, where that was asked for


def import_feed(
    sessions: sessionmaker[Session],
    merchant_id: int,
    feed: Path,
    images: Path | None,
    incoming: Incoming,
    progress: Progress = lambda _done, _total: None,
    on_commit: Callable[[Sequence[int]], None] = lambda _product_ids: None,
    filename: str = "",
    removal: Removal = Removal.NONE,
) -> ImportSummary:
    """Import `feed`, its file names looked up in `images` (a folder or ZIP archive); return the counts.

    Rows that say what the ledger has already cost a read and no write. `on_commit` gets the ids of the
    products that changed, after each commit. `removal` says what becomes of products that are not in the
    feed. FeedRefused when the feed or `images` cannot be read at all; the job says so too. What is committed
    stays when an import is cut off: run again, it goes on from there.
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
        reading = _Reading(feed, images, currency, removal)
        _run(sessions, merchant_id, summary, reading, incoming, progress, on_commit)
    except BaseException as error:
        _finish(sessions, summary, "failed", _words(error))
        raise
    _finish(sessions, summary, "done", summary.kept_because)
    summary.seconds = time.monotonic() - start
    return summary


@dataclass(frozen=True)
class _Reading:
    """What is read: the feed, the images beside it, the merchant's currency; what becomes of what is not."""

    feed: Path
    images: Path | None
    currency: str
    removal: Removal


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
    presence = Presence()
    with open_pictures(reading.images) as pictures:
        rows = read_feed(reading.feed, reading.currency, shape)
        for items in batches(rows):
            presence.note(items)
            batch = prepared(sessions, merchant_id, items, pictures, incoming)
            touched = _commit(sessions, merchant_id, batch, summary)
            if touched:
                on_commit(touched)
            progress(summary.rows, max(total, summary.rows))
    removed = remove_missing(sessions, merchant_id, presence, reading.removal)
    summary.removed, summary.kept_because = len(removed.ids), removed.kept_because
    if removed.ids:
        on_commit(removed.ids)
    progress(summary.rows, summary.rows)


def _commit(
    sessions: sessionmaker[Session], merchant_id: int, batch: Batch, summary: ImportSummary
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
    sessions: sessionmaker[Session], merchant_id: int, batch: Batch, summary: ImportSummary
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
