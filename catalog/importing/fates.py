"""What came of every row of an import: written with its batch, listed page by page, kept for a while."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from catalog.importing.preparing import Batch
from catalog.importing.tables import ImportRow
from catalog.models import Image, ImportJob, RowError
from catalog.products import Outcome
from catalog.records import RowFault

KEPT = 10  # imports of a merchant whose rows are kept one by one; counts and faults stay
PAGE = 50


def note_fates(session: Session, job_id: int, batch: Batch, saved: Mapping[str, tuple[int, Outcome]]) -> None:
    """Write what came of a batch; `saved` is {sku: (product id, outcome)} of what was written."""
    rows = [_fate(job_id, each.row, each.sku, "unchanged") for each in batch.same]
    for record in batch.records:
        product_id, outcome = saved[record.sku]
        rows.append(_fate(job_id, record.row, record.sku, outcome, product_id))
    refused = {fault.row: fault.sku for fault in reversed(batch.faults)}
    rows += [_fate(job_id, row, sku, "refused") for row, sku in refused.items()]
    if rows:
        session.execute(insert(ImportRow), sorted(rows, key=lambda each: int(each["row"] or 0)))


def note_products(
    session: Session, job_id: int, outcome: str, products: Iterable[tuple[str, int | None]]
) -> None:
    """Write what came of products that are no row of a feed: (sku, id)."""
    rows = [_fate(job_id, 0, sku, outcome, product_id) for sku, product_id in products]
    if rows:
        session.execute(insert(ImportRow), rows)


def _fate(
    job_id: int, row: int, sku: str, outcome: str, product_id: int | None = None
) -> dict[str, int | str | None]:
    return {
        "job_id": job_id, "row": row, "sku": sku[:100], "outcome": outcome, "product_id": product_id
    }  # fmt: skip


def forget_old_fates(session: Session, merchant_id: int) -> None:
    """Forget the single rows of all but the merchant's last imports."""
    mine = select(ImportJob.id).where(ImportJob.merchant_id == merchant_id)
    old = list(session.scalars(mine.order_by(ImportJob.id.desc()).offset(KEPT)))
    if old:
        session.execute(delete(ImportRow).where(ImportRow.job_id.in_(old)))


@dataclass(frozen=True)
class Fate:
    """A row as it is shown: what came of it, what is wrong with it, how far its pictures are."""

    id: int
    row: int
    sku: str
    outcome: str
    faults: tuple[RowFault, ...] = ()
    pictures: Mapping[str, int] | None = None  # {state: pictures} of what went in
    failure: str = ""  # why a picture failed


def count_fates(session: Session, job_id: int) -> dict[str, int]:
    """{outcome: rows} of an import."""
    counted = select(ImportRow.outcome, func.count()).where(ImportRow.job_id == job_id)
    return {name: many for name, many in session.execute(counted.group_by(ImportRow.outcome))}  # noqa: C416


def list_fates(
    session: Session, job_id: int, outcome: str = "", after: int = 0, limit: int = PAGE
) -> list[Fate]:
    """Rows in the feed's order, those behind the fate with the id `after`; of one outcome, or of all."""
    mine = select(ImportRow).where(ImportRow.job_id == job_id, ImportRow.id > after)
    if outcome:
        mine = mine.where(ImportRow.outcome == outcome)
    rows = session.scalars(mine.order_by(ImportRow.id).limit(limit)).all()
    faults = _faults(session, job_id, [each.row for each in rows if each.row])
    pictures, failures = _pictures(session, [each.product_id for each in rows if each.product_id])
    return [
        Fate(
            each.id, each.row, each.sku, each.outcome, tuple(faults.get(each.row, ())),
            pictures.get(each.product_id or 0), failures.get(each.product_id or 0, ""),
        )
        for each in rows
    ]  # fmt: skip


def _faults(session: Session, job_id: int, rows: Sequence[int]) -> dict[int, list[RowFault]]:
    kept = select(RowError).where(RowError.job_id == job_id, RowError.row.in_(rows)).order_by(RowError.id)
    found: dict[int, list[RowFault]] = {}
    for each in session.scalars(kept):
        fault = RowFault(each.row, each.column, each.code, each.message, each.raw)
        found.setdefault(each.row, []).append(fault)
    return found


def _pictures(session: Session, products: Sequence[int]) -> tuple[dict[int, dict[str, int]], dict[int, str]]:
    columns = (Image.product_id, Image.state, func.count(), func.max(Image.error_message))
    there = select(*columns).where(Image.product_id.in_(products), Image.removed.is_(False))
    states: dict[int, dict[str, int]] = {}
    failures: dict[int, str] = {}
    for product_id, state, many, message in session.execute(there.group_by(Image.product_id, Image.state)):
        states.setdefault(product_id, {})[state] = many
        if state == "failed":
            failures[product_id] = message
    return states, failures
