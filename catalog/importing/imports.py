"""Importing a feed: good rows go in batch by batch, bad rows are kept with what is wrong with them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from catalog.clock import instant
from catalog.currency import CurrencyRefused, currency_of
from catalog.feeds import FeedRefused
from catalog.feeds.look import look_at
from catalog.importing.befores import Befores
from catalog.importing.fates import forget_old_fates, note_fates, note_products
from catalog.importing.mappings import recall
from catalog.importing.preparing import Batch, prepared
from catalog.importing.readings import Reading, read_here
from catalog.importing.removing import Presence, Removal, remove_missing
from catalog.models import BULK, EDIT, ImportJob, RowError
from catalog.picture_checks import ask
from catalog.products import delete_product, rows_to_change, save_products
from catalog.records import RowFault
from catalog.storage.blobs import Incoming

FEW = 50  # changed rows of an import that go before others' bulk work: a daily feed with a handful of changes

Progress = Callable[[int, int | None], None]  # rows done, rows in all (an estimate) or None
Hold = Callable[[Session, int], None]  # within each transaction, with the batches that are in after it


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


_COUNTS = ("rows", "created", "updated", "unchanged", "refused", "removed")


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
    check_pictures: bool = False,
) -> ImportSummary:
    """Import `feed`, its file names looked up in `images` (a folder or ZIP archive); return the counts.

    Rows that say what the ledger has already cost a read and no write. `on_commit` gets the ids of the
    products that changed, after each commit. `removal` says what becomes of products that are not in the
    feed; with `check_pictures` the hosts of its pictures are asked whether these are others by now.
    FeedRefused when the feed or `images` cannot be read at all; the job says so too. What is committed stays
    when an import is cut off: run again, it goes on from there.
    """
    start = time.monotonic()
    with sessions.begin() as session:
        currency = currency_of(session, merchant_id)
        job = begin_job(session, merchant_id, filename or feed.name)
    run = Import(sessions, merchant_id, ImportSummary(job.id), incoming, removal, progress, on_commit)
    run.check_pictures = check_pictures
    try:
        with read_here(feed, images, currency, recalled(sessions, merchant_id, feed)) as reading:
            run.take_in(reading)
    except BaseException as error:
        with sessions.begin() as session:
            end_job(session, run.summary, "failed", _words(error))
        raise
    with sessions.begin() as session:
        end_job(session, run.summary, "done", run.summary.kept_because)
    run.summary.seconds = time.monotonic() - start
    return run.summary


def begin_job(session: Session, merchant_id: int, filename: str, kind: str = "import") -> ImportJob:
    """A run that begins now."""
    at = instant(session)
    job = ImportJob(
        merchant_id=merchant_id, filename=filename[:300], heartbeat_at=at, started_at=at, kind=kind
    )  # fmt: skip
    session.add(job)
    session.flush()
    forget_old_fates(session, merchant_id)
    return job


def summary_of(job: ImportJob) -> ImportSummary:
    """The counts as they stand in SQL: of a run that goes on."""
    return ImportSummary(job.id, **{name: getattr(job, name) for name in _COUNTS})


def end_job(session: Session, summary: ImportSummary, state: str, message: str) -> None:
    """Write the counts and how the run ended."""
    job = _count(session, summary)
    job.state, job.message, job.finished_at = state, message[:1000], instant(session)


@dataclass
class Import:
    """One run over a feed. `done` batches are in already; with `only`, no other rows are looked at."""

    sessions: sessionmaker[Session]
    merchant_id: int
    summary: ImportSummary
    incoming: Incoming
    removal: Removal = Removal.NONE
    progress: Progress = lambda _done, _total: None
    on_commit: Callable[[Sequence[int]], None] = lambda _product_ids: None
    hold: Hold = lambda _session, _batches: None
    done: int = 0
    only: frozenset[int] | None = None
    check_pictures: bool = False  # have their hosts asked whether they are others by now
    _befores: Befores = field(init=False)

    def __post_init__(self) -> None:
        self._befores = Befores(self.merchant_id, self.summary.job_id)

    def take_in(self, reading: Reading) -> None:
        """Write every batch, then remove what is missing. Raises FeedRefused, and what `hold` raises."""
        total = reading.rows
        with self.sessions.begin() as session:
            session.get_one(ImportJob, self.summary.job_id).total = total
        self.progress(self.summary.rows, total)
        presence = Presence()
        for number, items in enumerate(reading.batches(), 1):
            presence.note(items)
            if number <= self.done:
                continue
            if self.only is not None:
                items = [item for item in items if item.row in self.only]
            batch = prepared(self.sessions, self.merchant_id, items, reading.pictures, self.incoming)
            touched = self._commit(batch, number)
            self.done = number
            if touched:
                self.on_commit(touched)
            self.progress(self.summary.rows, max(total, self.summary.rows))
        self._remove(presence)
        self.progress(self.summary.rows, self.summary.rows)

    def _commit(self, batch: Batch, number: int) -> list[int]:
        """Write one batch and the counts in one short transaction; return the ids of changed products."""
        for last in (False, False, True):
            try:
                counted = replace(self.summary)
                with self.sessions.begin() as session:
                    touched = self._write(session, batch, counted)
                    self.hold(session, number)
            except OperationalError:  # the database took another's side (a deadlock, a lock held too long)
                if last:
                    raise
            except CurrencyRefused as error:  # another import settled it since this one was opened
                raise FeedRefused(error.code, error.message, "Run it again: it says of each row.") from error
            else:
                vars(self.summary).update(vars(counted))
                return touched
        raise AssertionError("unreachable")

    def _write(self, session: Session, batch: Batch, summary: ImportSummary) -> list[int]:
        changed = summary.created + summary.updated + len(batch.records)
        if batch.records:
            skus = [record.sku for record in batch.records]
            for product in rows_to_change(session, self.merchant_id, skus).values():
                self._befores.note(product)
        saved = save_products(session, self.merchant_id, batch.records, EDIT if changed <= FEW else BULK)
        session.add_all(_row_error(summary.job_id, fault) for fault in (*batch.faults, *batch.warnings))
        outcomes = {product.sku: (product.id, outcome) for product, outcome in saved}
        note_fates(session, summary.job_id, batch, outcomes)
        if self.check_pictures:
            ask(session, self.merchant_id, [record.sku for record in (*batch.records, *batch.same)])
        written = [(product, outcome) for product, outcome in saved if outcome != "unchanged"]
        self._befores.write(session, {product.sku: (product.rev, outcome) for product, outcome in written})
        summary.rows += batch.rows
        summary.created += sum(outcome == "created" for _, outcome in saved)
        summary.updated += sum(outcome == "updated" for _, outcome in saved)
        summary.unchanged += batch.unchanged + sum(outcome == "unchanged" for _, outcome in saved)
        summary.refused += len({fault.row for fault in batch.faults})
        _count(session, summary)
        return [product.id for product, _ in written]

    def _remove(self, presence: Presence) -> None:
        removed = remove_missing(
            self.sessions, self.merchant_id, presence, self.removal, self._remove_some
        )  # fmt: skip
        self.summary.kept_because = removed.kept_because
        if removed.ids:
            self.on_commit(removed.ids)

    def _remove_some(self, session: Session, skus: list[str]) -> None:
        rows = rows_to_change(session, self.merchant_id, skus)
        for product in rows.values():
            self._befores.note(product)
        gone = [rows[sku] for sku in skus if sku in rows and delete_product(session, self.merchant_id, sku)]
        self._befores.write(session, {each.sku: (each.rev, "removed") for each in gone})
        note_products(session, self.summary.job_id, "removed", [(each.sku, each.id) for each in gone])
        self.summary.removed += len(gone)
        _count(session, self.summary)
        self.hold(session, self.done)


def recalled(sessions: sessionmaker[Session], merchant_id: int, feed: Path) -> dict[str, str] | None:
    """What the merchant said that this feed's columns mean, in the console. Raises FeedRefused."""
    with sessions() as session:
        return recall(session, merchant_id, [column.name for column in look_at(feed).columns])


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
    for name in _COUNTS:
        setattr(job, name, getattr(summary, name))
    return job


def _words(error: BaseException) -> str:
    if isinstance(error, FeedRefused):
        return f"{error.message} {error.fix}"
    return f"The import was cut off ({type(error).__name__}). Run it again: it goes on where it stopped."
