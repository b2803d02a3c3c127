"""How far an import is, from SQL alone: whoever asks, and whenever a page is loaded again, it is the same."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.clock import instant
from catalog.importing.jobs import OPEN
from catalog.importing.tables import ImportRequest, ImportRow
from catalog.models import Image, ImportJob

_PENDING = ("queued", "fetching", "embedding")


@dataclass(frozen=True)
class ImportProgress:
    """Rows that are read and pictures of what went in; seconds that the rest will take, where that shows."""

    state: str
    rows: int = 0
    total: int = 0  # rows, an estimate
    pictures: int = 0
    indexed: int = 0
    failed: int = 0
    seconds_left: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing will change any more: all rows are read and no picture is pending."""
        return self.state not in OPEN and self.indexed + self.failed >= self.pictures


def progress_of(session: Session, request: ImportRequest) -> ImportProgress:
    """How far a request is; of one that has not begun, its state only."""
    job = session.get(ImportJob, request.job_id) if request.job_id else None
    if job is None:
        return ImportProgress(request.state)
    pictures, pending, failed = _pictures(session, job.id)
    indexed = pictures - pending - failed
    at = instant(session)
    took = max((at - job.started_at).total_seconds(), 0.001)
    rows_took = max(((job.finished_at or at) - job.started_at).total_seconds(), 0.001)
    total = max(job.total, job.rows)
    left = []
    if request.state in OPEN and job.rows and total > job.rows:
        left.append((total - job.rows) * rows_took / job.rows)
    if pending and indexed:
        left.append(pending * took / indexed)
    seconds = round(max(left)) if left else None
    return ImportProgress(request.state, job.rows, total, pictures, indexed, failed, seconds)


def _pictures(session: Session, job_id: int) -> tuple[int, int, int]:
    """(pictures, pending ones, failed ones) of the products that this import made or changed."""
    mine = ImportRow.job_id == job_id, ImportRow.outcome.in_(("created", "updated"))
    counted = select(Image.state, func.count()).join(ImportRow, ImportRow.product_id == Image.product_id)
    rows = session.execute(counted.where(*mine, Image.removed.is_(False)).group_by(Image.state))
    states: dict[str, int] = {state: many for state, many in rows}  # noqa: C416 - the rows are tuples
    pending = sum(states.get(state, 0) for state in _PENDING)
    return sum(states.values()), pending, states.get("failed", 0)
